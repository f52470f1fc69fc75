"""Nested parameters, and searches over losses with their parameters."""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.losses import Huber, ProbabilityHuber, Quantile, SquaredError


def small(**params):
    return NeuralRegressor(
        n_members=1, early_stopping=False, numeric_encoding="standard", max_epochs=10,
        hidden_layer_sizes=(8,), lr=0.005, random_state=0, **params,
    )  # fmt: skip


def test_nested_loss_parameters_replace_the_loss():
    model = NeuralRegressor("huber")
    assert model.set_params(loss__delta=2.0).loss == Huber(delta=2.0)
    assert model.get_params()["loss__delta"] == 2.0
    assert model.set_params(loss__quantile=0.3, loss="quantile").loss == Quantile(quantile=0.3)
    assert "loss__delta" not in model.get_params()
    assert clone(model).loss == model.loss
    assert NeuralClassifier("huber").set_params(loss__delta=0.2).loss == ProbabilityHuber(delta=0.2)


def test_init_only_stores_and_get_params_never_raises():
    for loss in ("no such loss", 3, None, object()):
        model = NeuralRegressor(loss, module_params=7, optimizer_params="x", lr=-1)
        assert model.get_params()["loss"] is loss
    assert "loss__delta" not in NeuralRegressor("huber").get_params(deep=False)


def test_parameters_that_nothing_has_are_refused():
    with pytest.raises(ValueError, match="'squared_error' has no parameter 'delta'.*list of grids"):
        NeuralRegressor().set_params(loss__delta=1)
    with pytest.raises(ValueError, match="Invalid parameter 'losss'"):
        NeuralRegressor().set_params(losss="mse")


def test_module_and_optimizer_parameters_make_a_new_dict():
    given = {"betas": (0.8, 0.9)}
    model = NeuralRegressor(optimizer_params=given)
    model.set_params(optimizer__eps=1e-3, module__width=3)
    assert given == {"betas": (0.8, 0.9)}
    assert model.optimizer_params == {"betas": (0.8, 0.9), "eps": 1e-3}
    assert model.get_params()["optimizer__eps"] == 1e-3
    assert model.get_params()["module__width"] == 3
    model.set_params(optimizer="sgd", optimizer_params=None, module="mlp")
    assert model.optimizer_params is None


GRID = {"loss": ["huber"], "loss__delta": [0.5, 1, 2]}


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_over_a_parameter_of_the_loss(n_jobs, diabetes):
    search = GridSearchCV(small(), GRID, n_jobs=n_jobs, cv=3, error_score="raise").fit(*diabetes)
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) == 3
    assert search.best_estimator_.loss_ == Huber(delta=search.best_params_["loss__delta"])
    alone = [small(loss=Huber(delta=d)) for d in (0.5, 1, 2)]
    by_hand = GridSearchCV(small(), {"loss": [m.loss for m in alone]}, cv=3).fit(*diabetes)
    np.testing.assert_array_equal(scores, by_hand.cv_results_["mean_test_score"])


def test_grid_of_names_classes_and_instances(diabetes):
    losses = [
        "mse",
        SquaredError,
        SquaredError(),
        "HuberLoss",
        Huber(delta=2),
        nn.L1Loss,
        nn.HuberLoss(delta=0.3),
    ]
    search = GridSearchCV(small(), {"loss": losses}, cv=3, error_score="raise").fit(*diabetes)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] == scores[1] == scores[2]
    assert len(set(scores)) == 5


def test_the_same_inside_a_pipeline(diabetes):
    pipeline = Pipeline([("scale", StandardScaler()), ("net", small())])
    grid = [
        {"net__loss": ["huber"], "net__loss__delta": [0.5, 2]},
        {"net__loss": ["mse", Quantile(quantile=0.4)]},
    ]
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise", n_jobs=2).fit(*diabetes)
    assert len(set(search.cv_results_["mean_test_score"])) == 4
    assert (
        "net__loss__delta"
        in GridSearchCV(pipeline, grid).estimator.set_params(net__loss="huber").get_params()
    )


def test_randomised_and_halving_searches(diabetes):
    distributions = {"loss": ["huber"], "loss__delta": stats.loguniform(0.1, 10)}
    search = RandomizedSearchCV(
        small(), distributions, n_iter=4, cv=3, random_state=0, error_score="raise"
    ).fit(*diabetes)
    assert len(set(search.cv_results_["mean_test_score"])) == 4
    halving = HalvingGridSearchCV(
        small(), GRID, cv=3, resource="max_epochs", min_resources=5, max_resources=20,
        random_state=0, error_score="raise",
    ).fit(*diabetes)  # fmt: skip
    assert halving.best_params_["loss__delta"] in (0.5, 1, 2)


SCORING = ["accuracy", "recall_macro", "f1_macro"]


@pytest.mark.parametrize(("data", "params"), [("digits", {"n_members": 1}), ("breast_cancer", {})])
def test_the_request_that_this_library_exists_for(data, params, request):
    """Default estimators, four losses, three scores, real data with string labels: every loss at
    macro-F1 >= .95, on digits by one member already."""
    X, y = request.getfixturevalue(data)
    search = GridSearchCV(
        NeuralClassifier(**params),
        {"loss": ["mse", "mae", "huber", "cross_entropy"]},
        scoring=SCORING,
        refit="f1_macro",
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    ).fit(X, y)
    scores = search.cv_results_["mean_test_f1_macro"]
    assert scores.min() >= 0.95
    assert set(search.predict(X)) == set(y)


def test_a_diverging_candidate_is_recorded_and_the_others_are_not_harmed(diabetes):
    grid = {"optimizer": ["sgd"], "lr": [1e30, 0.01]}
    search = GridSearchCV(small(), grid, cv=KFold(3), error_score=np.nan)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(*diabetes)
    said = " ".join(str(w.message) for w in caught)
    assert "3 fits failed out of a total of 6" in said
    assert "turned NaN or infinite in epoch 1" in said
    scores = search.cv_results_["mean_test_score"]
    assert np.isnan(scores[0])
    assert scores[1] > 0.2
