"""Integrals over a predictive distribution, from its cdf alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit

# Levels between whose quantiles the integrals are taken, from 1e-7 to 1 - 1e-7.
SPREAD = expit(np.linspace(-16, 16, 41))
# Nodes and weights of a piece between two quantiles, on (0, 1).
NODES, WEIGHTS = (each / 2 for each in np.polynomial.legendre.leggauss(8))
NODES = NODES + 0.5
# Pieces whose nodes are held at once.
PIECES_AT_ONCE = 8
# Pieces that the counts between two quantiles are divided into, at most.
COUNT_PIECES = 24

Cdf = Callable[[np.ndarray], np.ndarray]


def crps_of(distribution: Any, y: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score, ∫ (F(x) - 1[x >= y])² dx.

    Parameters
    ----------
    distribution : PredictiveDistribution
    y : ndarray of shape (n_samples, n_targets)

    Returns
    -------
    ndarray of shape (n_samples, n_targets)
    """
    knots = distribution._knots()
    if distribution.is_discrete:
        return _of_counts(distribution._cdf, knots, y)
    return _integral(distribution._cdf, knots, y, lambda x, F: np.square(F - (x >= y[..., None])))


def moments_of(distribution: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation, each (n_samples, n_targets), of a continuous one."""
    knots = distribution._knots()
    middle = knots[..., knots.shape[-1] // 2]

    def first(x: np.ndarray, F: np.ndarray) -> np.ndarray:
        return (x >= middle[..., None]) - F

    def second(x: np.ndarray, F: np.ndarray) -> np.ndarray:
        return 2 * (x - middle[..., None]) * first(x, F)

    shift = _integral(distribution._cdf, knots, middle, first)
    square = _integral(distribution._cdf, knots, middle, second)
    return middle + shift, np.sqrt(np.maximum(square - shift**2, 0))


def _integral(
    cdf: Cdf, knots: np.ndarray, y: np.ndarray, integrand: Callable[..., np.ndarray]
) -> np.ndarray:
    """Integrate a function of x and F(x) between the outermost knots and y, where it may jump."""
    ends = np.sort(np.concatenate((knots, y[..., None]), -1), -1)
    total = np.zeros(y.shape)
    for start in range(0, ends.shape[-1] - 1, PIECES_AT_ONCE):
        few = ends[..., start : start + PIECES_AT_ONCE + 1]
        width = np.diff(few)
        nodes = (few[..., :-1, None] + width[..., None] * NODES).reshape(*y.shape, -1)
        values = integrand(nodes, cdf(nodes)).reshape(*width.shape, len(NODES))
        total += (width * (values @ WEIGHTS)).sum(-1)
    return total


def _of_counts(cdf: Cdf, knots: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the score of a distribution of counts, whose cdf is constant between them.

    The sum over counts is exact where neighbouring knots are at most `COUNT_PIECES` apart, and by
    the trapezoid rule otherwise.
    """
    whole = np.ceil(y)
    lowest = np.minimum(np.minimum(knots[..., :1], 0), whole[..., None])
    highest = np.maximum(knots[..., -1:], whole[..., None]) + 1
    ends = np.concatenate((lowest, np.floor(knots), whole[..., None], highest), -1)
    ends = np.sort(ends, -1)
    steps = np.arange(COUNT_PIECES) / COUNT_PIECES
    starts = np.floor(ends[..., :-1, None] + np.diff(ends)[..., None] * steps)
    starts = np.concatenate((starts.reshape(*y.shape, -1), ends[..., -1:]), -1)
    length = np.diff(starts)
    first, last = starts[..., :-1], np.maximum(starts[..., 1:] - 1, starts[..., :-1])
    is_above = first >= whole[..., None]
    at = [np.square(cdf(counts) - is_above) for counts in (first, last)]
    # Between y and the next whole number the step is already there.
    below = cdf(np.floor(y)[..., None])[..., 0]
    return (length * (at[0] + at[1]) / 2).sum(-1) + (whole - y) * (1 - 2 * below)
