"""Groups of rows of a table: which rows are ranked among each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .columns import count
from .missing import missing
from .weights import checked_weights

QID = "qid"  # the column of a DataFrame that says which group a row is in, as XGBoost has it
SORT = (
    "Sort the rows of X and y by group first: order = np.argsort(group, kind='stable'). To split whole groups, take GroupShuffleSplit or"
    " GroupKFold."
)


class Given(NamedTuple):
    """What a user gives: a table without the column of groups, and which groups there are, or None."""

    X: Any
    group: Any

    @classmethod
    def of(cls, X: Any, group: Any) -> Given:
        """Take the groups out of X, where a DataFrame has them.

        Raises
        ------
        ValueError
            If there are groups in X and beside it, nothing but groups in X, or a ColumnTransformer has renamed their column.
        """
        if not has_qid(X):
            _check_not_prefixed(X)
            return cls(X, group)
        if group is not None:
            raise ValueError(
                f"X has the groups in its column {QID!r}, and group={type(group).__name__} is given, too. Give one of them."
            )
        if len(X.columns) == 1:
            raise ValueError(
                f"X has 0 feature(s): its one column {QID!r} says which groups there are. Add columns of features."
            )
        return cls(without_qid(X), X[QID])


def has_qid(X: Any) -> bool:
    """Tell whether X is a DataFrame that says which groups there are."""
    return hasattr(X, "columns") and QID in list(X.columns)


def _check_not_prefixed(X: Any) -> None:
    """Refuse a column of groups that bears the name of the step it went through: it would be a feature."""
    for name in map(str, getattr(X, "columns", ())):
        if name.endswith(f"__{QID}"):
            raise ValueError(
                f"X has no column {QID!r}, but {name!r}, as a ColumnTransformer names it; the groups would be a feature. Give that"
                " verbose_feature_names_out=False, or rename the column."
            )


def without_qid(X: Any) -> Any:
    """Return X without the column that says which groups there are."""
    return X[[name for name in X.columns if name != QID]] if has_qid(X) else X


@dataclass(frozen=True)
class GroupedTable:
    """A table whose rows belong to groups, one after the other; indexed by groups.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n_rows, n_features)
    sizes : ndarray of shape (n_groups,)
        How many rows each group has.
    """

    X: Any
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, groups: np.ndarray) -> GroupedTable:
        """Return some groups with their rows."""
        rows = [np.arange(first, first + size) for first, size in self._spans(groups)]
        return GroupedTable(self.X[np.concatenate(rows)], self.sizes[groups])

    def _spans(self, groups: np.ndarray) -> zip:
        return zip(first_rows(self.sizes)[groups], self.sizes[groups], strict=True)


def first_rows(sizes: np.ndarray) -> np.ndarray:
    """Return the row that each group begins with."""
    return np.cumsum(sizes) - sizes


def padded(y: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the relevance of each group in a row, (n_groups, largest size), -1 behind the end."""
    is_row = np.arange(sizes.max()) < sizes[:, None]
    out = np.full(is_row.shape, -1.0)
    out[is_row] = y
    return out


def sizes_of(group: Any, n_rows: int) -> np.ndarray:
    """Return how many rows each group has.

    Parameters
    ----------
    group : array-like of shape (n_rows,) or (n_groups,), or None
        An id per row, equal ones next to each other; or sizes that add up to n_rows; None makes one group of all rows.
    n_rows : int

    Raises
    ------
    ValueError
        If it is neither, an id is missing, or rows of a group are apart.
    TypeError
        If ids cannot be told apart, as lists.
    """
    if group is None:
        return np.array([n_rows])
    values = np.asarray(group)
    if isinstance(group, str):
        raise ValueError(
            f"group needs an id per row, not the name {group!r} of a column. Rename that column of X to {QID!r} and leave group out."
        )
    if values.ndim != 1:
        raise ValueError(
            f"group needs one id per row of X, shape ({n_rows},), or the sizes of the groups, shape (n_groups,); got shape"
            f" {values.shape}. Give one dimension."
        )
    return _run_lengths(values) if len(values) == n_rows else _checked_sizes(values, n_rows)


def _checked_sizes(values: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the sizes of groups, as LightGBM takes them."""
    if values.dtype.kind not in "iu":
        raise ValueError(
            f"group has {count(len(values), 'value')} and X has {count(n_rows, 'row')}. Give one id per row; or the sizes of the groups, whole"
            f" numbers that add up to {n_rows}."
        )
    if (values < 1).any():
        raise ValueError(
            f"group needs sizes >= 1; the size of group {np.flatnonzero(values < 1)[0]} is {values[values < 1][0]}. Leave out groups without"
            " rows."
        )
    if values.sum() != n_rows:
        raise ValueError(
            f"group has {count(len(values), 'size')} that add up to {values.sum()}, and X has {count(n_rows, 'row')}. Give sizes that add up to"
            f" {n_rows}, or one id per row, which searches and splits need."
        )
    return values.astype(np.int64)


def _run_lengths(ids: np.ndarray) -> np.ndarray:
    """Return the lengths of runs of equal ids."""
    rows = np.flatnonzero(missing(ids))
    if len(rows):
        raise ValueError(
            f"group has {count(len(rows), 'missing id')}, the first in row {rows[0]}. Give every row the id of its group."
        )
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    _check_contiguous(ids[starts].tolist(), starts)
    return np.diff(np.r_[starts, len(ids)])


def _check_contiguous(ids: Sequence[Any], starts: np.ndarray) -> None:
    """Raise a ValueError if an id comes back behind other ones."""
    seen: dict[Any, int] = {}
    for name, row in zip(ids, starts.tolist(), strict=True):
        try:
            first = seen.setdefault(name, row)
        except TypeError:
            raise TypeError(
                f"group needs ids that can be told apart, as numbers or strings; row {row} has {name!r}."
            ) from None
        if first != row:
            raise ValueError(
                f"The rows of a group need to be next to each other; the id {name!r} of row {first} comes back in row {row}, behind others."
                f" {SORT}"
            )


def group_weights(group_weight: Any, table: GroupedTable) -> np.ndarray:
    """Return float64 weights of the groups, none negative and not all zero.

    Parameters
    ----------
    group_weight : array-like of shape (n_groups,) or (n_rows,), or None
        One per group, or one per row that is the same for all rows of a group.
    table : GroupedTable

    Raises
    ------
    ValueError
        If there is another number of them, they differ within a group, or are outside what is allowed.
    """
    if group_weight is None:
        return np.ones(len(table))
    values = np.asarray(group_weight)
    n_groups, n_rows = len(table), table.X.shape[0]
    if values.ndim != 1 or len(values) not in (n_groups, n_rows):
        raise ValueError(
            f"group_weight needs one weight per group, shape ({n_groups},), or per row, shape ({n_rows},); got shape {values.shape}."
        )
    if len(values) != n_groups:
        values = _of_groups(values, table.sizes)
    return checked_weights(values, table, "group_weight", "group")


def _of_groups(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the weight that all rows of a group have."""
    of_group = values[first_rows(sizes)]
    differs = values != np.repeat(of_group, sizes)
    if (differs & (values == values)).any():
        row = np.flatnonzero(differs)[0]
        group = np.repeat(np.arange(len(sizes)), sizes)[row]
        raise ValueError(
            f"group_weight needs one weight for all rows of a group; in group {group} row {row} has {values[row]:g}, and its first row"
            f" {of_group[group]:g}. A row has no weight of its own in the order of a group."
        )
    return of_group
