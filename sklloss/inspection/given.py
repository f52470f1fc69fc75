"""What displays are given, checked: numbers, one per row, and fitted estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..estimators.distributions.of_estimators import regressor_of
from ..estimators.fit.estimator import NeuralEstimator
from ..estimators.inputs.floats import check_finite, floats_of
from ..parameters.domains import Interval
from ..parameters.refusals import refuse_rows

OPEN_UNIT = Interval(0, 1, closed="neither")
POSITIVE = Interval(0, closed="neither")
COUNT = Interval(1, integer=True)


def column_of(owner: str, name: str, values: Any) -> np.ndarray:
    """Return values of any kind, one per row, of shape (n_samples,).

    Raises
    ------
    ValueError
        If there are no rows, or several values per row.
    """
    found = np.asarray(values)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1 or not len(found):
        several = " Draw one target after the other." if found.ndim == 2 else ""
        raise ValueError(
            f"{owner} needs {name} of shape (n_samples,), with at least one row; got"
            f" {found.shape}.{several}"
        )
    return found


def numbers_of(owner: str, name: str, values: Any) -> np.ndarray:
    """Return finite float64 numbers, one per row, of shape (n_samples,).

    Raises
    ------
    ValueError
        If they are no numbers, one is NaN or infinite, or there is not one per row.
    """
    found = column_of(owner, name, floats_of(values, name))
    check_finite(found, name)
    return found


def intervals_of(owner: str, interval: Any) -> np.ndarray:
    """Return lower and upper ends, (n_samples, 2); infinite ones are allowed.

    Raises
    ------
    ValueError
        If they have another shape, one is NaN, or a lower end is above its upper one.
    """
    ends = floats_of(interval, "interval")
    if ends.ndim != 2 or ends.shape[1] != 2:
        raise ValueError(
            f"{owner} needs intervals of shape (n_samples, 2), lower and upper ends; got"
            f" {ends.shape}. Of several targets, give one after the other."
        )
    remedy = "Give what predict_interval returns."
    refuse_rows(np.isnan(ends).any(1), "interval needs two ends; there is NaN in", "", remedy)
    refuse_rows(
        ends[:, 0] > ends[:, 1],
        "interval needs lower ends before upper ones",
        "have them the other way round",
        remedy,
        example=ends.tolist().__getitem__,
    )
    return ends


def check_lengths(owner: str, **columns: np.ndarray) -> None:
    """Raise a ValueError if columns have different numbers of rows."""
    if len({len(each) for each in columns.values()}) > 1:
        sizes = ", ".join(f"{name} has {len(each)}" for name, each in columns.items())
        raise ValueError(f"{owner} needs the same rows everywhere; {sizes}. Give them of one X.")


def kind_of(given: Any) -> str:
    """Return what something is called in a message."""
    return f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__


def check_estimator(owner: str, estimator: Any) -> None:
    """Raise if something is no fitted estimator, or a search that was not refitted.

    Raises
    ------
    TypeError
        If it is not an estimator.
    NotFittedError
        If it is not fitted.
    ValueError
        If it is a search without `best_estimator_`.
    """
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(
            f"{owner} needs a fitted estimator; got {kind_of(estimator)}. Give model.fit(X, y)."
        )
    check_is_fitted(estimator)
    regressor_of(estimator)


def words_for(estimator: Any) -> str:
    """Return what predicts inside an estimator, with its loss where it has one."""
    net = regressor_of(estimator)
    loss = getattr(net, "loss_", None) if isinstance(net, NeuralEstimator) else None
    of_loss = "" if loss is None else f" with the loss {loss.label!r}"
    return f"{type(net).__name__}{of_loss}"
