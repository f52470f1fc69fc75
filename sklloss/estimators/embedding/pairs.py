"""Pairs of rows, and whether they are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_consistent_length

HOW = "Give np.stack([left, right], axis=1)"


def stacked_pairs(X: Any) -> np.ndarray:
    """Return pairs as one array (n_pairs, 2, ...).

    Raises
    ------
    TypeError
        If X is sparse.
    ValueError
        If a row of X is no pair of two rows of one shape.
    """
    if sparse.issparse(X):
        raise TypeError(
            f"With pairs=True X is a dense array of shape (n_pairs, 2, ...), and it is sparse. {HOW}, both sides dense."
        )
    if not hasattr(X, "__array__") and not isinstance(X, list | tuple):
        raise TypeError(
            f"With pairs=True X is an array of shape (n_pairs, 2, ...); got {X!r} of type {type(X).__name__}. {HOW}."
        )
    pairs = np.asarray(X) if hasattr(X, "__array__") else _array_of(X)
    if pairs.ndim < 3 or pairs.shape[1] != 2:
        table = (
            f" As columns side by side they would be {pairs.ndim} axes." if pairs.ndim < 3 else ""
        )
        raise ValueError(
            f"With pairs=True X needs the shape (n_pairs, 2, ...): two rows side by side; got {pairs.shape}.{table} {HOW}, or set"
            " pairs=False for rows and their labels."
        )
    return pairs


def _array_of(X: Any) -> np.ndarray:
    """Return a list of pairs as an array; name the one that does not fit."""
    shapes = [_shape_of(row, pair) for row, pair in enumerate(X)]
    odd = [row for row, shape in enumerate(shapes) if shape != shapes[0]]
    if odd:
        raise ValueError(
            f"X has pairs of unequal shape: pair {odd[0]} has {shapes[odd[0]]}, pair 0 {shapes[0]} ({len(odd)} of {len(shapes)} differ)."
            f" Both sides of all pairs need the same features. {HOW}."
        )
    return np.array(X)


def _shape_of(row: int, pair: Any) -> tuple[int, ...]:
    try:
        return np.shape(pair)
    except ValueError:
        raise ValueError(
            f"X has sides of unequal length in pair {row}. Both sides need the same features. {HOW}."
        ) from None


def sides(pairs: np.ndarray) -> np.ndarray:
    """Return the rows of pairs one below the other, (2 n_pairs, ...): left, right, left, right."""
    return pairs.reshape(2 * len(pairs), *pairs.shape[2:])


def is_alike(y: Any, n_pairs: int) -> np.ndarray:
    """Return whether each pair is alike, (n_pairs,), from labels 1 and 0, 1 and -1, or True and False.

    Raises
    ------
    ValueError
        If `y` is missing, has another shape, another length or other labels.
    """
    if y is None:
        raise ValueError(
            "MetricEmbedder requires y to be passed, but the target y is None. Give 1 for each alike pair and 0 or -1 for each other."
        )
    labels = np.asarray(y, dtype=None if hasattr(y, "__array__") else object)
    if labels.ndim != 1:
        raise ValueError(
            f"With pairs=True y needs one label per pair, shape (n_pairs,); got {labels.shape}. Give y.ravel(), or 1 where both sides"
            " have one class: (class_of_left == class_of_right)."
        )
    check_consistent_length(np.empty(n_pairs), labels)
    numbers = _numbers(labels)
    one_or_zero, one_or_minus_one = np.isin(numbers, (0, 1)), np.isin(numbers, (-1, 1))
    if not (one_or_zero.all() or one_or_minus_one.all()):
        raise ValueError(_wrong_labels_message(labels, one_or_zero | one_or_minus_one))
    return numbers == 1


def _numbers(labels: np.ndarray) -> np.ndarray:
    """Return labels as floats; NaN, which no pair may have, where they are none."""
    if labels.dtype.kind == "c":
        return np.full(len(labels), np.nan)
    try:
        return labels.astype(np.float64)
    except (TypeError, ValueError):
        return np.full(len(labels), np.nan)


def _wrong_labels_message(labels: np.ndarray, known: np.ndarray) -> str:
    allowed = "With pairs=True y needs 1 for alike pairs and 0 for others, or 1 and -1"
    if known.all():
        return f"{allowed}; it has both 0 and -1. Give one of them."
    row = int(np.flatnonzero(~known)[0])
    return (
        f"{allowed}; {(~known).sum()} of {len(labels)} are neither, for example {labels.tolist()[row]!r} of pair {row}. From classes make"
        " (class_of_left == class_of_right)."
    )
