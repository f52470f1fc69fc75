"""A fit that was killed goes on where it was, and ends with the bits of an undisturbed one."""

import errno
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch import NeuralNetRegressor
from skorch.callbacks import EpochScoring, LRScheduler, PrintLog
from torch import nn

from sklloss import NeuralClassifier, NeuralRegressor, Recommender
from sklloss.training import FitCheckpoint
from sklloss.training.checkpoints import fit_file
from sklloss.training.checkpoints.fit_checkpoint import KeptFile
from sklloss.training.engine import Engine

from ...laws.small_models import ONE_NETWORK

# A few epochs are too few for some fits, which is not the point.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 12, "random_state": 0}
ONE = {**ONE_NETWORK, **SMALL}
STOPPING = {"early_stopping": True, "n_iter_no_change": 3, "batch_size": 50}


class Network(nn.Module):
    """A network of a user, with a buffer that training changes."""

    def __init__(self, n_features=10, n_outputs=1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(10, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1)
        )

    def forward(self, X):
        return self.layers(X)


CASES = {
    "members": NeuralRegressor(**SMALL),
    "one member": NeuralRegressor(**ONE),
    "validation rows": NeuralRegressor(**{**ONE, **STOPPING}),
    "members that stop apart": NeuralRegressor(**{**SMALL, **STOPPING}, n_members=4, tol=0.01),
    "small batches": NeuralRegressor(**ONE, batch_size=64, dropout=0.3, l1=1e-3),
    "trained loss": NeuralRegressor(**ONE, loss="adaptive", batch_size=64),
    "two trained losses of members": NeuralRegressor(**SMALL, loss="gaussian_nll", n_members=2),
    "momentum": NeuralRegressor(
        **ONE, optimizer="sgd", optimizer_params={"momentum": 0.9}, batch_size=64
    ),
    "lbfgs": NeuralRegressor(**ONE, optimizer="lbfgs", loss="mae"),
    "own module": NeuralRegressor(module=Network, **{**ONE, "hidden_layer_sizes": ()}),
    "calibrated": NeuralRegressor(**SMALL, loss="quantile", calibrate=True),
}


def kept_in(path, estimator, seconds=0.0):
    """Return a copy of an estimator with a checkpoint."""
    params = {
        **estimator.get_params(deep=False),
        "callbacks": [FitCheckpoint(path, seconds=seconds)],
    }
    return type(estimator)(**params)


@contextmanager
def interruption(n_saves, monkeypatch):
    """Interrupt the fit inside after it has been saved so often."""
    left = [n_saves]
    save = KeptFile.save

    def save_some(kept, pauses):
        save(kept, pauses)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        patch.setattr(KeptFile, "save", save_some)
        yield


@pytest.mark.parametrize("name", CASES)
def test_a_fit_that_goes_on_has_the_bits_of_an_undisturbed_one(
    name, diabetes, tmp_path, monkeypatch
):
    X, y = diabetes
    expected = CASES[name].fit(X, y)
    for n_saves in (1, 3, 2):
        with interruption(n_saves, monkeypatch):
            kept_in(tmp_path / "fit", CASES[name]).fit(X, y)
    going = kept_in(tmp_path / "fit", CASES[name]).fit(X, y)
    np.testing.assert_array_equal(going.predict(X), expected.predict(X))
    for net, other in zip(going.members_, expected.members_, strict=True):
        assert net.history[:, "train_loss"] == other.history[:, "train_loss"]
        assert (net.best_epoch_, net.stopped_by_) == (other.best_epoch_, other.stopped_by_)
        for value, known in zip(
            net.module_.state_dict().values(), other.module_.state_dict().values(), strict=True
        ):
            assert torch.equal(value, known)
    assert going.n_iter_ == expected.n_iter_
    if name == "calibrated":
        np.testing.assert_array_equal(going.predict_interval(X), expected.predict_interval(X))
    assert [each.name for each in tmp_path.iterdir()] == ["fit"]


KILLED = """
import os, signal, sys, warnings
warnings.simplefilter("ignore")
from sklearn.datasets import load_diabetes
from tests.training.checkpoints.test_fit_checkpoint import CASES, KeptFile, kept_in
save, left = KeptFile.save, 5
def counted(kept, pauses):
    global left
    save(kept, pauses)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
KeptFile.save = counted
kept_in(sys.argv[1], CASES["members"]).fit(*load_diabetes(return_X_y=True))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="There is no kill -9.")
def test_a_fit_that_was_killed_goes_on(diabetes, tmp_path, monkeypatch):
    trained = []

    def epoch(engine, run=Engine._epoch):
        trained.append(engine._n_epochs + 1)
        run(engine)

    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", KILLED, str(tmp_path / "fit")]
    assert subprocess.run(command, cwd=root, check=False).returncode == -signal.SIGKILL
    monkeypatch.setattr(Engine, "_epoch", epoch)
    going = kept_in(tmp_path / "fit", CASES["members"]).fit(*diabetes)
    assert trained[0] == 6
    expected = CASES["members"].fit(*diabetes)
    np.testing.assert_array_equal(going.predict(diabetes[0]), expected.predict(diabetes[0]))
    assert [each.name for each in tmp_path.iterdir()] == ["fit"]


def test_a_fit_of_interactions_goes_on(tmp_path, monkeypatch):
    draw = np.random.default_rng(0)
    X = np.stack([draw.integers(0, 30, 400), draw.integers(0, 20, 400)], 1)
    model = Recommender(max_epochs=6, random_state=0)
    y = draw.integers(1, 6, 400)
    expected = model.fit(X, y).predict(X)
    with interruption(3, monkeypatch):
        kept_in(tmp_path / "fit", model).fit(X, y)
    going = kept_in(tmp_path / "fit", model).fit(X, y)
    np.testing.assert_array_equal(going.predict(X), expected)


def test_labels_with_class_weights_go_on(breast_cancer, tmp_path, monkeypatch):
    model = NeuralClassifier(**SMALL, class_weight="balanced", decision="macro_f1")
    expected = model.fit(*breast_cancer).predict_proba(breast_cancer[0])
    with interruption(3, monkeypatch):
        kept_in(tmp_path / "fit", model).fit(*breast_cancer)
    going = kept_in(tmp_path / "fit", model).fit(*breast_cancer)
    np.testing.assert_array_equal(going.predict_proba(breast_cancer[0]), expected)


def test_a_finished_fit_returns_at_once_unless_it_is_random(diabetes, tmp_path, monkeypatch):
    first = kept_in(tmp_path / "fit", NeuralRegressor(**ONE)).fit(*diabetes)
    drawn = NeuralRegressor(**{**ONE, "random_state": None})
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "_epoch", None)
        second = kept_in(tmp_path / "fit", NeuralRegressor(**ONE)).fit(*diabetes)
    np.testing.assert_array_equal(first.predict(diabetes[0]), second.predict(diabetes[0]))
    # Another fit replaces it.
    seen = [kept_in(tmp_path / "fit", drawn).fit(*diabetes).predict(diabetes[0]) for _ in range(2)]
    assert (seen[0] != seen[1]).any()


def test_a_random_fit_goes_on_with_its_seeds(diabetes, tmp_path, monkeypatch):
    model = NeuralRegressor(**{**SMALL, "random_state": None})
    with interruption(3, monkeypatch):
        kept_in(tmp_path / "fit", model).fit(*diabetes)
    seeds = fit_file.read(tmp_path / "fit")["seeds"]
    going = kept_in(tmp_path / "fit", model).fit(*diabetes)
    expected = model.set_params(random_state=seeds[0]).fit(*diabetes)
    np.testing.assert_array_equal(going.predict(diabetes[0]), expected.predict(diabetes[0]))


@pytest.mark.parametrize(
    ("params", "rows", "message"),
    [
        ({"lr": 0.5}, 442, "estimator: lr is 0.5, was 'auto'"),
        (
            {},
            400,
            r"data: X is float64 of shape \(400, 10\), was float64 of shape \(442, 10\), y is",
        ),
        ({"loss": "mae"}, 442, "estimator: loss is 'mae', was 'squared_error'"),
    ],
)
def test_an_unfinished_fit_is_not_replaced(params, rows, message, diabetes, tmp_path, monkeypatch):
    X, y = diabetes
    model = NeuralRegressor(**ONE)
    with interruption(2, monkeypatch):
        kept_in(tmp_path / "fit", model).fit(X, y)
    before = (tmp_path / "fit").read_bytes()
    with pytest.raises(ValueError, match=f"has an unfinished fit that differs.*{message}"):
        kept_in(tmp_path / "fit", NeuralRegressor(**{**ONE, **params})).fit(X[:rows], y[:rows])
    assert (tmp_path / "fit").read_bytes() == before


def test_one_fit_writes_a_file_at_a_time(diabetes, tmp_path, monkeypatch):
    def save(kept, pauses):
        with pytest.raises(OSError, match="is being written by another fit"):
            kept_in(tmp_path / "fit", NeuralRegressor(**ONE)).fit(*diabetes)

    monkeypatch.setattr(KeptFile, "save", save)
    kept_in(tmp_path / "fit", NeuralRegressor(**{**ONE, "max_epochs": 1})).fit(*diabetes)


def test_a_disk_that_is_full_ends_a_fit_and_leaves_the_state_before(
    diabetes, tmp_path, monkeypatch
):
    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with interruption(2, monkeypatch):
        kept_in(tmp_path / "fit", CASES["members"]).fit(*diabetes)
    before = (tmp_path / "fit").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="can no longer be written .No space left"):
            kept_in(tmp_path / "fit", CASES["members"]).fit(*diabetes)
    assert (tmp_path / "fit").read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["fit"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"something else", "is not a checkpoint of a fit, and was not changed"),
        (lambda data: data[:2000], "is damaged: its contents do not match"),
        (lambda data: data[:20], "is not a checkpoint of a fit"),
        (lambda data: data[:30], "is damaged"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "is damaged"),
        (
            lambda data: data.replace(b"\n\1\0", b"\n\2\0", 1),
            "a newer version of sklloss .format 2",
        ),
    ],
)
def test_files_of_others_are_refused(change, message, diabetes, tmp_path):
    path = tmp_path / "fit"
    kept_in(path, NeuralRegressor(**ONE)).fit(*diabetes)
    path.write_bytes(change(path.read_bytes()))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        kept_in(path, NeuralRegressor(**ONE)).fit(*diabetes)
    assert path.read_bytes() == before


def test_what_cannot_go_on_is_refused_by_name(diabetes, tmp_path):
    kept = FitCheckpoint(tmp_path / "fit")
    schedule = LRScheduler(policy="StepLR", step_size=2)
    cases = {
        "cannot keep the state of the callback LRScheduler": [kept, schedule],
        "cannot keep the state of the callback EpochScoring": [("a", kept), EpochScoring("r2")],
        "needs seconds >= 0; got -1": [FitCheckpoint(tmp_path / "fit", seconds=-1)],
    }
    for message, callbacks in cases.items():
        with pytest.raises(ValueError, match=message):
            NeuralRegressor(**ONE, callbacks=callbacks).fit(*diabetes)
    with pytest.raises(ValueError, match="warm_start=True goes on with an earlier one"):
        NeuralRegressor(**ONE, callbacks=[kept], warm_start=True).fit(*diabetes)
    with pytest.raises(ValueError, match="partial_fit goes on with an earlier one"):
        NeuralRegressor(**ONE, callbacks=[kept]).partial_fit(*diabetes)
    with pytest.raises(ValueError, match=r"Use skorch.callbacks.Checkpoint"):
        NeuralNetRegressor(Network, callbacks=[kept], verbose=0).fit(
            diabetes[0].astype("f4"), diabetes[1].astype("f4")[:, None]
        )
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        NeuralRegressor(**ONE, callbacks=[FitCheckpoint(tmp_path)]).fit(*diabetes)
    assert not list(tmp_path.iterdir())


def test_callbacks_without_a_state_stand_beside_it(diabetes, tmp_path, capsys):
    kept = FitCheckpoint(tmp_path / "fit")
    model = NeuralRegressor(**ONE, callbacks=[kept, PrintLog()], verbose=1)
    model.fit(*diabetes)
    assert "train_loss" in capsys.readouterr().out


def test_a_checkpoint_clones_and_shows_its_path(tmp_path):
    made = clone(NeuralRegressor(callbacks=[FitCheckpoint("fit", seconds=3)])).callbacks[0]
    assert (made.path, made.seconds) == ("fit", 3)
