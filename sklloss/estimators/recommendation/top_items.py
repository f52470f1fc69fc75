"""The items of the highest scores for each user, some users at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

if TYPE_CHECKING:
    import pandas as pd

# How many numbers a network puts out at once, for some users with all items.
NUMBERS_AT_ONCE = 2**20
# Items, best first, and their scores.
Top = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class TopItems:
    """What ranks all items for users.

    Attributes
    ----------
    scores : callable
        From numbers of users (n,), -1 for unknown ones, to scores (n, n_items), float64.
    seen : csr_array of shape (n_users, n_items)
        Not 0 where a user took an item.
    popularity : ndarray of shape (n_items,)
        Ranks items for unknown users.
    n_outputs : int
        How many numbers the network puts out per score.
    """

    scores: Callable[[Tensor], Tensor]
    seen: sparse.csr_array
    popularity: np.ndarray
    n_outputs: int

    def of_users(
        self,
        users: np.ndarray,
        n: int,
        exclude_seen: bool = True,
        wanted: Sequence[np.ndarray] | None = None,
    ) -> Iterator[Top]:
        """Yield the first n items of each user, or as many as there are.

        Parameters
        ----------
        users : ndarray of shape (n_users,)
            Their numbers, -1 for unknown ones.
        n : int
        exclude_seen : bool, default=True
            Whether items that a user took are left out.
        wanted : sequence of ndarray or None, default=None
            Of each user, items that are not left out.
        """
        n_items = self.seen.shape[1]
        size = max(1, NUMBERS_AT_ONCE // (n_items * self.n_outputs))
        for start in range(0, len(users), size):
            some = users[start : start + size]
            scores = self._scored(some)
            if exclude_seen:
                kept = None if wanted is None else wanted[start : start + size]
                scores[self._left_out(some, kept)] = -np.inf
            yield from self._first(some, scores, min(n, n_items))

    def _scored(self, users: np.ndarray) -> np.ndarray:
        scores = self.scores(torch.from_numpy(users)).numpy()
        scores[users < 0] = self.popularity
        return scores

    def _left_out(self, users: np.ndarray, wanted: Sequence[np.ndarray] | None) -> np.ndarray:
        """Return which items each user took, without those that are wanted, (n, n_items)."""
        is_out = np.zeros((len(users), self.seen.shape[1]), dtype=bool)
        known = np.flatnonzero(users >= 0)
        row, item = self.seen[users[known]].nonzero()
        is_out[known[row], item] = True
        for k, items in enumerate(wanted or ()):
            is_out[k, items] = False
        return is_out

    def _first(self, users: np.ndarray, scores: np.ndarray, n: int) -> Iterator[Top]:
        top, order = torch.from_numpy(scores).topk(n, sorted=True)
        for user, values, items in zip(users, top.numpy(), order.numpy(), strict=True):
            is_left = values > -np.inf
            shown = values[is_left] if user >= 0 else np.full(is_left.sum(), np.nan)
            yield items[is_left], shown


def table_of(users: Sequence[Any], items: np.ndarray, found: Sequence[Top]) -> pd.DataFrame:
    """Return what was found for users as a table; `items` are the labels."""
    import pandas as pd

    lengths = [len(numbers) for numbers, _ in found]
    numbers, scores = (np.concatenate(parts or [np.empty(0)]) for parts in _unzipped(found))
    ranks: list[Any] = [np.arange(1, length + 1) for length in lengths]
    return pd.DataFrame(
        {
            "user": [
                user for user, length in zip(users, lengths, strict=True) for _ in range(length)
            ],
            "item": items[numbers.astype(np.int64)],
            "score": scores,
            "rank": np.concatenate(ranks or [np.empty(0)]).astype(np.int64),
        }
    )


def _unzipped(found: Sequence[Top]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [numbers for numbers, _ in found], [scores for _, scores in found]
