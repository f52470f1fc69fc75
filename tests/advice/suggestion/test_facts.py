"""Facts about y and its noise agree with the distribution that rows are drawn from."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from sklloss.advice.suggestion.facts import facts_of, table_of, tail_index
from sklloss.advice.suggestion.target import read_target

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


def test_X_without_rows():
    with pytest.raises(TypeError, match="must be a table or an array.*of type generator"):
        facts(np.arange(100.0) / 3, (row for row in range(100)))


def test_X_and_y_of_unequal_length():
    with pytest.raises(ValueError, match="X has 90 rows and y has 100. Give one target per row"):
        facts(np.arange(100.0) / 3, np.zeros((90, 2)))


def test_global_generators_are_left_alone():
    state = np.random.get_state()[1].copy()
    X, y = drawn(lambda rng, X: X[:, 0] + rng.standard_normal(3_000), n=3_000)
    first, second = (table_of(facts(y, X)) for _ in range(2))
    assert first == second
    assert (np.random.get_state()[1] == state).all()
