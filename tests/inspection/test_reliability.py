"""ReliabilityDisplay averages the identification functions, and shares, of groups of rows."""

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.stats.proportion import proportion_confint

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor
from sklloss.inspection import (
    PredictionIntervalDisplay,
    ReliabilityDisplay,
    TrainingCurveDisplay,
)
from sklloss.inspection.functionals import functional_of, residuals
from sklloss.losses import Expectile, MultiQuantile, Quantile

from .small_searches import TINY, X, Y

OBSERVED = [3.34, 2.67, 2.29, 3.49, 2.22, 4.76, 3.61, 3.26, 0.93, 0.48, 1.01, 3.75]
PREDICTED = [-1.69, 1.59, 2.19, 3.72, -0.84, 3.8, 1.65, 1.64, 3.05, -1.14, 0.94, 5.52]
# What model-diagnostics 1.5.0 says of these: identification_function(..., level=0.8), and
# bias_mean and bias_stderr of compute_bias.
EXPECTILE = [
    -8.048, -1.728, -0.16, 0.092, -4.896, -1.536, -3.136, -2.592, 0.848, -2.592, -0.112, 0.708
]  # fmt: skip
BIAS = {
    "mean": (-0.948333, 0.569063),
    "median": (-0.25, 0.130558),
    "quantile": (-0.55, 0.130558),
    "expectile": (-1.929333, 0.748518),
}


def only_group(functional, **params):
    display = ReliabilityDisplay.from_predictions(
        OBSERVED, PREDICTED, functional=functional, n_bins=1, **params
    )
    ((group,),) = display.groups.values()
    return group


def test_identification_function_is_that_of_model_diagnostics():
    found = residuals(np.array(OBSERVED), np.array(PREDICTED), "expectile", 0.8)
    np.testing.assert_allclose(found, EXPECTILE, atol=1e-9)


@pytest.mark.parametrize("functional", BIAS)
def test_bias_is_that_of_model_diagnostics(functional):
    level = 0.8 if functional in ("quantile", "expectile") else None
    group = only_group(functional, level=level)
    at = {"median": 0.5, "quantile": 0.8}.get(functional, 0.0)
    assert group.value - at == pytest.approx(BIAS[functional][0], abs=1e-6)


@pytest.mark.parametrize("functional", ["mean", "expectile"])
def test_intervals_of_means_are_students(functional):
    group = only_group(functional, level=0.8, confidence=0.9)
    wanted = stats.t.interval(0.9, 11, *BIAS[functional])
    np.testing.assert_allclose([group.low, group.high], wanted, atol=1e-5)


def test_intervals_of_shares_are_wilsons():
    group = only_group("median", confidence=0.9)
    wanted = proportion_confint(3, 12, alpha=0.1, method="wilson")
    np.testing.assert_allclose([group.low, group.high], wanted)


def test_probabilities_are_those_of_scikit_learns_calibration_curve(breast_cancer):
    features, labels = breast_cancer
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01)).fit(features, labels)
    display = ReliabilityDisplay.from_estimator(model, features, labels, n_bins=7)
    p = model.predict_proba(features)[:, 1]
    share, mean = calibration_curve(labels, p, n_bins=7, strategy="quantile", pos_label="malignant")
    (groups,) = display.groups.values()
    np.testing.assert_allclose([group.value for group in groups], share)
    np.testing.assert_allclose([group.prediction for group in groups], mean)


def test_several_classes_have_a_curve_each():
    labels = np.digitize(Y, [100, 200])
    model = NeuralClassifier(**TINY).fit(X, np.array(["low", "middle", "top"])[labels])
    names = np.array(["low", "middle", "top"])[labels]
    display = ReliabilityDisplay.from_estimator(model, X, names, n_bins=4)
    assert list(display.groups) == ["low", "middle", "top"]
    p = model.predict_proba(X)
    for k, groups in enumerate(display.groups.values()):
        rows = [group.n_rows for group in groups]
        assert sum(rows) == len(Y)
        mean = np.average([group.prediction for group in groups], weights=rows)
        assert mean == pytest.approx(p[:, k].mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [
        ("mse", ("mean", None)),
        ("poisson", ("mean", None)),
        ("gaussian_nll", ("mean", None)),
        ("mae", ("median", None)),
        (Quantile(quantile=0.9), ("quantile", 0.9)),
        (MultiQuantile(quantiles=(0.1, 0.4, 0.9)), ("quantile", 0.4)),
        (Expectile(expectile=0.7), ("expectile", 0.7)),
    ],
)
def test_functional_is_what_the_loss_elicits(loss, wanted):
    model = make_pipeline(NeuralRegressor(loss, **TINY)).fit(X, Y)
    assert functional_of("it", model) == wanted
    display = ReliabilityDisplay.from_estimator(model, X, Y)
    assert display.functional == wanted[0]


def test_search_and_other_regressors():
    search = GridSearchCV(NeuralRegressor(**TINY), {"loss": ["mae"]}, cv=2).fit(X, Y)
    assert ReliabilityDisplay.from_estimator(search, X, Y).functional == "median"
    assert ReliabilityDisplay.from_estimator(Ridge().fit(X, Y), X, Y).functional == "mean"


def test_correct_quantiles_are_reliable_and_wrong_ones_are_not():
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.5, 3, 4000)
    y = rng.normal(0, scale)
    right, wrong = (
        ReliabilityDisplay.from_predictions(
            y, scale * stats.norm.ppf(level), functional="quantile", level=0.9, confidence=0.999
        ).groups["quantile"]
        for level in (0.9, 0.8)
    )
    assert all(group.low <= 0.9 <= group.high for group in right)
    assert all(group.high < 0.9 for group in wrong)


def test_names_are_no_formulas(tmp_path):
    labels = np.where(Y > 150, "a $_$ b", "$$")
    model = LogisticRegression().fit(X, labels)
    display = ReliabilityDisplay.from_predictions(
        labels, np.column_stack([model.predict_proba(X), 0 * Y]), functional="probability",
        classes=["$$", "a $_$ b", "$\\frac$"],
    )  # fmt: skip
    display.figure_.savefig(tmp_path / "picture.png")


def test_equal_predictions_stay_in_one_group():
    y = np.arange(100.0)
    display = ReliabilityDisplay.from_predictions(y, np.repeat([20.0, 70.0], 50))
    assert [group.n_rows for group in display.groups["mean"]] == [50, 50]
    constant = ReliabilityDisplay.from_predictions(y, np.full(100, 49.5))
    assert [group.value for group in constant.groups["mean"]] == [0.0]


def test_draws_the_groups_and_where_they_should_be():
    display = ReliabilityDisplay.from_predictions(Y, Y + 3, functional="mean", n_bins=5)
    (container,) = display.ax_.containers
    np.testing.assert_allclose(container[0].get_ydata(), 3)
    assert len(container[0].get_xdata()) == 5
    assert display.ax_.lines[0].get_ydata()[0] == 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"functional": "mode"}, "functional to be one of"),
        ({"functional": "quantile"}, "needs a level"),
        ({"functional": "expectile", "level": 1.0}, "0 < level < 1"),
        ({"functional": "quantile", "level": "a"}, "0 < level < 1"),
        ({"n_bins": "a"}, "n_bins >= 1"),
        ({"n_bins": 2.5}, "n_bins >= 1"),
        ({"confidence": "a"}, "0 < confidence < 1"),
        ({"n_bins": 0}, "n_bins >= 1"),
        ({"confidence": 1.0}, "0 < confidence < 1"),
    ],
)
def test_bad_input(params, message):
    with pytest.raises(ValueError, match=message):
        ReliabilityDisplay.from_predictions(OBSERVED, PREDICTED, **params)


def test_losses_that_cannot_be_checked_are_named():
    model = NeuralRegressor("huber", **TINY).fit(X, Y)
    with pytest.raises(ValueError, match="huber estimates, between median and mean"):
        ReliabilityDisplay.from_estimator(model, X, Y)
    assert ReliabilityDisplay.from_estimator(model, X, Y, functional="mean").functional == "mean"


def test_classes_without_a_column_are_named():
    with pytest.raises(ValueError, match="one column of probabilities per class; got 3 for 2"):
        ReliabilityDisplay.from_predictions(
            [0, 1, 1], np.ones((3, 3)) / 3, functional="probability"
        )


@pytest.mark.parametrize(
    ("y", "prediction", "message"),
    [
        ([1.0, np.nan], [1.0, 2.0], "y_true must be finite"),
        ([1.0, 2.0], [1.0, np.inf], "y_pred must be finite"),
        (["a", "b"], [1.0, 2.0], "y_true must be numbers"),
        ([1.0], [1.0, 2.0], "y_true has 1, y_pred has 2"),
        ([], [], "at least one row"),
        (np.ones((2, 2)), np.ones((2, 2)), "Draw one target after the other"),
    ],
    ids=str,
)
def test_numbers_that_cannot_be_averaged(y, prediction, message):
    with pytest.raises(ValueError, match=message):
        ReliabilityDisplay.from_predictions(y, prediction)


@pytest.mark.parametrize(
    ("probability", "classes", "message"),
    [
        ([0.5, 1.5], None, "from 0 to 1; 1 of 2 rows has another number, for example row 1: 1.5"),
        ([[0.5, 0.5], [np.nan, 0.5]], None, "1 of 2 rows has another number"),
        ([[0.5, 0.5], [0.5, 0.5]], ["x", "b"], "1 of 2 rows has another, for example row 0: 'a'"),
    ],
    ids=str,
)
def test_probabilities_that_are_none(probability, classes, message):
    with pytest.raises(ValueError, match=message):
        ReliabilityDisplay.from_predictions(
            ["a", "b"], probability, functional="probability", classes=classes
        )


def test_many_labels_are_not_all_listed():
    with pytest.raises(ValueError, match="one column of probabilities per class") as caught:
        ReliabilityDisplay.from_predictions(
            OBSERVED, np.zeros(len(OBSERVED)), functional="probability"
        )
    assert len(str(caught.value)) < 500


def test_a_classifier_without_probabilities_is_named():
    model = NeuralClassifier("hinge", **TINY).fit(X, Y > 100)
    with pytest.raises(AttributeError, match="NeuralClassifier with the loss 'hinge' does not"):
        ReliabilityDisplay.from_estimator(model, X, Y > 100)


def test_what_an_estimator_does_not_predict():
    classifier = NeuralClassifier("mse", **TINY).fit(X, Y > 100)
    with pytest.raises(ValueError, match="'auto' or 'probability' for a classifier; got 'mean'"):
        ReliabilityDisplay.from_estimator(classifier, X, Y > 100, functional="mean")
    with pytest.raises(ValueError, match="NeuralRegressor with the loss 'squared_error' predicts"):
        ReliabilityDisplay.from_estimator(
            NeuralRegressor("mse", **TINY).fit(X, Y), X, Y, functional="probability"
        )


@pytest.mark.parametrize(
    "draw",
    [
        ReliabilityDisplay.from_estimator,
        PredictionIntervalDisplay.from_estimator,
        lambda estimator, X, y: TrainingCurveDisplay.from_estimator(estimator),
    ],
    ids=["reliability", "interval", "training"],
)
def test_what_is_no_fitted_estimator(draw):
    for given, error, message in (
        (None, TypeError, "needs a fitted estimator; got NoneType"),
        ({"a": 1}, TypeError, "got dict"),
        (NeuralRegressor, TypeError, "got the class NeuralRegressor"),
        (NeuralRegressor("crps"), NotFittedError, "not fitted"),
    ):
        with pytest.raises(error, match=message):
            draw(given, X, Y)
    search = LossSearchCV(NeuralRegressor(**TINY), {"loss": ["crps"]}, cv=2, refit=False).fit(X, Y)
    with pytest.raises(ValueError, match="no best_estimator_, because it was not refitted. Set re"):
        draw(search, X, Y)
