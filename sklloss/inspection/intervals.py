"""Prediction intervals of estimators, also of those inside Pipelines and searches."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from ..estimators.distributions.of_estimators import transforms_target


def interval_of(owner: str, estimator: Any, X: Any, coverage: float) -> np.ndarray:
    """Return the lower and the upper end of intervals, (n_samples, 2), in units of y.

    Wrappers of scikit-learn pass on `predict` alone, so the estimator inside is asked, with X as
    the steps before it transform it; ends are transformed back as predictions are.

    Raises
    ------
    TypeError
        If nothing in it predicts intervals.
    """
    if hasattr(estimator, "predict_interval"):
        return np.asarray(estimator.predict_interval(X, coverage=coverage))
    if hasattr(estimator, "best_estimator_"):
        return interval_of(owner, estimator.best_estimator_, X, coverage)
    if isinstance(estimator, Pipeline):
        rows = estimator[:-1].transform(X) if len(estimator) > 1 else X
        return interval_of(owner, estimator[-1], rows, coverage)
    if transforms_target(estimator):
        ends = interval_of(owner, estimator.regressor_, X, coverage)
        return _transformed_back(estimator.transformer_, ends)
    raise TypeError(
        f"{owner} needs an estimator that predicts intervals, and {estimator!r} has no"
        " predict_interval. Choose a loss that provides a distribution, such as 'gaussian_nll',"
        " 'student_t_nll' or 'crps'."
    )


def predicts_intervals(estimator: Any) -> bool:
    """Return whether an estimator, or what a Pipeline or a search wraps, predicts intervals."""
    if isinstance(estimator, Pipeline):
        return predicts_intervals(estimator[-1])
    if transforms_target(estimator):
        return predicts_intervals(estimator.regressor_)
    inside = getattr(estimator, "best_estimator_", estimator)
    return (
        hasattr(inside, "predict_interval") if inside is estimator else predicts_intervals(inside)
    )


def _transformed_back(transformer: Any, ends: np.ndarray) -> np.ndarray:
    columns = [transformer.inverse_transform(end.reshape(-1, 1)).ravel() for end in ends.T]
    # A transformer that reverses the order turns the lower end into the upper one.
    return np.sort(np.column_stack(columns), axis=1)
