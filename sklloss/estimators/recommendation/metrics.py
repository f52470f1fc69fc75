"""Metrics of ranked recommendations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from ...parameters.domains import check_in_domain
from ..fit.parameters import COUNT
from .labels import distinct_of


def recall_at(
    relevant: Sequence[Collection[Any]], recommended: Sequence[Sequence[Any]], k: int = 20
) -> float:
    """Return the mean share of each user's relevant items among the first k recommendations.

    Parameters
    ----------
    relevant : sequence of collections
        The relevant items of each user.  Users without any are left out.
    recommended : sequence of sequences
        The recommended items of each user, best first.
    k : int, default=20
        Number of first recommendations that count, >= 1.

    Returns
    -------
    float
        In [0, 1].  An item that is recommended twice counts once.

    Examples
    --------
    >>> recall_at([{"a", "b"}, {"c"}], [["b", "x"], ["x", "c"]], k=1)
    0.25
    """
    hits = _hits_of_users("recall_at", relevant, recommended, k)
    return float(np.mean([is_hit.sum() / n_relevant for is_hit, n_relevant in hits]))


def ndcg_at(
    relevant: Sequence[Collection[Any]], recommended: Sequence[Sequence[Any]], k: int = 20
) -> float:
    """Return the mean normalised discounted cumulative gain of the first k recommendations.

    A relevant item at position r has the gain ``1 / log2(1 + r)``; the sum of a user is divided by
    that of the best order.

    Parameters
    ----------
    relevant : sequence of collections
        The relevant items of each user.  Users without any are left out.
    recommended : sequence of sequences
        The recommended items of each user, best first.
    k : int, default=20
        Number of first recommendations that count, >= 1.

    Returns
    -------
    float
        In [0, 1].  An item that is recommended twice counts once.

    References
    ----------
    Järvelin, K. and Kekäläinen, J., Cumulated Gain-Based Evaluation of IR Techniques, 2002.

    Examples
    --------
    >>> ndcg_at([{"a"}, {"c"}], [["a", "x"], ["x", "y", "c"]], k=3)
    0.75
    """
    values = []
    for is_hit, n_relevant in _hits_of_users("ndcg_at", relevant, recommended, k):
        best = min(n_relevant, k)
        discount = 1 / np.log2(np.arange(2, 2 + max(len(is_hit), best)))
        values.append((is_hit * discount[: len(is_hit)]).sum() / discount[:best].sum())
    return float(np.mean(values))


def _hits_of_users(
    metric: str, relevant: Any, recommended: Any, k: int
) -> list[tuple[np.ndarray, int]]:
    """Return which of the first k items are hits, and how many could be, of users with any."""
    check_in_domain(metric, "k", k, COUNT, "The default is k=20.")
    right, ranked = _of_users(relevant, "relevant"), _of_users(recommended, "recommended")
    if len(right) != len(ranked):
        raise ValueError(
            f"relevant and recommended need one entry per user; got {len(right)} and {len(ranked)}."
            " Give both in the same order."
        )
    pairs = zip(map(set, right), ranked, strict=True)
    hits = [(_hits(wanted, items[:k]), len(wanted)) for wanted, items in pairs if wanted]
    if not hits:
        raise ValueError("No user has a relevant item, so there is nothing to average over.")
    return hits


def _hits(wanted: set[Any], items: list[Any]) -> np.ndarray:
    """Return 1 where an item is wanted and has not come before, 0 elsewhere."""
    first = {item: place for place, item in reversed(list(enumerate(items)))}
    return np.array(
        [item in wanted and first[item] == k for k, item in enumerate(items)], dtype=float
    )


def _of_users(users: Any, name: str) -> list[list[Any]]:
    """Return the items of each user as a list, checked."""
    if isinstance(users, str | bytes | Set | Mapping) or not isinstance(users, Iterable):
        raise TypeError(
            f"{name} needs a sequence of collections of items, one per user; got a"
            f" {type(users).__name__}. For one user give [[...]]."
        )
    lists = []
    for user, items in enumerate(users):
        found = items.tolist() if hasattr(items, "tolist") else items
        if isinstance(found, str | bytes) or not isinstance(found, Iterable):
            raise TypeError(
                f"{name} needs a collection of items for each user; user {user} has {items!r}. For"
                f" one item give [{items!r}]."
            )
        if name == "recommended" and isinstance(found, Set):
            raise TypeError(
                "recommended needs the items of each user in order, best first; user"
                f" {user} has a set. Give a list."
            )
        lists.append(list(found))
        distinct_of(lists[-1], "item", f"{name} of user {user}: ")
    return lists
