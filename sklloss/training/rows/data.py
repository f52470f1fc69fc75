"""Training data of one model, in memory: rows of features by index, targets, weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor


class Rows(ABC):
    """Rows of features that can be taken by index."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, index: Tensor) -> Tensor:
        """Return these rows, shape (len(index), *row_shape)."""

    @abstractmethod
    def slice(self, start: int, stop: int) -> Tensor:
        """Return the rows from start to stop, shape (stop - start, *row_shape)."""

    @property
    @abstractmethod
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row: (n_features,) for tables."""

    def arranged(self, order: Tensor, batch_size: int, source: torch.Generator) -> Tensor:
        """Return a random order of rows, rearranged where that makes batches of a size easier.

        `source` is where further random numbers come from.
        """
        return order


@dataclass(frozen=True)
class DenseRows(Rows):
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

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row."""
        return tuple(self.values.shape[1:])


@dataclass(frozen=True)
class SparseRows(Rows):
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

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row."""
        return tuple(self.values.shape[1:])


def rows(X: Any, dtype: torch.dtype, device: torch.device) -> Rows:
    """Return X as rows in the given dtype.

    Parameters
    ----------
    X : array, Tensor or sparse matrix of shape (n, n_features) or more axes, or Rows
        Rows are returned as they are.
    dtype : torch.dtype
    device : torch.device
    """
    if isinstance(X, Rows):
        return X
    if sparse.issparse(X):
        numpy_dtype = torch.empty((), dtype=dtype).numpy().dtype
        return SparseRows(sparse.csr_array(X, dtype=numpy_dtype), device)
    values = X if isinstance(X, Tensor) else torch.from_numpy(np.ascontiguousarray(X))
    return DenseRows(values.to(device=device, dtype=dtype))


@dataclass(frozen=True)
class TrainingSet:
    """What one model learns from.

    Models trained together may share any of these tensors, by identity.

    Attributes
    ----------
    X : Rows
        Features of all rows.
    y : Tensor of shape (n_rows, n_targets)
    sample_weight : Tensor of shape (n_rows,)
        Positive, mean 1 over the rows that train.
    train : Tensor of shape (n_train,)
        Which rows train.
    valid : Tensor of shape (n_valid,) or None
        Which rows decide the best epoch.
    given : tuple of two, or None
        X and y as a user gave them to the net itself; skorch's callbacks see them.
    """

    X: Rows
    y: Tensor
    sample_weight: Tensor
    train: Tensor
    valid: Tensor | None = None
    given: tuple[Any, Any] | None = None
