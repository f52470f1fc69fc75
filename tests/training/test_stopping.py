"""When training ends, and what is said of it."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor
from sklloss.training.groups import LossGroup
from sklloss.training.outcome import Verdict

from .small_regressor import small

RNG = np.random.default_rng(0)
X = RNG.normal(size=(500, 3))
SIGNAL = X @ [1.0, 2.0, 3.0]

# Losses that do not let y be centred, and others.
POSITIVE = ["poisson", "gamma", "tweedie", "absolute_percentage_error", "squared_log_error"]


@pytest.mark.parametrize("loss", ["mse", *POSITIVE])
@pytest.mark.parametrize("level", [40.0, 10_000.0])
def test_a_level_far_above_the_spread_of_y_hides_nothing(loss, level):
    y = level + SIGNAL
    assert NeuralRegressor(loss, random_state=0).fit(X[:400], y[:400]).score(X[400:], y[400:]) > 0.9


@pytest.mark.parametrize("loss", POSITIVE)
def test_one_network_far_above_the_spread_of_y_stacked_and_exported(loss):
    y = 10_000 + SIGNAL
    models = [small(loss=loss, max_epochs=60, random_state=seed) for seed in range(2)]
    search = LossSearchCV(models[0], {"random_state": [0, 1]}, cv=2).fit(X, y)
    for model, params in zip(models, search.cv_results_["params"], strict=True):
        model.set_params(**params).fit(X, y)
        assert model.score(X, y) > 0.9
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        exported = model.to_module()(model.net_.stack_.flat.values.new_tensor(X, dtype=float))
        np.testing.assert_allclose(exported.numpy(), model.predict(X), rtol=1e-6)
    alone = GridSearchCV(models[0], {"random_state": [0, 1]}, cv=2).fit(X, y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_worse_than_a_constant_is_told_beside_what_can_be_explained(loss):
    y = 10_000 + SIGNAL
    with pytest.warns(ConvergenceWarning, match="worse than the best constant"):
        small(loss=loss, lr=30.0, max_epochs=2).fit(X, y)


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0])
@pytest.mark.parametrize("explainable", [1e-7, 0.5, 100.0])
def test_an_offset_of_a_loss_changes_no_verdict(level, explainable):
    def is_worse(excess):
        loss = level + excess * explainable
        return Verdict(2e-16, loss, level, explainable).is_clearly_worse

    assert [is_worse(excess) for excess in (-0.5, 0.01, 0.1, 3.0)] == [False, False, True, True]
    # Where there is nothing to explain, rounding and the noise of steps are no fault.
    assert not Verdict(1e-7, level + 1e-3, level, 0.0).is_clearly_worse
    assert Verdict(1e-7, level + 0.1, level, 0.0).is_clearly_worse


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_an_offset_of_a_loss_does_not_end_training(loss):
    y = 10_000 + SIGNAL
    slow = small(loss=loss, lr=0.0005, max_epochs=300, n_iter_no_change=5).fit(X, y)
    assert slow.n_iter_ > 20
    assert slow.score(X, y) > 0.9


@pytest.mark.parametrize("loss", ["mse", "poisson", "gamma", "gaussian_nll"])
def test_noise_is_not_said_to_be_worse_than_a_constant(loss):
    noise = RNG.uniform(1, 2, size=500)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*worse than the best constant")
        small(loss=loss, max_epochs=20).fit(X, noise)
        small(loss=loss, max_epochs=20).fit(X, np.full(500, 3.0))


def told(kind, *args, **params):
    """Return the messages of ConvergenceWarnings of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kind(*args, **params).fit(X, SIGNAL)
    return [str(w.message) for w in caught if w.category is ConvergenceWarning]


def test_trainings_that_max_epochs_ends_too_early_are_told():
    one = {"n_members": 1, "numeric_encoding": "standard", "random_state": 0}
    (message,) = told(NeuralRegressor, max_epochs=3, early_stopping=False, **one)
    assert message.startswith("max_epochs=3 has ended the training of loss 'squared_error' while")
    assert len(told(NeuralRegressor, max_epochs=2, n_members=3, random_state=0)) == 1
    assert len(told(NeuralRegressor, optimizer="lbfgs", max_epochs=1, **one)) == 1
    assert not told(NeuralRegressor, max_epochs=400, early_stopping=False, lr=0.01, **one)
    assert not told(NeuralRegressor, max_epochs=3, n_iter_no_change=np.inf, **one)
    # Whoever leaves the number of epochs to us is not told to raise it.
    assert not told(NeuralRegressor, random_state=0)
    assert not told(NeuralRegressor, early_stopping=False, **one)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_search_tells_once_of_trainings_that_end_too_early(n_jobs):
    net = small(max_epochs=3)
    grid = {"loss": ["mse", "mae", "huber", "cauchy"]}
    (message,) = told(LossSearchCV, net, grid, cv=2, n_jobs=n_jobs)
    assert "for 4 of 4 candidates: {'loss': 'mse'}, {'loss': 'mae'}" in message
    assert "and 1 more" in message
    around = TransformedTargetRegressor(make_pipeline(StandardScaler(), net))
    name = "regressor__neuralregressor__max_epochs"
    (message,) = told(LossSearchCV, around, {name: [2, 300]}, cv=2, n_jobs=n_jobs)
    assert f"for 1 of 2 candidates: {{'{name}': 2}}. Set" in message


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "gaussian_nll", "quantile"])
@pytest.mark.parametrize("dirty", ["X", "y"])
def test_one_wild_validation_row_does_not_decide_when_to_stop(loss, dirty):
    X, y = load_diabetes(return_X_y=True)
    train, valid, test = np.split(np.random.default_rng(0).permutation(len(y)), [300, 350])
    model = small(loss=loss, numeric_encoding="standard", early_stopping=True, max_epochs=200)
    model.set_params(validation_fraction=(train, valid), hidden_layer_sizes=(32,))
    clean = clone(model).fit(X, y)
    of_test = X[test], y[test]
    if dirty == "X":
        X = X.copy()
        X[valid[0]] = 1e5
    else:
        y = np.where(np.arange(len(y)) == valid[0], 1e6, y)
    model.fit(X, y)
    assert model.n_iter_ > 0.7 * clean.n_iter_
    assert model.score(*of_test) == pytest.approx(clean.score(*of_test), abs=0.05)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "hinge"])
def test_one_wild_validation_row_does_not_stop_a_classifier(loss):
    X, y = load_breast_cancer(return_X_y=True)
    train, valid = np.split(np.random.default_rng(0).permutation(len(y)), [500])
    model = NeuralClassifier(
        loss,
        numeric_encoding="standard",
        n_members=1,
        early_stopping=True,
        validation_fraction=(train, valid),
        random_state=0,
    )
    accuracy = clone(model).fit(X, y).score(X, y)
    X = X.copy()
    X[valid[0]] = 1e8
    assert model.fit(X, y).score(X, y) > accuracy - 0.02


@pytest.mark.parametrize(
    "loss", ["mse", "gaussian_nll", "poisson", "multi_quantile", "laplace_nll"]
)
def test_the_limit_of_rows_leaves_clean_ones_as_they_are(loss, monkeypatch):
    y = np.exp(SIGNAL / 4)
    model = small(loss=loss, early_stopping=True, max_epochs=40)
    limited = clone(model).fit(X, y).predict(X)
    monkeypatch.setattr(LossGroup, "limits_rows", False)
    np.testing.assert_array_equal(model.fit(X, y).predict(X), limited)


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 1.0), ("sgd", 1.0), ("adam", 0.3)])
def test_the_best_weights_are_kept_where_an_epoch_is_one_step(optimizer, lr):
    x = np.random.default_rng(0).normal(size=(100, 1))
    model = small(optimizer=optimizer, lr=lr, max_epochs=500, hidden_layer_sizes=())
    models = [clone(model).set_params(l1=l1, early_stopping=False) for l1 in (0.0, 1e-3)]
    for model in models:
        model.fit(x, 0.5 * x[:, 0])
        tol = 2 * model.tol  # Of the training, and of the choice of weights.
        assert 1 - model.score(x, 0.5 * x[:, 0]) < min(model.history_[:, "train_loss"]) + tol
    search = LossSearchCV(models[0], {"l1": [0.0, 1e-3]}, cv=2).fit(x, 0.5 * x[:, 0])
    alone = GridSearchCV(models[0], {"l1": [0.0, 1e-3]}, cv=2).fit(x, 0.5 * x[:, 0])
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )


def test_an_epoch_of_one_step_is_judged_by_the_weights_it_began_with():
    x = np.random.default_rng(0).normal(size=(100, 1))
    model = small(optimizer="sgd", lr=1.0, max_epochs=300, hidden_layer_sizes=())
    model.set_params(early_stopping=False).fit(x, 0.5 * x[:, 0])
    losses = model.history_[:, "train_loss"]
    assert losses[-1] > 1e-5 > np.min(losses)
    assert 1 - model.score(x, 0.5 * x[:, 0]) == pytest.approx(np.min(losses), abs=1e-12)
