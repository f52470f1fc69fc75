"""Out-of-fold predictions of candidates: what fits say of the test rows of their splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import is_classifier

# Methods whose answers are kept, where an estimator has them.
METHODS = ("predict", "predict_proba", "predict_interval")

# An array by the name of a method.
Predictions = dict[str, np.ndarray]


class Piece(NamedTuple):
    """What a fit says of some rows.

    Attributes
    ----------
    rows : ndarray of int
    said : dict of ndarray
        By the name of a method, a row for each of them.
    """

    rows: np.ndarray
    said: Predictions


def predictions_of(fitted: Any, X: Any, rows: np.ndarray, classes: np.ndarray | None) -> Piece:
    """Return what a fitted estimator says of X, which are some of all rows.

    Probabilities have a column for each of the classes, 0 for those that the fit has not seen.
    A method that raises, as `predict_interval` of a loss with other quantiles does, is left out.
    """
    said: Predictions = {}
    for name in METHODS:
        with suppress(Exception):
            values = np.asarray(getattr(fitted, name)(X))
            # Probabilities of several targets may be a list or a dict.
            said |= {name: values} if values.shape[:1] == rows.shape else {}
    seen: Any = getattr(fitted, "classes_", None)
    if classes is not None and "predict_proba" in said and len(seen) != len(classes):
        found = np.zeros((len(rows), len(classes)), said["predict_proba"].dtype)
        found[:, np.searchsorted(classes, seen)] = said["predict_proba"]
        said["predict_proba"] = found
    return Piece(rows, said)


def classes_of(estimator: Any, y: Any) -> np.ndarray | None:
    """Return the classes of all rows, None where targets are no classes, or several."""
    y = np.asarray(y)
    return np.unique(y) if is_classifier(estimator) and y.ndim == 1 else None


def combined(pieces: Sequence[Piece], n_rows: int, are_labels: bool) -> Predictions | None:
    """Return what fits of one candidate say of all rows; None where none of them has succeeded.

    A row that several of them predict, with repeated splits or several seeds, gets the mean of
    numbers and the most frequent of labels.

    Examples
    --------
    >>> first = Piece(np.array([0, 1]), {"predict": np.array([1.0, 2.0])})
    >>> second = Piece(np.array([1]), {"predict": np.array([4.0])})
    >>> combined([first, second], 3, are_labels=False)
    {'predict': array([ 1.,  3., nan])}
    """
    if not pieces:
        return None
    rows = np.concatenate([piece.rows for piece in pieces])
    found = {}
    for name in (name for name in METHODS if all(name in piece.said for piece in pieces)):
        values = np.concatenate([piece.said[name] for piece in pieces])
        is_label = values.dtype.kind != "f" or (are_labels and name == "predict")
        found[name] = (_votes if is_label else _means)(rows, values, n_rows)
    return found


def _means(rows: np.ndarray, values: np.ndarray, n_rows: int) -> np.ndarray:
    counts = np.bincount(rows, minlength=n_rows)
    totals = np.zeros((n_rows, *values.shape[1:]), values.dtype)
    np.add.at(totals, rows, values)
    with np.errstate(invalid="ignore"):
        return totals / counts.reshape(-1, *(1,) * (values.ndim - 1)).astype(values.dtype)


def _votes(rows: np.ndarray, values: np.ndarray, n_rows: int) -> np.ndarray:
    counts = np.bincount(rows, minlength=n_rows)
    found = np.zeros((n_rows, *values.shape[1:]), values.dtype)
    found[rows] = values
    for row in np.flatnonzero(counts > 1):
        found[row] = _most_frequent(values[rows == row])
    if not counts.all():
        is_number = values.dtype.kind in "fiub"
        found = found.astype(float if is_number else object)
        found[counts == 0] = np.nan if is_number else None
    return found


def _most_frequent(votes: np.ndarray) -> Any:
    """Return the most frequent of labels, (votes, ...); of a tie, the one that was first."""
    if votes.ndim > 1:
        return [_most_frequent(votes[:, k]) for k in range(votes.shape[1])]
    return Counter(votes.tolist()).most_common(1)[0][0]
