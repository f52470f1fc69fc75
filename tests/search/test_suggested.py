"""LossSearchCV(estimator, "suggested") takes its grid from what reaches the net."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralClassifier, NeuralRanker, NeuralRegressor, suggest_losses

from ..laws.small_models import ONE_NETWORK

SMALL = {**ONE_NETWORK, "hidden_layer_sizes": (4,), "max_epochs": 2, "random_state": 0}
rng = np.random.default_rng(0)
X = rng.standard_normal((90, 3))
AMOUNTS = rng.gamma(1, np.exp(X[:, 0]))


def pipeline():
    return Pipeline([("scale", StandardScaler()), ("net", NeuralRegressor(**SMALL))])


@pytest.mark.parametrize(
    ("estimator", "prefix"), [(NeuralRegressor(**SMALL), ""), (pipeline(), "net__")]
)
def test_the_grid_is_that_of_the_advice_under_the_name_of_the_net(estimator, prefix):
    search = LossSearchCV(estimator, "suggested", scoring="neg_mean_gamma_deviance", cv=2)
    search.fit(X, AMOUNTS)
    wanted = suggest_losses(X, AMOUNTS, metric="neg_mean_gamma_deviance").to_param_grid(prefix)
    losses = [grid[f"{prefix}loss"] for grid in wanted]
    assert [grid[f"{prefix}loss"] for grid in search.param_grid_] == losses
    assert ["gamma"] in losses
    assert search.best_params_[f"{prefix}loss"] in [name for (name,) in losses]


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (NeuralRegressor(**SMALL), "sample_weight"),
        (pipeline(), "net__sample_weight"),
        (TransformedTargetRegressor(NeuralRegressor(**SMALL)), "sample_weight"),
    ],
    ids=["net", "Pipeline", "TransformedTargetRegressor"],
)
def test_weights_reach_the_advice(estimator, name):
    """Negative targets of weight 0 do not keep losses for positive ones away."""
    y = np.where(np.arange(90) < 5, -1.0, AMOUNTS + 0.1)
    weight = np.where(y > 0, 1.0, 0.0)
    search = LossSearchCV(estimator, "suggested", scoring="r2", cv=2, error_score=np.nan)
    wanted = suggest_losses(X[5:], y[5:], metric="r2")
    losses = [grid[next(iter(grid))][0] for grid in search.fit(X, y, **{name: weight}).param_grid_]
    assert losses == [row.loss for row in wanted]
    assert {"tweedie", "gamma"} & set(losses)


def test_the_parameter_stays_as_given():
    search = LossSearchCV(NeuralRegressor(**SMALL), "suggested", cv=2).fit(X, AMOUNTS)
    assert search.param_grid == clone(search).param_grid == "suggested"
    assert not hasattr(clone(search), "param_grid_")
    grid = {"loss": ["mse", "mae"]}
    assert LossSearchCV(NeuralRegressor(**SMALL), grid, cv=2).fit(X, AMOUNTS).param_grid_ is grid


def test_a_transformed_target_is_judged_as_the_net_sees_it():
    estimator = TransformedTargetRegressor(pipeline(), func=np.log, inverse_func=np.exp)
    search = LossSearchCV(estimator, "suggested", scoring="r2", cv=2).fit(X, AMOUNTS)
    losses = {grid["regressor__net__loss"][0] for grid in search.param_grid_}
    assert "squared_error" in losses
    assert not losses & {"gamma", "poisson", "tweedie"}  # Logarithms are negative, too.


@pytest.mark.parametrize(
    ("scoring", "refit", "first"),
    [
        (None, True, "squared_error"),
        ("neg_mean_absolute_error", True, "absolute_error"),
        (["r2", "neg_mean_absolute_error"], "neg_mean_absolute_error", "absolute_error"),
        ({"a": "neg_mean_absolute_error", "b": "r2"}, "b", "squared_error"),
        ({"a": "neg_mean_absolute_error", "b": "r2"}, False, "absolute_error"),
    ],
)
def test_the_metric_that_decides(scoring, refit, first):
    y = X[:, 0] + rng.standard_normal(90)
    search = LossSearchCV(NeuralRegressor(**SMALL), "suggested", scoring=scoring, refit=refit, cv=2)
    assert search.fit(X, y).param_grid_[0] == {"loss": [first]}


def test_the_order_of_labels_reaches_the_advice():
    y = pd.Series(X.argmax(1)).astype(pd.CategoricalDtype([2, 0, 1], ordered=True))
    search = LossSearchCV(NeuralClassifier(**SMALL), "suggested", cv=2, scoring="neg_log_loss")
    losses = [grid["loss"][0] for grid in search.fit(X, y).param_grid_]
    assert "cumulative_link" in losses


def test_numbers_stay_numbers_for_a_regressor():
    y = np.tile([0.0, 1.0], 45)
    search = LossSearchCV(NeuralRegressor(**SMALL), "suggested", cv=2).fit(X, y)
    assert {"loss": ["squared_error"]} in search.param_grid_


@pytest.mark.parametrize("estimator", [Ridge(), NeuralRanker()])
def test_other_estimators_are_refused(estimator):
    search = LossSearchCV(estimator, "suggested", cv=2, scoring="r2")
    with pytest.raises(
        ValueError, match="is for NeuralRegressor and NeuralClassifier.*Give a grid"
    ):
        search.fit(X, AMOUNTS)


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="'param_grid' parameter of LossSearchCV.*'suggested'"):
        LossSearchCV(NeuralRegressor(**SMALL), "sugested").fit(X, AMOUNTS)


def test_targets_that_no_loss_takes():
    with pytest.raises(ValueError, match="y is constant, 2 in all 90 rows"):
        LossSearchCV(NeuralRegressor(**SMALL), "suggested", cv=2).fit(X, np.full(90, 2.0))
