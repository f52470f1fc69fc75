"""The items of the highest scores for each user, some users at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ...training import LossNet
from ..targets.answers import Answer
from .interactions import LearnedInteractions

if TYPE_CHECKING:
    import pandas as pd

# How many numbers a network returns at once, for some users with all items.
NUMBERS_AT_ONCE = 2**20
# Items, best first, and their scores.
Top = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class TopItems:
    """What ranks all items for users.

    Attributes
    ----------
    members : sequence of LossNet
        The members of a fitted estimator.
    answer : Answer
        What its `predict` says.
    learned : LearnedInteractions
        Which items users took, and which are popular: these rank items for unknown users.
    """

    members: Sequence[LossNet]
    answer: Answer
    learned: LearnedInteractions

    def of_users(
        self,
        users: np.ndarray,
        n: int,
        exclude_seen: bool = True,
        wanted: Sequence[set[Any]] = (),
        may_be: np.ndarray | None = None,
    ) -> Iterator[Top]:
        """Yield the first n items of each user, or as many as there are.

        Parameters
        ----------
        users : ndarray of shape (n_users,)
            Their numbers, -1 for unknown ones.
        n : int
        exclude_seen : bool, default=True
            Whether items that a user took are left out.
        wanted : sequence of set, default=()
            Of each user, numbers of items that are not left out; what is no number is ignored.
        may_be : ndarray of bool of shape (n_items,) or None, default=None
            Which items may be among them; None is all.
        """
        n_items, n_outputs = len(self.learned.items), self.members[0].criterion_.constant.shape[-1]
        size = max(1, NUMBERS_AT_ONCE // (n_items * n_outputs))
        for start in range(0, len(users), size):
            some = users[start : start + size]
            scores = self._scored(some)
            if exclude_seen:
                scores[self._left_out(some, wanted[start : start + size])] = -np.inf
            if may_be is not None:
                scores[:, ~may_be] = -np.inf
            best = best_of(torch.from_numpy(scores), n)
            for user, (items, values) in zip(some, best, strict=True):
                yield items, np.where(user >= 0, values, np.nan)

    def _scored(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of all items, (n, n_items); for unknown users how popular they are."""
        values = []
        with torch.no_grad():
            for net in self.members:
                module: Any = net.module_
                # (n, n_items, n_outputs)
                raw = module.of_all_items(torch.from_numpy(users).to(module.user_table.device))
                state = net.loss.readable(net.criterion_.state)
                values.append(self.answer.said_by_member(raw.flatten(0, 1)[None, :, None], state))
            scores = self.answer.of_members(torch.stack(values)).view(len(users), -1).numpy()
        scores[users < 0] = self.learned.popularity
        return scores

    def _left_out(self, users: np.ndarray, wanted: Sequence[set[Any]]) -> np.ndarray:
        """Return which items each user took, without those that are wanted, (n, n_items)."""
        is_out = np.zeros((len(users), len(self.learned.items)), dtype=bool)
        known = np.flatnonzero(users >= 0)
        row, item = self.learned.seen[users[known]].nonzero()
        is_out[known[row], item] = True
        for k, items in enumerate(wanted):
            is_out[k, [item for item in items if isinstance(item, int)]] = False
        return is_out


def best_of(scores: Tensor, n: int) -> Iterator[Top]:
    """Yield the n largest scores of each row, (n_rows, n_items), and where they are; never -inf."""
    values, order = scores.topk(min(n, scores.shape[1]), sorted=True)
    for best, items in zip(values.numpy(), order.numpy(), strict=True):
        is_left = best > -np.inf
        yield items[is_left], best[is_left]


def table_of(
    names: tuple[str, str], asked: Sequence[Any], labels: np.ndarray, found: Sequence[Top]
) -> pd.DataFrame:
    """Return what was found as a table.

    Parameters
    ----------
    names : tuple of str
        The columns of what was asked for, and of what was found.
    asked : sequence of labels
    labels : ndarray
        Those that the numbers in `found` stand for.
    found : sequence of Top
        One per label that was asked for.
    """
    import pandas as pd

    lengths = [len(numbers) for numbers, _ in found]
    none = np.empty(0, dtype=np.int64)
    return pd.DataFrame(
        {
            names[0]: [label for label, n in zip(asked, lengths, strict=True) for _ in range(n)],
            names[1]: labels[np.concatenate([none, *(numbers for numbers, _ in found)])],
            "score": np.concatenate([np.empty(0), *(scores for _, scores in found)]),
            "rank": np.concatenate([none, *(np.arange(1, n + 1) for n in lengths)]),
        }
    )
