"""PredictionIntervalDisplay draws intervals, and counts what lies inside."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from statsmodels.stats.proportion import proportion_confint

from sklloss import NeuralRegressor
from sklloss.inspection import PredictionIntervalDisplay

from .small_searches import TINY, X, Y

NET = NeuralRegressor("gaussian_nll", **TINY)


def drawn_intervals(display):
    return np.array(display.lines_.get_segments())


def test_draws_the_intervals_over_the_prediction():
    model = NET.__sklearn_clone__().fit(X, Y)
    display = PredictionIntervalDisplay.from_estimator(model, X, Y, coverage=0.9, subsample=None)
    interval = model.predict_interval(X, coverage=0.9)
    np.testing.assert_allclose(drawn_intervals(display)[:, :, 1], interval)
    np.testing.assert_allclose(drawn_intervals(display)[:, 0, 0], model.predict(X))
    inside = (interval[:, 0] <= Y) & (interval[:, 1] >= Y)
    assert display.coverage_ == inside.mean()
    wanted = proportion_confint(inside.sum(), len(Y), method="wilson")
    np.testing.assert_allclose(display.coverage_interval_, wanted)
    drawn = {line.get_label(): len(line.get_xdata()) for line in display.ax_.lines}
    assert drawn["outside"] == (~inside).sum()
    assert f"inside: {inside.mean():.0%} of 442 rows" in " ".join(drawn)


def test_coverage_is_that_of_all_rows_whatever_is_drawn():
    model = NET.__sklearn_clone__().fit(X, Y)
    few, all_rows = (
        PredictionIntervalDisplay.from_estimator(model, X, Y, subsample=n) for n in (50, None)
    )
    assert few.coverage_ == all_rows.coverage_
    assert len(drawn_intervals(few)) == 50


@pytest.mark.parametrize("wrap", ["pipeline", "search", "target", "all"])
def test_walks_what_wraps_the_net(wrap):
    net, y = NET.__sklearn_clone__(), Y
    logged = FunctionTransformer(np.log, np.exp)
    model = {
        "pipeline": lambda: make_pipeline(StandardScaler(), net),
        "search": lambda: GridSearchCV(net, {"loss": ["crps"]}, cv=2),
        "target": lambda: TransformedTargetRegressor(net, transformer=logged),
        "all": lambda: GridSearchCV(
            make_pipeline(StandardScaler(), TransformedTargetRegressor(net, transformer=logged)),
            {"transformedtargetregressor__regressor__loss": ["student_t_nll"]},
            cv=2,
        ),
    }[wrap]().fit(X, y)
    display = PredictionIntervalDisplay.from_estimator(model, X, y)
    low, high = display.interval.T
    assert (low < high).all()
    assert 0.5 < display.coverage_ < 1
    if wrap == "target":
        np.testing.assert_allclose(display.interval, np.exp(model.regressor_.predict_interval(X)))


def test_a_target_that_is_reversed_keeps_lower_ends_below_upper_ones():
    reverse = FunctionTransformer(np.negative, np.negative)
    model = TransformedTargetRegressor(NET.__sklearn_clone__(), transformer=reverse).fit(X, Y)
    display = PredictionIntervalDisplay.from_estimator(model, X, Y)
    assert (display.interval[:, 0] < display.interval[:, 1]).all()


def test_draws_over_features_of_numbers_and_of_categories():
    frame = pd.DataFrame(X[:, :3], columns=["age", "sex", "bmi"])
    frame["sex"] = np.where(X[:, 1] > 0, "female", "male")
    model = NET.__sklearn_clone__().fit(frame, Y)
    display = PredictionIntervalDisplay.from_estimator(
        model, frame, Y, feature="bmi", subsample=None
    )
    np.testing.assert_allclose(drawn_intervals(display)[:, 0, 0], frame["bmi"])
    assert display.ax_.get_xlabel() == "bmi"
    display = PredictionIntervalDisplay.from_estimator(
        model, frame, Y, feature="sex", subsample=None
    )
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["female", "male"]
    numbers = np.round(drawn_intervals(display)[:, 0, 0])
    assert ((numbers == 1) == (frame["sex"] == "male")).all()
    by_number = PredictionIntervalDisplay.from_estimator(model, frame, Y, feature=2)
    np.testing.assert_array_equal(by_number.x, frame["bmi"])


@pytest.mark.parametrize(
    ("estimator", "params", "error", "message"),
    [
        (NET, {"coverage": 1.0}, ValueError, "coverage"),
        (NET, {"coverage": 0}, ValueError, "coverage"),
        (NET, {"feature": "weight"}, ValueError, "no feature 'weight': X has no names"),
        (NET, {"feature": 10}, ValueError, "from 0 to 9; got 10"),
        (NET, {"subsample": 0}, ValueError, "subsample >= 1"),
        (NeuralRegressor("mse", **TINY), {}, TypeError, "has no predict_interval"),
        (Ridge(), {}, TypeError, "Choose a loss that provides a distribution"),
    ],
)
def test_bad_input(estimator, params, error, message):
    model = estimator.__sklearn_clone__().fit(X, Y)
    with pytest.raises(error, match=message):
        PredictionIntervalDisplay.from_estimator(model, X, Y, **params)


@pytest.mark.parametrize(
    ("interval", "x", "coverage", "message"),
    [
        (np.ones((3, 2)), np.ones(3), 1.5, "0 < coverage < 1"),
        (np.ones((3, 3)), np.ones(3), 0.8, r"shape \(n_samples, 2\)"),
        (np.ones((3, 2)), np.ones(4), 0.8, "inconsistent numbers of samples"),
    ],
)
def test_shapes_that_do_not_fit(interval, x, coverage, message):
    with pytest.raises(ValueError, match=message):
        PredictionIntervalDisplay.from_predictions(np.ones(3), interval, x, coverage=coverage)
