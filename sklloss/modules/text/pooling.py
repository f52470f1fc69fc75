"""Poolings of texts: from token ids and an embedding table to one vector per document.

Shapes, throughout::

    ids     (n_samples, length)            tokens, then 0 for padding
    table   (n_tokens, embedding_size)     row 0 is ignored: padding is a vector of zeros
    pooled  (n_samples, width)

Columns that are padding in all rows do not change the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..activations import get_activation
from ..layers import GRU, Conv1d

PADDING = 0
# Entries of gradients that are accumulated at once.
CHUNK_NUMBERS = 2**18


class Pooling(nn.Module):
    """Base of the poolings.

    Attributes
    ----------
    width : int
        Width of the vector per document.
    """

    width: int

    def initialise(self, generator: torch.Generator | None) -> None:
        """Draw the initial weights; by default there are none."""

    def forward(self, ids: Tensor, table: Tensor) -> Tensor:
        """Return the pooled vectors."""
        raise NotImplementedError


class MeanPooling(Pooling):
    """The mean of the embeddings of all tokens, or 0 if there are none.

    Parameters
    ----------
    embedding_size : int
        Width of the embeddings.

    Notes
    -----
    Padding is removed beforehand, since bags of tokens are pooled in half the time of a matrix with
    padding. Their gradient is accumulated here, because torch's ``embedding_bag`` sorts the tokens
    first and takes three times as long.
    """

    def __init__(self, embedding_size: int) -> None:
        super().__init__()
        self.width = embedding_size

    def forward(self, ids: Tensor, table: Tensor) -> Tensor:
        """Return the means."""
        if torch.compiler.is_compiling():
            # The number of tokens is unknown then.
            return nn.functional.embedding_bag(ids, table, mode="mean", padding_idx=PADDING)
        is_token = ids != PADDING
        return _MeanOfBags.apply(table, ids.masked_select(is_token), is_token.sum(1))


class _MeanOfBags(torch.autograd.Function):
    """Means over bags of ids of the rows of a table, one bag after another."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, ids: Tensor, sizes: Tensor) -> Tensor:
        """Return (n_bags, width) for ids (n_tokens,) and the size of each bag, (n_bags,)."""
        ctx.save_for_backward(ids, sizes)
        ctx.n_rows = len(table)
        return nn.functional.embedding_bag(ids, table, sizes.cumsum(0) - sizes, mode="mean")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        """Add the gradient of each bag, divided by its size, to its rows, in chunks."""
        ids, sizes = ctx.saved_tensors
        share = slope / sizes.clamp(min=1).unsqueeze(1)
        bags = torch.arange(len(sizes), device=ids.device).repeat_interleave(sizes)
        gradient = slope.new_zeros(ctx.n_rows, slope.shape[1])
        at_once = max(1, CHUNK_NUMBERS // slope.shape[1])
        for some, their_bags in zip(ids.split(at_once), bags.split(at_once), strict=True):
            gradient.index_add_(0, some, share.index_select(0, their_bags))
        return gradient, None, None


class ConvPooling(Pooling):
    """Convolutions of several widths, their maxima over the document, and an activation (Kim 2014).

    A window counts if it begins at a token; beyond the end of a document it sees zeros. The maxima
    of an empty document are 0.

    Parameters
    ----------
    embedding_size : int
        Width of the embeddings.
    n_filters : int
        Filters of each width.
    kernel_sizes : sequence of int
        Widths of the filters, in tokens.
    activation : str
        The activation after the maxima.
    """

    def __init__(
        self, embedding_size: int, n_filters: int, kernel_sizes: Sequence[int], activation: str
    ) -> None:
        super().__init__()
        layers = [Conv1d(embedding_size, n_filters, size) for size in kernel_sizes]
        self.layers = nn.ModuleList(layers)
        self.activation = get_activation(activation).module()
        self.width = n_filters * len(kernel_sizes)
        self._gain = get_activation(activation).gain

    @property
    def convolutions(self) -> list[Conv1d]:
        """The convolutions, in the order of `kernel_sizes`."""
        return [layer for layer in self.layers if isinstance(layer, Conv1d)]

    def initialise(self, generator: torch.Generator | None) -> None:
        """Draw weights and biases uniform within Glorot's bounds."""
        for layer in self.convolutions:
            n_out, n_in, size = layer.weight.shape
            bound = sqrt(self._gain / (size * (n_in + n_out)))
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def forward(self, ids: Tensor, table: Tensor) -> Tensor:
        """Return the activated maxima."""
        lengths = lengths_of(ids)
        ids = without_padding(ids, lengths)
        # (samples, embedding, length)
        embedded = nn.functional.embedding(ids, table, PADDING).transpose(1, 2)
        is_beyond = _places(ids) >= lengths.unsqueeze(1)
        maxima = []
        for layer in self.convolutions:
            windows = layer(nn.functional.pad(embedded, (0, layer.kernel_size[0] - 1)))
            maxima.append(windows.masked_fill(is_beyond.unsqueeze(1), -torch.inf).max(2).values)
        is_empty = (lengths == 0).unsqueeze(1)
        return self.activation(torch.cat(maxima, 1).masked_fill(is_empty, 0))


class GRUPooling(Pooling):
    """A gated recurrent unit in each direction: their last states, concatenated.

    The units are those of Cho et al. 2014. Each ends at a token, the last or the first, and never
    at padding. An empty document is read as a single zero.

    Parameters
    ----------
    embedding_size : int
        Width of the embeddings.
    state_size : int
        Width of the state of each direction.

    Notes
    -----
    The backward direction reads documents that are reversed beforehand. Packed sequences would give
    the same result, but their backward pass takes many times as long on CPUs.
    """

    def __init__(self, embedding_size: int, state_size: int) -> None:
        super().__init__()
        self.forwards = GRU(embedding_size, state_size, batch_first=True)
        self.backwards = GRU(embedding_size, state_size, batch_first=True)
        self.width = 2 * state_size

    def initialise(self, generator: torch.Generator | None) -> None:
        """Draw weights and biases uniform within torch's bounds for recurrent layers."""
        bound = 1 / sqrt(self.width / 2)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def forward(self, ids: Tensor, table: Tensor) -> Tensor:
        """Return the last states, forwards and backwards."""
        lengths = lengths_of(ids).clamp(min=1)
        ids = without_padding(ids, lengths)
        last = lengths.unsqueeze(1) - 1
        reverse = (last - _places(ids)).clamp(min=0)
        # (samples, 1, state)
        place = last.unsqueeze(2).expand(-1, -1, self.width // 2)
        states = []
        for unit, read in (self.forwards, ids), (self.backwards, ids.gather(1, reverse)):
            of_unit, _ = unit(nn.functional.embedding(read, table, PADDING))
            states.append(of_unit.gather(1, place).squeeze(1))
        return torch.cat(states, 1)


def lengths_of(ids: Tensor) -> Tensor:
    """Return the length of each document up to its last token, (n_samples,).

    Examples
    --------
    >>> lengths_of(torch.tensor([[5, 0, 7, 0], [0, 0, 0, 0]]))
    tensor([3, 0])
    """
    return ((ids != PADDING) * (_places(ids) + 1)).amax(1)


def without_padding(ids: Tensor, lengths: Tensor) -> Tensor:
    """Drop the columns after the longest document, but keep one if all are empty."""
    if torch.compiler.is_compiling():
        # The number of columns is unknown then.
        return ids
    return ids[:, : max(1, int(lengths.max()))]


def _places(ids: Tensor) -> Tensor:
    return torch.arange(ids.shape[1], device=ids.device)
