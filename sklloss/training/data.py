"""Training data in memory, and batches of it as slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from .seeds import generator

EVALUATION_ROWS = 4096  # at once, where nothing is trained


class Rows(Protocol):
    """Rows of features that can be taken by index."""

    def __len__(self) -> int: ...

    def take(self, index: Tensor) -> Tensor:
        """Return these rows, shape (len(index), n_features)."""
        ...

    def slice(self, start: int, stop: int) -> Tensor:
        """Return the rows from start to stop, shape (stop - start, n_features)."""
        ...


@dataclass(frozen=True)
class DenseRows:
    """Rows of a contiguous tensor."""

    values: Tensor

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: Tensor) -> Tensor:
        """Return a copy of these rows."""
        return self.values.index_select(0, index)

    def slice(self, start: int, stop: int) -> Tensor:
        """Return a view of consecutive rows."""
        return self.values[start:stop]


@dataclass(frozen=True)
class SparseRows:
    """Rows of a scipy CSR matrix, densified a batch at a time."""

    values: sparse.csr_array
    device: torch.device

    def __len__(self) -> int:
        return self.values.shape[0]

    def take(self, index: Tensor) -> Tensor:
        """Return these rows, dense."""
        return torch.from_numpy(self.values[index.cpu().numpy()].toarray()).to(self.device)

    def slice(self, start: int, stop: int) -> Tensor:
        """Return consecutive rows, dense."""
        return torch.from_numpy(self.values[start:stop].toarray()).to(self.device)


def rows(X: Any, dtype: torch.dtype, device: torch.device) -> Rows:
    """Hold X, an array of shape (n, n_features) or a sparse matrix, as rows in the given dtype."""
    if sparse.issparse(X):
        numpy_dtype = torch.empty((), dtype=dtype).numpy().dtype
        return SparseRows(sparse.csr_array(X, dtype=numpy_dtype), device)
    values = X if isinstance(X, Tensor) else torch.from_numpy(np.ascontiguousarray(X))
    return DenseRows(values.to(device=device, dtype=dtype))


@dataclass(frozen=True)
class TrainingSet:
    """Targets and weights of K models over shared rows of features.

    Attributes
    ----------
    X : Rows
        Features of all rows.
    y : Tensor of shape (models, n_rows, n_targets)
    sample_weight : Tensor of shape (models, n_rows)
        Positive, mean 1 over the rows that each model trains on.
    train : Tensor of shape (models, n_train)
        Which rows each model trains on.
    valid : Tensor of shape (models, n_valid) or None
        Which rows decide each model's best epoch.
    """

    X: Rows
    y: Tensor
    sample_weight: Tensor
    train: Tensor
    valid: Tensor | None = None

    @classmethod
    def of_one_model(
        cls,
        X: Rows,
        y: Tensor,
        sample_weight: Tensor,
        train: np.ndarray | None = None,
        valid: np.ndarray | None = None,
    ) -> TrainingSet:
        """Hold the data of a single model: y (n_rows, n_targets), sample_weight (n_rows,), indices of rows."""
        indices = torch.arange(len(y), device=y.device)
        return cls(
            X,
            y.unsqueeze(0),
            sample_weight.unsqueeze(0),
            indices.unsqueeze(0)
            if train is None
            else indices[torch.from_numpy(train)].unsqueeze(0),
            None if valid is None else indices[torch.from_numpy(valid)].unsqueeze(0),
        )


@dataclass(frozen=True)
class Batch:
    """What one step sees: X (models, rows, n_features), y (models, rows, n_targets), sample_weight (models, rows)."""

    X: Tensor
    y: Tensor
    sample_weight: Tensor

    def __len__(self) -> int:
        return self.y.shape[1]


class Batches:
    """Batches over some rows of a training set: index slices, no per-row call.

    Parameters
    ----------
    data : TrainingSet
    index : Tensor of shape (models, n)
        Which rows of each model.
    batch_size : int
    pad : callable
        Widens the features of a batch to what a stack computes with.
    balanced : bool, default=False
        Whether each batch holds its share of every class, as a loss of the whole batch needs.
    complete : bool, default=False
        Whether there are at most as many batches as the rarest class has rows, so that each can hold all classes.
    """

    def __init__(
        self,
        data: TrainingSet,
        index: Tensor,
        batch_size: int,
        pad: Callable[[Tensor], Tensor],
        balanced: bool = False,
        complete: bool = False,
    ) -> None:
        self.data = data
        self.pad = pad
        self.index = index
        self.balanced = balanced and data.y.shape[-1] == 1
        self.batch_size = max(batch_size, self._complete_size()) if complete else batch_size
        n_models, n_rows = data.sample_weight.shape
        self._y = data.y.flatten(0, 1)
        self._sample_weight = data.sample_weight.flatten()
        self._offset = n_rows * torch.arange(n_models, device=index.device).unsqueeze(1)
        self._whole: Batch | None = None
        self.total_weight = data.sample_weight.gather(1, index).sum(1)  # (models,)

    @property
    def n_rows(self) -> int:
        """Rows of each model in one epoch."""
        return self.index.shape[1]

    def in_order(self) -> Iterator[Batch]:
        """Yield the batches in the order of the index."""
        if self.n_rows > self.batch_size:
            return self._slices(self.index)
        if self._whole is None:
            self._whole = next(self._slices(self.index))
        return iter((self._whole,))

    def shuffled(self, seeds: Sequence[int], epoch: int) -> Iterator[Batch]:
        """Yield the batches of one epoch, each model's rows in its own order; a single batch keeps its order."""
        if self.n_rows <= self.batch_size:
            return self.in_order()
        orders = {seed: self._permutation(seed, epoch) for seed in seeds}
        index = self.index.gather(1, torch.stack([orders[seed] for seed in seeds]))
        return self._slices(self._spread(index) if self.balanced else index)

    def _spread(self, index: Tensor) -> Tensor:
        """Order shuffled rows so that any stretch of them holds its share of each model's classes."""
        labels = self._targets(index)[0][..., 0]
        place = torch.zeros(labels.shape, dtype=torch.float64, device=labels.device)
        for label in labels.unique():
            own = labels == label
            rank = own.cumsum(1) - 0.5
            place = torch.where(own, rank / own.sum(1, keepdim=True), place)
        return index.gather(1, place.argsort(dim=1, stable=True))

    def _complete_size(self) -> int:
        """Return the least batch size at which every batch can hold a row of each class, for each target."""
        labels = self.data.y.gather(
            1, self.index.unsqueeze(-1).expand(*self.index.shape, self.data.y.shape[-1])
        )
        counts = torch.stack([(labels == k).sum(1) for k in labels.unique()])
        return -(-self.n_rows // int(counts[counts > 0].min()))

    def _permutation(self, seed: int, epoch: int) -> Tensor:
        order = torch.randperm(self.n_rows, generator=generator(seed, "shuffle", epoch))
        return order.to(self.index.device)

    def _slices(self, index: Tensor) -> Iterator[Batch]:
        y, sample_weight = self._targets(index)
        n_models, sizes = len(index), self._sizes()
        parts = (part.split(sizes, 1) for part in (index, y, sample_weight))
        for rows_, y_, weight_ in zip(*parts, strict=True):
            X = self.data.X.take(rows_.reshape(-1))
            yield Batch(self.pad(X.view(n_models, -1, X.shape[-1])), y_, weight_)

    def _sizes(self) -> list[int]:
        """Return the sizes of the batches; a last one of a single row joins the one before (batch norm needs two)."""
        full, rest = divmod(self.n_rows, self.batch_size)
        sizes = [self.batch_size] * full + [rest] * (rest > 0)
        if rest == 1 and full and self.batch_size > 1:
            sizes[-2:] = [self.batch_size + 1]
        return sizes

    def targets(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield targets and weights in the order of the index, without features."""
        for part in self.index.split(EVALUATION_ROWS, 1):
            yield self._targets(part)

    def _targets(self, index: Tensor) -> tuple[Tensor, Tensor]:
        flat = (index + self._offset).reshape(-1)
        y = self._y.index_select(0, flat).view(*index.shape, -1)
        return y, self._sample_weight.index_select(0, flat).view(index.shape)
