"""Targets of several tasks: columns by name, of numbers or labels, with entries missing."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from ..inputs.columns import check_names
from ..inputs.missing import missing
from ..targets.labels import order_of


@dataclass(frozen=True)
class Column:
    """The labels of one task.

    Attributes
    ----------
    values : ndarray of shape (n_samples,)
        As given, of any type.
    known : ndarray of shape (n_samples,)
        Whether there is a label.
    order : list or None
        The categories of a pandas ordered categorical, lowest first.
    """

    values: np.ndarray
    known: np.ndarray
    order: list[Any] | None = None

    @property
    def labels(self) -> np.ndarray:
        """The values that are not missing."""
        return self.values[self.known]

    def __getitem__(self, rows: Any) -> Column:
        return Column(self.values[rows], self.known[rows], self.order)


@dataclass(frozen=True)
class TargetTable:
    """Columns of targets, by task.

    Attributes
    ----------
    columns : dict of name to Column
        In their order; named by whole numbers from 0 where they have no names.
    frame : type or None
        The class of y where it was a DataFrame.
    is_column : bool
        Whether y had one axis.
    """

    columns: dict[Any, Column]
    frame: Any
    is_column: bool

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("y has no columns; give one per task.")

    @classmethod
    def of(cls, y: Any) -> TargetTable:
        """Read y, a DataFrame, Series or array-like of one or two axes.

        Raises
        ------
        ValueError
            If it is none of these, has no columns, or two of one name.
        """
        if y is None:
            raise ValueError(
                "NeuralMultiTask requires y to be passed, but the target y is None: give a column"
                " per task."
            )
        if not hasattr(y, "iloc"):
            return cls._of_array(y)
        if y.ndim == 1:
            return cls({0 if y.name is None else y.name: _column_of_series(y)}, None, True)
        check_names(y, "y")
        columns = {name: _column_of_series(series) for name, series in y.items()}
        return cls(columns, type(y), False)

    @classmethod
    def _of_array(cls, y: Any) -> TargetTable:
        y = y.toarray() if sparse.issparse(y) else y
        values = np.asarray(y, dtype=None if hasattr(y, "__array__") else object)
        if values.ndim not in (1, 2) or values.dtype.names:
            got = f"{values.shape}" if values.ndim else type(y).__name__
            got = "a structured array" if values.dtype.names else got
            raise ValueError(
                f"y needs a column per task, shape (n_samples, n_tasks) or (n_samples,); got {got}."
                " Give a DataFrame with one column per task: pd.DataFrame(y), where it has names."
            )
        table = values.reshape(len(values), -1) if len(values) else values.reshape(0, 1)
        _check_lengths(table)
        hidden = np.broadcast_to(np.ma.getmask(y), values.shape).reshape(table.shape)
        columns = {
            j: Column(column, ~(missing(column) | mask))
            for j, (column, mask) in enumerate(zip(table.T, hidden.T, strict=True))
        }
        return cls(columns, None, values.ndim == 1)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())).values)

    def __getitem__(self, rows: Any) -> TargetTable:
        return replace(self, columns={name: column[rows] for name, column in self.columns.items()})

    def aligned(self, names: Collection[Hashable]) -> TargetTable:
        """Return the columns in the order of these names; where either has none, by position.

        Raises
        ------
        ValueError
            If the columns are others.
        """
        own, wanted, numbered = list(self.columns), list(names), list(range(len(names)))
        if len(own) == len(wanted) and numbered in (own, wanted):
            by_position = zip(wanted, self.columns.values(), strict=True)
            return replace(self, columns=dict(by_position))
        if sorted(map(repr, own)) != sorted(map(repr, wanted)):
            raise ValueError(
                f"y has the tasks {own}, but this estimator was trained with {wanted}."
                " Give the same columns; an entry may be missing (NaN)."
            )
        return replace(self, columns={name: self.columns[name] for name in wanted})


def _check_lengths(table: np.ndarray) -> None:
    """Refuse rows of unequal length, which NumPy makes one column of lists."""
    entries = table[:, 0].tolist() if table.dtype.kind == "O" and table.shape[1] == 1 else []
    rows = [i for i, entry in enumerate(entries) if isinstance(entry, list | tuple | np.ndarray)]
    if rows:
        raise ValueError(
            f"y has rows of unequal length, for example {entries[rows[0]]!r} in row {rows[0]}. Give"
            " every row an entry per task, None where a label is missing."
        )


def _column_of_series(series: Any) -> Column:
    return Column(series.to_numpy(), ~series.isna().to_numpy(), order_of(series))
