"""Sparse updates of embedding tables: gradients of the rows that occur in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .flat import FlatParameters


@dataclass(frozen=True)
class RowGradient:
    """The gradient of an embedding table by the rows that occur in a batch; by others it is 0.

    Attributes
    ----------
    rows : Tensor of shape (n,)
        Indices of the rows, each once.
    gradient : Tensor of shape (n, width)
    share : Tensor of shape (n,)
        How often each of them occurs in the batch, divided by the number of rows of the batch.
    """

    rows: Tensor
    gradient: Tensor
    share: Tensor

    @classmethod
    def of(cls, ids: Tensor, gradient: Tensor, n_rows: int) -> RowGradient:
        """Sum the gradients (n, width) of the rows `ids` (n,), in a batch of `n_rows`."""
        rows, place, counts = ids.unique(return_inverse=True, return_counts=True)
        total = gradient.new_zeros(len(rows), gradient.shape[1]).index_add_(0, place, gradient)
        return cls(rows, total, counts.to(gradient.dtype) / n_rows)


class Patch:
    """The parameters of one model that a batch updates: some rows of its tables, and all others.

    It replaces the flat buffer for penalties and optimisers, with copies of the values and
    gradients next to each other.

    Parameters
    ----------
    flat : FlatParameters
        The buffer of one model, with its tables first.
    touched : sequence of RowGradient
        One per table.

    Attributes
    ----------
    values, gradients : Tensor of shape (1, size)
        Copies.
    is_weight : Tensor of shape (size,)
        As in the buffer, times the share of the batch for the rows of tables.
    """

    def __init__(self, flat: FlatParameters, touched: Sequence[RowGradient]) -> None:
        self._flat = flat
        self._touched = touched
        self.values = self.taken_from(flat.values.data)
        rows = [each.gradient.flatten() for each in touched]
        self.gradients = torch.cat((flat.beside_tables(flat.gradients)[0], *rows)).unsqueeze(0)
        self.values.grad = self.gradients

    @property
    def is_weight(self) -> Tensor:
        """1 where penalties apply, else 0, times the share of the batch in tables."""
        out = self.taken_from(self._flat.is_weight.unsqueeze(0))
        for _, each, part in self._parts(out):
            part.mul_(each.share.unsqueeze(1))
        return out[0]

    def taken_from(self, buffer: Tensor) -> Tensor:
        """Return the entries of a buffer (1, size of the flat buffer) that are here, (1, size)."""
        others = self._flat.beside_tables(buffer)[0]
        out = buffer.new_empty(1, len(others) + sum(e.gradient.numel() for e in self._touched))
        out[0, : len(others)] = others
        for index, each, part in self._parts(out):
            torch.index_select(self._flat.view(buffer, index)[0], 0, each.rows, out=part)
        return out

    def put_into(self, buffer: Tensor, values: Tensor) -> None:
        """Write values (1, size) to their places in a buffer."""
        others = self._flat.beside_tables(buffer)[0]
        others.copy_(values[0, : len(others)])
        for index, each, part in self._parts(values):
            self._flat.view(buffer, index)[0].index_copy_(0, each.rows, part)

    def clear_rows(self, buffer: Tensor) -> None:
        """Set the rows of the tables to 0 in a buffer."""
        for index, each in enumerate(self._touched):
            self._flat.view(buffer, index)[0].index_fill_(0, each.rows, 0)

    def _parts(self, values: Tensor) -> list[tuple[int, RowGradient, Tensor]]:
        """Return each table's index, its rows, and the view of these in values (1, size)."""
        parts, stop = [], values.shape[1]
        for index, each in reversed(list(enumerate(self._touched))):
            start = stop - each.gradient.numel()
            parts.append((index, each, values[0, start:stop].view(each.gradient.shape)))
            stop = start
        return parts
