"""calibrate=True: intervals of every loss by held-out rows, and what has to be refused."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_linnerud
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralRegressor, predict_distribution
from sklloss.losses import MultiQuantile
from sklloss.metrics import crps, get_scorer, interval_coverage

QUICK = {
    "hidden_layer_sizes": (8,), "numeric_encoding": "standard", "max_epochs": 10, "lr": 0.01,
    "random_state": 0,
}  # fmt: skip
CALIBRATED = {**QUICK, "calibrate": True}
# One of each kind: a point, a point with a bound, a density, counts, a histogram, quantiles.
KINDS = ["mse", "poisson", "crps", "negative_binomial", "cross_entropy", "multi_quantile"]


def noise(n_rows, seed, counts=False):
    """Return data that a network learns at once, whose noise no loss expects."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 2))
    y = np.maximum(5 + X[:, 0] + 2 * rng.exponential(size=n_rows), 0)
    return X, np.round(y) if counts else y


@pytest.mark.parametrize("loss", KINDS)
def test_intervals_hold_what_they_promise(loss):
    counts = loss == "negative_binomial"
    X, y = noise(600, 0, counts)
    X_test, y_test = noise(2000, 1, counts)
    model = NeuralRegressor(loss, **CALIBRATED).fit(X, y)
    assert len(model.members_) == 8
    interval = model.predict_interval(X_test, 0.8)
    covered = interval_coverage(y_test, interval)
    # Of counts, neighbouring numbers may be needed for a level; a density is hit within 4 errors.
    assert 0.8 - 4 * 0.02 < covered < (0.99 if counts else 0.8 + 4 * 0.02)
    both = model.predict_quantiles(X_test, [0.1, 0.9])
    np.testing.assert_array_equal(interval, both)
    np.testing.assert_array_equal(interval, model.predict_distribution(X_test).interval(0.8))
    if not counts:
        above = (y_test > interval[:, 1]).mean()
        assert 0.1 - 4 * 0.015 < above < 0.1 + 4 * 0.015


def test_a_loss_of_a_point_has_the_quantiles_of_its_residuals(diabetes):
    X, y = diabetes
    model = NeuralRegressor("mse", **CALIBRATED).fit(X, y)
    residuals = np.sort(y - model.oof_)
    low, high = residuals[[int(0.1 * 443) - 1, int(np.ceil(0.9 * 443)) - 1]]
    expected = model.predict(X)[:, None] + [low, high]
    np.testing.assert_allclose(model.predict_interval(X, 0.8), expected, rtol=1e-6)
    predicted = model.predict_distribution(X)
    np.testing.assert_allclose(predicted.mean(), model.predict(X) + residuals.mean(), rtol=1e-6)
    np.testing.assert_allclose(predicted.std(), residuals.std(), rtol=1e-6)
    draws = model.predict(X)[:, None] + residuals
    np.testing.assert_allclose(crps(y, predicted), crps(y, draws), rtol=1e-6)
    by_hand = (draws <= y[:, None]).mean(1)
    np.testing.assert_allclose(predicted.cdf(y), by_hand, atol=1.5 / 442)
    assert np.isin(
        (predicted.sample(3, 0) - model.predict(X)[:, None]).round(6), residuals.round(6)
    ).all()


def test_predictions_and_deviations_are_those_without(diabetes):
    X, y = diabetes
    model = NeuralRegressor("gaussian_nll", **CALIBRATED).fit(X, y)
    plain = clone(model).set_params(calibrate=False).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    np.testing.assert_array_equal(model.predict_std(X), plain.predict_std(X))
    assert not np.allclose(model.predict_interval(X), plain.predict_interval(X))
    predicted = model.predict_distribution(X)
    np.testing.assert_array_equal(predicted.std(), plain.predict_std(X))
    assert not hasattr(predicted, "pdf")
    shares = predicted.cdf(predicted.ppf([0.1, 0.5, 0.9]))
    np.testing.assert_allclose(shares, np.tile([0.1, 0.5, 0.9], (442, 1)), atol=1.5 / 443)
    below = predicted.sample(200, 0) <= predicted.ppf(0.3)[:, None]
    assert abs(below.mean() - 0.3) < 0.01


def test_bounded_losses_keep_to_their_domain(diabetes):
    X, y = diabetes
    model = NeuralRegressor("poisson", **CALIBRATED).fit(X, np.maximum(y - 100, 0))
    low, _ = model.predict_interval(X, 0.95).T
    assert low.min() == 0
    assert (model.predict_distribution(X).cdf(-1) == 0).all()


def test_one_validation_set_is_split_conformal(diabetes):
    X, y = diabetes
    train, valid = train_test_split(np.arange(442), test_size=0.3, random_state=0)
    model = NeuralRegressor(
        "mae", **CALIBRATED, n_members=1, early_stopping=True, validation_fraction=(train, valid)
    ).fit(X, y)
    residuals = np.sort(y[valid] - model.predict(X[valid]))
    n = len(valid)
    low, high = residuals[[int(0.1 * (n + 1)) - 1, int(np.ceil(0.9 * (n + 1))) - 1]]
    expected = model.predict(X)[:, None] + [low, high]
    np.testing.assert_allclose(model.predict_interval(X), expected, atol=1e-4)


def test_quantiles_of_quantiles_are_corrected_one_by_one(diabetes):
    X, y = diabetes
    loss = MultiQuantile(quantiles=(0.2, 0.5, 0.7))
    model = NeuralRegressor(loss, **CALIBRATED).fit(X, y)
    plain = clone(model).set_params(calibrate=False).fit(X, y)
    levels = [0.2, 0.5, 0.7]
    shift = model.predict_quantiles(X, levels) - plain.predict_quantiles(X, levels)
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-6)
    with pytest.raises(ValueError, match=r"levels from 0\.2 to 0\.7; 0\.1 lies outside"):
        model.predict_interval(X)


@pytest.mark.parametrize("loss", ["mse", "student_t_nll", "multi_quantile"])
def test_several_targets_are_corrected_each(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    Y = X + rng.normal(size=(300, 2)) * [1, 100]
    model = NeuralRegressor(loss, **CALIBRATED).fit(X, Y)
    interval = model.predict_interval(X)
    assert interval.shape == (300, 2, 2)
    covered = ((interval[..., 0] <= Y) & (interval[..., 1] >= Y)).mean(0)
    np.testing.assert_allclose(covered, 0.8, atol=0.08)
    assert np.isfinite(model.predict_distribution(X).cdf(Y)).all() or loss == "multi_quantile"


def test_rows_of_weight_0_do_not_count(diabetes):
    X, y = diabetes
    weight = (np.arange(442) % 4 > 0).astype(float)
    wild = np.where(weight > 0, y, 1e5)
    model = NeuralRegressor("mse", **CALIBRATED)
    found = clone(model).fit(X, wild, sample_weight=weight).predict_interval(X)
    without = clone(model).fit(X[weight > 0], y[weight > 0]).predict_interval(X)
    np.testing.assert_allclose(found, without, rtol=1e-4)


@pytest.mark.parametrize("loss", ["mse", "crps"])
def test_it_clones_pickles_and_repeats(loss, diabetes):
    X, y = diabetes
    model = NeuralRegressor(loss, **CALIBRATED).fit(X, y)
    interval = model.predict_interval(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_interval(X), interval)
    assert clone(model).calibrate is True
    np.testing.assert_array_equal(clone(model).fit(X, y).predict_interval(X), interval)
    model.set_params(calibrate=False)  # the fit decides
    np.testing.assert_array_equal(model.predict_interval(X), interval)


def test_candidates_of_a_stack_equal_those_alone(diabetes):
    X, y = diabetes
    grid = {"loss": ["mse", "crps"], "calibrate": [True, False]}
    scoring = get_scorer("neg_pinball_0.9")
    net = NeuralRegressor(**QUICK)
    stacked = LossSearchCV(net, grid, scoring=scoring, cv=2).fit(X, y)
    alone = GridSearchCV(net, grid, scoring=scoring, cv=2).fit(X, y)
    for column in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(stacked.cv_results_[column], alone.cv_results_[column])
    assert len(set(stacked.cv_results_["mean_test_score"])) == 4
    interval = predict_distribution(stacked, X).interval(0.8)
    np.testing.assert_array_equal(interval, predict_distribution(alone, X).interval(0.8))


def test_pipelines_and_scorers_reach_intervals_of_points(diabetes):
    X, y = diabetes
    model = make_pipeline(StandardScaler(), NeuralRegressor("huber", **CALIBRATED)).fit(X, y)
    assert 0.7 < get_scorer("interval_coverage_0.8")(model, X, y) < 0.9
    assert get_scorer("neg_crps")(model, X, y) > -60
    with pytest.raises(ValueError, match="by which no density is determined"):
        get_scorer("neg_log_likelihood")(model, X, y)


def test_the_loss_alone_decides_without(diabetes):
    assert not hasattr(NeuralRegressor("mse"), "predict_interval")
    assert hasattr(NeuralRegressor("mse", calibrate=True), "predict_interval")
    with pytest.raises(AttributeError) as error:
        _ = NeuralRegressor("mse").predict_interval
    assert "Or set calibrate=True" in str(error.value.__cause__)


def test_a_fit_that_holds_nothing_out_is_refused(diabetes):
    X, y = diabetes
    with pytest.raises(ValueError, match="early_stopping=False holds out none. Set early_stop"):
        NeuralRegressor("mse", **CALIBRATED, early_stopping=False).fit(X, y)
    X, y = load_linnerud(return_X_y=True)
    few = NeuralRegressor("gaussian_nll", **CALIBRATED).fit(X, y[:, 0])
    assert few.predict(X).shape == (20,)
    for method in (few.predict_interval, few.predict_quantiles, few.predict_distribution):
        with pytest.raises(ValueError, match="this fit held out none: there were fewer than"):
            method(X)


def test_too_few_rows_for_a_coverage_are_refused_with_the_number(diabetes):
    X, y = diabetes
    model = NeuralRegressor("mse", **CALIBRATED).fit(X, y)
    with pytest.raises(ValueError, match=r"needs at least 1999 held-out rows, and 442 rows were"):
        model.predict_interval(X, coverage=0.999)
    assert model.predict_interval(X, coverage=0.995).shape == (442, 2)


@pytest.mark.parametrize("coverage", [0, 1, 80, np.nan])
def test_coverage_outside_0_to_1_is_refused(coverage, diabetes):
    X, y = diabetes
    model = NeuralRegressor("mse", **{**CALIBRATED, "max_epochs": 1}).fit(X, y)
    with pytest.raises(ValueError, match="predict_interval needs 0 < coverage < 1"):
        model.predict_interval(X, coverage=coverage)


@pytest.mark.parametrize("value", ["yes", 2, None])
def test_calibrate_is_a_bool(value, diabetes):
    with pytest.raises(ValueError, match="needs calibrate to be one of True, False"):
        NeuralRegressor("mse", calibrate=value).fit(*diabetes)
