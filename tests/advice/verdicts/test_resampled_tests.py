"""Tests of differences on common splits, beside published figures, scipy, statsmodels, baycomp."""

import numpy as np
import pytest
from scipy.stats import ttest_rel
from statsmodels.stats.multitest import multipletests

from sklloss.advice.verdicts.resampled_tests import (
    corrected_t,
    holm,
    p_of_pairs,
    practical_probabilities,
)

# Wrong labels among 15 in each of 10 x 10 folds of iris, from the accuracies that come with the
# tutorial of Benavoli et al. (2017).
WRONG = {
    "nbc": "10001122311320010120011120221131110100100400101211"
    "10121111001221101111211003002210211011110102111311",
    "j48": "10002122111320010120021120221121320100100310101111"
    "10121111001221101110211002101210211011100002111211",
    "aode": "10001122311320010120021120221121310100100410101211"
    "10121111001221101111211003102210211011110102111311",
}
ACCURACY = {name: 100 - np.array(list(map(int, wrong))) / 15 * 100 for name, wrong in WRONG.items()}
RATIO = 1 / 9


@pytest.mark.parametrize(
    ("first", "second", "rope", "n_runs", "expected"),
    [
        # baycomp 1.0.3: two_on_single(second, first, rope=rope, runs=n_runs).
        ("nbc", "j48", 0.5, 10, [0.415445, 0.342874, 0.241681]),
        ("nbc", "j48", 2.0, 10, [0.057439, 0.92251, 0.020051]),
        ("nbc", "aode", 0.5, 10, [0.121553, 0.517664, 0.360782]),
        ("j48", "aode", 1.0, 10, [0.037527, 0.669855, 0.292618]),
        ("nbc", "j48", 1.0, 1, [0.443002, 0.31717, 0.239829]),
    ],
)
def test_probabilities_are_those_of_baycomp(first, second, rope, n_runs, expected):
    differences = (ACCURACY[first] - ACCURACY[second])[: 10 * n_runs]
    np.testing.assert_allclose(
        practical_probabilities(differences, RATIO, rope), expected, atol=1e-6
    )


def test_without_spread_a_difference_is_certain():
    """As baycomp decides; on the border of the region it is within it. The t-test does not apply."""
    differences = np.array([[42.0] * 3, [2.0] * 3, [0.0] * 3, [-2.0] * 3, [-42.0] * 3])
    found = practical_probabilities(differences, RATIO, 2.0)
    assert found.tolist() == [[0, 0, 1], [0, 1, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]]
    t, p = corrected_t(differences, RATIO)
    assert t.tolist() == [np.inf, np.inf, 0, -np.inf, -np.inf]
    assert p.tolist() == [0.25, 0.25, 1, 0.25, 0.25]
    rounded = np.array([0.9 - 0.8, 0.8 - 0.7, 0.7 - 0.6, 0.6 - 0.5, 0.5 - 0.4])
    assert rounded.std() > 0
    assert corrected_t(rounded, RATIO)[1] == 0.0625


def test_without_common_training_rows_it_is_the_paired_t_test():
    first, second = np.random.default_rng(0).normal(size=(2, 12))
    t, p = corrected_t(first - second, 0.0)
    expected = ttest_rel(first, second)
    np.testing.assert_allclose([t, p], [expected.statistic, expected.pvalue], rtol=1e-12)


def test_correction_shrinks_t_by_the_overlap():
    """Nadeau and Bengio: the variance is 1/n + n_test/n_train instead of 1/n times s²."""
    differences = np.random.default_rng(0).normal(size=15) + 1
    plain, corrected = (corrected_t(differences, ratio)[0] for ratio in (0.0, 10 / 90))
    assert corrected / plain == pytest.approx(np.sqrt((1 / 15) / (1 / 15 + 10 / 90)))


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_holm_is_that_of_statsmodels(n):
    p = np.random.default_rng(n).uniform(0, 0.2, n)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)


def test_pairs_are_symmetric_and_corrected_for_all():
    scores = np.random.default_rng(0).normal(size=(4, 6))
    p, corrected = p_of_pairs(scores, RATIO)
    np.testing.assert_array_equal(p, p.T)
    np.testing.assert_array_equal(corrected, corrected.T)
    assert p[1, 3] == corrected_t(scores[1] - scores[3], RATIO)[1]
    rows = np.triu_indices(4, 1)
    np.testing.assert_allclose(corrected[rows], multipletests(p[rows], method="holm")[1])


def drawn(n_candidates, shift, seed, n_runs=2000, n_splits=10):
    """Return scores with the correlation 1 / n_splits of cross-validation, one array per run."""
    rng, rho = np.random.default_rng(seed), 1 / n_splits
    common = rng.normal(0, np.sqrt(rho), (n_runs, n_candidates, 1))
    scores = common + rng.normal(0, np.sqrt(1 - rho), (n_runs, n_candidates, n_splits))
    scores[:, 0] += shift
    return scores


def share_called_worse(runs, ratio):
    """Return the share of runs in which a candidate is called worse than the best."""
    called = []
    for scores in runs:
        _, p = p_of_pairs(scores, ratio)
        called.append(p[scores.mean(axis=1).argmax()].min() <= 0.05)
    return np.mean(called)


@pytest.mark.parametrize("n_candidates", [2, 4])
def test_false_alarms_are_as_rare_as_the_level_says(n_candidates):
    runs = drawn(n_candidates, 0.0, seed=n_candidates)
    assert share_called_worse(runs, RATIO) <= 0.06
    # The plain t-test takes chance for a difference.
    assert share_called_worse(runs, 0.0) > 0.12


def test_coarse_scores_raise_no_false_alarms():
    """Like accuracies on few rows: pairs often differ by one amount on all three splits."""
    runs = np.round(drawn(3, 0.0, seed=0, n_runs=1000, n_splits=3)) * 0.05
    first, second = np.triu_indices(3, 1)
    differences = runs[:, first] - runs[:, second]
    constant = (np.ptp(differences, axis=2) < 1e-9) & (np.abs(differences[..., 0]) > 1e-9)
    assert constant.any(axis=1).mean() > 0.08
    assert share_called_worse(runs, 1 / 2) <= 0.06


def test_a_difference_is_found():
    runs = drawn(3, 2.5, seed=0, n_runs=500)
    assert share_called_worse(runs, RATIO) > 0.9


def test_the_best_of_many_needs_the_correction_for_all_pairs():
    """With the comparisons of the best alone, false alarms are twice the level."""
    runs = drawn(8, 0.0, seed=1, n_runs=1000)
    best_only = []
    for scores in runs:
        best = scores.mean(axis=1).argmax()
        others = np.delete(scores, best, axis=0)
        best_only.append(holm(corrected_t(others - scores[best], RATIO)[1]).min() <= 0.05)
    assert np.mean(best_only) > 0.08
    assert share_called_worse(runs, RATIO) <= 0.06
