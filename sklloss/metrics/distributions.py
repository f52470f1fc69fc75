"""Scores of predictive distributions and of intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..estimators.distributions.predictive import PredictiveDistribution, levels_of
from ..estimators.inputs.floats import check_finite, floats_of
from ..estimators.inputs.weights import checked_weights
from ..parameters.refusals import refuse_rows


def crps(y_true: Any, distribution: Any, *, sample_weight: Any = None) -> float:
    """Return the mean continuous ranked probability score (CRPS); lower is better.

    ``∫ (F(x) - 1[x >= y])² dx``, in units of y; for a point prediction it is the absolute error.
    The integral is computed numerically, with a relative error of about 1e-6 (1e-4 for counts in
    the hundreds and above).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets.
    distribution : PredictiveDistribution, or array-like of shape (n_samples, n_draws)
        The result of `predict_distribution`, or a sample from each distribution.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights of rows, >= 0.

    Returns
    -------
    float
        In units of y; 0 is best.

    Raises
    ------
    ValueError
        If shapes do not match, or the distribution is known only between two quantiles.

    References
    ----------
    Gneiting, T. and Raftery, A. E., Strictly Proper Scoring Rules, Prediction, and Estimation, JASA
    2007.

    Examples
    --------
    >>> crps([1.0], [[0.0, 1.0, 5.0]])  # (1 + 0 + 4) / 3 less half the mean distance of two draws
    0.5555555555555556
    """
    if not isinstance(distribution, PredictiveDistribution):
        return _of_draws(y_true, distribution, sample_weight)
    if why := distribution._lacks("crps"):
        raise ValueError(why)
    return _mean(distribution._crps(_targets(y_true, distribution)), sample_weight)


def log_likelihood(
    y_true: Any, distribution: PredictiveDistribution, *, sample_weight: Any = None
) -> float:
    """Return the mean logarithm of the density of y, or of the probability of counts.

    It is minus infinity if any y is impossible. It depends on the unit of y: in thousands,
    densities are a thousand times as high.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets.
    distribution : PredictiveDistribution
        The result of `predict_distribution`.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights of rows, >= 0.

    Returns
    -------
    float
        Higher is better.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklloss import NeuralRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = NeuralRegressor("gaussian_nll", n_members=1, max_epochs=10, random_state=0)
    >>> -7 < log_likelihood(y, model.fit(X, y).predict_distribution(X)) < -5
    True
    """
    y = _targets(y_true, distribution)
    found = distribution.log_likelihood(y[:, 0] if distribution.is_column else y)
    return _mean(found.reshape(y.shape), sample_weight)


def interval_coverage(y_true: Any, interval: Any, *, sample_weight: Any = None) -> float:
    """Return the share of rows whose y lies in its interval, ends included.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets.
    interval : array-like of shape (n_samples, 2) or (n_samples, n_targets, 2)
        Lower and upper ends, as ``predict_interval`` returns them.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights of rows, >= 0.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> interval_coverage([1.0, 5.0], [[0.0, 2.0], [0.0, 2.0]])
    0.5
    """
    y, low, high = _ends(y_true, interval)
    return _mean(((low <= y) & (y <= high)).astype(float), sample_weight)


def interval_width(y_true: Any, interval: Any, *, sample_weight: Any = None) -> float:
    """Return the mean width of intervals, in units of y.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets, of which only the shape matters.
    interval : array-like of shape (n_samples, 2) or (n_samples, n_targets, 2)
        Lower and upper ends.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights of rows, >= 0.

    Returns
    -------
    float
        In units of y.

    Examples
    --------
    >>> interval_width([1.0, 5.0], [[0.0, 2.0], [0.0, 4.0]])
    3.0
    """
    _, low, high = _ends(y_true, interval)
    return _mean(high - low, sample_weight)


def interval_score(
    y_true: Any, interval: Any, coverage: float = 0.8, *, sample_weight: Any = None
) -> float:
    """Return the mean interval score of Winkler, in units of y; lower is better.

    It is the width of the interval plus ``2 / (1 - coverage)`` times the distance of y from it if y
    lies outside. The central interval of the true distribution has the lowest expected score.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets.
    interval : array-like of shape (n_samples, 2) or (n_samples, n_targets, 2)
        Lower and upper ends.
    coverage : float, default=0.8
        The probability, in (0, 1), with which the intervals should contain y.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights of rows, >= 0.

    Returns
    -------
    float
        In units of y; 0 is best.

    References
    ----------
    Winkler, R. L., A Decision-Theoretic Approach to Interval Estimation, JASA 1972.

    Examples
    --------
    >>> round(interval_score([1.0, 5.0], [[0.0, 2.0], [0.0, 4.0]], coverage=0.8), 9)
    8.0
    """
    levels_of(coverage, "interval_score")
    y, low, high = _ends(y_true, interval)
    outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return _mean(high - low + 2 / (1 - coverage) * outside, sample_weight)


def _targets(y_true: Any, distribution: PredictiveDistribution) -> np.ndarray:
    """Return y, (n_samples, n_targets)."""
    y = floats_of(y_true, "y_true")
    if y.reshape(len(y) if y.ndim else 1, -1).shape != distribution._shape:
        raise ValueError(
            f"y_true has the shape {y.shape}, and the distribution has {distribution._shape[0]}"
            f" rows and {distribution._shape[1]} targets. Give the y of the rows that were"
            " predicted."
        )
    check_finite(y.reshape(distribution._shape).sum(1), "y_true")
    return y.reshape(distribution._shape)


def _ends(y_true: Any, interval: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return y and the ends of its intervals, in one shape."""
    y, ends = floats_of(y_true, "y_true"), floats_of(interval, "interval")
    if not y.ndim or not len(y):
        raise ValueError(f"y_true needs at least one row; got the shape {y.shape}.")
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 and ends.ndim == 2 else y
    if ends.shape != (*y.shape, 2):
        raise ValueError(
            f"interval needs the shape {(*y.shape, 2)}, a lower and an upper end for every y_true;"
            f" got {ends.shape}. Give the result of predict_interval for the same rows."
        )
    check_finite(y.reshape(len(y), -1).sum(1), "y_true")
    refuse_rows(
        np.isnan(ends.reshape(len(ends), -1)).any(1),
        "interval needs two ends; there is NaN in",
        "",
        "Give the result of predict_interval.",
    )
    return y, ends[..., 0], ends[..., 1]


def _of_draws(y_true: Any, draws: Any, sample_weight: Any) -> float:
    y, values = floats_of(y_true, "y_true"), np.sort(floats_of(draws, "distribution"), -1)
    if y.ndim != 1 or values.ndim != 2 or len(values) != len(y) or not values.size:
        raise ValueError(
            "crps needs a PredictiveDistribution, or draws of shape (n_samples, n_draws) for y_true"
            f" of shape (n_samples,); got {values.shape} and {y.shape}. See predict_distribution."
        )
    check_finite(y, "y_true")
    check_finite(values.sum(1), "distribution")
    n = values.shape[1]
    # The mean distance of two draws, with sorted draws.
    apart = 2 * (values @ (2 * np.arange(1, n + 1) - n - 1)) / n**2
    return _mean(np.abs(values - y[:, None]).mean(1) - apart / 2, sample_weight)


def _mean(values: np.ndarray, sample_weight: Any) -> float:
    """Return the weighted mean over rows of values, averaged over targets."""
    of_rows = values.reshape(len(values), -1).mean(1)
    if sample_weight is None:
        return float(of_rows.mean())
    return float(np.average(of_rows, weights=checked_weights(sample_weight, of_rows)))
