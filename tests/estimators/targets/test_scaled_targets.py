"""Targets that are numbers: trained on their own scale or on a common one, and said on their
own."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sklloss import NeuralMultiTask, NeuralRegressor, Recommender

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = 500 + 30 * (X @ [1.0, -2.0, 0.5]) + RNG.normal(size=40)
PAIRS = np.column_stack((np.arange(40) % 8, np.arange(40) % 5))
QUICK = {"max_epochs": 1, "random_state": 0}
ESTIMATORS = {
    "regressor": (NeuralRegressor("mse", **QUICK), X, Y),
    "recommender": (Recommender("mse", **QUICK), PAIRS, Y),
    "multi-task": (NeuralMultiTask({"y": "mse"}, **QUICK), X, pd.DataFrame({"y": Y})),
}


def first_loss(estimator, X, y, **params):
    return clone(estimator).set_params(**params).fit(X, y).history_[0, "train_loss"]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_loss_is_in_units_of_y_where_nothing_is_scaled(name):
    estimator, X, y = ESTIMATORS[name]
    scaled, times_100 = (first_loss(estimator, X, k * y, scale_target=True) for k in (1, 100))
    assert times_100 == pytest.approx(scaled, rel=1e-4)
    plain, times_100 = (first_loss(estimator, X, k * y, scale_target=False) for k in (1, 100))
    assert times_100 == pytest.approx(1e4 * plain, rel=0.01)
    assert plain > 100 * scaled


@pytest.mark.parametrize("name", ESTIMATORS)
def test_later_calls_keep_the_scale_of_the_first(name):
    estimator, X, y = ESTIMATORS[name]
    model = clone(estimator).fit(X, y)
    (before,) = model._learned.target_scalers
    model.partial_fit(X, 10 * y)
    assert model._learned.target_scalers[0] is before
    assert model.history_[-1, "train_loss"] > 100 * model.history_[0, "train_loss"]


@pytest.mark.parametrize("loss", ["poisson", "negative_binomial", "tweedie"])
def test_counts_that_are_all_zero_are_reported(loss):
    """As scikit-learn's PoissonRegressor they are taken, but their best logarithm is infinite."""
    model = NeuralRegressor(loss, **QUICK)
    with pytest.warns(UserWarning, match=rf"y is 0 in all 40 rows.*of loss '{loss}' is 0.*Check y"):
        model.fit(X, np.zeros(40))
    assert model.predict(X) == pytest.approx(0, abs=1e-4)
    with pytest.warns(UserWarning, match="or in a column of several"):
        model.fit(X, np.column_stack((np.arange(40.0), np.zeros(40))))
    # One count is enough, and other losses are content with zeros; warnings are errors here.
    model.fit(X, np.arange(40) == 0)
    NeuralRegressor("mse", **QUICK).fit(X, np.zeros(40))


@pytest.mark.parametrize("beside", [pd.NaT, None, 1.5])
@pytest.mark.parametrize("form", [pd.Series, list, np.asarray])
def test_missing_numbers_among_objects_are_reported_by_row(beside, form):
    table = pd.DataFrame({"a": pd.Series([*X[:39, 0], beside], dtype=object), "b": X[:, 1]})
    y = [*Y[:3], pd.NA, *Y[4:]]
    y = pd.Series(y, dtype=object) if form is pd.Series else form(y)
    message = "Input y contains NaN or None; 1 of 40 rows has no number, for example row 3."
    with pytest.raises(ValueError, match=message):
        NeuralRegressor("mse", **QUICK).fit(table, y)
