"""Prediction intervals of estimators, also of those inside Pipelines and searches."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..estimators.distributions.of_estimators import predict_distribution, regressor_of
from .given import check_estimator, words_for


def interval_of(owner: str, estimator: Any, X: Any, coverage: float) -> np.ndarray:
    """Return the lower and the upper end of intervals, (n_samples, 2), in units of y.

    Raises
    ------
    TypeError
        If nothing in it predicts intervals.
    ValueError
        If the target was transformed by something that is not monotone.
    """
    check_estimator(owner, estimator)
    if hasattr(estimator, "predict_interval"):
        return np.asarray(estimator.predict_interval(X, coverage=coverage))
    if predicts_intervals(estimator):
        return predict_distribution(estimator, X).interval(coverage)
    raise TypeError(
        f"{owner} needs an estimator that predicts intervals, and {words_for(estimator)} does not."
        " Choose a NeuralRegressor with a loss that provides a distribution, such as"
        " 'gaussian_nll', 'student_t_nll' or 'crps', or set calibrate=True."
    )


def predicts_intervals(estimator: Any) -> bool:
    """Return whether an estimator, or what a Pipeline or a search wraps, predicts intervals."""
    return hasattr(regressor_of(estimator), "predict_interval")
