"""PredictionIntervalDisplay draws intervals, and counts what lies inside."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
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
        (NET, {"feature": 10}, ValueError, r"0 <= feature <= 9 \(a whole number\); got 10"),
        (NET, {"subsample": 0}, ValueError, "subsample >= 1"),
        (NET, {"feature": 1.5}, ValueError, "0 <= feature <= 9"),
        (NET, {"feature": True}, ValueError, "0 <= feature <= 9"),
        (NET, {"subsample": "a"}, ValueError, "subsample >= 1"),
        (NET, {"subsample": 2.5}, ValueError, "subsample >= 1"),
        (NET, {"coverage": "0.8"}, ValueError, "0 < coverage < 1"),
        (NeuralRegressor("mse", **TINY), {}, TypeError, "with the loss 'squared_error' does not"),
        (Ridge(), {}, TypeError, "Ridge does not. Choose a NeuralRegressor"),
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
        (np.ones((3, 2)), np.ones(4), 0.8, "y_true has 3, interval has 3, x has 4"),
        (np.ones((3, 2)), np.ones((3, 2)), 0.8, r"x of shape \(n_samples,\)"),
        (np.full((3, 2), np.nan), np.ones(3), 0.8, "NaN in 3 of 3 rows"),
        (np.array([[2.0, 1.0]] * 3), np.ones(3), 0.8, r"row 0: \[2.0, 1.0\]"),
        (np.full((3, 2), "a"), np.ones(3), 0.8, "interval must be numbers"),
    ],
)
def test_shapes_that_do_not_fit(interval, x, coverage, message):
    with pytest.raises(ValueError, match=message):
        PredictionIntervalDisplay.from_predictions(np.ones(3), interval, x, coverage=coverage)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([1.0, np.nan, 1.0]), "y_true must be finite.*1 of 3 rows, for example row 1"),
        (["a", "b", "c"], "y_true must be numbers"),
        (np.ones((3, 2)), "Draw one target after the other"),
        (np.ones(0), "at least one row"),
        (None, r"y_true of shape \(n_samples,\)"),
    ],
    ids=str,
)
def test_observations_that_cannot_be_counted(y, message):
    """One that is missing would count as outside."""
    with pytest.raises(ValueError, match=message):
        PredictionIntervalDisplay.from_predictions(y, np.ones((3, 2)), np.ones(3))


def test_rows_without_the_feature_count_and_are_not_drawn():
    frame = pd.DataFrame({"a": X[:, 0], "b": np.where(Y > 200, np.nan, X[:, 1])})
    model = NET.__sklearn_clone__().fit(frame, Y)
    wanted = PredictionIntervalDisplay.from_estimator(model, frame, Y, feature="a")
    display = PredictionIntervalDisplay.from_estimator(model, frame, Y, feature="b", subsample=None)
    assert display.coverage_ == wanted.coverage_
    n_missing = int((Y > 200).sum())
    assert len(drawn_intervals(display)) == len(Y) - n_missing
    assert display.ax_.get_xlabel() == f"b ({n_missing} rows without it)"


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table], ids=["polars", "pyarrow"])
def test_features_of_other_tables(make):
    table = make({"a": X[:, 0], "b": X[:, 1]})
    model = NET.__sklearn_clone__().fit(table, Y)
    for feature in ("b", 1):
        display = PredictionIntervalDisplay.from_estimator(model, table, Y, feature=feature)
        np.testing.assert_array_equal(display.x, X[:, 1])
    with pytest.raises(ValueError, match="its columns are a, b. Give"):
        PredictionIntervalDisplay.from_estimator(model, table, Y, feature="c")


@pytest.mark.parametrize("n_levels", [4, 12, 28, 90])
def test_names_of_categories_do_not_cover_each_other(n_levels):
    x = np.array([f"a rather long name of a place {i % n_levels:02}" for i in range(360)])
    interval = np.c_[np.zeros(360), np.ones(360)]
    display = PredictionIntervalDisplay.from_predictions(np.full(360, 0.5), interval, x)
    display.figure_.draw_without_rendering()
    names = display.ax_.get_xticklabels()
    assert min(n_levels, 30) <= len(names) <= 48 or len(names) == n_levels
    # The distance of two lines of text at a right angle to them.
    ends = [display.ax_.transData.transform((tick, 0))[0] for tick in display.ax_.get_xticks()]
    angle = np.deg2rad(names[0].get_rotation())
    pixels = names[0].get_fontsize() * display.figure_.dpi / 72
    assert np.diff(ends).min() * np.sin(angle) >= 0.9 * pixels
