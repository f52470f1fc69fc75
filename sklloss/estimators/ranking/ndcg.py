"""NDCG of groups of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from ...parameters.domains import Choice, Either, check_in_domain
from ...parameters.refusals import count, refuse_rows
from ..fit.parameters import COUNT
from ..inputs.floats import check_finite, floats_of
from .row_groups import first_rows, group_weights, sizes_of

FIRST_PLACES = Either(Choice(None), COUNT)
GAINS = Choice("linear", "exponential")


def mean_ndcg(
    y_true: Any,
    y_score: Any,
    group: Any = None,
    *,
    k: int | None = None,
    gain: str = "linear",
    group_weight: Any = None,
) -> float:
    """Return the mean normalised discounted cumulative gain over groups.

    The DCG of a group is ``Σ gain_i / log2(1 + position_i)`` over the rows at the first k positions
    by score; it is divided by that of the best order.  Rows with equal scores share the mean of
    their discounts.  For each group the result equals ``sklearn.metrics.ndcg_score``.

    Groups with one row, or without a relevant row, have no NDCG and are left out.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Relevance, >= 0.
    y_score : array-like of shape (n_rows,)
        Scores; higher scores come first.
    group : array-like of shape (n_rows,) or (n_groups,), or None, default=None
        An id per row, with the rows of a group adjacent, or the sizes of the groups; None takes all
        rows as one group.
    k : int or None, default=None
        Number of first positions that count; None counts all.
    gain : {"linear", "exponential"}, default="linear"
        Gain of a row of relevance y: y, as in scikit-learn, or 2^y - 1, as in LightGBM and XGBoost.
    group_weight : array-like of shape (n_groups,) or (n_rows,), or None, default=None
        Weights of the groups in the mean, >= 0; if given per row, they must be equal within each
        group.

    Returns
    -------
    float
        In [0, 1]; 1 is the best order.

    Raises
    ------
    ValueError
        If a value is invalid, or no group has an NDCG.

    References
    ----------
    Järvelin, K. and Kekäläinen, J., Cumulated Gain-Based Evaluation of IR Techniques, 2002.

    Examples
    --------
    The first group is in the best order, the second in the worst:

    >>> round(mean_ndcg([2, 0, 0, 1], [0.9, 0.1, 0.5, 0.2], group=["a", "a", "b", "b"]), 3)
    0.815
    """
    check_in_domain("mean_ndcg", "k", k, FIRST_PLACES, "The default is k=None: all positions.")
    check_in_domain("mean_ndcg", "gain", gain, GAINS, "The default is gain='linear'.")
    y, scores = checked_relevance(y_true), _numbers(y_score, "y_score")
    check_consistent_length(y, scores)
    sizes = sizes_of(group, len(y))
    worth = _gains(y, gain)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    found = np.bincount(groups, worth * _shared_discounts(scores, groups, sizes, k))
    best_first = worth[np.lexsort((-worth, groups))]
    ideal = np.bincount(groups, best_first * _discounts(sizes, k))
    weights = group_weights(group_weight, sizes)
    counts = (sizes > 1) & (ideal > 0) & (weights > 0)
    if not counts.any():
        raise ValueError(
            f"No group has an NDCG: of {count(len(sizes), 'group')}, {(sizes == 1).sum()} have a"
            f" single row, {(weights == 0).sum()} no weight, and the others no row of"
            " relevance > 0."
        )
    return float(np.average(found[counts] / ideal[counts], weights=weights[counts]))


def _gains(y: np.ndarray, gain: str) -> np.ndarray:
    """Return what each row is worth."""
    with np.errstate(over="ignore"):
        worth = y if gain == "linear" else np.exp2(y) - 1
        too_large = not np.isfinite(worth.sum())
    if too_large:
        raise ValueError(
            f"y is too large for gain={gain!r}: its largest value is {y.max():g}, and gains add up"
            " to infinity. Give grades such as 0 to 4, or divide y by a constant."
        )
    return worth


def checked_relevance(y: Any) -> np.ndarray:
    """Return relevance as float64, (n_rows,).

    Raises
    ------
    ValueError
        If a value is no number, missing, infinite or negative; the message names the first such
        row.
    """
    values = _numbers(y, "y")
    refuse_rows(
        values < 0,
        "y needs relevance >= 0",
        "have less",
        "Shift y: 0 is a row that nobody wants.",
        example=values.__getitem__,
    )
    return values


def _numbers(values: Any, name: str) -> np.ndarray:
    """Return finite float64 numbers of one dimension."""
    numbers = column_or_1d(floats_of(values, name), input_name=name)
    check_finite(numbers, name)
    return numbers


def _discounts(sizes: np.ndarray, k: int | None) -> np.ndarray:
    """Return the discounts of the places of each group, one group after the other, (n_rows,)."""
    place = 1 + np.arange(sizes.sum()) - np.repeat(first_rows(sizes), sizes)
    discount = 1 / np.log2(1 + place)
    return discount if k is None else np.where(place <= k, discount, 0.0)


def _shared_discounts(
    scores: np.ndarray, groups: np.ndarray, sizes: np.ndarray, k: int | None
) -> np.ndarray:
    """Return the discount of each row by its score, the mean of their places for equal scores."""
    order = np.lexsort((-scores, groups))
    s, g = scores[order], groups[order]
    tie = np.cumsum(np.r_[True, (s[1:] != s[:-1]) | (g[1:] != g[:-1])]) - 1
    mean = np.bincount(tie, _discounts(sizes, k)) / np.bincount(tie)
    out = np.empty(len(scores))
    out[order] = mean[tie]
    return out
