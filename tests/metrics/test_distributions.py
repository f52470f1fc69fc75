"""Scores of distributions and intervals beside scipy, scikit-learn, properscoring and scoringrules."""

import numpy as np
import pytest
from scipy import stats

from sklloss.metrics import (
    crps,
    interval_coverage,
    interval_score,
    interval_width,
    log_likelihood,
)

from ..estimators.distributions.known import known

Y = np.array([-3.0, 0.4, 2.5, 40.0])
INTERVAL = np.array([[-2.0, 1.0], [-1.0, 2.0], [0.0, 2.0], [1.0, 3.0]])
WEIGHT = np.array([1.0, 2.0, 0.0, 3.0])


def test_crps_of_a_normal_distribution_is_that_of_properscoring():
    """properscoring 0.1: crps_gaussian(Y, 0.5, 2)."""
    each = np.array([2.436316010164, 0.469384250451, 1.204882715255, 38.371620832904])
    law = known(stats.norm(0.5, 2), 4)
    assert crps(Y, law) == pytest.approx(each.mean(), rel=1e-6)
    weighted = np.average(each, weights=WEIGHT)
    assert crps(Y, law, sample_weight=WEIGHT) == pytest.approx(weighted, rel=1e-6)
    assert crps(Y[:, None], law) == crps(Y, law)


def test_crps_of_draws_is_that_of_properscoring():
    """properscoring 0.1: crps_ensemble."""
    draws = [[5.0, 0.0, 1.0], [0.0, 0.4, 0.8], [2.0, 2.5, 9.0], [1.0, 2.0, 3.0]]
    each = [3.888888888889, 0.088888888889, 0.777777777778, 37.555555555556]
    assert crps(Y, draws) == pytest.approx(np.mean(each), rel=1e-9)


def test_log_likelihood_is_that_of_scipy():
    law = stats.t(4, 1, 2)
    assert log_likelihood(Y, known(law, 4)) == pytest.approx(law.logpdf(Y).mean())
    counts, pmf = np.array([0.0, 3.0, 1.0, 9.0]), stats.poisson(2.5)
    expected = np.average(pmf.logpmf(counts), weights=WEIGHT)
    assert log_likelihood(counts, known(pmf, 4), sample_weight=WEIGHT) == pytest.approx(expected)
    assert log_likelihood(counts + 0.5, known(pmf, 4)) == -np.inf


def test_interval_scores_are_those_of_scoringrules():
    """scoringrules 0.10: interval_score(Y, low, high, 0.2)."""
    each = [13.0, 3.0, 7.0, 372.0]
    assert interval_score(Y, INTERVAL, 0.8) == pytest.approx(np.mean(each))
    weighted = interval_score(Y, INTERVAL, 0.8, sample_weight=WEIGHT)
    assert weighted == pytest.approx(np.average(each, weights=WEIGHT))


def test_coverage_and_width_are_shares_and_means():
    assert interval_coverage(Y, INTERVAL) == 0.25
    assert interval_coverage(Y, INTERVAL, sample_weight=WEIGHT) == pytest.approx(2 / 6)
    assert interval_width(Y, INTERVAL) == 2.5
    assert interval_coverage([1.0], [[1.0, 1.0]]) == 1  # ends belong to it


def test_several_targets_are_averaged():
    two, ends = np.stack((Y, Y + 100), 1), np.stack((INTERVAL, INTERVAL), 1)
    assert interval_coverage(two, ends) == 0.125
    assert interval_width(two, ends) == 2.5
    with pytest.raises(ValueError, match=r"interval needs the shape \(4, 2, 2\)"):
        interval_coverage(two, INTERVAL)


@pytest.mark.parametrize("coverage", [0, 1, 80])
def test_coverage_outside_0_to_1_is_refused(coverage):
    with pytest.raises(ValueError, match="interval_score needs 0 < coverage < 1"):
        interval_score(Y, INTERVAL, coverage)


def test_shapes_and_values_that_do_not_fit_are_refused():
    law = known(stats.norm(), 4)
    for score in (crps, log_likelihood):
        with pytest.raises(ValueError, match=r"y_true has the shape \(3,\)"):
            score(Y[:3], law)
        with pytest.raises(ValueError, match="y_true must be finite"):
            score([0, np.nan, 1, 2], law)
    with pytest.raises(ValueError, match=r"draws of shape \(n_samples, n_draws\)"):
        crps(Y, Y)
    with pytest.raises(ValueError, match="sample_weight"):
        crps(Y, law, sample_weight=[1.0, 2.0])


@pytest.mark.parametrize("measure", [interval_coverage, interval_width, interval_score])
@pytest.mark.parametrize(
    ("y", "interval", "message"),
    [
        ([1.0, np.nan], [[0.0, 2.0]] * 2, "y_true must be finite.*1 of 2 rows"),
        ([1.0, np.inf], [[0.0, 2.0]] * 2, "y_true must be finite.*1 of 2 rows"),
        ([1.0, 1.0], [[0.0, 2.0], [0.0, np.nan]], "interval needs two ends; there is NaN in 1 of"),
        ([], np.ones((0, 2)), "at least one row"),
        (1.0, [0.0, 2.0], "at least one row"),
    ],
    ids=str,
)
def test_what_is_missing_does_not_count_as_outside(measure, y, interval, message):
    with pytest.raises(ValueError, match=message):
        measure(y, interval)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (-np.ones(4), "sample_weight needs values >= 0"),
        (np.zeros(4), "sample_weight is zero for all 4 rows"),
        (["a"] * 4, "sample_weight must be numbers"),
        (np.full(4, np.nan), "sample_weight must be finite"),
    ],
    ids=str,
)
def test_wrong_weights_are_refused(weight, message):
    with pytest.raises(ValueError, match=message):
        interval_coverage(Y, INTERVAL, sample_weight=weight)


def test_missing_draws_and_targets_are_refused():
    with pytest.raises(ValueError, match="y_true must be finite"):
        crps([np.nan], [[0.0, 1.0]])
    with pytest.raises(ValueError, match="distribution must be finite"):
        crps([1.0], [[0.0, np.nan]])
