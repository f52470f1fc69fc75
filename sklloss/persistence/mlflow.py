"""MLflow's autologging for the estimators of sklloss."""

from __future__ import annotations

from typing import Any

from sklearn import utils

from ..estimators.fit.estimator import NeuralEstimator
from .objects.names import ESTIMATORS, class_named

__all__ = ["autolog"]

MISSING = 'autolog needs MLflow, which is not installed: pip install "sklloss[mlflow]"'


def autolog(**options: Any) -> None:
    """Call ``mlflow.sklearn.autolog`` so that it also watches the estimators of sklloss.

    MLflow asks scikit-learn which estimators there are, so by itself it sees ours only inside a
    Pipeline or a search of scikit-learn.  After this call, a ``fit`` of ours logs its parameters,
    its scores on the training data and the model, in the active run or one of its own.  That of a
    `LossSearchCV` also makes a child run for each of its best candidates, as that of a
    ``GridSearchCV`` does.

    Parameters
    ----------
    **options
        Those of ``mlflow.sklearn.autolog``: ``log_models=False`` logs no models,
        ``max_tuning_runs`` is the number of child runs, ``disable=True`` ends autologging.

    Raises
    ------
    ImportError
        If MLflow is not installed.
    RuntimeError
        If this version of MLflow does not ask scikit-learn for its estimators.

    Notes
    -----
    The models that autologging writes are pickles: load them only from a store that nobody else
    writes to.

    References
    ----------
    https://mlflow.org/docs/latest/ml/traditional-ml/sklearn

    Examples
    --------
    It changes classes for the rest of the process:

    >>> from sklloss.persistence.mlflow import autolog
    >>> autolog(log_models=False)  # doctest: +SKIP
    >>> NeuralRegressor().fit(X, y)  # doctest: +SKIP
    """
    try:
        import mlflow.sklearn
    except ImportError as error:
        raise ImportError(MISSING) from error
    was_asked, all_estimators = False, utils.all_estimators

    def with_ours(*arguments: Any, **keywords: Any) -> list[tuple[str, type]]:
        nonlocal was_asked
        was_asked = True
        return [*all_estimators(*arguments, **keywords), *own_estimators()]

    utils.all_estimators = with_ours
    try:
        mlflow.sklearn.autolog(**options)
    finally:
        utils.all_estimators = all_estimators
    if not was_asked and not options.get("disable"):
        raise RuntimeError(
            f"MLflow {mlflow.__version__} does not ask scikit-learn for its estimators, so"
            " sklloss.persistence.mlflow.autolog cannot add those of sklloss. Wrap an estimator in"
            " a Pipeline, make_pipeline(estimator), which MLflow sees, or use MLflow 3.17."
        )


def own_estimators() -> list[tuple[str, type]]:
    """Return what trains in sklloss, by name.

    Examples
    --------
    >>> [name for name, _ in own_estimators()][:3]
    ['LossSearchCV', 'NeuralRegressor', 'NeuralClassifier']
    """
    named = [(name, class_named(name)) for name in ESTIMATORS]
    nets = [(name, kind) for name, kind in named if issubclass(kind, NeuralEstimator)]
    return [("LossSearchCV", class_named("LossSearchCV")), *nets]
