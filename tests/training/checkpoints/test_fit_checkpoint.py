"""A fit that was killed goes on where it was, and ends with the bits of an undisturbed one."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import nn

from sklloss import NeuralRegressor
from sklloss.training import FitCheckpoint
from sklloss.training.checkpoints.fit_checkpoint import KeptFile

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
