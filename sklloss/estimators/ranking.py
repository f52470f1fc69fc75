"""How good ranked recommendations are: the metrics that papers on recommendation report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np


def recall_at(
    relevant: Sequence[Collection[Any]], recommended: Sequence[Sequence[Any]], k: int = 20
) -> float:
    """Return the mean over users of the share of the relevant items that are among the first k.

    Parameters
    ----------
    relevant : sequence of collections
        Of each user the items that are right.  Users without any do not count.
    recommended : sequence of sequences
        Of each user the recommended items, best first.
    k : int, default=20

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> recall_at([{"a", "b"}, {"c"}], [["b", "x"], ["x", "c"]], k=1)
    0.25
    """

    def recall(is_hit: np.ndarray, n_relevant: int) -> float:
        return is_hit.sum() / n_relevant

    return _mean(recall, relevant, recommended, k)


def ndcg_at(
    relevant: Sequence[Collection[Any]], recommended: Sequence[Sequence[Any]], k: int = 20
) -> float:
    """Return the mean over users of the normalised discounted cumulative gain of the first k.

    A relevant item at place r gains ``1 / log2(1 + r)``; the sum is divided by that of the best order.

    Parameters
    ----------
    relevant : sequence of collections
        Of each user the items that are right.  Users without any do not count.
    recommended : sequence of sequences
        Of each user the recommended items, best first.
    k : int, default=20

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    Järvelin, K. and Kekäläinen, J., Cumulated Gain-Based Evaluation of IR Techniques, 2002.

    Examples
    --------
    >>> ndcg_at([{"a"}, {"c"}], [["a", "x"], ["x", "y", "c"]], k=3)
    0.75
    """
    discount = 1 / np.log2(np.arange(2, k + 2))

    def ndcg(is_hit: np.ndarray, n_relevant: int) -> float:
        return (is_hit * discount[: len(is_hit)]).sum() / discount[:n_relevant].sum()

    return _mean(ndcg, relevant, recommended, k)


def _mean(
    metric: Callable[[np.ndarray, int], float],
    relevant: Sequence[Collection[Any]],
    recommended: Sequence[Sequence[Any]],
    k: int,
) -> float:
    """Average a metric of (which of the first k are hits, how many there could be) over users."""
    if len(relevant) != len(recommended):
        raise ValueError(
            f"relevant and recommended need one entry per user; got {len(relevant)} and {len(recommended)}. Give both in the same order."
        )
    values = [
        metric(np.array([item in right for item in list(ranked)[:k]], dtype=float), len(right))
        for right, ranked in zip(map(set, relevant), recommended, strict=True)
        if right
    ]
    if not values:
        raise ValueError("No user has a relevant item, so there is nothing to average over.")
    return float(np.mean(values))
