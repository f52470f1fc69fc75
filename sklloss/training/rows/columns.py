"""What an encoding of tables learns, column by column, from weighted rows in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress, islice
from typing import Any

import numpy as np
import torch
from scipy import sparse

from .data import with_entries_added
from .encoding import BOUND, TableEncoding, passed_on

ENCODINGS = ("auto", "none", "standard", "robust", "quantile", "piecewise_linear")

# How many bins a column is cut into at most, and how many all columns together.
MOST_BINS, MOST_CODES = 32, 1024

# A table with fewer bins per column is not cut: codes so coarse add more noise than they explain.
FEWEST_BINS = 4

# How many bins a row pays for, all columns together.
BINS_PER_ROW = 0.75

# How many rows a level needs: a rarer one is encoded as no level.
ROWS_PER_LEVEL = 5

# How many levels of a column are kept at most: the most frequent ones.
MOST_LEVELS = 1000

# Reference points of the quantile encoding at most.
MOST_QUANTILES = 1000

# Larger scaled numbers are cut before they are squared, which float32 could not hold.
LARGEST_SQUARABLE = 1e12

# Largest number whose difference to another is finite.
LARGEST_ADDED = 8e307

# An odd number of 64 bits, as splitmix64 has it, with which rows are hashed.
HASH_FACTOR = np.uint64(0xBF58476D1CE4E5B9)

# Columns of a sparse table that are dense at the same time.
COLUMNS_AT_ONCE = 64

# Numbers of which something is computed at once.
PART = 2**20

# Share of the total weight within which two levels of a quantile are the same.
SLACK = 1e-12


def learn_encoding(
    X: Any,
    n_levels: Sequence[int],
    row_weight: np.ndarray,
    encoding: str,
    unit: float = 1.0,
    repeats: Sequence[bool] | None = None,
) -> TableEncoding:
    """Learn how a table is encoded.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_columns)
        Numbers, NaN where they are missing, and codes of levels, negative for none of them.
    n_levels : sequence of int
        How many levels each column has; 0 for numbers.
    row_weight : ndarray of shape (n_samples,)
        Positive: a row of weight 2 counts as two.
    unit : float, default=1.0
        What a single row weighs.
    repeats : sequence of bool or None, default=None
        Which columns are missing wherever the one before is, so that they need no indicator.
    encoding : {"auto", "none", "standard", "robust", "quantile", "piecewise_linear"}
        How numbers are encoded; "auto" is "piecewise_linear" where the table has enough rows, else
        "robust".

    References
    ----------
    Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning",
    NeurIPS 2022.
    """
    learned, n_bins = _Blocks(encoding, ROWS_PER_LEVEL * unit), 0
    is_learned = _may_vary(X)
    X = X if is_learned.all() else X[:, is_learned]
    if encoding in ("auto", "piecewise_linear"):
        pairs = zip(_columns(X), compress(n_levels, is_learned), strict=True)
        can_be_cut = (each for each, levels in pairs if not levels and has_three(each))
        # Beyond so many columns none is cut, so there is no need to count them.
        n_cut = sum(1 for _ in islice(can_be_cut, MOST_CODES // FEWEST_BINS + 1))
        n_bins = bins_per_column(X, n_cut)
        n_bins = max(n_bins, FEWEST_BINS) if encoding == "piecewise_linear" else n_bins
    if encoding == "quantile":
        most = max((len(np.unique(each)) for each in _columns(X)), default=0)
        learned.shares = np.linspace(0, 1, max(2, min(MOST_QUANTILES, most)))
    repeats, columns = repeats or [False] * len(n_levels), _columns(X)
    for is_varying, levels, repeated in zip(is_learned, n_levels, repeats, strict=True):
        if not is_varying:
            learned.add_constant()
            continue
        column = Distribution.of(next(columns), row_weight)
        if levels:
            learned.add_levels(column)
        else:
            learned.add_number(column, n_bins if len(column.values) > 2 else 0, not repeated)
    return learned.encoding()


def has_three(column: np.ndarray) -> bool:
    """Return whether a column has more than two values, missing ones aside."""
    present = column[~np.isnan(column)]
    return len(present) > 0 and bool(np.any((present > present.min()) & (present < present.max())))


def bins_per_column(X: Any, n_cut: int) -> int:
    """Return into how many bins the rows of a table allow to cut its numbers, 0 for none.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_columns)
    n_cut : int
        How many columns can be cut.
    """
    if not n_cut:
        return 0
    most = min(MOST_BINS, MOST_CODES // n_cut)
    if most < FEWEST_BINS or BINS_PER_ROW * X.shape[0] / n_cut < FEWEST_BINS:
        return 0
    bins = min(most, int(BINS_PER_ROW * n_distinct_rows(X) / n_cut))
    return bins if bins >= FEWEST_BINS else 0


def n_distinct_rows(X: Any) -> int:
    """Return how many rows of a table differ: a row that is repeated says nothing new."""
    mixed = _hashes_of_sparse(X) if sparse.issparse(X) else np.zeros(len(X), dtype=np.uint64)
    for column in () if sparse.issparse(X) else X.T:
        mixed = _stirred(mixed ^ _bits(column))
    # NumPy's unique would take four times their memory, and far longer.
    mixed.sort()
    return 1 + int(np.count_nonzero(mixed[1:] != mixed[:-1]))


def _bits(values: np.ndarray) -> np.ndarray:
    """Return numbers as they are stored; -0 is 0, and all NaN are the same."""
    return (np.where(np.isnan(values), np.nan, values) + 0.0).astype(np.float64).view(np.uint64)


def _stirred(bits: np.ndarray) -> np.ndarray:
    """Return bits each of which depends on many; products wrap around."""
    product = bits * HASH_FACTOR
    return product ^ (product >> np.uint64(29))


def _hashes_of_sparse(X: Any) -> np.ndarray:
    """Return a hash of each row: the sum of those of its entries, each of a column and a value."""
    table = with_entries_added(X)
    places = _stirred(table.indices.astype(np.uint64) + np.uint64(1))
    # Stirred once more, because a sum would keep what columns have in common, such as a sign.
    entries = _stirred(_stirred(places ^ _bits(table.data)))
    entries[table.data == 0] = 0
    hashes = np.zeros(table.shape[0], dtype=np.uint64)
    is_stored = np.diff(table.indptr) > 0
    if len(entries):
        hashes[is_stored] = np.add.reduceat(entries, table.indptr[:-1][is_stored])
    return hashes


@dataclass(frozen=True)
class Distribution:
    """The distinct values of a column and what they weigh.

    Attributes
    ----------
    values : ndarray of shape (n_values,)
        Sorted, none missing.
    mass : ndarray of shape (n_values,)
        Their weights, summed over rows.
    missing_mass : float
        That of missing values.
    """

    values: np.ndarray
    mass: np.ndarray
    missing_mass: float

    @classmethod
    def of(cls, column: np.ndarray, row_weight: np.ndarray) -> Distribution:
        """Count a column of numbers."""
        present = ~np.isnan(column)
        kept, weights = (
            (column, row_weight) if present.all() else (column[present], row_weight[present])
        )
        if row_weight.min() == row_weight.max():
            values, counts = np.unique(kept, return_counts=True)
            mass = counts * row_weight[0]
        else:
            values, place = np.unique(kept, return_inverse=True)
            mass = np.bincount(place, weights, minlength=len(values))
        missing = row_weight.sum() - weights.sum() if len(kept) < len(column) else 0.0
        return cls(values.astype(np.float64), mass, float(missing))

    @property
    def total(self) -> float:
        """The mass of all rows."""
        return float(self.mass.sum() + self.missing_mass)

    def mean(self, of_values: np.ndarray) -> float:
        """Return the mean over all rows of a function of the values, 0 where they are missing."""
        return float(of_values @ self.mass / self.total)

    def quantiles(self, shares: np.ndarray) -> np.ndarray:
        """Return weighted quantiles of what is not missing; between two values, their midpoint."""
        cumulated = self.mass.cumsum()
        levels, slack, last = shares * cumulated[-1], SLACK * cumulated[-1], len(self.values) - 1
        lower = np.searchsorted(cumulated, levels - slack).clip(max=last)
        upper = np.searchsorted(cumulated, levels + slack, side="right").clip(max=last)
        return (self.values[lower] + self.values[upper]) / 2

    def edges(self, n_bins: int) -> np.ndarray:
        """Return the edges of at most `n_bins` bins of about equal mass."""
        if len(self.values) <= n_bins + 1:
            return self.values
        inner = self.quantiles(np.linspace(0, 1, n_bins + 1)[1:-1])
        return np.unique(np.r_[self.values[0], inner, self.values[-1]])


@dataclass
class _Blocks:
    """The blocks of an encoding while they are learned; columns are added in their order."""

    kind: str
    # The least mass of a level.
    least_mass: float
    # The shares of rows below each reference, where numbers become normal scores.
    shares: np.ndarray = field(default_factory=lambda: np.zeros(2))
    centre: list[float] = field(default_factory=list)
    scale: list[float] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    fill: list[float] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)
    references: list[np.ndarray] = field(default_factory=list)
    codes: list[tuple[int, float, float]] = field(default_factory=list)
    levels: list[tuple[int, float, float, float]] = field(default_factory=list)
    # The means of each block, in the order in which the blocks stand side by side.
    means: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in ("missing", "numbers", "codes", "levels")}
    )

    def add_constant(self) -> None:
        """Add a column that does not vary."""
        self._place(0.0, 1.0, np.nan)

    def add_levels(self, column: Distribution) -> None:
        """Add a column of levels, each in a column of its own unless it is rare."""
        j = self._place(0.0, 1.0, 0.0)
        is_level = column.values >= 0
        codes, mass = column.values[is_level], column.mass[is_level]
        enough = np.flatnonzero(mass >= self.least_mass * (1 - SLACK))
        kept = np.sort(enough[np.argsort(-mass[enough], kind="stable")][:MOST_LEVELS])
        shares = mass[kept] / column.total
        if len(kept) <= 2 and mass[kept].sum() >= column.total * (1 - SLACK):
            # One of two levels says which of them it is; a single one never varies.
            pairs = zip(codes[kept[1:]], shares[1:], strict=True)
            self.levels += [(j, code, codes[kept[0]], share) for code, share in pairs]
            self.means["levels"] += list(shares[1:])
        else:
            self.levels += [(j, code, np.nan, 0.0) for code in codes[kept]]
            self.means["levels"] += list(shares)

    def add_number(self, column: Distribution, n_bins: int, indicates: bool) -> None:
        """Add a column of numbers, cut into bins where there are any.

        `indicates` is whether missing values get an indicator.
        """
        centre, scale = self._centre_and_scale(column)
        has_missing = column.missing_mass > 0
        fill = centre
        if self.kind != "standard" and len(column.values):
            fill = column.quantiles(np.array([0.5]))[0]
        is_used = not has_missing and len(column.values) > 1
        j = self._place(centre, scale, (fill - centre) / scale if is_used else np.nan)
        if has_missing and len(column.values) and indicates:
            self.missing.append(j)
            self.means["missing"].append(column.missing_mass / column.total)
        if len(column.values) < 2:
            return

        has_two = len(column.values) == 2
        if has_two and np.isfinite(self.most[j]):
            self.least[j], self.most[j] = 0.0, 1.0

        def placed(values: np.ndarray) -> np.ndarray:
            with np.errstate(over="ignore"):
                return ((values - centre) / scale).clip(self.least[j], self.most[j])

        located = by_parts(placed, column.values)
        is_squashed = self.kind in ("auto", "robust", "piecewise_linear") and not has_two
        references = np.full(len(self.shares), np.nan)
        if self.kind == "quantile" and not has_two:
            references = placed(column.quantiles(self.shares))
        self.numbers.append(j)
        self.bounds.append(BOUND if is_squashed else np.inf)
        self.references.append(references)
        of_kind = torch.from_numpy(references)[None] if self.kind == "quantile" else None
        bounds = torch.tensor(self.bounds[-1:])

        def passed(values: np.ndarray) -> np.ndarray:
            return passed_on(torch.from_numpy(values)[:, None], bounds, of_kind)[:, 0].numpy()

        self.means["numbers"].append(column.mean(by_parts(passed, located)))
        if n_bins:
            edges = placed(column.edges(n_bins))
            # Edges may be cut to the same number, or be as close as float32 does not tell apart.
            edges = edges[np.r_[True, np.float32(np.diff(edges)) > 0]]
            for low, width in zip(edges[:-1], np.diff(edges), strict=True):
                self.codes.append((j, low, width))
                of_bin = partial(_code, low=low, width=width)
                self.means["codes"].append(column.mean(by_parts(of_bin, located)))

    def _place(self, centre: float, scale: float, fill: float) -> int:
        """Add a column of X and return its index."""
        self.centre.append(centre)
        self.scale.append(scale)
        most = np.inf if self.kind in ("none", "standard") else LARGEST_SQUARABLE
        self.least.append(-most)
        self.most.append(most)
        self.fill.append(fill)
        return len(self.centre) - 1

    def _centre_and_scale(self, column: Distribution) -> tuple[float, float]:
        values = column.values
        if self.kind == "none" or len(values) < 2 or np.array_equal(values, (0.0, 1.0)):
            return 0.0, 1.0
        low, high = values[0], values[-1]
        if max(-low, high) > LARGEST_ADDED:
            raise ValueError(
                f"X has values too large to be scaled, for example {max(-low, high):g}. Divide them"
                " by a constant."
            )
        if self.kind == "standard":
            share = column.mass / column.mass.sum()
            mean = low + (values - low) @ share
            # In units near their range, squares neither overflow nor vanish.
            unit = np.exp2(np.frexp(high - low)[1] - 1.0)
            return float(mean), float(unit * np.sqrt(((values - mean) / unit) ** 2 @ share))
        if len(values) == 2:
            return float(low), float(high - low)
        first, median, third = column.quantiles(np.array([0.25, 0.5, 0.75]))
        return float(median), float(third - first or (high - low) / 2)

    def encoding(self) -> TableEncoding:
        """Return what was learned."""
        if not any(self.means.values()):
            # A column of zeros, so that the network has an input.
            self.scale[0] = np.inf
            self.numbers, self.bounds, self.means["numbers"] = [0], [np.inf], [0.0]
            self.references = [np.full(len(self.shares), np.nan)]
        codes, levels = np.array(self.codes).reshape(-1, 3), np.array(self.levels).reshape(-1, 4)
        means = [mean for block in self.means.values() for mean in block]
        return TableEncoding(
            centre=np.array(self.centre),
            scale=np.array(self.scale),
            fill=np.array(self.fill),
            missing=np.array(self.missing, dtype=np.int64),
            numbers=np.array(self.numbers, dtype=np.int64),
            least=np.array(self.least),
            most=np.array(self.most),
            fills=self.kind != "none",
            bounds=np.array(self.bounds),
            references=np.array(self.references) if self.kind == "quantile" else None,
            code_column=codes[:, 0].astype(np.int64),
            code_low=codes[:, 1],
            code_width=codes[:, 2],
            level_column=levels[:, 0].astype(np.int64),
            level=levels[:, 1].astype(np.float64),
            level_other=levels[:, 2].astype(np.float64),
            level_fill=levels[:, 3].astype(np.float64),
            offset=np.array(means) if self.kind != "none" else np.zeros(len(means)),
        )


def by_parts(function: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    """Return a function of each number, of many numbers a part at a time, to save memory."""
    if len(values) <= PART:
        return function(values)
    out = np.empty(len(values))
    for start in range(0, len(values), PART):
        out[start : start + PART] = function(values[start : start + PART])
    return out


def _code(located: np.ndarray, low: float, width: float) -> np.ndarray:
    return ((located - low) / width).clip(0, 1)


def _may_vary(X: Any) -> np.ndarray:
    """Return which columns are to be looked at: of a sparse table all that are not constant.

    A hashed text has a million columns, nearly all of them zero.
    """
    if not sparse.issparse(X):
        return np.ones(X.shape[1], dtype=bool)
    low, high = (end.toarray().ravel() for end in (X.min(axis=0), X.max(axis=0)))
    return ~(low == high)


def _columns(X: Any) -> Iterator[np.ndarray]:
    """Yield the columns of a table, dense."""
    if not sparse.issparse(X):
        yield from X.T
        return
    by_column = sparse.csc_array(X)
    for start in range(0, X.shape[1], COLUMNS_AT_ONCE):
        yield from by_column[:, start : start + COLUMNS_AT_ONCE].toarray().T
