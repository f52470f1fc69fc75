"""The verdict is correct English, and right, in every case."""

import numpy as np
import pytest

from sklloss import compare_losses

from .tables import table_of

K = 10
WAVE = np.tile([1.0, -1.0], K // 2)


def verdict(scores, names=None, metric="r2", **params):
    settings = None if names is None else [{"loss": name} for name in names]
    table = table_of(scores, settings, metric=metric)
    return compare_losses(table, test_size=0.1, **{"rope": 0.001, **params}).verdict


def test_no_evidence_against_one():
    scores = [0.51 + 0.05 * WAVE, 0.49 - 0.05 * WAVE]
    assert verdict(scores, ["poisson", "tweedie"]) == (
        "poisson leads tweedie by 0.02 (r2 0.51 against 0.49) and is ahead in 5 of 10 splits: no"
        " evidence that it is better (p = 0.69)."
    )


def test_no_evidence_against_several_and_some_that_are_worse():
    scores = [0.51 + 0.05 * WAVE, 0.49 - 0.05 * WAVE, 0.48 - 0.05 * WAVE, 0.1 + 0.04 * WAVE]
    names = ["poisson", "tweedie", "negative_binomial", "mae"]
    assert verdict(scores, names) == (
        "poisson leads tweedie by 0.02 (r2 0.51 against 0.49) and is ahead in 5 of 10 splits: no"
        " evidence that it is better than tweedie or negative_binomial (p = 1). poisson is better"
        " than mae (p < 0.001)."
    )


def test_clear_winners():
    scores = [0.9 + 0.01 * WAVE, 0.8 - 0.01 * WAVE, 0.7 - 0.011 * WAVE, 0.6 - 0.012 * WAVE]
    lead = "a leads b by 0.1 (r2 0.9 against 0.8) and is ahead in all 10 splits."
    assert verdict(scores[:2]) == f"a is better than b (p < 0.001). {lead}"
    assert verdict(scores[:3]) == f"a is better than both others (p < 0.001). {lead}"
    assert verdict(scores) == f"a is better than all 3 others (p < 0.001). {lead}"


def test_errors_are_told_in_their_own_units():
    scores = -np.array([54.3 + WAVE, 55.5 - WAVE])
    assert verdict(scores, ["mae", "mse"], "neg_mean_absolute_error", rope=0.1) == (
        "mae leads mse by 1.2 (mean_absolute_error 54.3 against 55.5) and is ahead in 5 of 10"
        " splits: no evidence that it is better (p = 0.25)."
    )


def test_one_candidate():
    assert verdict([WAVE]) == "a is the only candidate: there is nothing to compare it with."
    gone = verdict([WAVE, np.full(K, np.nan)])
    assert gone == "a is the only candidate left: there is nothing to compare it with."


def test_one_split():
    assert verdict([[0.5], [0.4], [0.3]]) == (
        "a leads b by 0.1 (r2 0.5 against 0.4) on the only split: one split does not show how sure"
        " that is. Use several splits, such as cv=5."
    )
    assert verdict([[0.5], [0.5]]).startswith("a and b have the same r2, 0.5, on the only split:")


def test_equal_scores():
    same = "have the same scores on every split: there is nothing to choose."
    assert verdict([WAVE, WAVE]) == f"a and b both {same}"
    assert verdict([WAVE, WAVE, WAVE]) == f"All {same}"
    some = verdict([WAVE, WAVE, WAVE - 2 - 0.1 * np.roll(WAVE, 1)])
    assert some == (
        "a and b have the same r2, 0, on average: no evidence that a is better than b (p = 1)."
        " a is better than c (p < 0.001)."
    )


def test_equal_means():
    assert verdict([WAVE, -WAVE]) == (
        "a and b have the same r2, 0, on average: no evidence that a is better than b (p = 1)."
    )


def test_ranges_of_p():
    scores = [0.5 + 0 * WAVE, 0.45 + 0.05 * WAVE, 0.4 + 0.3 * np.roll(WAVE, 1)]
    compared = compare_losses(table_of(scores), test_size=0.1)
    low, high = sorted(compared.to_frame()["p_holm"].iloc[1:])
    assert low < high
    assert f"better than b or c (p = {low:.2g} to {high:.2g})" in compared.verdict


def test_many_are_counted():
    many = [0.5 + 0.001 * i * (WAVE - 1) for i in range(7)]
    assert "better than b, c, d or 3 others (p = " in verdict(many)


def test_practical_equivalence():
    scores = [0.5 + 0.01 * WAVE, 0.499 - 0.01 * WAVE, 0.498 - 0.01 * WAVE]
    assert verdict(scores[:2], rope=0.05).endswith(
        "b is practically equivalent to a: the difference is within 0.05 with a probability above"
        " 0.99."
    )
    compared = compare_losses(table_of(scores), test_size=0.1, rope=0.025)
    least = compared.to_frame()["equivalent"].min()
    assert 0.95 < least < 0.99
    assert compared.verdict.endswith(
        "b and c are each practically equivalent to a: the difference is within 0.025 with a"
        f" probability of {least:.2f}."
    )


def test_practical_equivalence_of_those_that_are_worse():
    scores = [0.5 + 0.0001 * WAVE, 0.499 - 0.0001 * WAVE, 0.4 - 0.01 * WAVE]
    ahead = "a leads b by 0.001 (r2 0.500 against 0.499) and is ahead in all 10 splits."
    same = "b is practically equivalent to a: the difference is within 0.01 with a probability"
    assert verdict(scores[:2], rope=0.01) == (
        f"a is better than b (p < 0.001). {ahead} {same} above 0.99."
    )
    assert verdict(scores, rope=0.01) == (
        f"a is better than both others (p < 0.001). {ahead} {same} above 0.99."
    )
    assert "equivalent" not in verdict(scores, rope=0.0005)


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ([0.5, 0.49, 0.48, 0.1], "By loss, mse cannot be told from huber."),
        ([0.5, 0.49, 0.1, 0.2], "Every setting of the other losses is worse than mse(lr=1)."),
        ([0.1, 0.2, 0.5, 0.48], "Every setting of the other losses is worse than huber(lr=1)."),
    ],
)
def test_losses_with_several_settings(means, expected):
    settings = [{"loss": loss, "lr": lr} for loss in ("mse", "huber") for lr in (1, 2)]
    signs = [1, -1, -1, 1]
    scores = [mean + 0.05 * sign * WAVE for mean, sign in zip(means, signs, strict=True)]
    found = compare_losses(table_of(scores, settings), test_size=0.1).verdict
    assert found.endswith(expected)


def test_losses_of_which_some_are_open():
    settings = [{"loss": loss, "lr": lr} for loss in ("mse", "huber", "mae") for lr in (1, 2)]
    means, signs = [0.5, 0.1, 0.49, 0.2, 0.1, 0.1], [1, 1, -1, 1, 1, -1]
    scores = [mean + 0.02 * sign * WAVE for mean, sign in zip(means, signs, strict=True)]
    found = compare_losses(table_of(scores, settings), test_size=0.1).verdict
    assert found.endswith("By loss, mse cannot be told from huber; every setting of mae is worse.")
