"""Shapes, names and refusals of a predictive distribution, and what it says beside scipy."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from .known import known

NORMAL, COUNTS = known(stats.norm(2, 3), 4), known(stats.nbinom(1.5, 0.2), 4)


@pytest.mark.parametrize("method", ["cdf", "pdf", "log_likelihood"])
@pytest.mark.parametrize("shape", [(), (4,), (4, 6), (1, 6), (4, 1)])
def test_results_have_the_shape_of_y(method, shape):
    y = np.random.default_rng(0).normal(size=shape)
    of_scipy = {"cdf": "cdf", "pdf": "pdf", "log_likelihood": "logpdf"}[method]
    found = getattr(NORMAL, method)(y)
    assert found.shape == np.broadcast_shapes(shape, (4, *[1] * (len(shape) - 1)))
    np.testing.assert_allclose(
        found, np.broadcast_to(getattr(NORMAL.law, of_scipy)(y), found.shape)
    )


@pytest.mark.parametrize("shape", [(3,), (5, 2), (4, 2, 2), (1,)])
def test_other_shapes_of_y_are_refused(shape):
    with pytest.raises(ValueError, match=r"cdf needs y of shape \(\), \(n_samples\)"):
        NORMAL.cdf(np.zeros(shape))


def test_y_comes_as_a_list_or_a_series_and_may_be_infinite():
    assert NORMAL.cdf([-np.inf, 2, 2, np.inf]).tolist() == [0, 0.5, 0.5, 1]
    series = pd.Series([-1.0, 0.0, 2.0, 8.0], index=list("abcd"))
    np.testing.assert_array_equal(NORMAL.cdf(series), NORMAL.cdf(series.to_numpy()))


@pytest.mark.parametrize("y", [np.nan, [0, 1, np.nan, 2]])
@pytest.mark.parametrize("method", ["cdf", "pdf", "log_likelihood"])
def test_missing_values_of_y_are_refused(method, y):
    with pytest.raises(
        ValueError, match=rf"{method} needs y without NaN; 1 of \d values? is missing"
    ):
        getattr(NORMAL, method)(y)


def test_y_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="y must be numbers"):
        NORMAL.cdf(["low", "high", "low", "high"])


def test_quantiles_of_one_level_have_no_axis_of_levels():
    assert NORMAL.ppf(0.5).tolist() == [2, 2, 2, 2]
    assert NORMAL.ppf([0.1, 0.5, 0.9]).shape == (4, 3)
    np.testing.assert_array_equal(NORMAL.interval(0.6), NORMAL.ppf([0.2, 0.8]))


@pytest.mark.parametrize("level", [0, 1, -0.1, [0.5, 2], np.nan, "0.5", [[0.1], [0.2]]])
def test_levels_outside_0_to_1_are_refused(level):
    with pytest.raises(ValueError, match="ppf needs levels with 0 < quantile < 1"):
        NORMAL.ppf(level)


@pytest.mark.parametrize("coverage", [0, 1, 80, -0.5, np.nan, "0.8"])
def test_coverage_outside_0_to_1_is_refused(coverage):
    with pytest.raises(ValueError, match="interval needs 0 < coverage < 1; got"):
        NORMAL.interval(coverage)


def test_a_density_has_no_pmf_and_counts_no_pdf():
    assert not hasattr(NORMAL, "pmf")
    assert not hasattr(COUNTS, "pdf")
    with pytest.raises(AttributeError) as error:
        NORMAL.pmf(1)
    assert "use pdf for the density" in str(error.value)
    with pytest.raises(AttributeError) as error:
        COUNTS.pdf(1)
    assert "use pmf" in str(error.value)
    np.testing.assert_allclose(COUNTS.pmf(3), COUNTS.law.pmf(3))


@pytest.mark.parametrize("n", [0, -1, 2.5, "3", True, None])
def test_a_number_of_draws_below_1_is_refused(n):
    with pytest.raises(ValueError, match=r"sample needs n >= 1 \(a whole number\); got"):
        NORMAL.sample(n)


def test_draws_follow_the_distribution_and_the_seed():
    draws = NORMAL.sample(2000, random_state=0)
    assert draws.shape == (4, 2000)
    for row in draws:
        assert stats.kstest(row, NORMAL.law.cdf).pvalue > 1e-3
    np.testing.assert_array_equal(draws, NORMAL.sample(2000, random_state=0))
    assert not np.array_equal(draws, NORMAL.sample(2000, random_state=1))


def test_it_is_frozen_and_pickles():
    with pytest.raises(AttributeError):
        NORMAL.n_rows = 7
    copy = pickle.loads(pickle.dumps(NORMAL))
    np.testing.assert_array_equal(copy.ppf([0.2, 0.7]), NORMAL.ppf([0.2, 0.7]))
    assert len(NORMAL) == NORMAL.n_samples == 4
