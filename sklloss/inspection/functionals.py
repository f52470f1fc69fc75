"""Which functional a regressor predicts, and how far groups of its predictions are from it.

The identification functions are those of Gneiting (2011), as in the package model-diagnostics: of
a correct prediction, their mean is 0 in every group of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest, t

from ..estimators.fit.estimator import NeuralEstimator
from ..losses import Expectile, Loss, MultiQuantile, Quantile
from ..search.steps import fitted_net_of
from .given import OPEN_UNIT

# What `Loss.functional` says, and the functional that it can be checked as.
CHECKED_AS = {
    "mean": "mean",
    "mean and variance": "mean",
    "mean and distribution": "mean",
    "median": "median",
    "median and spread": "median",
}
FUNCTIONALS = ("mean", "median", "quantile", "expectile", "probability")


class Group(NamedTuple):
    """Rows of about the same prediction.

    Attributes
    ----------
    prediction : float
        Their mean prediction.
    value : float
        What is checked: a bias, or a share of rows.
    low, high : float
        Ends of its confidence interval; NaN where there are too few rows.
    n_rows : int
    """

    prediction: float
    value: float
    low: float
    high: float
    n_rows: int


def functional_of(owner: str, estimator: Any) -> tuple[str, float | None]:
    """Return the functional that a fitted regressor predicts, and its level.

    Regressors of others are taken to predict the mean.

    Raises
    ------
    ValueError
        If the loss elicits nothing that can be checked by an identification function.
    """
    net = fitted_net_of(getattr(estimator, "best_estimator_", estimator))
    if not isinstance(net, NeuralEstimator):
        return "mean", None
    loss: Loss = net.loss_
    if isinstance(loss, Quantile):
        return "quantile", loss.quantile
    if isinstance(loss, MultiQuantile):
        return "quantile", min(loss.quantiles, key=lambda level: abs(level - 0.5))
    if isinstance(loss, Expectile):
        return "expectile", loss.expectile
    if loss.functional not in CHECKED_AS:
        raise ValueError(
            f"{owner} cannot check what {loss.label} estimates, {loss.functional or 'unknown'}, by"
            " an identification function. Say what its predictions should be: functional='mean' or"
            " functional='median'."
        )
    return CHECKED_AS[loss.functional], None


def is_checkable(estimator: Any) -> bool:
    """Return whether an identification function checks what a fitted regressor predicts."""
    try:
        functional_of("is_checkable", estimator)
    except ValueError:
        return False
    return True


def checked_level(owner: str, functional: str, level: float | None) -> float:
    """Return the level of a functional, 0.5 for those that have none."""
    if functional not in FUNCTIONALS:
        names = ", ".join(map(repr, FUNCTIONALS))
        raise ValueError(f"{owner} needs functional to be one of {names}; got {functional!r}.")
    if functional not in ("quantile", "expectile"):
        return 0.5
    if level not in OPEN_UNIT:
        raise ValueError(
            f"{owner} needs a level with 0 < level < 1 for {functional}s; got {level!r}. Give"
            " level=0.9 for the one that nine of ten values lie below."
        )
    return float(level)  # type: ignore[arg-type]


def residuals(y: np.ndarray, prediction: np.ndarray, functional: str, level: float) -> np.ndarray:
    """Return the identification function of means and expectiles, in units of y.

    Examples
    --------
    >>> y, prediction = np.array([0.0, 2.0]), np.array([1.0, 1.0])
    >>> residuals(y, prediction, "mean", 0.5), residuals(y, prediction, "expectile", 0.8)
    (array([ 1., -1.]), array([ 0.4, -1.6]))
    """
    if functional == "mean":
        return prediction - y
    return 2 * np.abs((prediction >= y) - level) * (prediction - y)


def grouped(
    prediction: np.ndarray, checked: np.ndarray, n_bins: int, confidence: float
) -> list[Group]:
    """Return groups of equally many rows of about the same prediction.

    Parameters
    ----------
    prediction : ndarray of shape (n_samples,)
    checked : ndarray of shape (n_samples,)
        What is averaged: numbers, or booleans whose share is wanted.
    n_bins : int
        Groups, at most: rows of one prediction stay together.
    confidence : float
        Of the intervals, in (0, 1).
    """
    edges = np.unique(np.quantile(prediction, np.linspace(0, 1, n_bins + 1)[1:-1]))
    numbers = np.searchsorted(edges, prediction, side="left")
    ends: Callable[..., Any] = _ends_of_share if checked.dtype == bool else _ends_of_mean
    found = []
    for number in np.unique(numbers):
        rows = numbers == number
        values = checked[rows]
        low, high = ends(values, confidence)
        mean, n_rows = float(prediction[rows].mean()), len(values)
        found.append(Group(mean, float(values.mean()), low, high, n_rows))
    return found


def _ends_of_mean(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return Student's interval."""
    n = len(values)
    if n < 2:
        return np.nan, np.nan
    reach = t.ppf((1 + confidence) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return float(values.mean() - reach), float(values.mean() + reach)


def _ends_of_share(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return Wilson's interval."""
    test = binomtest(int(values.sum()), len(values))
    ends = test.proportion_ci(confidence, method="wilson")
    return float(ends.low), float(ends.high)
