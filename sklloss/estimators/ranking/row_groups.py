"""Groups of rows: which rows of a table are ranked among each other, and what a group weighs."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from ...parameters.refusals import count
from ..inputs.columns import check_names, column_names
from ..inputs.floats import check_finite, floats_of
from ..inputs.missing import check_plain, missing
from ..inputs.weights import checked_weights

# The column of a DataFrame that says which group a row is in, as XGBoost has it.
QID = "qid"


def split_groups(X: Any, group: Any) -> tuple[Any, Any]:
    """Return a table without the column of groups, and the groups: that column, or those given.

    Raises
    ------
    ValueError
        If there are groups in X and beside it, nothing but groups in X, or a ColumnTransformer has
        renamed their column.
    """
    if not has_qid(X):
        prefixed = [name for name in column_names(X) if str(name).endswith(f"__{QID}")]
        if prefixed:
            raise ValueError(
                f"X has no column {QID!r}, but {str(prefixed[0])!r}, as a ColumnTransformer names"
                " it; the groups would be a feature. Give that verbose_feature_names_out=False, or"
                " rename the column."
            )
        return X, group
    check_names(X)
    if group is not None:
        raise ValueError(
            f"X has the groups in its column {QID!r}, and group={type(group).__name__} is given,"
            " too. Give one of them."
        )
    if len(column_names(X)) == 1:
        raise ValueError(
            f"X has 0 feature(s): its one column {QID!r} says which groups there are. Add columns"
            " of features."
        )
    return without_qid(X), X[QID]


def has_qid(X: Any) -> bool:
    """Return whether X is a DataFrame that says which groups there are."""
    return QID in column_names(X)


def without_qid(X: Any) -> Any:
    """Return X without the column that says which groups there are."""
    if not has_qid(X):
        return X
    names = [name for name in column_names(X) if name != QID]
    return X.select(names) if hasattr(X, "select") else X[names]


def first_rows(sizes: np.ndarray) -> np.ndarray:
    """Return the row that each group begins with."""
    return np.cumsum(sizes) - sizes


def sizes_of(group: Any, n_rows: int) -> np.ndarray:
    """Return how many rows each group has.

    Parameters
    ----------
    group : array-like of shape (n_rows,) or (n_groups,), or None
        An id per row, equal ones next to each other; or sizes that add up to n_rows; None makes
        one group of all rows.
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
    if isinstance(group, str):
        raise ValueError(
            f"group needs an id per row, not the name {group!r} of a column. Rename that column of"
            f" X to {QID!r} and leave group out."
        )
    check_plain(group, "group")
    # Numbers and text of a list stay what they are; an array of both would be all text.
    values = np.asarray(group) if hasattr(group, "__array__") else np.array(group, dtype=object)
    if values.ndim != 1:
        raise ValueError(
            f"group needs one id per row of X, shape ({n_rows},), or the sizes of the groups, shape"
            f" (n_groups,); got shape {values.shape}. Give one dimension."
        )
    return _run_lengths(values) if len(values) == n_rows else _checked_sizes(values, n_rows)


def _checked_sizes(values: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the sizes of groups, as LightGBM takes them."""
    given = values.tolist()
    # Files of sizes are often read as floats.
    is_number = [isinstance(size, Real) and not isinstance(size, bool) for size in given]
    if not given or not all(is_number) or not all(float(size).is_integer() for size in given):
        raise ValueError(
            f"group has {count(len(given), 'value')} and X has {count(n_rows, 'row')}. Give one id"
            f" per row; or the sizes of the groups, whole numbers that add up to {n_rows}."
        )
    # Sums of Python's integers do not overflow.
    sizes = [int(size) for size in given]
    wrong = [group for group, size in enumerate(sizes) if size < 1]
    if wrong:
        raise ValueError(
            f"group needs sizes >= 1; the size of group {wrong[0]} is {sizes[wrong[0]]}. Leave out"
            " groups without rows."
        )
    if sum(sizes) != n_rows:
        raise ValueError(
            f"group has {count(len(sizes), 'size')} that add up to {sum(sizes)}, and X has"
            f" {count(n_rows, 'row')}. Give sizes that add up to {n_rows}, or one id per row, which"
            " searches and splits need."
        )
    return np.array(sizes, dtype=np.int64)


def _run_lengths(ids: np.ndarray) -> np.ndarray:
    """Return the lengths of runs of equal ids.

    Raises
    ------
    ValueError
        If an id is missing, or comes back after other ones.
    TypeError
        If one does not hash.
    """
    absent = np.flatnonzero(missing(ids))
    if len(absent):
        raise ValueError(
            f"group has {count(len(absent), 'missing id')}, the first in row {absent[0]}. Give"
            " every row the id of its group."
        )
    names = ids.tolist()
    numbers = _numbered(names)
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    apart = starts[numbers[starts] != np.arange(len(starts))]
    if len(apart):
        row = apart[0]
        raise ValueError(
            "The rows of a group need to be next to each other; the id"
            f" {names[row]!r} of row {np.argmax(numbers == numbers[row])} comes back in row {row},"
            " after others. Sort the rows of X and y by group: order = np.argsort(group,"
            " kind='stable'). To split whole groups, take GroupShuffleSplit or GroupKFold."
        )
    return np.diff(starts, append=len(ids))


def _numbered(names: list[Any]) -> np.ndarray:
    """Return a number for each name, equal ones for equal names, in order of appearance."""
    seen: dict[Any, int] = {}
    numbers = []
    for row, name in enumerate(names):
        try:
            numbers.append(seen.setdefault(name, len(seen)))
        except TypeError:
            raise TypeError(
                "group needs ids that can be told apart, as numbers or strings; row"
                f" {row} has {name!r}."
            ) from None
    return np.array(numbers)


def group_weights(group_weight: Any, sizes: np.ndarray) -> np.ndarray:
    """Return float64 weights of the groups, none negative and not all zero.

    Parameters
    ----------
    group_weight : array-like of shape (n_groups,) or (n_rows,), or None
        One per group, or one per row that is the same for all rows of a group.
    sizes : ndarray of shape (n_groups,)
        How many rows each group has.

    Raises
    ------
    ValueError
        If there is another number of them, they differ within a group, or are outside what is
        allowed.
    """
    n_groups, n_rows = len(sizes), int(sizes.sum())
    if group_weight is None:
        return np.ones(n_groups)
    values = floats_of(group_weight, "group_weight", "group")
    if values.ndim != 1 or len(values) not in (n_groups, n_rows):
        raise ValueError(
            f"group_weight needs one weight per group, shape ({n_groups},), or per row, shape"
            f" ({n_rows},); got shape {values.shape}."
        )
    if len(values) != n_groups:
        check_finite(values, "group_weight")
        values = _of_groups(values, sizes)
    return checked_weights(values, sizes, "group_weight", "group")


def _of_groups(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the weight that all rows of a group have."""
    of_group = values[first_rows(sizes)]
    differs = values != np.repeat(of_group, sizes)
    if differs.any():
        row = np.flatnonzero(differs)[0]
        group = np.repeat(np.arange(len(sizes)), sizes)[row]
        raise ValueError(
            f"group_weight needs one weight for all rows of a group; in group {group} row {row} has"
            f" {values[row]:g}, and its first row {of_group[group]:g}. A row has no weight of its"
            " own in the order of a group."
        )
    return of_group
