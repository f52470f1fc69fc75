"""Tests of differences between scores on the same splits, whose training rows overlap.

A training row belongs to several splits, so scores on different splits are correlated, and a plain
t-test takes chance for a difference.  Nadeau and Bengio's correction takes the correlation to be
the share of rows that a split tests on.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

# Spread of differences, relative to their mean, that rounding alone may cause.
ROUNDING = 1e-10


def corrected_scale(differences: np.ndarray, ratio: float) -> np.ndarray:
    """Return the standard error of a mean over splits, of Nadeau and Bengio (2003).

    Parameters
    ----------
    differences : array of shape (..., n_splits)
    ratio : float
        Test rows of a split divided by its training rows.
    """
    n_splits = differences.shape[-1]
    return spread_of(differences, ddof=1) * np.sqrt(1 / n_splits + ratio)


def spread_of(scores: np.ndarray, ddof: int = 0) -> np.ndarray:
    """Return the standard deviation over splits, also of scores whose squares floats do not hold.

    Parameters
    ----------
    scores : array of shape (..., n_splits)
    ddof : int, default=0
        As in `numpy.std`.

    Examples
    --------
    >>> spread_of(np.array([[1.0, 3.0], [1e200, 3e200]]))
    array([1.e+000, 1.e+200])
    """
    largest = np.abs(scores).max(axis=-1, keepdims=True, initial=0)
    # Powers of two change no digit.
    unit = np.exp2(np.floor(np.log2(np.where(np.isfinite(largest) & (largest > 0), largest, 1.0))))
    return (scores / unit).std(axis=-1, ddof=ddof) * unit[..., 0]


def corrected_t(differences: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the corrected resampled t and its two-sided p.

    Parameters
    ----------
    differences : array of shape (..., n_splits)
        Of two candidates on the same splits; at least two splits.
    ratio : float
        Test rows of a split divided by its training rows; 0 gives the plain paired t-test.

    Notes
    -----
    Coarse scores, such as accuracies on few rows, may differ by the same amount on all splits by
    chance.  Where differences have no spread but a mean, p is that of the sign test, 2 / 2**n.

    References
    ----------
    C. Nadeau and Y. Bengio, "Inference for the generalization error", 2003; for repeated
    cross-validation R. Bouckaert and E. Frank, "Evaluating the replicability of significance tests
    for comparing learning algorithms", 2004.

    Examples
    --------
    >>> t, p = corrected_t(np.array([0.02, 0.03, -0.01, 0.02, 0.04]), ratio=1 / 4)
    >>> round(float(t), 3), round(float(p), 3)
    (1.594, 0.186)
    """
    mean, scale = differences.mean(axis=-1), corrected_scale(differences, ratio)
    n_splits = differences.shape[-1]
    has_spread = scale > ROUNDING * np.abs(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(has_spread, mean / scale, np.where(mean == 0, 0.0, np.copysign(np.inf, mean)))
    p = 2 * student.sf(np.abs(t), n_splits - 1)
    return t, np.where(np.isinf(t), 2.0 / 2.0**n_splits, p)


def practical_probabilities(differences: np.ndarray, ratio: float, rope: float) -> np.ndarray:
    """Return the probabilities that a mean difference is below -rope, within it, and above rope.

    They are the Bayesian correlated t-test: under a flat prior, the mean difference has Student's
    distribution around the mean seen, with the corrected standard error.

    Parameters
    ----------
    differences : array of shape (..., n_splits)
    ratio : float
        Test rows of a split divided by its training rows.
    rope : float
        Half the width of the region of practical equivalence, >= 0, in units of the differences.

    Returns
    -------
    array of shape (..., 3)

    References
    ----------
    G. Corani and A. Benavoli, "A Bayesian approach for comparing cross-validated algorithms on
    multiple data sets", 2015.
    """
    mean, scale = differences.mean(axis=-1), corrected_scale(differences, ratio)
    n_free = differences.shape[-1] - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        below = student.cdf((-rope - mean) / scale, n_free)
        above = student.sf((rope - mean) / scale, n_free)
    # Without any spread, a mean on the border of the region is within it.
    below, above = np.nan_to_num(below), np.nan_to_num(above)
    return np.stack([below, 1 - below - above, above], axis=-1)


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values corrected for their number by Holm's method (1979).

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    order = np.argsort(p)
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def p_of_pairs(scores: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Return p of every pair of candidates, as it is and corrected by Holm for all pairs.

    Parameters
    ----------
    scores : array of shape (n_candidates, n_splits)
    ratio : float
        Test rows of a split divided by its training rows.

    Returns
    -------
    two arrays of shape (n_candidates, n_candidates)
        Symmetric, with 1 on the diagonal.
    """
    first, second = np.triu_indices(len(scores), 1)
    _, p = corrected_t(scores[first] - scores[second], ratio)
    tables = np.ones((2, len(scores), len(scores)))
    for table, values in zip(tables, (p, holm(p)), strict=True):
        table[first, second] = table[second, first] = values
    return tables[0], tables[1]
