"""Items that users did not take, drawn for the pairs of a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..seeds import generator
from .augment import BatchChange
from .batches import Batch

# Draws after which an item that the user took is accepted: some users took nearly all items.
TRIES = 20


@dataclass(frozen=True)
class NegativeSampler(BatchChange):
    """Adds to each pair (user, item) of a batch items that the user did not take.

    Each of these is as likely as the others.  Users who took nearly all items may be given one that
    they took, after 20 tries to find another.

    Attributes
    ----------
    n_items : int
    n_negatives : int
        How many are drawn for each pair.
    taken : Tensor of shape (n_taken,)
        ``user * n_items + item``, sorted, of the pairs that training knows.
    taken_at_all : Tensor of shape (n_taken_at_all,)
        Likewise, with those that are only evaluated.
    """

    n_items: int
    n_negatives: int
    taken: Tensor
    taken_at_all: Tensor

    def of_batch(self, batch: Batch, seed: int, epoch: int, step: int) -> Batch:
        """Return the batch with its X widened by sampled items, (1, n_rows, 2 + n_negatives)."""
        return self._widened(batch, self.taken, generator(seed, "negatives", epoch, step))

    def of_evaluation(self, batch: Batch, seed: int, step: int) -> Batch:
        """Return the batch with items that are the same in every epoch."""
        return self._widened(batch, self.taken_at_all, generator(seed, "negatives", 0, step))

    def _widened(self, batch: Batch, taken: Tensor, source: torch.Generator) -> Batch:
        X = batch.X[0]
        # The key of a pair is this, (n_rows, 1), and its item.
        keys = X[:, :1].long() * self.n_items
        shape = (len(X), self.n_negatives)
        items = torch.randint(self.n_items, shape, generator=source).to(X.device)
        wrong = is_in(taken, keys + items).nonzero()
        for _ in range(TRIES):
            if not len(wrong):
                break
            again = torch.randint(self.n_items, wrong.shape[:1], generator=source).to(X.device)
            items[wrong.unbind(1)] = again
            wrong = wrong[is_in(taken, keys[wrong[:, 0], 0] + again)]
        return replace(batch, X=torch.cat((X, items.to(X.dtype)), 1).unsqueeze(0))


def is_in(ordered: Tensor, values: Tensor) -> Tensor:
    """Return which values are in a sorted tensor of at least one number, shape (*values.shape)."""
    place = torch.searchsorted(ordered, values).clamp(max=len(ordered) - 1)
    return ordered[place] == values
