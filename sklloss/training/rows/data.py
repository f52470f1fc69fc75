"""Training data of one model, in memory: rows of features by index, targets, weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from mmap import mmap
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

# Largest size in bytes, scaled, of an array in a file that is scaled once and kept in memory.
KEPT_OF_FILE = 2**28

# Rows of a file that are read at once to check them.
CHECKED_ROWS = 16_384


class Rows(ABC):
    """Rows of features that can be taken by index."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, index: Tensor) -> Tensor:
        """Return these rows, shape (len(index), *row_shape)."""

    def take_each(self, indices: Sequence[Tensor]) -> Tensor:
        """Return rows by several indices of one length, shape (indices, n, *row_shape)."""
        return torch.stack([self.take(index) for index in indices])

    @abstractmethod
    def slice(self, start: int, stop: int) -> Tensor:
        """Return the rows from start to stop, shape (stop - start, *row_shape)."""

    @property
    @abstractmethod
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row: (n_features,) for tables."""

    @abstractmethod
    def to(self, device: torch.device) -> Rows:
        """Return the same rows, taken on a device."""

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

    def take_each(self, indices: Sequence[Tensor]) -> Tensor:
        """Return rows by several indices, copied once."""
        return self.take(torch.cat(list(indices))).unflatten(0, (len(indices), -1))

    def slice(self, start: int, stop: int) -> Tensor:
        """Return a view of consecutive rows."""
        return self.values[start:stop]

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row."""
        return tuple(self.values.shape[1:])

    def to(self, device: torch.device) -> DenseRows:
        """Return the rows on a device."""
        return DenseRows(self.values.to(device))


@dataclass(frozen=True)
class MappedRows(Rows):
    """Rows of an array in a file, read and scaled when they are taken.

    Attributes
    ----------
    values : ndarray of shape (n_rows, *row_shape)
        Mapped into memory.
    scaled : callable
        From some rows, an array, to a tensor.
    device : torch.device
    """

    values: np.ndarray
    scaled: Callable[[np.ndarray], Tensor]
    device: torch.device

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: Tensor) -> Tensor:
        """Return these rows, scaled."""
        return self.scaled(self.values[index.cpu().numpy()]).to(self.device)

    def slice(self, start: int, stop: int) -> Tensor:
        """Return consecutive rows, scaled."""
        return self.scaled(self.values[start:stop]).to(self.device)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row."""
        return tuple(self.values.shape[1:])

    def check(self) -> None:
        """Scale all rows once, which raises where one cannot be, before training meets it."""
        for start in range(0, len(self), CHECKED_ROWS):
            self.slice(start, start + CHECKED_ROWS)

    def to(self, device: torch.device) -> MappedRows:
        """Return the same rows, taken on a device."""
        return replace(self, device=device)


def reads_from_file(X: np.ndarray, dtype: torch.dtype) -> bool:
    """Return whether rows stay in the file that they are mapped from: where they are many."""
    if X.size * torch.empty((), dtype=dtype).element_size() <= KEPT_OF_FILE:
        return False
    holder: Any = X
    while isinstance(holder, np.ndarray):
        if isinstance(holder, np.memmap):
            return True
        holder = holder.base
    return isinstance(holder, mmap)


@dataclass(frozen=True)
class PartOfRows(Rows):
    """Some consecutive rows of others.

    Attributes
    ----------
    rows : Rows
    start, stop : int
    """

    rows: Rows
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def take(self, index: Tensor) -> Tensor:
        """Return these rows."""
        return self.rows.take(index + self.start)

    def slice(self, start: int, stop: int) -> Tensor:
        """Return consecutive rows."""
        return self.rows.slice(self.start + start, min(self.start + stop, self.stop))

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row."""
        return self.rows.row_shape

    def to(self, device: torch.device) -> PartOfRows:
        """Return the same rows, taken on a device."""
        return replace(self, rows=self.rows.to(device))


@dataclass(frozen=True)
class SparseRows(Rows):
    """Rows of a scipy CSR matrix, made dense and centred a batch at a time."""

    values: sparse.csr_array
    device: torch.device
    centre: Tensor | None = None

    def __len__(self) -> int:
        return self.values.shape[0]

    def take(self, index: Tensor) -> Tensor:
        """Return these rows, dense."""
        return self._dense(self.values[index.cpu().numpy()])

    def slice(self, start: int, stop: int) -> Tensor:
        """Return consecutive rows, dense."""
        return self._dense(self.values[start:stop])

    def _dense(self, rows: sparse.csr_array) -> Tensor:
        dense = torch.from_numpy(rows.toarray())
        if self.centre is not None:
            dense.sub_(self.centre)
        return dense.to(self.device)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row."""
        return tuple(self.values.shape[1:])

    def to(self, device: torch.device) -> SparseRows:
        """Return the same rows, taken on a device."""
        return replace(self, device=device)


def with_entries_added(X: Any) -> Any:
    """Return sparse X with one entry per place; SciPy adds those that share one only when asked."""
    if not sparse.issparse(X) or X.has_canonical_format:
        return X
    added = X.copy()
    added.sum_duplicates()
    return added


class Encoding(ABC):
    """What is done to X before a network sees it, as a fit learned it.

    Attributes
    ----------
    is_invertible : bool
        Whether rows can be given back on the scale of X, by `undone`, and `done` again.
    """

    is_invertible: ClassVar[bool] = False

    @abstractmethod
    def transform(self, X: Any, dtype: torch.dtype) -> Any:
        """Return checked X, an array or CSR matrix, as a tensor or as rows."""

    def training_rows(self, X: Any, dtype: torch.dtype, device: torch.device) -> Rows:
        """Return checked X as rows for the engine."""
        return rows(self.transform(X, dtype), dtype, device)

    def row_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a row as a network takes it, from that of X."""
        return shape

    def names(self, columns: Sequence[str], levels: Sequence[Sequence[Any]]) -> np.ndarray:
        """Return the names of the columns that a network takes.

        Parameters
        ----------
        columns : sequence of str
            Names of the columns of X.
        levels : sequence of sequences
            The levels of each column, none for numbers.
        """
        return np.array(columns, dtype=object)

    def left_out(self) -> np.ndarray:
        """Return the indices of the columns of a table that have no influence."""
        return np.array([], dtype=int)

    @abstractmethod
    def module(self, shape: tuple[int, ...]) -> nn.Module:
        """Return a module that does it to rows of a shape."""

    def done(self, X: Tensor) -> Tensor:
        """Return a tensor of rows scaled, in its dtype."""
        raise NotImplementedError

    def undone(self, X: Tensor) -> Tensor:
        """Return scaled rows on the scale that they had."""
        raise NotImplementedError


def rows(X: Any, dtype: torch.dtype, device: torch.device) -> Rows:
    """Return X as rows in the given dtype.

    Parameters
    ----------
    X : array, Tensor or sparse matrix of shape (n, n_features) or more axes, or Rows
        Rows keep their dtype.
    dtype : torch.dtype
    device : torch.device
    """
    if isinstance(X, Rows):
        return X.to(device)
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
    drops_rest : bool
        Whether an epoch leaves out the rows that do not fill a batch, other rows each time.
    given : tuple of two, or None
        X and y as a user gave them to the net itself; skorch's callbacks see them.
    """

    X: Rows
    y: Tensor
    sample_weight: Tensor
    train: Tensor
    valid: Tensor | None = None
    drops_rest: bool = False
    given: tuple[Any, Any] | None = None
