"""Facts about y and its noise agree with the distribution that rows are drawn from."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse, stats

from sklloss import suggest_losses
from sklloss.advice.suggestion.facts import facts_of, table_of, tail_index
from sklloss.advice.suggestion.target import read_target
from sklloss.advice.suggestion.weights import weighted_rows

N = 1_000


def drawn(law, seed=0, n=N):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3))
    return X, law(rng, X)


def facts(y, X=None, task="auto"):
    return facts_of(read_target(y, task), X)


def test_facts_of_counts():
    y = np.array([0, 0, 0, 1, 1, 2, 3, 5, 8, 40] * 10)
    found = facts(y, task="regression")
    assert found.zeros == pytest.approx(0.3)
    assert found.variance_over_mean == pytest.approx(y.var() / y.mean())
    assert found.skew == pytest.approx(stats.skew(y))
    assert found.offset == pytest.approx(y.mean() / y.std())
    assert (found.outliers, found.outliers_above) == (0.1, 1.0)
    assert found.distinct == pytest.approx(0.07)


def test_outliers_below_and_targets_that_pile_up_at_both_ends():
    y = np.r_[np.random.default_rng(0).standard_normal(190), np.full(10, -30.0)]
    found = facts(y)
    assert found.outliers == pytest.approx(0.05, abs=0.01)
    assert found.outliers_above == 0
    assert not found.is_bounded
    assert facts(np.clip(y, -1, 1)).is_bounded


@pytest.mark.parametrize("df", [2, 5])
def test_the_tail_index_is_the_degrees_of_freedom(df):
    y = np.random.default_rng(0).standard_t(df, 100_000)
    assert tail_index(y) == pytest.approx(df, rel=0.35)


def test_of_several_targets_the_most_skewed_one_counts():
    rng = np.random.default_rng(0)
    y = np.c_[rng.standard_normal(300), rng.exponential(size=300)]
    found = facts(y)
    assert found.skew == pytest.approx(stats.skew(y[:, 1]))
    assert (found.n_targets, found.kind) == (2, "real")


@pytest.mark.parametrize(
    ("law", "power"),
    [
        (lambda rng, X: rng.gamma(2, np.exp(X[:, 0])), 2),
        (lambda rng, X: rng.poisson(np.exp(2 + X[:, 0])), 1),
        (lambda rng, X: np.maximum(50 + 15 * X[:, 0] + 5 * rng.standard_normal(N), 0.0), 0),
    ],
)
def test_the_power_of_the_variance(law, power):
    X, y = drawn(law)
    assert facts(y, X, "regression").noise.power == pytest.approx(power, abs=0.5)


def test_noise_is_told_from_signal():
    X, y = drawn(lambda rng, X: np.exp(2 * X[:, 0]) + 0.1 * rng.standard_normal(N))
    found = facts(y, X)
    assert found.skew > 5
    assert found.noise.explained > 0.5


@pytest.mark.parametrize(("grows", "low", "high"), [(0.0, -0.1, 0.15), (1.0, 0.4, 0.9)])
def test_noise_whose_spread_depends_on_X(grows, low, high):
    X, y = drawn(lambda rng, X: np.exp(grows * X[:, 0]) * rng.standard_normal(N))
    assert low < facts(y, X).noise.spread_varies < high


def test_outliers_of_the_noise_and_their_side():
    def law(rng, X):
        return X[:, 0] + rng.standard_normal(N) + 20 * (rng.random(N) < 0.05)

    X, y = drawn(law)
    noise = facts(y, X).noise
    assert noise.noise_outliers == pytest.approx(0.05, abs=0.035)
    assert noise.noise_above > 0.9


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0.0, 0.03), (0.3, 0.08, 0.25)])
def test_wrong_labels_are_told_from_overlap(share, low, high):
    def law(rng, X):
        y = X[:, 0] + 0.5 * rng.standard_normal(N) > 0
        return np.where(rng.random(N) < share / 2, ~y, y).astype(int)

    X, y = drawn(law)
    assert low <= facts(y, X).noise.wrong_labels < high


def test_facts_of_labels():
    found = facts(["a"] * 90 + ["b"] * 10)
    assert (found.rarest, found.commonest, found.rarest_label) == (0.1, 0.9, "b")
    assert found.imbalance == pytest.approx(9)
    assert found.is_imbalanced
    assert not facts(["a", "b", "c"] * 10).is_imbalanced
    several = facts(np.array([[1, 0, 0], [1, 1, 0]] * 10))
    assert (several.labels_per_row, several.rarest, several.rarest_label) == (1.5, 0.0, 2)


@pytest.mark.parametrize("form", ["array", "frame", "sparse", "missing", "text"])
def test_X_may_have_any_form(form):
    X, y = drawn(lambda rng, X: X[:, 0] + rng.standard_normal(200), n=200)
    if form == "frame":
        X = pd.DataFrame(X)
    if form == "sparse":
        X = sparse.csr_matrix(X)
    if form == "missing":
        X[::3, 1] = np.nan
    if form == "text":
        X = pd.DataFrame(X).assign(colour=np.where(X[:, 1] > 0, "red", None))
    assert facts(y, X).noise.explained > 0.2


@pytest.mark.parametrize("shape", [(50, 3), (100, 1, 8, 8)])
def test_few_rows_and_images_say_nothing_of_the_noise(shape):
    rng = np.random.default_rng(0)
    assert facts(rng.standard_normal(shape[0]), rng.standard_normal(shape)).noise is None


@pytest.mark.parametrize("X", [np.full((100, 2), np.nan), np.zeros((100, 0)), np.zeros(100)])
def test_X_that_says_nothing_is_left_out(X):
    assert facts(np.arange(100.0) / 3, X).noise is None


@pytest.mark.parametrize("X", [(row for row in range(100)), "x" * 100, {"a": 1}, 3], ids=type)
def test_X_without_rows(X):
    with pytest.raises(TypeError, match="X must be a table or an array; got"):
        suggest_losses(X, np.arange(100.0) / 3)


@pytest.mark.parametrize("y", [None, "yes", {"a": 1}, 3, np.array(1.0)], ids=type)
def test_y_without_rows(y):
    with pytest.raises(TypeError, match=r"needs y of shape \(n_rows,\).* of type"):
        suggest_losses(None, y)


def test_X_and_y_of_unequal_length():
    with pytest.raises(ValueError, match="X has 90 rows and y has 100. Give one target per row"):
        suggest_losses(np.zeros((90, 2)), np.arange(100.0) / 3)


def weighted(y, weight, X=None):
    X, y, weight = weighted_rows(X, y, weight)
    return facts_of(read_target(y, "auto"), X, weight)


@pytest.mark.parametrize("kind", ["numbers", "counts", "labels", "multi-label"])
def test_whole_weights_are_rows_that_are_repeated_or_removed(kind):
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, 300)
    y = {
        "numbers": rng.standard_t(3, 300),
        "counts": rng.poisson(rng.gamma(0.5, 4, 300)),
        "labels": rng.choice(["a", "b", "c"], 300, p=[0.7, 0.2, 0.1]),
        "multi-label": (rng.random((300, 3)) < 0.3).astype(int),
    }[kind]
    repeated = facts(np.repeat(y, weight, axis=0))
    assert weighted(y, weight) == repeated
    assert repeated != facts(y)


def test_rows_of_weight_0_may_hold_anything():
    X, y = drawn(lambda rng, X: rng.gamma(1, np.exp(X[:, 0])))
    weight = np.ones(N)
    weight[:5], y[:3], y[3:5] = 0, np.nan, -1.0
    assert weighted(y, weight, X) == facts(y[5:], X[5:])
    for table in (pd.DataFrame(X), sparse.csr_matrix(X), X.tolist(), pl.DataFrame(X)):
        assert weighted(pd.Series(y), weight, table).kind == "positive"


def test_only_ratios_of_other_weights_count():
    X, y = drawn(lambda rng, X: np.exp(X[:, 0]) * rng.standard_normal(N) + 20 * (X[:, 1] > 2))
    weight = np.random.default_rng(1).random(N)
    found, scaled = (weighted(y, factor * weight, X) for factor in (1.0, 2.0**-10))
    assert found.n_rows == N
    mean, spread = np.average(y, weights=weight), np.sqrt(np.cov(y, aweights=weight, ddof=0))
    assert found.offset == pytest.approx(mean / spread, abs=0.005)
    assert table_of(scaled) == table_of(found)


def test_the_noise_is_that_of_heavy_rows():
    """A half with outliers counts as far as its weight."""

    def law(rng, X):
        return X[:, 0] + rng.standard_normal(N) + 30 * ((X[:, 1] > 0) & (rng.random(N) < 0.1))

    X, y = drawn(law)
    shares = [weighted(y, np.where(X[:, 1] > 0, heavy, 1.0), X).noise for heavy in (0.01, 1, 20.5)]
    outliers = [noise.noise_outliers for noise in shares]
    assert outliers[0] < 0.01 < outliers[1] < outliers[2]


def test_wrong_labels_count_by_their_weight():
    def law(rng, X):
        y = X[:, 0] > 0
        return np.where((X[:, 1] > 0) & (rng.random(N) < 0.3), ~y, y).astype(int)

    X, y = drawn(law)
    light, heavy = (weighted(y, np.where(X[:, 1] > 0, w, 1.0), X).noise for w in (0.01, 20.5))
    assert light.accuracy > 0.97
    assert heavy.accuracy < 0.75


@pytest.mark.parametrize(
    ("weight", "match"),
    [
        (np.full(100, -1.0), "sample_weight needs values >= 0"),
        (np.zeros(100), "sample_weight is zero for all 100 rows"),
        (np.full(100, np.nan), "sample_weight must be finite"),
        (np.ones(90), "90"),
        (["a"] * 100, "sample_weight must be numbers"),
        (np.r_[np.ones(9), np.zeros(91)], "at least 10 rows; y has 9"),
    ],
    ids=str,
)
def test_wrong_weights(weight, match):
    with pytest.raises(ValueError, match=match):
        suggest_losses(None, np.arange(100.0) / 3, sample_weight=weight)


def test_global_generators_are_left_alone():
    state = np.random.get_state()[1].copy()
    X, y = drawn(lambda rng, X: X[:, 0] + rng.standard_normal(3_000), n=3_000)
    first, second = (table_of(facts(y, X)) for _ in range(2))
    assert first == second
    assert (np.random.get_state()[1] == state).all()
