"""All parameters of K models in one flat buffer, and their gradients in another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod

import torch
from torch import Tensor, nn

# Every piece starts at a multiple of this many entries, so that vectorised kernels give each model
# the same bits.
ALIGNMENT = 64


def aligned(size: int, to: int = ALIGNMENT) -> int:
    """Round up to a multiple."""
    return -(-size // to) * to


class FlatParameters:
    """Parameters of K models as views into one ``(models, size)`` buffer.

    Attributes
    ----------
    values : nn.Parameter of shape (models, size)
        The parameter for an optimiser; its gradient is `gradients`.
    gradients : Tensor of shape (models, size)
    is_weight : Tensor of shape (size,)
        1 where penalties apply, else 0.
    n_tables : int
        Number of pieces, from the first on, that are embedding tables with sparse updates.
    """

    def __init__(
        self,
        n_models: int,
        shapes: Sequence[tuple[int, ...]],
        like: Tensor,
        penalised: Sequence[bool],
        n_tables: int = 0,
    ) -> None:
        self.n_tables = n_tables
        self._shapes = list(shapes)
        self._starts = [0, *accumulate(aligned(prod(shape)) for shape in shapes)]
        self.values = nn.Parameter(like.new_zeros(n_models, self._starts[-1]))
        self.gradients = torch.zeros_like(self.values.data)
        self.values.grad = self.gradients
        self.is_weight = torch.zeros_like(self.values.data[0])
        for start, shape, is_penalised in zip(self._starts, shapes, penalised, strict=False):
            self.is_weight[start : start + prod(shape)] = float(is_penalised)

    def piece(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the values and the gradients of one piece, each of shape (models, *shape)."""
        return self.view(self.values.data, index), self.view(self.gradients, index)

    def part(self, first: int, end: int) -> nn.Parameter:
        """Return the values of consecutive models as a parameter that shares their gradients."""
        if end - first == len(self.values):
            return self.values
        part = nn.Parameter(self.values.data[first:end])
        part.grad = self.gradients[first:end]
        return part

    def beside_tables(self, buffer: Tensor) -> Tensor:
        """Return the part of a buffer (models, size) that belongs to no table."""
        return buffer[:, self._starts[self.n_tables] :]

    def view(self, buffer: Tensor, index: int) -> Tensor:
        """Return one piece of a buffer (models, size), of shape (models, *shape)."""
        start, shape = self._starts[index], self._shapes[index]
        return buffer[:, start : start + prod(shape)].view(len(buffer), *shape)


def bind(parameter: Tensor, values: Tensor, gradients: Tensor) -> None:
    """Move a parameter into views of the flat buffer, where it keeps its value."""
    values.copy_(parameter.data)
    parameter.data = values
    parameter.grad = gradients
