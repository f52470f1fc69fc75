"""skorch's callbacks: what they see of training, and what they may do to it."""

import os
import signal
import threading

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetRegressor
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    InputShapeSetter,
    LRScheduler,
    ProgressBar,
)
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn

from sklloss import LossSearchCV, NeuralClassifier

from .small_regressor import ONE_NETWORK, small


class Recorder(Callback):
    """Counts events."""

    def __init__(self):
        self.events = []

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.events.append("train")

    def on_epoch_end(self, net, **kwargs):
        self.events.append("epoch")


class BatchRecorder(Recorder):
    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        X, y = batch
        assert len(X) == len(y)
        self.events.append("batch")

    def on_grad_computed(self, net, named_parameters=None, **kwargs):
        assert all(p.grad is not None for _, p in named_parameters)
        self.events.append("grad")


def test_callbacks_are_called_as_in_skorch(diabetes):
    X, y = diabetes
    epochs, batches = Recorder(), BatchRecorder()
    model = small(callbacks=[("a", epochs), ("b", batches)], batch_size=100).fit(X, y)
    assert epochs.events == ["train"] + 6 * ["epoch"]
    assert batches.events == ["train"] + 6 * (5 * ["grad", "batch"] + ["epoch"])
    assert len(model.history_[0]["batches"]) == 5
    quiet = small(callbacks=[("a", Recorder())], batch_size=100).fit(X, y)
    assert len(quiet.history_[0]["batches"]) == 1
    np.testing.assert_array_equal(quiet.predict(X), model.predict(X))


class BatchesOfBoth(Callback):
    """Keeps the targets of batches that train, and of those that validate."""

    def on_train_begin(self, net, **kwargs):
        self.y = {True: [], False: []}

    def on_batch_end(self, net, batch=None, training=None, y_pred=None, loss=None, **kwargs):
        assert len(y_pred) == len(batch[1])
        assert np.isfinite(loss.item())
        self.y[training].append(batch[1].numpy())


def test_validation_batches_have_events_as_in_skorch(diabetes):
    X, y = diabetes
    rows = np.arange(300), np.arange(300, 442)
    seen = BatchesOfBoth()
    scores = [
        BatchScoring("r2", lower_is_better=False, name="valid_r2"),
        BatchScoring("r2", lower_is_better=False, name="train_r2", on_train=True),
    ]
    one_epoch = {"early_stopping": True, "validation_fraction": rows, "max_epochs": 1}
    model = small(callbacks=[*scores, ("seen", seen)], batch_size=50, **one_epoch).fit(X, y)
    single = X.astype(np.float32), y.astype(np.float32)[:, np.newaxis]
    plain = NeuralNetRegressor(
        nn.Linear(10, 1),
        callbacks=[BatchScoring("r2", lower_is_better=False, name="valid_r2")],
        train_split=predefined_split(Dataset(*(Z[300:] for Z in single))),
        **{"batch_size": 50, "max_epochs": 1, "verbose": 0},
    ).fit(*(Z[:300] for Z in single))
    # Equal for every row, whatever the order of training.
    np.testing.assert_allclose(np.concatenate(seen.y[False]).ravel(), y[300:], rtol=1e-6)
    np.testing.assert_allclose(np.sort(np.concatenate(seen.y[True]).ravel()), np.sort(y[:300]))
    assert [len(each) for each in seen.y[False]] == [50, 50, 42]
    for name in ("train_batch_count", "valid_batch_count"):
        assert model.history_[-1, name] == plain.history[-1, name]
    np.testing.assert_allclose(
        model.history_[-1, "valid_r2"],
        np.average(
            [r2_score(y[part], model.predict(X[part])) for part in np.split(rows[1], (50, 100))],
            weights=(50, 50, 42),
        ),
    )
    assert model.history_[-1, "train_r2"] < 1
    losses = model.history_[-1, "batches", :, "valid_loss"]
    assert np.average(losses[-3:], weights=(50, 50, 42)) == pytest.approx(
        model.history_[-1, "valid_loss"], rel=1e-5
    )
    quiet = small(batch_size=50, **one_epoch).fit(X, y)
    np.testing.assert_array_equal(quiet.predict(X), model.predict(X))


@pytest.mark.parametrize("loss", ["mse", "mae", "quantile", "poisson", "gaussian_nll"])
def test_scores_are_in_units_of_y(loss, diabetes):
    X, y = diabetes
    rows = np.arange(300), np.arange(300, 442)
    score = EpochScoring("neg_mean_absolute_error", name="mae")
    model = small(
        loss=loss, callbacks=[score], early_stopping=True, validation_fraction=rows, max_epochs=1
    ).fit(X, y)
    own = -mean_absolute_error(y[300:], model.predict(X[300:]))
    assert model.history_[-1, "mae"] == pytest.approx(own, rel=1e-5)
    assert own < -10
    scaled = model._learned.input_scaler.transform(X, torch.float32)
    np.testing.assert_allclose(model.net_.predict(scaled), model.predict(X), rtol=1e-5)
    # Raw output is on the scale that the network learns on.
    assert model.net_.forward(scaled).abs().max() < 10


def test_several_targets_are_scored_in_units_of_each(diabetes):
    X, y = diabetes
    both = np.column_stack([y, 1e-3 * y])
    score = EpochScoring("neg_mean_absolute_error", name="mae")
    rows = np.arange(300), np.arange(300, 442)
    model = small(
        callbacks=[score], early_stopping=True, validation_fraction=rows, max_epochs=1
    ).fit(X, both)
    own = -mean_absolute_error(both[300:], model.predict(X[300:]))
    assert model.history_[-1, "mae"] == pytest.approx(own, rel=1e-5)


def test_schedules_clipping_scores_and_bars(diabetes, capsys):
    X, y = diabetes
    callbacks = [
        EpochScoring("r2", lower_is_better=False, name="r2_again"),
        LRScheduler("StepLR", step_size=2, gamma=0.1),
        EpochScoring("r2", lower_is_better=False, name="r2"),
        GradientNormClipping(1e-3),
        ProgressBar(detect_notebook=False),
    ]
    model = small(callbacks=callbacks, early_stopping=True).fit(X, y)
    assert model.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(0.005 * 1e-3)
    assert len(model.history_[:, "r2"]) == 6
    assert len(model.history_[:, "event_lr"]) == 6


def test_scores_of_probabilities_work_as_callbacks(breast_cancer):
    X, y = breast_cancer
    score = EpochScoring("roc_auc", lower_is_better=False, name="auc")
    model = NeuralClassifier(
        callbacks=[score], **{**ONE_NETWORK, "early_stopping": True, "max_epochs": 5}
    )
    assert model.fit(X, y).history_[-1, "auc"] > 0.9


def test_skorch_early_stopping_ends_training(diabetes):
    X, y = diabetes
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=0.5)
    model = small(callbacks=[stop], max_epochs=50).fit(X, y)
    assert model.n_iter_ < 50


def test_an_interruption_is_not_swallowed(diabetes):
    class Interrupts(BatchRecorder):
        def on_batch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small(callbacks=[Interrupts()]).fit(*diabetes)


def test_checkpoint_of_epoch_3_predicts_as_epoch_3_did(diabetes, tmp_path):
    X, y = diabetes
    checkpoint = Checkpoint(monitor=None, dirname=str(tmp_path), f_params="{last_epoch[epoch]}.pt")
    model = small(callbacks=[checkpoint]).fit(X, y)
    third = small(max_epochs=3).fit(X, y)
    assert not np.array_equal(model.predict(X), third.predict(X))
    model.net_.load_params(f_params=str(tmp_path / "3.pt"))
    np.testing.assert_array_equal(model.predict(X), third.predict(X))


def test_callbacks_that_freeze_parameters_are_refused(diabetes):
    with pytest.raises(ValueError, match=r"callback .*Freezer.* freezes or replaces parameters"):
        small(callbacks=[Freezer("*")]).fit(*diabetes)


def test_a_callback_that_builds_the_module_anew_is_refused(diabetes):
    with pytest.raises(ValueError, match=r"InputShapeSetter\) rebuilds the module"):
        small(callbacks=[InputShapeSetter()]).fit(*diabetes)


class Interrupted(Callback):
    """Is interrupted by the user at the end of the second epoch."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            os.kill(os.getpid(), signal.SIGINT)
            # Python looks for signals now and then.
            for _ in range(10_000):
                pass


class Stops(Callback):
    """Stops training at the end of the second epoch, as skorch's EarlyStopping does."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


@pytest.fixture
def _interruptible():
    """Raise KeyboardInterrupt also where programs in the background ignore the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("callbacks", [[Interrupted()], [Interrupted(), Stops()]])
def test_an_interruption_at_the_end_of_an_epoch_ends_the_fit(callbacks, diabetes):
    before = signal.getsignal(signal.SIGINT)
    model = small(callbacks=callbacks)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*diabetes)
    assert not hasattr(model, "net_")
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("_interruptible")
def test_an_interruption_at_the_end_of_an_epoch_ends_a_search(diabetes):
    search = LossSearchCV(small(callbacks=[Interrupted()]), {"loss": ["mse", "mae"]}, cv=2)
    with pytest.raises(KeyboardInterrupt):
        search.fit(*diabetes)


def test_a_callback_stops_training_in_any_thread(diabetes):
    here, there = (small(callbacks=[Stops()]) for _ in range(2))
    thread = threading.Thread(target=there.fit, args=diabetes)
    thread.start()
    thread.join()
    assert here.fit(*diabetes).n_iter_ == there.n_iter_ == 2


def test_handlers_of_interruptions_are_called(diabetes):
    called = []
    before = signal.signal(signal.SIGINT, lambda *_: called.append(1))
    try:
        assert small(callbacks=[Interrupted()]).fit(*diabetes).n_iter_ == 6
    finally:
        signal.signal(signal.SIGINT, before)
    assert called == [1]


@pytest.mark.parametrize(
    ("policy", "params"),
    [
        ("ExponentialLR", {"gamma": 0.5}),
        ("CosineAnnealingLR", {"T_max": 8}),
        ("StepLR", {"step_size": 3, "gamma": 0.1}),
        ("MultiStepLR", {"milestones": [2, 5], "gamma": 0.1}),
    ],
)
def test_schedules_go_on_in_continued_training_as_in_skorch(policy, params, diabetes):
    def model():
        return small(callbacks=[LRScheduler(policy, **params)], lr=0.01, warm_start=True)

    in_parts, in_fits = model(), model().set_params(max_epochs=1)
    plain = NeuralNetRegressor(
        nn.Linear(10, 1), callbacks=[LRScheduler(policy, **params)], max_epochs=1, verbose=0
    )
    X, y = diabetes
    for _ in range(8):
        in_parts.partial_fit(X, y)
        in_fits.fit(X, y)
        plain.partial_fit(X.astype(np.float32), y.astype(np.float32)[:, np.newaxis])
    assert len(set(plain.history[:, "event_lr"])) > 2
    for own in (in_parts, in_fits):
        assert own.history_[:, "event_lr"] == pytest.approx(plain.history[:, "event_lr"])
    in_parts.set_params(lr=0.3).partial_fit(X, y)
    assert in_parts.history_[-1, "event_lr"] == pytest.approx(0.3)


@pytest.mark.parametrize("kind", [GridSearchCV, LossSearchCV])
def test_workers_do_not_load_the_weights_of_others(kind, diabetes, tmp_path):
    best = Checkpoint(load_best=True, monitor="valid_loss_best", dirname=str(tmp_path))
    model = small(early_stopping=True, n_iter_no_change=np.inf, callbacks=[("best", best)])
    search = kind(model, {"loss": ["mse", "mae"]}, cv=2, n_jobs=2, error_score="raise")
    with pytest.raises(
        ValueError, match=r"callback 'best' \(Checkpoint\).*n_jobs=1.*early_stopping"
    ):
        search.fit(*diabetes)
    assert np.isfinite(search.set_params(n_jobs=1).fit(*diabetes).best_score_)
