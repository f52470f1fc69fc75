"""Peer: skorch, its NeuralNet and its callbacks.

Its users rely on these promises:

- ``net_`` is a skorch net: it is cloned, pickled, shown and asked for its parameters
- ``sklearn.base.clone(net_)`` is an unfitted net of the same parameters
- ``history`` has a record per epoch, slices by epoch and by column, and grows as training goes on
- callbacks see training begin, every epoch and training end, in the order in which they are given
- Checkpoint, EarlyStopping, EpochScoring and LRScheduler do what they do in skorch
- weights are saved and loaded; a schedule or a callback may read ``module_`` and ``optimizer_``
- ``module__x`` and ``optimizer__x`` are parameters of module and optimiser
- a loss is the ``criterion`` of a plain net, with ``criterion__x``
- ``verbose`` decides whether something is printed
"""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNet, NeuralNetRegressor
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, EpochScoring, LRScheduler
from skorch.exceptions import NotInitializedError
from torch import nn

from sklloss import Criterion, NeuralClassifier, NeuralRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = X[:, 0] - X[:, 1] / 2 + 0.1 * RNG.normal(size=60)
SMALL = {
    "hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0, "numeric_encoding": "standard",
}  # fmt: skip


def small(**params):
    return NeuralRegressor(**{**SMALL, **params})


@pytest.fixture
def net():
    return small().fit(X, Y).net_


# ---------------------------------------------------------------------- the net


@pytest.mark.parametrize("kind", [NeuralRegressor, NeuralClassifier])
def test_the_net_is_a_skorch_net_that_is_cloned_pickled_and_shown(kind):
    net = kind(**SMALL).fit(X, Y > 0 if kind is NeuralClassifier else Y).net_
    assert isinstance(net, NeuralNet)
    assert "initialized" in repr(net)
    assert {"lr", "max_epochs", "optimizer", "criterion", "module"} <= set(net.get_params())
    again = clone(net)
    assert type(again) is type(net)
    assert again.get_params(deep=False).keys() == net.get_params(deep=False).keys()
    assert again.lr == net.lr
    assert not again.initialized_
    copied = pickle.loads(pickle.dumps(net))
    rows = np.float32(X)
    np.testing.assert_array_equal(copied.predict(rows), net.predict(rows))


def test_attributes_that_are_not_there_raise_an_attribute_error(net):
    assert not hasattr(net, "nothing_of_the_kind")
    assert not hasattr(net, "classes_")
    for name in dir(net):
        hasattr(net, name)


def test_an_unfitted_estimator_has_no_net():
    with pytest.raises(AttributeError):
        _ = small().net_
    with pytest.raises((NotFittedError, NotInitializedError)):
        small().predict(X)


def test_forward_of_the_net_is_raw_output_of_scaled_rows(net):
    rows = (X - X.mean(0)) / X.std(0)
    raw = net.forward(rows)
    assert raw.shape == (60, 1)
    with torch.no_grad():
        by_hand = net.module_(torch.from_numpy(rows).to(raw.dtype))
    torch.testing.assert_close(raw, by_hand.reshape(60, 1))


def test_weights_are_saved_and_loaded(net, tmp_path):
    before = net.predict(X)
    net.save_params(f_params=tmp_path / "weights.pt", f_optimizer=tmp_path / "optimizer.pt")
    with torch.no_grad():
        for weights in net.module_.parameters():
            weights.zero_()
    assert np.abs(net.predict(X) - before).max() > 0
    net.load_params(f_params=tmp_path / "weights.pt", f_optimizer=tmp_path / "optimizer.pt")
    np.testing.assert_array_equal(net.predict(X), before)


# ---------------------------------------------------------------------- history


def test_history_has_a_record_per_epoch_and_grows():
    model = small(warm_start=True).fit(X, Y)
    history = model.history_
    assert history is model.net_.history
    assert history[:, "epoch"] == [1, 2, 3]
    assert len(history[:, ("train_loss", "dur")]) == 3
    assert history[-1, "train_loss"] == history[:, "train_loss"][-1]
    assert len(model.fit(X, Y).history_) == 6
    assert len(model.partial_fit(X, Y).history_) == 7
    with pytest.raises(KeyError):
        _ = model.history_[:, "valid_loss"]


# ---------------------------------------------------------------------- callbacks


class Noting(Callback):
    def __init__(self, seen, name):
        self.seen, self.name = seen, name

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.seen.append((self.name, "begin", net.initialized_))

    def on_epoch_end(self, net, **kwargs):
        assert isinstance(net.module_, nn.Module)
        assert isinstance(net.optimizer_, torch.optim.Optimizer)
        self.seen.append((self.name, "epoch", len(net.history)))

    def on_train_end(self, net, X=None, y=None, **kwargs):
        self.seen.append((self.name, "end", len(net.history)))


def test_callbacks_see_training_in_the_order_in_which_they_are_given():
    seen = []
    small(max_epochs=2, callbacks=[("b", Noting(seen, "b")), ("a", Noting(seen, "a"))]).fit(X, Y)
    expected = [("begin", True), ("epoch", 1), ("epoch", 2), ("end", 2)]
    assert seen == [(name, *what) for what in expected for name in "ba"]


def test_early_stopping_and_scores_of_skorch():
    stops = EarlyStopping("train_loss", patience=2, threshold=1e9, threshold_mode="abs")
    score = EpochScoring("neg_mean_absolute_error", name="mae", on_train=True)
    model = small(max_epochs=50, callbacks=[score, stops]).fit(X, Y)
    assert model.n_iter_ < 5
    assert len(model.history_[:, "mae"]) == model.n_iter_


def test_a_checkpoint_restores_the_epoch_that_it_saved(tmp_path):
    saves = Checkpoint(monitor=lambda net: len(net.history) == 2, dirname=tmp_path)
    model = small(callbacks=[saves]).fit(X, Y)
    model.net_.load_params(checkpoint=saves)
    np.testing.assert_array_equal(model.predict(X), small(max_epochs=2).fit(X, Y).predict(X))


def test_a_schedule_steps_every_epoch():
    schedule = LRScheduler("ExponentialLR", gamma=0.5)
    model = small(lr=0.08, callbacks=[schedule]).fit(X, Y)
    assert model.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(0.01)


# ---------------------------------------------------------------------- parameters


class Net(nn.Module):
    def __init__(self, n_features, n_outputs, width=3):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_features, width), nn.Linear(width, n_outputs))

    def forward(self, X):
        return self.layers(X)


def test_parameters_of_module_and_optimiser_in_a_search():
    model = small(module=Net, max_epochs=30, lr=0.02)
    grid = {"module__width": [2, 5], "optimizer__betas": [(0.8, 0.9), (0.9, 0.99)]}
    found = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, Y)
    net = found.best_estimator_.net_
    assert net.module_.layers[0].out_features == found.best_params_["module__width"]
    betas = net.optimizer_.param_groups[0]["betas"]
    assert betas == found.best_params_["optimizer__betas"]


def test_a_loss_is_the_criterion_of_a_plain_net():
    net = NeuralNetRegressor(
        Net, module__n_features=4, module__n_outputs=1, criterion=Criterion,
        criterion__loss="huber", criterion__loss__delta=0.5, max_epochs=2, verbose=0,
        train_split=None,
    )  # fmt: skip
    rows, y = np.float32(X), np.float32(Y)[:, None]
    net.fit(rows, y)
    by_torch = nn.HuberLoss(delta=0.5)(torch.from_numpy(net.predict(rows)), torch.from_numpy(y))
    by_ours = net.get_loss(torch.from_numpy(net.predict(rows)), torch.from_numpy(y))
    assert by_ours.item() == pytest.approx(by_torch.item(), rel=1e-5)
    assert clone(net).get_params()["criterion__loss__delta"] == 0.5


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (1, 3)])
def test_verbose_decides_what_is_printed(verbose, lines, capsys):
    small(verbose=verbose).fit(X, Y)
    printed = capsys.readouterr().out
    assert printed.count("\n") >= lines
    assert bool(printed) == bool(verbose)
