"""Batches for K models as slices of shuffled rows: what models share is gathered once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Literal

import torch
from torch import Tensor

from ...modules import Stack
from ...modules.stacks.flat import aligned
from ..seeds import generator
from .data import TrainingSet

Subset = Literal["train", "valid"]
# Rows whose targets are gathered at once to evaluate the best constants.
TARGET_ROWS = 4096
# Features gathered at once, so that they stay in cache until their steps are done.
BLOCK_NUMBERS = 2**18


@dataclass(frozen=True)
class Batch:
    """What one step sees.

    Attributes
    ----------
    X : Tensor of shape (models, padded rows, *row_shape)
        The number of rows is what the stack computes with; those from `n_rows` on are repeats.
    y : Tensor of shape (models, loss rows, n_targets)
        Further repeats fill it up to what the stack computes losses for.
    sample_weight : Tensor of shape (models, loss rows)
        0 from `n_rows` on.
    n_rows : int
        Rows that count.
    """

    X: Tensor
    y: Tensor
    sample_weight: Tensor
    n_rows: int


class Shared:
    """Which of K models share something: those of equal keys.

    Attributes
    ----------
    owners : list of int
        One model of each kind.
    """

    def __init__(self, keys: Sequence[Hashable], device: torch.device) -> None:
        distinct = list(dict.fromkeys(keys))
        self.owners = [keys.index(key) for key in distinct]
        self._kinds = [distinct.index(key) for key in keys]
        self._device = device

    def of_models(self, values: Tensor) -> Tensor:
        """Turn one value per kind, (kinds, ...), into one per model, (models, ...)."""
        n_models = len(self._kinds)
        if len(values) == n_models:
            return values
        if len(values) == 1:
            return values.expand(n_models, *values.shape[1:])
        return values.index_select(0, self._kind)

    @cached_property
    def _kind(self) -> Tensor:
        return torch.tensor(self._kinds, device=self._device)


class Batches:
    """Batches over some rows of K training sets with equally many rows each.

    Parameters
    ----------
    data : sequence of TrainingSet
    subset : {"train", "valid"}
        Which rows.
    batch_size : int
    stack : Stack
        Says how features are padded.
    seeds : sequence of int
        Where each model's order comes from.
    balanced : bool, default=False
        Whether each batch holds its share of every class, as a loss of the whole batch needs.
    near_their_class : bool, default=False
        Whether rows have others of their class in their batch, as a loss that compares rows needs,
        also where there are more classes than a batch has rows; batches that are only evaluated are
        of this size, too.
    raw_shape : tuple of int, default=()
        The shape of the raw output for a row; a loss may need as many numbers for its targets.
    """

    def __init__(
        self,
        data: Sequence[TrainingSet],
        subset: Subset,
        batch_size: int,
        stack: Stack,
        seeds: Sequence[int],
        balanced: bool = False,
        near_their_class: bool = False,
        raw_shape: tuple[int, ...] = (),
    ) -> None:
        self.data = list(data)
        self.batch_size = batch_size
        self.n_rows = len(getattr(data[0], subset))
        # How many of them an epoch of steps takes.
        self._n_drawn = self.n_rows
        if data[0].drops_rest and self.n_rows > batch_size:
            self._n_drawn -= self.n_rows % batch_size
        self._stack = stack
        self._raw_shape = raw_shape
        self._seeds = seeds
        self._balanced = balanced and not near_their_class and data[0].y.shape[-1] == 1
        self._near_their_class = near_their_class
        self._indices = [getattr(each, subset) for each in data]
        self._keys = [
            (id(index), seed, id(each.y) if self._balanced or near_their_class else 0)
            for index, seed, each in zip(self._indices, seeds, data, strict=True)
        ]
        self._shuffled = self._shared(self._keys)
        if near_their_class and self.n_rows > batch_size:
            self._indices = self._orders(epoch=0)
        self._in_order = self._shared(map(id, self._indices))
        self._whole: list[Batch] | None = None
        # The sum of the weights of all rows, (models,).
        self.total_weight = self._weight_of(self._indices, self._in_order)
        # That of the rows of the last epoch of steps, and these rows.
        self.drawn_weight = self.total_weight
        self._drawn = self._indices

    def _weight_of(self, indices: Sequence[Tensor], shared: Sequence[Shared]) -> Tensor:
        sums = [self.data[k].sample_weight[indices[k]].sum() for k in shared[2].owners]
        return shared[2].of_models(torch.stack(sums))

    def _shared(self, keys: Iterable[Hashable]) -> list[Shared]:
        """Return which models share rows of features, of targets and of weights.

        Models of equal keys take the same rows.
        """
        of_data = zip(*((id(d.X), id(d.y), id(d.sample_weight)) for d in self.data), strict=True)
        device, keys = self._indices[0].device, list(keys)
        return [Shared(list(zip(column, keys, strict=True)), device) for column in of_data]

    def in_order(self) -> Iterator[Batch]:
        """Yield the batches in the order of the index."""
        if self.n_rows > self.batch_size:
            return self._batches(self._indices, self._in_order)
        if self._whole is None:
            self._whole = list(self._batches(self._indices, self._in_order))
        return iter(self._whole)

    def shuffled(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of one epoch, each model's rows in its own order.

        A single batch keeps the order of the index.
        """
        if self.n_rows <= self.batch_size:
            return self.in_order()
        orders = self._orders(epoch)
        if self.leaves_out:
            self._drawn = orders = [order[: self._n_drawn] for order in orders]
            self.drawn_weight = self._weight_of(orders, self._shuffled)
        return self._batches(orders, self._shuffled)

    def _orders(self, epoch: int) -> list[Tensor]:
        """Return each model's rows in the order of an epoch."""
        orders: dict[Hashable, Tensor] = {}
        for k, key in enumerate(self._keys):
            if key not in orders:
                orders[key] = self._order(k, epoch)
        return [orders[key] for key in self._keys]

    def _order(self, k: int, epoch: int) -> Tensor:
        source = generator(self._seeds[k], "shuffle", epoch)
        order = torch.randperm(self.n_rows, generator=source).to(self._indices[k].device)
        index = self._indices[k].index_select(0, order)
        index = self.data[k].X.arranged(index, self.batch_size, source)
        if self._near_their_class:
            n_batches = sum(count for _, count in self._sizes(self.n_rows))
            return near_their_class(index, self.data[k].y[index, 0], n_batches, source)
        return _spread(index, self.data[k].y[index, 0]) if self._balanced else index

    def _batches(self, orders: Sequence[Tensor], shared: Sequence[Shared]) -> Iterator[Batch]:
        """Yield batches of rows in the models' orders."""
        width = prod(self.data[0].X.row_shape) * len(shared[0].owners)
        for start, size, count in self._blocks(len(orders[0]), BLOCK_NUMBERS // width):
            pieces = [order[start : start + size * count].view(count, size) for order in orders]
            for few in zip(*self._gathered(pieces, shared), strict=True):
                X, y, sample_weight = (
                    table.of_models(each) for table, each in zip(shared, few, strict=True)
                )
                yield Batch(self._stack.pad(X), y, sample_weight, size)

    def _gathered(
        self, pieces: Sequence[Tensor], shared: Sequence[Shared]
    ) -> list[Sequence[Tensor]]:
        """Return X, y and weights of a few batches of equal size.

        Each is a sequence with one tensor (kinds, ...) per batch.
        """
        size = pieces[0].shape[1]
        rows = aligned(size, self._stack.rows_multiple)
        full = aligned(size, self._stack.loss_rows_multiple)
        of_X, of_y, of_weight = (table.owners for table in shared)
        in_rows = [_filled(pieces[k], rows) for k in of_X]
        in_loss = {k: _filled(pieces[k], full) for k in {*of_y, *of_weight}}
        X = self._features(of_X, in_rows)
        y = torch.stack([self.data[k].y.index_select(0, in_loss[k]) for k in of_y])
        weights = [self.data[k].sample_weight.index_select(0, in_loss[k]) for k in of_weight]
        # (kinds, batches, rows, ...)
        shaped = [
            each.unflatten(1, (-1, n))
            for each, n in ((X, rows), (y, full), (torch.stack(weights), full))
        ]
        if full > size:
            shaped[2][..., size:] = 0
        return [each.unbind(1) for each in shaped]

    def _features(self, models: Sequence[int], indices: Sequence[Tensor]) -> Tensor:
        """Return rows of features of some models, (models, n, ...)."""
        tables = [self.data[k].X for k in models]
        if all(table is tables[0] for table in tables):
            return tables[0].take_each(indices)
        pairs = zip(tables, indices, strict=True)
        return torch.stack([table.take(index) for table, index in pairs])

    def _blocks(self, n_rows: int, at_once: int = 0) -> Iterator[tuple[int, int, int]]:
        """Yield the first row, size and number of batches that are gathered together.

        They have `at_once` rows at most, unless a single one has more.
        """
        start = 0
        for size, count in self._sizes(n_rows):
            most = max(1, at_once // size)
            for done in range(0, count, most):
                together = min(most, count - done)
                yield start, size, together
                start += size * together

    def _sizes(self, n_rows: int) -> list[tuple[int, int]]:
        """Return sizes and numbers of the batches of some rows."""
        full, rest = divmod(n_rows, self.batch_size)
        if rest == 1 and full and self.batch_size > 1:
            # Batch norm needs two rows, so a last batch of one joins the batch before.
            return [(self.batch_size, full - 1), (self.batch_size + 1, 1)]
        sizes = [(self.batch_size, full), (rest, 1)]
        return [(size, count) for size, count in sizes if size and count]

    @property
    def leaves_out(self) -> bool:
        """Whether an epoch of steps leaves out some rows."""
        return self._n_drawn < self.n_rows

    def targets(self, drawn: bool = False) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield targets and weights in the order of the index, or as the last epoch drew them.

        Their shapes are (models, rows, n_targets) and (models, rows).
        """
        _, of_y, of_weight = self._shuffled if drawn else self._in_order
        indices = self._drawn if drawn else self._indices
        at_once = self._stack.rows_at_once(TARGET_ROWS, self.data[0].y.shape[1:], self._raw_shape)
        n_rows = len(indices[0])
        spans: Iterable[tuple[int, int]] = ((k, at_once) for k in range(0, n_rows, at_once))
        if self._near_their_class:
            spans = ((start, size) for start, size, _ in self._blocks(n_rows))
        for start, size in spans:
            few = [index[start : start + size] for index in indices]
            y = torch.stack([self.data[k].y[few[k]] for k in of_y.owners])
            weights = [self.data[k].sample_weight[few[k]] for k in of_weight.owners]
            yield of_y.of_models(y), of_weight.of_models(torch.stack(weights))


def _filled(index: Tensor, size: int) -> Tensor:
    """Return indices (batches, rows) as one vector, each batch filled up to a size with repeats."""
    missing = size - index.shape[1]
    filled = torch.cat((index, index[:, :1].expand(-1, missing)), 1) if missing else index
    return filled.reshape(-1)


def _spread(index: Tensor, labels: Tensor) -> Tensor:
    """Order shuffled rows so that any stretch of them holds its share of the classes."""
    place = torch.zeros(labels.shape, dtype=torch.float64, device=labels.device)
    for label in labels.unique():
        own = labels == label
        rank = own.cumsum(0) - 0.5
        place = torch.where(own, rank / own.sum(), place)
    return index[place.argsort(stable=True)]


def near_their_class(
    index: Tensor, labels: Tensor, n_batches: int, source: torch.Generator
) -> Tensor:
    """Order shuffled rows so that nearly all have others of their class near them.

    A class of at least two rows per batch is spread evenly.  The rows of a rarer one stay together
    in twos, or threes, at random places; the edge of a batch may separate them.
    """
    _, kind, count = labels.unique(return_inverse=True, return_counts=True)
    by_class = kind.argsort(stable=True)
    rank = torch.empty_like(by_class)
    rank[by_class] = (
        torch.arange(len(labels), device=labels.device) - (count.cumsum(0) - count)[kind[by_class]]
    )
    is_rare = count < 2 * n_batches
    n_groups = torch.where(is_rare, (count // 2).clamp(min=1), count)
    chance = torch.rand(len(count), generator=source, dtype=torch.float64).to(labels.device)
    shift = torch.where(is_rare, chance, 0.5)
    group = rank * n_groups[kind] // count[kind]
    return index[((group + shift[kind]) / n_groups[kind]).argsort(stable=True)]
