"""The predictive distribution of an estimator, whatever is around the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .predictive import PredictiveDistribution
from .transformed import TransformedDistribution


def predict_distribution(estimator: Any, X: Any) -> PredictiveDistribution:
    """Predict the distribution of y given X with an estimator that contains a `NeuralRegressor`.

    scikit-learn's Pipelines and searches do not have the method ``predict_distribution`` of the
    regressor inside; this function calls it for them.

    Parameters
    ----------
    estimator : estimator
        A fitted `NeuralRegressor` whose loss provides a distribution; or a Pipeline that ends in
        one, a search over one, or a TransformedTargetRegressor around one, nested in any order.  A
        transformer of the target has to be monotone.
    X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        Rows, as in ``predict``.

    Returns
    -------
    PredictiveDistribution
        With the methods ``cdf``, ``ppf``, ``pdf`` (``pmf`` for counts), ``mean``, ``std``,
        ``interval`` and ``sample``, in units of y.

    Raises
    ------
    AttributeError
        If the loss provides no distribution.
    TypeError
        If the estimator is none of these.
    ValueError
        If the transformation of the target is not monotone, or a search was not refitted.

    See Also
    --------
    NeuralRegressor.predict_distribution : The method of the regressor.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklloss import NeuralRegressor, predict_distribution
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = NeuralRegressor("gaussian_nll", n_members=1, max_epochs=10, random_state=0)
    >>> of_log = TransformedTargetRegressor(net, func=np.log, inverse_func=np.exp)
    >>> model = make_pipeline(StandardScaler(), of_log).fit(X, y)
    >>> bool((predict_distribution(model, X).interval(0.9) > 0).all())
    True
    """
    for is_around, distribution in AROUND.items():
        if is_around(estimator):
            return distribution(estimator, X)
    try:
        method = estimator.predict_distribution
    except AttributeError as error:
        # A loss without a distribution hides the method of a regressor that has it.
        if not hasattr(type(estimator), "predict_distribution"):
            of_classes = isinstance(estimator, ClassifierMixin)
            remedy = " For classes, predict_proba is the distribution." * of_classes
            raise TypeError(
                "predict_distribution needs a NeuralRegressor, or a Pipeline, search or"
                f" TransformedTargetRegressor around one; got {type(estimator).__name__}.{remedy}"
            ) from None
        raise AttributeError(str(error.__cause__ or error)) from None
    return method(X)


def regressor_of(estimator: Any) -> Any:
    """Return the innermost estimator of a fitted one: that which predicts."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif _transforms_target(estimator):
            estimator = estimator.regressor_
        elif _is_search(estimator):
            estimator = _best(estimator)
        else:
            return estimator


def has_distribution(estimator: Any) -> bool:
    """Return whether `predict_distribution` knows the distribution of a fitted estimator."""
    return hasattr(regressor_of(estimator), "predict_distribution")


def _of_pipeline(pipeline: Any, X: Any) -> PredictiveDistribution:
    check_is_fitted(pipeline)
    inner = pipeline[:-1].transform(X) if len(pipeline.steps) > 1 else X
    return predict_distribution(pipeline.steps[-1][1], inner)


def _of_transformed_target(wrapper: Any, X: Any) -> PredictiveDistribution:
    check_is_fitted(wrapper)
    inner = predict_distribution(wrapper.regressor_, X)
    return TransformedDistribution.of(inner, wrapper.transformer_)


def _of_search(search: Any, X: Any) -> PredictiveDistribution:
    return predict_distribution(_best(search), X)


def _transforms_target(estimator: Any) -> bool:
    """Return whether an estimator is a TransformedTargetRegressor."""
    # It imports scikit-learn's linear models.
    from sklearn.compose import TransformedTargetRegressor

    return isinstance(estimator, TransformedTargetRegressor)


def _is_search(estimator: Any) -> bool:
    """Return whether an estimator chooses another, as the searches of any library do."""
    return hasattr(estimator, "refit") and hasattr(estimator, "cv")


def _best(search: Any) -> Any:
    check_is_fitted(search)
    if not hasattr(search, "best_estimator_"):
        raise ValueError(
            f"This {type(search).__name__} has no best_estimator_, because it was not refitted. Set"
            " refit=True, or with several metrics the name of one."
        )
    return search.best_estimator_


AROUND: dict[Callable[[Any], bool], Callable[[Any, Any], PredictiveDistribution]] = {
    lambda estimator: isinstance(estimator, Pipeline): _of_pipeline,
    _transforms_target: _of_transformed_target,
    _is_search: _of_search,
}
