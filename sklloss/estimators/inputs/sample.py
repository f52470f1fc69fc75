"""The rows that a fit learns from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

# A whole weight up to this may be a number of repeats.
MOST_REPEATS = 100


@dataclass(frozen=True)
class Sample:
    """The rows that a fit learns from: those whose weight is not 0.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features) or (n_samples, n_channels, ...), or CSR matrix
    y : ndarray of shape (n_samples, n_targets)
        Targets as given, or class indices.
    row_weight : ndarray of shape (n_samples,)
        Positive weights as given to `fit`: what a row counts.
    sample_weight : ndarray of shape (n_samples,)
        The same times what the estimator adds, as weights of classes: what a row weighs in
        training.
    kept : ndarray of shape (n_samples,)
        Where these rows stood in the X that `fit` received.
    n_rows : int
        How many rows that X had.
    unit : float
        What a single row weighs, by which rows are counted: see `unit_of`.
    """

    X: Any
    y: np.ndarray
    row_weight: np.ndarray
    sample_weight: np.ndarray
    kept: np.ndarray
    n_rows: int
    unit: float = 1.0

    @cached_property
    def identity(self) -> tuple[Any, ...]:
        """Equal for samples of equal values whose X is one object."""
        return *self.identity_of_inputs, _digest(self.y), _digest(self.row_weight)

    @cached_property
    def identity_of_inputs(self) -> tuple[Any, ...]:
        """The same, where targets do not matter."""
        return id(self.X), self.identity_of_weights

    @cached_property
    def identity_of_weights(self) -> bytes:
        """Equal for samples of equal weights."""
        return _digest(self.sample_weight)

    def of_rows(self, rows: np.ndarray) -> Sample:
        """Return some of the rows, in the order of the indices."""
        return replace(self.targets_of_rows(rows), X=self.X[rows])

    def targets_of_rows(self, rows: np.ndarray) -> Sample:
        """Return targets and weights of some rows, without X."""
        # Without weights of classes, both are one array.
        is_one, row_weight = self.sample_weight is self.row_weight, _taken(self.row_weight, rows)
        return replace(
            self,
            X=None,
            y=self.y[rows],
            row_weight=row_weight,
            sample_weight=row_weight if is_one else _taken(self.sample_weight, rows),
            kept=self.kept[rows],
        )

    def has_distinct_rows(self, n_rows: int) -> bool:
        """Return whether so many rows differ from each other, in X or in y."""
        if len(self.y) < n_rows:
            return False
        seen = n_rows
        while True:
            first = self.of_rows(np.arange(min(seen, len(self.y))))
            if len(np.unique(first._keys())) >= n_rows:
                return True
            if seen >= len(self.y):
                return False
            seen *= 8

    def without_repeats(self) -> Sample:
        """Return one row for equal ones, weights added, in an order that values alone decide.

        So neither the order of the rows nor whether a row is repeated or has weight 2 can change a
        bit of what is learned from all of them at once.
        """
        _, first, group = np.unique(self._keys(), return_index=True, return_inverse=True)
        return replace(
            self,
            X=self.X[first],
            y=self.y[first],
            row_weight=np.bincount(group, weights=self.row_weight),
            sample_weight=np.bincount(group, weights=self.sample_weight),
            kept=self.kept[first],
        )

    def _keys(self) -> np.ndarray:
        """Return the bytes of each row, as something that sorts."""
        y = np.asarray(self.y, dtype=np.float64) + 0.0  # -0 is 0
        if not sparse.issparse(self.X):
            flat = self.X.reshape(len(self.X), -1)
            table = _with_one_nan(np.ascontiguousarray(np.column_stack((flat + 0.0, y))))
            return table.view(np.dtype((np.void, table.itemsize * table.shape[1])))[:, 0]
        X = self.X.sorted_indices()
        X.eliminate_zeros()
        spans = zip(X.indptr[:-1], X.indptr[1:], y, strict=True)
        data = _with_one_nan(X.data.copy())
        parts = [(X.indices[a:b], data[a:b], row) for a, b, row in spans]
        keys = np.empty(len(parts), dtype=object)
        keys[:] = [b"|".join(part.tobytes() for part in row) for row in parts]
        return keys


def _taken(weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the weights of rows; without a copy where all are equal, as they mostly are."""
    are_indices = rows.dtype.kind in "iu" and len(rows) <= len(weights)
    if are_indices and len(weights) and weights.min() == weights.max():
        return weights[: len(rows)]
    return weights[rows]


def unit_of(row_weight: np.ndarray) -> float:
    """Return what a single row weighs.

    Where all weights are small whole numbers, they say how often a row is repeated; else the mean
    weight counts as a row.
    """
    is_repeated = row_weight.max() <= MOST_REPEATS and bool((row_weight % 1 == 0).all())
    return 1.0 if is_repeated else float(row_weight.mean())


def _with_one_nan(values: np.ndarray) -> np.ndarray:
    """Give all NaN the same bytes, in place: they differ in sign, as by 0 / 0."""
    values[np.isnan(values)] = np.nan
    return values


def _digest(values: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(values).data).digest()
