"""What y is: numbers of one of three kinds, or labels of one of four."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _num_samples

from ...estimators.inputs.floats import check_finite, floats_of
from ...estimators.inputs.missing import check_labels, check_plain
from ...estimators.targets.labels import order_of, places
from ...parameters.names import did_you_mean
from ...parameters.refusals import count

TaskOfAdvice = Literal["regression", "classification"]
REGRESSION: TaskOfAdvice = "regression"
CLASSIFICATION: TaskOfAdvice = "classification"
# Kinds of y, and the task of each.
KINDS: dict[str, TaskOfAdvice] = {
    **dict.fromkeys(("real", "positive", "counts"), REGRESSION),
    **dict.fromkeys(("binary", "classes", "ordered", "multi-label"), CLASSIFICATION),
}
TASKS = ("auto", REGRESSION, CLASSIFICATION)
FEWEST_ROWS = 10
# The sizes beyond which squares and cubes are infinite, or 0.
LARGEST = 1e90
# Whole numbers of more distinct values are counts, unless they are said to be classes.
MOST_CLASSES = 20
# Whole numbers of which the rarest has less than this share of the rows of the commonest are
# counts: classes have no such tail.
RAREST_CLASS = 0.02


@dataclass(frozen=True)
class TargetOfAdvice:
    """A target as it was read.

    Attributes
    ----------
    kind : str
        A key of `KINDS`.
    values : ndarray of shape (n_rows, n_targets)
        Numbers; of labels the index of each, from lowest to highest where they are ordered.
    classes : tuple
        The labels; empty for numbers and for several labels per row.
    guessed : bool
        Whether the other task would have been possible too.
    """

    kind: str
    values: np.ndarray
    classes: tuple[Any, ...] = ()
    guessed: bool = False

    @property
    def task(self) -> TaskOfAdvice:
        """Regression or classification."""
        return KINDS[self.kind]


def read_target(y: Any, task: str, of_metric: str | None = None) -> TargetOfAdvice:
    """Return what y is.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_targets)
    task : {"auto", "regression", "classification"}
    of_metric : str or None, default=None
        The task of the metric, which decides where y could be either.

    Raises
    ------
    ValueError
        If y has missing values, does not vary, or has fewer than 10 rows.
    TypeError
        If y has labels of several types.
    """
    if task not in TASKS:
        hint = did_you_mean(task, TASKS)
        raise ValueError(
            f"suggest_losses needs task to be one of {', '.join(map(repr, TASKS))}; got {task!r}."
            f"{' ' + hint if hint else ''}"
        )
    y = y.toarray() if sparse.issparse(y) else y
    check_plain(y, "y")
    _check_shape(y)
    if task == "auto":
        if _may_only_be_labels(y):
            return _labels(y)
        return _numbers_or_labels(y, of_metric)
    return _numbers(y) if task == REGRESSION else _labels(y)


def check_rows(X: Any, y: Any, owner: str = "suggest_losses") -> None:
    """Raise if X or y has no rows, or if they have different numbers of rows.

    Raises
    ------
    ValueError
        If the numbers of rows differ.
    TypeError
        If one of them is no table or array.
    """
    if not _has_rows(y):
        raise TypeError(
            f"{owner} needs y of shape (n_rows,) or (n_rows, n_targets); got {y!r} of type"
            f" {type(y).__name__}. Give one number or label per row, or one column per target."
        )
    if X is None:
        return
    if not _has_rows(X):
        raise TypeError(f"X must be a table or an array; got {X!r} of type {type(X).__name__}.")
    if _num_samples(X) != _num_samples(y):
        raise ValueError(
            f"X has {count(_num_samples(X), 'row')} and y has {_num_samples(y)}. Give one target"
            " per row."
        )


def _has_rows(values: Any) -> bool:
    is_text = isinstance(values, str | bytes | Mapping | type)
    shape = getattr(values, "shape", None)
    return not is_text and (hasattr(values, "__len__") if shape is None else len(shape) > 0)


def _check_shape(y: Any) -> None:
    """Raise if y is no column or table, or has too few rows to say anything."""
    shape = np.shape(y)
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] == 0):
        raise ValueError(
            f"suggest_losses needs y of shape (n_rows,) or (n_rows, n_targets); got {shape}. Give"
            " one number or label per row, or one column per target."
        )
    if shape[0] < FEWEST_ROWS:
        raise ValueError(
            f"suggest_losses needs at least {FEWEST_ROWS} rows; y has {shape[0]}. That is too few"
            " to suggest a loss: give more rows, or choose by list_losses()."
        )


def _may_only_be_labels(y: Any) -> bool:
    """Return whether y is text, booleans or categories."""
    columns = [y.iloc[:, i] for i in range(y.shape[1])] if isinstance(y, pd.DataFrame) else [y]
    if any(isinstance(getattr(c, "dtype", None), pd.CategoricalDtype) for c in columns):
        return True
    if order_of(y) is not None:
        return True
    values = np.asarray(y, dtype=None if hasattr(y, "dtype") else object)
    if values.dtype.kind == "O":
        return any(isinstance(value, str | bool) for value in values.ravel())
    return values.dtype.kind in "bUST"


def _numbers_or_labels(y: Any, of_metric: str | None) -> TargetOfAdvice:
    """Read numbers, which may be labels: the metric decides, or else what they look like."""
    numbers = _checked_numbers(y)
    looks_like_labels, could_be_labels = _like_labels(numbers, y)
    by_metric = of_metric is not None
    is_label = (
        could_be_labels if of_metric == CLASSIFICATION else looks_like_labels and not by_metric
    )
    read = _labels(y) if is_label else _numbers(y)
    guessed = could_be_labels and not by_metric
    return TargetOfAdvice(read.kind, read.values, read.classes, guessed)


def _like_labels(numbers: np.ndarray, y: Any) -> tuple[bool, bool]:
    """Return whether numbers look like labels, and whether they could be labels."""
    if not (numbers == np.round(numbers)).all():
        return False, False
    if numbers.shape[1] > 1:
        is_binary = bool(np.isin(numbers, (0, 1)).all())
        return is_binary, is_binary
    values, rows = np.unique(numbers, return_counts=True)
    if len(values) <= 2:
        return len(values) == 2, len(values) == 2
    is_float = np.asarray(y).dtype.kind == "f"
    is_few = len(values) <= MOST_CLASSES and len(values) <= len(numbers) / 2
    has_tail = rows.min() < RAREST_CLASS * rows.max()
    return is_few and not is_float and not has_tail, is_few or not is_float


def _checked_numbers(y: Any) -> np.ndarray:
    numbers = floats_of(y, "y")
    numbers = numbers.reshape(len(numbers), -1)
    check_finite(numbers if numbers.shape[1] > 1 else numbers[:, 0], "y")
    return numbers


def _numbers(y: Any) -> TargetOfAdvice:
    numbers = _checked_numbers(y)
    constant = numbers.min(0) == numbers.max(0)
    if constant.any():
        where = "y" if numbers.shape[1] == 1 else f"column {int(np.argmax(constant))} of y"
        raise ValueError(
            f"{where} is constant, {numbers[0, np.argmax(constant)]:g} in all"
            f" {count(len(numbers), 'row')}, so all losses agree. Give a target that varies."
        )
    size = np.abs(numbers).max(0)
    if size.max() > LARGEST or size.min() < 1 / LARGEST:
        raise ValueError(
            f"y has values as large as {size.max():g} and columns within {size.min():g} of 0,"
            " whose squares are out of range for floats. Give y in another unit."
        )
    if numbers.min() < 0:
        return TargetOfAdvice("real", numbers)
    is_whole = bool((numbers == np.round(numbers)).all())
    # Whole numbers that begin far from 0, as prices in dollars, are not counted.
    is_count = is_whole and bool((numbers.min(0) <= 1).all())
    return TargetOfAdvice("counts" if is_count else "positive", numbers)


def _labels(y: Any) -> TargetOfAdvice:
    check_labels(y)
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    if values.ndim == 2 and values.shape[1] > 1:
        return _several_labels(values)
    order = order_of(y)
    column = column_or_1d(values)
    if column.dtype.kind == "f":
        check_finite(column, "y")
        _check_whole(column)
    classes, index = np.unique(column, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"y has one class only, {classes.tolist()[0]!r}, in all {count(len(column), 'row')}."
            " Give rows of another class."
        )
    rank = np.argsort(places(classes.tolist(), order))
    named = tuple(classes[np.argsort(rank)].tolist())
    kind = "binary" if len(classes) == 2 else "ordered" if order else "classes"
    return TargetOfAdvice(kind, rank[index][:, None], named)


def _check_whole(column: np.ndarray) -> None:
    fractions = column != np.round(column)
    if fractions.any():
        raise ValueError(
            f"task='classification' needs labels; y has {count(int(fractions.sum()), 'fraction')},"
            f" for example {column[fractions][0]:g}. Set task='regression', or cut y into classes"
            " with pd.cut(y, bins, labels=...)."
        )


def _several_labels(values: np.ndarray) -> TargetOfAdvice:
    """Read a matrix of 0 and 1."""
    if not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"y has {values.shape[1]} columns of labels other than 0 and 1, which no"
            " loss accepts. Encode them with MultiLabelBinarizer, or call it for each column"
            " separately."
        )
    shares = values.astype(float).mean(0)
    if np.isin(shares, (0, 1)).all():
        raise ValueError("All columns of y are constant. Give labels that some rows have.")
    return TargetOfAdvice("multi-label", values.astype(int))
