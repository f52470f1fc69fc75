"""Conformal quantiles of held-out scores: ranks of MAPIE and crepes, weights, enough rows."""

import numpy as np
import pytest

from sklloss.estimators.targets.calibration import Calibration

RESIDUALS = np.round(np.random.default_rng(0).normal(size=37) + 0.3, 6)


def calibration(scores=RESIDUALS, weight=None):
    weight = np.ones(len(scores)) if weight is None else np.asarray(weight, dtype=float)
    return Calibration(np.reshape(scores, (-1, 1, 1)), weight)


@pytest.mark.parametrize(
    ("coverage", "low", "high"),
    [(0.8, 9.054089, 11.342513), (0.9, 7.974969, 11.666463), (0.5, 9.634805, 10.661595)],
)
def test_they_are_those_of_mapie_and_crepes(coverage, low, high):
    """Around a prediction of 10: MAPIE 1.6 (SplitConformalRegressor with
    AbsoluteConformityScore(sym=False)) and crepes' ConformalPredictiveSystem.predict_int."""
    levels = np.array([(1 - coverage) / 2, (1 + coverage) / 2])
    np.testing.assert_allclose(10 + calibration().quantiles(levels)[0], [low, high], atol=1e-9)


def test_a_new_score_is_outside_as_often_as_asked():
    """Over many draws of 19 scores, of which 2 lie outside with 10 more: exactly 10 %."""
    rng = np.random.default_rng(0)
    outside = []
    for _ in range(4000):
        *scores, new = rng.normal(size=20)
        low, high = calibration(np.array(scores)).quantiles(np.array([0.05, 0.95]))[0]
        outside.append([new < low, new > high])
    np.testing.assert_allclose(np.mean(outside, 0), 0.05, atol=4 * np.sqrt(0.05 * 0.95 / 4000))


def test_weight_2_is_a_row_repeated():
    weight = np.random.default_rng(1).integers(1, 4, 37)
    levels = np.linspace(0.03, 0.97, 33)
    repeated = calibration(np.repeat(RESIDUALS, weight)).quantiles(levels)
    np.testing.assert_array_equal(calibration(weight=weight).quantiles(levels), repeated)


def test_quantiles_rise_and_targets_are_apart():
    scores = np.stack((RESIDUALS, 100 - RESIDUALS), 1)[..., None]
    found = Calibration(scores, np.ones(37)).quantiles(np.linspace(0.03, 0.97, 40))
    assert (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_allclose(found[1], 100 - found[0][::-1], atol=1e-9)


@pytest.mark.parametrize(
    ("n_rows", "level", "needed"),
    [(8, 0.9, 9), (8, 0.1, 9), (18, 0.95, 19), (98, 0.01, 99), (198, 0.995, 199), (1, 0.3, 3)],
)
def test_too_few_rows_are_refused_with_the_number_needed(n_rows, level, needed):
    few = calibration(np.arange(float(n_rows)))
    with pytest.raises(ValueError, match=rf"quantile {level:g} needs at least {needed} held-out"):
        few.quantiles(np.array([0.5, level]))
    enough = calibration(np.arange(float(needed)))
    assert enough.quantiles(np.array([level])) == (0 if level < 0.5 else needed - 1)


def test_shares_and_their_inverse_reach_the_ends():
    pit = calibration(np.array([0.2, 0.4, 0.9]))
    at = np.array([0.0, 0.1, 0.2, 0.3, 0.9, 1.0]).reshape(1, 1, -1)
    shares = pit.shares_below(at, 0, 1)
    np.testing.assert_allclose(shares[0, 0], [0, 0.125, 0.25, 0.375, 0.75, 1])
    np.testing.assert_allclose(pit.inner_quantiles(shares, 0, 1), at)
