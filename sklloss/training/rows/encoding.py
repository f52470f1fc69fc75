"""Encoding of tables: from numbers, categories and missing values to what a network takes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from .data import DenseRows, Encoding, MappedRows, Rows, SparseRows, reads_from_file
from .scaling import CHUNK_ROWS, check_fits, check_none_missing, check_row_shape

# A robustly scaled number approaches this bound: beyond it lies what an outlier adds.
BOUND = 3.0

# Share of the smallest and largest quantile, so that the normal score of an extreme is finite.
EXTREME_SHARE = 1e-4

# Largest encoded table, in bytes, that is kept; a larger one is encoded batch by batch.
KEPT_BYTES = 2**28

# What is added and compared in the dtype of the networks.
NUMBERS_OF_DTYPE = (
    *("fill", "bounds", "code_low", "code_width"),
    *("level", "level_other", "level_fill", "offset"),
)


@dataclass(frozen=True, eq=False)
class TableEncoding(Encoding):
    """How a table is encoded: what was learned of its columns.

    A row is encoded in blocks: whether a value is missing, each number, the piecewise-linear codes
    of numbers, and one column per level of the categories.  Columns that do not vary in training
    are left out, so they have no influence.

    Attributes
    ----------
    centre, scale : ndarray of shape (n_columns,)
        First, ``(X - centre) / scale``; 0 and 1 for categories, whose values are codes of levels.
    fill : ndarray of shape (n_columns,)
        What stands for a missing value in a column that had none in training; NaN where there were
        some, or no two values.
    missing : ndarray of shape (n_missing,)
        The columns with an indicator of missing values.
    numbers : ndarray of shape (n_numbers,)
        The columns that are passed on as numbers.
    least, most : ndarray of shape (n_columns,)
        What scaled numbers are cut to, so that extreme ones stay finite: a column of two values to
        these; infinite where nothing is cut.
    fills : bool
        Whether `fill` counts; else a value that is missing though training had none is refused.
    bounds : ndarray of shape (n_numbers,)
        What each number is bounded by smoothly, ``z / sqrt(1 + (z / bound)^2)``; may be infinite.
    references : ndarray of shape (n_numbers, n_references) or None
        Quantiles of each number, scaled, where it becomes its normal score; NaN where it does not.
    code_column, code_low, code_width : ndarray of shape (n_codes,)
        The column, lower edge and width of each bin, scaled.
    level_column, level : ndarray of shape (n_levels,)
        The column and the code of each level.
    level_other, level_fill : ndarray of shape (n_levels,)
        The code that is 0 in this column, and what every further code is: of two levels that share
        a column, the mean of the column; NaN and 0 where each level has one.
    offset : ndarray of shape (n_encoded,)
        Means of the encoded training rows, which are subtracted.
    """

    centre: np.ndarray
    scale: np.ndarray
    fill: np.ndarray
    missing: np.ndarray
    numbers: np.ndarray
    least: np.ndarray
    most: np.ndarray
    fills: bool
    bounds: np.ndarray
    references: np.ndarray | None
    code_column: np.ndarray
    code_low: np.ndarray
    code_width: np.ndarray
    level_column: np.ndarray
    level: np.ndarray
    level_other: np.ndarray
    level_fill: np.ndarray
    offset: np.ndarray

    def transform(self, X: Any, dtype: torch.dtype) -> EncodedRows | SparseRows:
        """Return the rows of an array or CSR matrix, encoded when they are taken."""
        if sparse.issparse(X):
            used = self._used()
            encoder = TableEncoder(self._of_columns(used), dtype)
            values = sparse.csr_array(sparse.csr_array(X)[:, used], dtype=np.float64)
            if self.passes_numbers_on:
                return encoder.sparse_rows(values)
            return EncodedRows(SparseRows(values, torch.device("cpu")), encoder, is_located=False)
        encoder = TableEncoder(self, dtype)
        if reads_from_file(X, dtype):
            mapped = MappedRows(X, partial(self._located, encoder=encoder), torch.device("cpu"))
            return EncodedRows(mapped, encoder, is_located=True)
        return EncodedRows(DenseRows(self._located(X, encoder)), encoder, is_located=True)

    def _used(self) -> np.ndarray:
        """Return the indices of the columns that a network sees anything of."""
        blocks = self.numbers, self.missing, self.code_column, self.level_column
        return np.unique(np.concatenate(blocks))

    def _of_columns(self, used: np.ndarray) -> TableEncoding:
        """Return the same encoding of a table that has these columns alone.

        Of a hashed text they are few, and all of them, dense, would not fit into memory.
        """
        of_columns = "centre", "scale", "fill", "least", "most"
        of_blocks = "numbers", "missing", "code_column", "level_column"
        taken = {name: getattr(self, name)[used] for name in of_columns}
        places = {name: np.searchsorted(used, getattr(self, name)) for name in of_blocks}
        return replace(self, **taken, **places)

    def _located(self, X: np.ndarray, encoder: TableEncoder) -> Tensor:
        """Return rows centred and scaled, checked."""
        located = torch.empty(X.shape, dtype=encoder.dtype)
        for start in range(0, len(X), CHUNK_ROWS):
            chunk = torch.from_numpy(np.array(X[start : start + CHUNK_ROWS], dtype=np.float64))
            located[start : start + CHUNK_ROWS] = encoder.located(chunk)
        if not np.isfinite(self.most).any():
            check_fits(located.numpy(), X)
        if not self.fills:
            check_none_missing(located.isnan() & ~encoder.fill.isnan())
        return located

    @property
    def passes_numbers_on(self) -> bool:
        """Whether each column becomes one, by a formula in its value alone."""
        others = len(self.missing), len(self.code_column), len(self.level_column)
        return self.references is None and not any(others)

    def training_rows(self, X: Any, dtype: torch.dtype, device: torch.device) -> Rows:
        """Return rows for the engine, encoded once where the encoded table is small."""
        lazy = self.transform(X, dtype).to(device)
        bytes_in_all = (
            len(lazy) * prod(lazy.row_shape) * torch.empty((), dtype=dtype).element_size()
        )
        if bytes_in_all > KEPT_BYTES:
            if isinstance(lazy, EncodedRows) and isinstance(lazy.rows, MappedRows):
                lazy.rows.check()
            return lazy
        out = torch.empty(len(lazy), *lazy.row_shape, dtype=dtype, device=device)
        for start in range(0, len(lazy), CHUNK_ROWS):
            out[start : start + CHUNK_ROWS] = lazy.slice(start, start + CHUNK_ROWS)
        return DenseRows(out)

    def left_out(self) -> np.ndarray:
        """Return the indices of the columns that did not vary, or had no frequent level."""
        used = self._used()
        # Of a table without any column to learn from, the first is kept, on an infinite scale.
        is_left_out = np.ones(len(self.scale), dtype=bool)
        is_left_out[used[np.isfinite(self.scale[used])]] = False
        return np.flatnonzero(is_left_out)

    def module(self, shape: tuple[int, ...]) -> TableEncoder:
        """Return a module that encodes rows of X as the estimator takes them."""
        return TableEncoder(self, torch.float64)

    def row_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of an encoded row."""
        return (len(self.offset),)

    def names(self, columns: Sequence[str], levels: Sequence[Sequence[Any]]) -> np.ndarray:
        """Return the name of each encoded column."""
        scale, centre = self.scale[self.code_column], self.centre[self.code_column]
        lows, highs = (
            edge * scale + centre for edge in (self.code_low, self.code_low + self.code_width)
        )
        of_levels = zip(self.level_column, self.level, strict=True)
        found = [
            *(f"{columns[i]} is missing" for i in self.missing),
            *(columns[i] for i in self.numbers),
            *_names_of_bins([columns[i] for i in self.code_column], lows, highs),
            *(f"{columns[i]}{levels[i][int(code)]}" for i, code in of_levels),
        ]
        return np.array(found, dtype=object)


def _names_of_bins(columns: Sequence[str], lows: np.ndarray, highs: np.ndarray) -> list[str]:
    """Return names with as many digits as tell bins apart."""
    names: list[str] = []
    for digits in (6, 9, 12, 17):
        bins = zip(columns, lows, highs, strict=True)
        names = [f"{name} from {low:.{digits}g} to {high:.{digits}g}" for name, low, high in bins]
        if len(set(names)) == len(names):
            break
    return names


class TableEncoder(nn.Module):
    """A `TableEncoding` on tensors, from raw rows (n, n_columns) to encoded ones."""

    centre: Tensor
    scale: Tensor
    least: Tensor
    most: Tensor
    fill: Tensor
    missing: Tensor
    numbers: Tensor
    bounds: Tensor
    references: Tensor | None
    code_column: Tensor
    code_low: Tensor
    code_width: Tensor
    level_column: Tensor
    level: Tensor
    level_other: Tensor
    level_fill: Tensor
    offset: Tensor

    def __init__(self, encoding: TableEncoding, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        for name in ("centre", "scale", "least", "most"):
            # Subtracted in float64: large numbers that differ little, as times do, stay apart.
            self.register_buffer(name, torch.from_numpy(getattr(encoding, name)))
        for name in ("missing", "numbers", "code_column", "level_column"):
            self.register_buffer(name, torch.from_numpy(getattr(encoding, name)).long())
        for name in NUMBERS_OF_DTYPE:
            self.register_buffer(name, torch.from_numpy(getattr(encoding, name)).to(dtype))
        references = encoding.references
        tensor = None if references is None else torch.from_numpy(references).to(dtype)
        self.register_buffer("references", tensor)

    def forward(self, X: Tensor) -> Tensor:
        """Encode rows as the estimator takes them, (n, n_columns) to (n, n_encoded)."""
        check_row_shape(X, tuple(self.centre.shape))
        return self.encoded(self.located(X.double()))

    def located(self, X: Tensor) -> Tensor:
        """Return float64 rows centred and scaled, in the dtype of the networks."""
        return ((X - self.centre) / self.scale).clamp(self.least, self.most).to(self.dtype)

    def sparse_rows(self, X: sparse.csr_array) -> SparseRows:
        """Return sparse rows, of numbers alone, whose stored values are encoded less what 0 becomes.

        That is subtracted again with the means of the columns when rows are made dense.
        """
        columns = torch.from_numpy(X.indices).long()
        located = (torch.from_numpy(X.data) - self.centre[columns]) / self.scale[columns]
        located = located.clamp(self.least[columns], self.most[columns]).to(self.dtype)
        filled = torch.where(located.isnan(), self.fill[columns], located)
        of_zero = self.encoded(self.located(torch.zeros(1, len(self.centre)).double()))[0]
        passed = passed_on(filled, self.bounds[columns], None) - (of_zero + self.offset)[columns]
        values = sparse.csr_array((passed.numpy(), X.indices, X.indptr), shape=X.shape)
        return SparseRows(values, torch.device("cpu"), -of_zero)

    def encoded(self, located: Tensor) -> Tensor:
        """Return the blocks of the encoding, side by side: (..., n_columns) to (..., n_encoded)."""
        absent = located.isnan()
        values = torch.where(absent, self.fill, located)
        blocks = []
        if len(self.missing):
            blocks.append(absent.index_select(-1, self.missing).to(self.dtype))
        if len(self.numbers):
            numbers = values.index_select(-1, self.numbers)
            blocks.append(passed_on(numbers, self.bounds, self.references).nan_to_num(0.0))
        if len(self.code_column):
            places = (values.index_select(-1, self.code_column) - self.code_low) / self.code_width
            blocks.append(places.clamp(0, 1).nan_to_num(0.0))
        if len(self.level_column):
            codes = values.index_select(-1, self.level_column)
            is_level, is_other = codes == self.level, codes == self.level_other
            blocks.append(
                torch.where(is_level | is_other, is_level.to(self.dtype), self.level_fill)
            )
        return torch.cat(blocks, -1) - self.offset


def passed_on(values: Tensor, bounds: Tensor, references: Tensor | None) -> Tensor:
    """Return what a network sees of scaled numbers, (n, n_numbers), beside codes of bins."""
    if references is None:
        return values / (1 + (values / bounds).square()).sqrt()
    is_scored = references[:, 0] == references[:, 0]
    return torch.where(is_scored, normal_scores(values, references), values)


def normal_scores(values: Tensor, references: Tensor) -> Tensor:
    """Return the normal score of the rank that each value has among the quantiles of its column.

    Equal quantiles, of a value that is frequent, share the middle of their ranks.

    Parameters
    ----------
    values : Tensor of shape (..., n_numbers)
    references : Tensor of shape (n_numbers, n_references)
        Quantiles from the smallest to the largest value, at equal steps.
    """
    columns = values.flatten(0, -2).T.contiguous()
    ranks = (_rank(columns, references) - _rank(-columns, -references.flip(1)) + 1) / 2
    scores = torch.special.ndtri(ranks.clamp(EXTREME_SHARE, 1 - EXTREME_SHARE))
    return scores.T.reshape(values.shape)


def _rank(values: Tensor, references: Tensor) -> Tensor:
    """Interpolate the rank in [0, 1] among sorted references; of equal ones, the highest counts."""
    last = references.shape[1] - 1
    upper = torch.searchsorted(references, values, right=True).clamp(1, last)
    low, high = references.gather(1, upper - 1), references.gather(1, upper)
    within = ((values - low) / torch.where(high > low, high - low, 1)).clamp(0, 1)
    at_top = (values >= references[:, -1:]).to(values)
    return torch.maximum((upper - 1 + within) / last, at_top)


@dataclass(frozen=True)
class EncodedRows(Rows):
    """Rows of a table, encoded when they are taken.

    Attributes
    ----------
    rows : Rows
        Centred and scaled, in the dtype of the networks; or as they are, in float64.
    encoder : TableEncoder
    is_located : bool
        Whether they are centred and scaled.
    """

    rows: Rows
    encoder: TableEncoder
    is_located: bool

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: Tensor) -> Tensor:
        """Return these rows, encoded."""
        return self._encoded(self.rows.take(index))

    def slice(self, start: int, stop: int) -> Tensor:
        """Return consecutive rows, encoded."""
        return self._encoded(self.rows.slice(start, stop))

    def _encoded(self, taken: Tensor) -> Tensor:
        located = taken if self.is_located else self.encoder.located(taken)
        return self.encoder.encoded(located)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of an encoded row."""
        return (*self.rows.row_shape[:-1], *self.encoder.offset.shape)

    def to(self, device: torch.device) -> EncodedRows:
        """Return the same rows, encoded on a device."""
        if self.encoder.offset.device == device:
            return self
        encoder = copy.deepcopy(self.encoder).to(device)
        return EncodedRows(self.rows.to(device), encoder, self.is_located)
