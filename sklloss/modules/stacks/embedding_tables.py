"""Tables of parameters of which a batch touches a few rows: their gradients, and where these lie in the flat buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .flat import FlatParameters


@dataclass(frozen=True)
class RowGradient:
    """The gradient of one model's table by the rows that a batch names; by all others it is 0.

    Attributes
    ----------
    rows : Tensor of shape (n,)
        Which rows, each once.
    gradient : Tensor of shape (n, width)
    share : Tensor of shape (n,)
        How often the batch names each of them, divided by the rows of the batch.
    """

    rows: Tensor
    gradient: Tensor
    share: Tensor

    @classmethod
    def of(cls, ids: Tensor, gradient: Tensor, n_rows: int) -> RowGradient:
        """Add up the gradients (n, width) of rows that are named by `ids` (n,), in a batch of so many rows."""
        rows, place, counts = ids.unique(return_inverse=True, return_counts=True)
        total = gradient.new_zeros(len(rows), gradient.shape[1]).index_add_(0, place, gradient)
        return cls(rows, total, counts.to(gradient.dtype) / n_rows)


class Patch:
    """The numbers of one model that a batch touches, side by side: some rows of its tables, and all that is in none.

    It stands in for the flat buffer where penalties and optimisers look at numbers, gradients and what is a weight.

    Parameters
    ----------
    flat : FlatParameters
        Of one model, its tables before everything else.
    touched : sequence of RowGradient
        One per table.

    Attributes
    ----------
    values, gradients : Tensor of shape (1, size)
        Copies.
    is_weight : Tensor of shape (size,)
        As that of the buffer; a table's rows count by their share of the batch.
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
        """1 where penalties apply, times the share of the batch in tables; else 0."""
        out = self.taken_from(self._flat.is_weight.unsqueeze(0))
        for _, each, part in self._parts(out):
            part.mul_(each.share.unsqueeze(1))
        return out[0]

    def taken_from(self, buffer: Tensor) -> Tensor:
        """Return what a buffer (1, size of the flat buffer) has here, (1, size)."""
        beside = self._flat.beside_tables(buffer)[0]
        out = buffer.new_empty(1, len(beside) + sum(e.gradient.numel() for e in self._touched))
        out[0, : len(beside)] = beside
        for index, each, part in self._parts(out):
            torch.index_select(self._flat.view(buffer, index)[0], 0, each.rows, out=part)
        return out

    def put_into(self, buffer: Tensor, values: Tensor) -> None:
        """Write values (1, size) to where they lie in a buffer."""
        beside = self._flat.beside_tables(buffer)[0]
        beside.copy_(values[0, : len(beside)])
        for index, each, part in self._parts(values):
            self._flat.view(buffer, index)[0].index_copy_(0, each.rows, part)

    def clear_rows(self, buffer: Tensor) -> None:
        """Set the tables' rows to 0 in a buffer."""
        for index, each in enumerate(self._touched):
            self._flat.view(buffer, index)[0].index_fill_(0, each.rows, 0)

    def _parts(self, values: Tensor) -> list[tuple[int, RowGradient, Tensor]]:
        """Return every table's place in the flat buffer, its rows, and where these are in values (1, size)."""
        parts, stop = [], values.shape[1]
        for index, each in reversed(list(enumerate(self._touched))):
            start = stop - each.gradient.numel()
            parts.append((index, each, values[0, start:stop].view(each.gradient.shape)))
            stop = start
        return parts
