"""Rows that are sequences of different lengths, padded a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .data import Rows

# Batches whose rows are sorted by length together, so that those of a batch are about equally long.
POOL_BATCHES = 16


@dataclass(frozen=True)
class RaggedRows(Rows):
    """Sequences, one after another in one tensor.

    Attributes
    ----------
    values : Rows
        The frames of all sequences, (sum of lengths, n_features).
    lengths : Tensor of shape (n_rows,)
        How many of them each sequence has, one at least.
    """

    values: Rows
    lengths: Tensor

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, index: Tensor) -> Tensor:
        """Return these sequences, padded with zeros to the longest of them.

        A further column is 1 on their frames: shape (len(index), n_frames, n_features + 1).
        """
        lengths = self.lengths.index_select(0, index)
        frames = torch.arange(int(lengths.max()) if len(lengths) else 0, device=index.device)
        # (rows, frames)
        is_real = frames < lengths.unsqueeze(1)
        starts = (self.lengths.cumsum(0) - self.lengths).index_select(0, index)
        taken = self.values.take((starts.unsqueeze(1) + frames)[is_real])
        out = taken.new_zeros(*is_real.shape, taken.shape[1] + 1)
        out[..., :-1][is_real] = taken
        out[..., -1] = is_real
        return out

    def slice(self, start: int, stop: int) -> Tensor:
        """Return consecutive sequences, padded."""
        return self.take(torch.arange(len(self), device=self.lengths.device)[start:stop])

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of the longest sequence as it is taken: no row takes more."""
        return int(self.lengths.max()), self.values.row_shape[0] + 1

    def to(self, device: torch.device) -> RaggedRows:
        """Return the sequences on a device."""
        if self.lengths.device == device:
            return self
        return RaggedRows(self.values.to(device), self.lengths.to(device))

    def arranged(self, order: Tensor, batch_size: int, source: torch.Generator) -> Tensor:
        """Rearrange a random order of rows so that those of a batch are about equally long.

        Rows are sorted by length within pools of some batches, and then the batches are shuffled.
        Rows beyond the last full batch stay where they are.

        Parameters
        ----------
        order : Tensor of shape (n,)
            Indices of rows.
        batch_size : int
        source : torch.Generator
            Where the order of the batches comes from.
        """
        n_full = len(order) // batch_size
        pools = order[: n_full * batch_size].split(POOL_BATCHES * batch_size)
        ordered = [pool[self.lengths[pool].argsort(stable=True)] for pool in pools]
        batches = torch.cat(ordered).view(n_full, batch_size)
        mixed = torch.randperm(n_full, generator=source).to(order.device)
        return torch.cat((batches[mixed].flatten(), order[n_full * batch_size :]))
