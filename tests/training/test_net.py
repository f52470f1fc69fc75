"""The training loop as a skorch net: optimisers, penalties, randomness, stopping."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, Ridge
from torch import nn

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.estimators.fit.cache import Cache
from sklloss.estimators.fit.prepare import Preparation
from sklloss.estimators.inputs.data import FitData
from sklloss.training import OPTIMIZERS

from .small_regressor import ONE_NETWORK, small

# With a linear path, hidden layers that stop learning could go unnoticed.
WITHOUT_PATH = {
    "module_params": {"linear_path": False, "init": "glorot"},
    "optimizer": "adam",
}


def start_of(model, X, y):
    """Return the network that training starts with."""
    return Preparation(model, Cache()).of(FitData(X, y)).nets[0].module_


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns(optimizer, diabetes):
    X, y = diabetes
    model = small(optimizer=optimizer, max_epochs=100, lr="auto").fit(X, y)
    assert model.score(X, y) > 0.4
    assert isinstance(model.net_.optimizer_, OPTIMIZERS[optimizer].cls)


def test_optimizer_by_class_with_arguments(diabetes):
    X, y = diabetes
    params = {"betas": (0.8, 0.9)}
    model = small(optimizer=torch.optim.Adam, optimizer_params=params, lr=0.02).fit(X, y)
    assert model.net_.optimizer_.param_groups[0]["betas"] == (0.8, 0.9)
    model.set_params(optimizer="adam", optimizer__eps=1e-5).fit(X, y)
    assert model.net_.optimizer_.param_groups[0]["eps"] == 1e-5


def test_plain_sgd_full_batch_equals_a_loop_by_hand(diabetes):
    X, y = diabetes
    plainly = {"optimizer": "sgd", "optimizer_params": {"momentum": 0.0}, "batch_size": 1000}
    model = small(**plainly, lr=0.1).fit(X, y)
    start = start_of(small(**plainly), X, y)
    features = torch.from_numpy((X - X.mean(0)) / X.std(0))
    targets = torch.from_numpy((y - y.mean()) / y.std())[:, None]
    optimizer = torch.optim.SGD(start.parameters(), lr=0.1)
    for _ in range(6):
        optimizer.zero_grad()
        (0.5 * (start(features) - targets) ** 2).mean().backward()
        optimizer.step()
    by_hand = start(features)[:, 0].detach().numpy() * y.std() + y.mean()
    np.testing.assert_allclose(model.predict(X), by_hand, rtol=1e-6)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("module", ["mlp", nn.Linear])
def test_copies_predict_the_same_bits_and_train_on(copied, module, diabetes):
    X, y = diabetes
    model = small(warm_start=True, module=module).fit(X, y)
    twin = copied(model)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    model.fit(X, y), twin.fit(X, y)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))


def test_a_pickle_holds_each_number_once_with_the_optimizer(diabetes):
    model = small(hidden_layer_sizes=(64,) * 8).fit(*diabetes)
    numbers = sum(p.numel() for p in model.net_.module_.parameters())
    assert len(pickle.dumps(model)) < 5 * 4 * numbers + 50_000


def test_warm_start_is_the_longer_fit(diabetes):
    X, y = diabetes
    twice = small(max_epochs=3, warm_start=True).fit(X, y).fit(X, y)
    once = small(max_epochs=6).fit(X, y)
    assert twice.n_iter_ == once.n_iter_ == 6
    np.testing.assert_array_equal(twice.predict(X), once.predict(X))
    np.testing.assert_array_equal(twice.history_[:, "train_loss"], once.history_[:, "train_loss"])


def test_partial_fit_is_one_epoch_of_the_same(diabetes):
    X, y = diabetes
    parts = small()
    for _ in range(6):
        parts.partial_fit(X, y)
    np.testing.assert_array_equal(parts.predict(X), small().fit(X, y).predict(X))


def test_warm_start_refuses_another_loss_and_takes_another_lr(diabetes):
    X, y = diabetes
    model = small(warm_start=True).fit(X, y)
    model.set_params(lr=0.01).fit(X, y)
    assert model.net_.optimizer_.param_groups[0]["lr"] == 0.01
    with pytest.raises(ValueError, match="was trained with SquaredError.* cannot go on with Huber"):
        model.set_params(loss="huber").fit(X, y)


@pytest.mark.parametrize(
    "options", [{"dropout": 0.3}, {"module": nn.Linear}, {"early_stopping": True}]
)
def test_same_seed_same_bits_and_global_generators_left_alone(options, diabetes):
    X, y = diabetes
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = small(**options).fit(X, y).predict(X)
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    torch.manual_seed(123)
    np.testing.assert_array_equal(small(**options).fit(X, y).predict(X), first)
    assert not np.array_equal(small(**options, **{"random_state": 1}).fit(X, y).predict(X), first)


def test_random_state_takes_what_scikit_learn_takes(diabetes):
    X, y = diabetes
    by_state = [small(random_state=np.random.RandomState(3)).fit(X, y).predict(X) for _ in range(2)]
    np.testing.assert_array_equal(*by_state)
    fresh = [small(random_state=None).fit(X, y).predict(X) for _ in range(2)]
    assert not np.array_equal(*fresh)
    with pytest.raises(ValueError, match="random_state must be None, an int"):
        small(random_state="a").fit(X, y)


def linear(**params):
    return NeuralRegressor(
        **ONE_NETWORK, hidden_layer_sizes=(), batch_size=1000, max_epochs=3000, tol=0,
        n_iter_no_change=200, **params,
    )  # fmt: skip


def test_l1_is_the_lasso_with_exact_zeros(diabetes):
    X, y = diabetes
    X = (X - X.mean(0)) / X.std(0)
    scaled = (y - y.mean()) / y.std()
    lasso = Lasso(alpha=0.1).fit(X, scaled)
    for optimizer in ("adam", "sgd"):
        model = linear(l1=0.1, optimizer=optimizer, lr=0.01).fit(X, y)
        weights = model.net_.module_[0].weight.detach().numpy()[0]
        np.testing.assert_allclose(weights, lasso.coef_, atol=1e-3)
        assert (weights == 0).sum() == (lasso.coef_ == 0).sum() > 2


def test_strong_l1_on_two_hidden_layers_does_not_collapse(diabetes):
    X, y = diabetes
    model = NeuralRegressor(
        **ONE_NETWORK, **WITHOUT_PATH, hidden_layer_sizes=(100, 100), batch_size=200, l1=0.03,
        max_epochs=400, n_iter_no_change=float("inf"),
    ).fit(X, y)  # fmt: skip
    assert model.score(X, y) > 0.45
    assert (model.net_.module_[0].weight == 0).double().mean() > 0.9


@pytest.mark.parametrize("penalty", [{"l1": 0.05}, {"weight_decay": 1.0}])
def test_stopping_watches_the_penalised_objective(penalty, diabetes):
    """The loss alone rises while a strong penalty still pays off."""
    X, y = diabetes
    stopped = NeuralRegressor(
        **ONE_NETWORK, **WITHOUT_PATH, hidden_layer_sizes=(100,), batch_size=500, lr=0.003,
        max_epochs=1000, **penalty,
    ).fit(X, y)  # fmt: skip
    endless = clone(stopped).set_params(n_iter_no_change=float("inf")).fit(X, y)
    assert stopped.score(X, y) == pytest.approx(endless.score(X, y), abs=0.05)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_weight_decay_is_ridge(optimizer, diabetes):
    X, y = diabetes
    X = (X - X.mean(0)) / X.std(0)
    scaled = (y - y.mean()) / y.std()
    ridge = Ridge(alpha=0.5 * len(X)).fit(X, scaled)
    model = linear(weight_decay=0.5, optimizer=optimizer).fit(X, y)
    weights = model.net_.module_[0].weight.detach().numpy()[0]
    np.testing.assert_allclose(weights, ridge.coef_, atol=1e-4)


def test_decoupled_weight_decay_is_that_of_adamw(diabetes):
    X, y = diabetes
    model = small(optimizer="adamw", weight_decay=0.3, lr=0.1, max_epochs=1, batch_size=1000)
    bare = clone(model).set_params(weight_decay=0).fit(X, y)
    start = start_of(model, X, y)
    shrunk = model.fit(X, y).net_.module_[0].weight - bare.net_.module_[0].weight
    torch.testing.assert_close(shrunk, -0.03 * start[0].weight, rtol=1e-4, atol=1e-9)
    assert torch.equal(model.net_.module_[0].bias, bare.net_.module_[0].bias)


def test_early_stopping_keeps_the_best_epoch_by_its_own_loss(diabetes):
    X, y = diabetes
    split = (np.arange(0, 40), np.arange(40, 442))
    options = {"validation_fraction": split, "early_stopping": True, "max_epochs": 300, "lr": 0.02}
    model = small(**options, loss="quantile", n_iter_no_change=20, hidden_layer_sizes=(50,))
    model.set_params(loss__quantile=0.9).fit(X, y)
    losses = model.history_[:, "valid_loss"]
    best = int(np.argmin(losses))
    assert best < len(losses) - 1 < 299
    scale, u = model._learned.target_scaler.scale.item(), y[40:] - model.predict(X[40:])
    pinball = np.maximum(0.9 * u, -0.1 * u).mean() / scale
    assert pinball == pytest.approx(losses[best], rel=1e-4)


def test_training_stops_when_the_loss_no_longer_falls(diabetes):
    X, y = diabetes
    model = small(hidden_layer_sizes=(), max_epochs=5000, lr="auto").fit(X, y)
    assert model.n_iter_ < 2000
    endless = small(max_epochs=40, tol=10.0, n_iter_no_change=float("inf")).fit(X, y)
    assert endless.n_iter_ == 40
    assert small(max_epochs=40, tol=10.0, n_iter_no_change=3).fit(X, y).n_iter_ == 5


def test_divergence_names_epoch_loss_rate_and_remedy(diabetes):
    X, y = diabetes
    with pytest.raises(
        FloatingPointError,
        match=r"'squared_error' turned NaN or infinite in epoch \d+ with lr=1e\+\d+ and SGD. Try "
        r"a smaller lr",
    ):
        small(optimizer="sgd", lr=1e30).fit(X, y)


def test_training_worse_than_the_best_constant_warns(diabetes):
    X, y = diabetes
    with pytest.warns(ConvergenceWarning, match="ended at .* worse than the best constant"):
        small(optimizer="adam", lr=10.0).fit(X, y)


def test_stopping_by_rows_that_extreme_features_dominate_warns():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 2))
    y = X[:, 0] + 0.1 * rng.standard_normal(600)
    aside = {"early_stopping": True, "validation_fraction": (np.arange(540), np.arange(540, 600))}
    model = small(**aside, max_epochs=50, batch_size=50)
    model.fit(X, y)  # does not warn, or it were an error
    X[550] = 1000
    model.fit(X, y)  # Nor does it here: a single row does not decide.
    assert model.score(X[:540], y[:540]) > 0.9
    X[545:560] = 1000
    with pytest.warns(ConvergenceWarning, match="best epoch .* worse than the best constant"):
        model.fit(X, y)


def test_nothing_prints_unless_asked(diabetes, capsys):
    X, y = diabetes
    small().fit(X, y).predict(X)
    assert capsys.readouterr() == ("", "")
    small(verbose=1, early_stopping=True).fit(X, y)
    assert "valid_loss" in capsys.readouterr().out


def test_net_takes_scaled_features_and_returns_raw_output(breast_cancer):
    X, y = breast_cancer
    model = NeuralClassifier(max_epochs=5, **ONE_NETWORK).fit(X, y)
    scaled = ((X - X.mean()) / X.std(ddof=0)).to_numpy(np.float32, copy=True)
    raw = model.net_.forward(scaled)
    assert raw.shape == (len(X), 1)
    np.testing.assert_allclose(raw[:, 0], model.decision_function(X), atol=1e-4)
    np.testing.assert_allclose(
        model.net_.module_(torch.from_numpy(scaled)).detach(), raw, atol=1e-5
    )
    np.testing.assert_allclose(model.net_.predict_proba(scaled), model.predict_proba(X), atol=1e-5)
    assert (model.classes_[model.net_.predict(scaled)] == model.predict(X)).all()


@pytest.mark.filterwarnings("ignore:.*worse than the best constant")
@pytest.mark.parametrize("loss", ["mse", "gaussian_nll", "cross_entropy", "hinge"])
def test_attributes_of_a_net_raise_attribute_errors_only(loss, diabetes, breast_cancer):
    kind = NeuralClassifier if loss in ("cross_entropy", "hinge") else NeuralRegressor
    X, y = breast_cancer if kind is NeuralClassifier else diabetes
    net = kind(loss, max_epochs=1).fit(X, y).net_
    assert hasattr(net, "classes_") == (kind is NeuralClassifier)
    assert {"predict", "module_"} <= set(dir(net))
    assert type(net).__name__ in repr(net)


def test_a_clone_of_a_net_learns_the_same(diabetes):
    X, y = diabetes
    X, y = X.astype(np.float32), ((y - y.mean()) / y.std()).astype(np.float32)
    net = small(scale_target=False).fit(X, y).net_
    copies = [clone(net) for _ in range(2)]
    assert not copies[0].initialized_
    assert copies[0].get_params().keys() == net.get_params().keys()
    losses = [each.fit(X, y).history[:, "train_loss"] for each in copies]
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0]


def test_net_trains_on_from_plain_arrays(breast_cancer):
    X, y = breast_cancer
    model = NeuralClassifier(max_epochs=3, **ONE_NETWORK).fit(X, y)
    scaled = ((X - X.mean()) / X.std(ddof=0)).to_numpy(np.float32, copy=True)
    model.net_.partial_fit(scaled, (y == "malignant").to_numpy(int, copy=True))
    assert len(model.history_) == 6


@pytest.fixture
def torch_warns_always():
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        (NeuralClassifier, "coral"),
        (NeuralClassifier, "cumulative_link"),
        (NeuralRegressor, "adaptive"),
        (NeuralRegressor, "negative_binomial"),
    ],
)
def test_what_losses_train_in_a_stack_makes_torch_warn_of_nothing(kind, loss, torch_warns_always):
    X, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 3
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "grad and param")
        kind(loss, max_epochs=2, n_members=2, random_state=0).fit(X, y)
