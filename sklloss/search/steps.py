"""The steps around a net: Pipelines and TransformedTargetRegressors, nested in any order.

Steps are fitted by their own `fit`, with a `Recorder` instead of the net, so that scikit-learn does
whatever they do to X, y and the weights on the way to the net.  What reaches the recorder is what
nets are then trained on, and each trained net is put into a copy of the fitted steps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from ..estimators.fit.estimator import NeuralEstimator

# X, y and the further arguments of `fit`.
Arguments = tuple[Any, Any, dict[str, Any]]


class Shape(NamedTuple):
    """What the data of the models of one stack have in common."""

    n_rows: int
    n_columns: int
    is_sparse: bool


NO_ROWS = Shape(0, 1, False)


def shape_of(X: Any, n_rows: int) -> Shape:
    """Return the shape of n_rows rows of X."""
    shape: tuple[int, ...] = getattr(X, "shape", ())
    return Shape(n_rows, shape[-1] if len(shape) > 1 else 1, sparse.issparse(X))


@dataclass(frozen=True)
class FittedSteps:
    """The steps around some nets, fitted on the training rows of a split.

    Attributes
    ----------
    estimator : estimator or None
        The fitted Pipeline or TransformedTargetRegressor; None where fitting it raised.
    arguments : tuple
        What the nets inside are fitted on: X, y and the further arguments of `fit`.
    error : str or None
        The traceback of what fitting raised.
    seconds : float
        How long fitting took, for each of the nets.
    shape : Shape
        That of the rows which the nets are fitted on; without rows where fitting raised.
    """

    estimator: Any
    arguments: Arguments
    error: str | None
    seconds: float
    shape: Shape

    def here(self, worker: Any, fit: Any) -> FittedSteps:
        """Return these, which every process that needs them receives."""
        return self


@dataclass(frozen=True)
class Wrapper:
    """How one kind of estimator holds the estimator that it wraps.

    Attributes
    ----------
    inside : callable
        Returns the name and the value of the parameter that is wrapped.
    fitted_inside : callable
        Returns what is fitted inside a fitted wrapper.
    around : callable
        Takes a fitted wrapper, the parameter inside, whose net may be fitted by now, and the fitted
        estimator inside; returns a copy of the fitted wrapper that holds these two.
    """

    inside: Callable[[Any], tuple[str, Any]]
    fitted_inside: Callable[[Any], Any]
    around: Callable[[Any, Any, Any], Any]


def _pipeline_around(fitted: Pipeline, _: Any, last: Any) -> Pipeline:
    pipeline = copy.copy(fitted)
    pipeline.steps = [*fitted.steps[:-1], (fitted.steps[-1][0], last)]
    return pipeline


def _target_transformer_around(fitted: Any, regressor: Any, fitted_regressor: Any) -> Any:
    wrapper = copy.copy(fitted)
    wrapper.regressor, wrapper.regressor_ = clone(regressor), fitted_regressor
    if hasattr(fitted_regressor, "feature_names_in_"):
        wrapper.feature_names_in_ = fitted_regressor.feature_names_in_
    return wrapper


@cache
def wrappers() -> dict[type, Wrapper]:
    """Return how each kind of estimator holds another."""
    # With scikit-learn's linear models, it takes longer to import than all of the search.
    from sklearn.compose import TransformedTargetRegressor

    return {
        Pipeline: Wrapper(lambda p: p.steps[-1], lambda p: p.steps[-1][1], _pipeline_around),
        TransformedTargetRegressor: Wrapper(
            lambda t: ("regressor", t.regressor), lambda t: t.regressor_, _target_transformer_around
        ),
    }


def wrapper_of(estimator: Any) -> Wrapper | None:
    """Return how an estimator holds another, None where it holds none that nets are put into."""
    kind = type(estimator)
    if isinstance(estimator, Pipeline) and kind.__module__.startswith("imblearn."):
        # Its steps may also resample the rows on their way to the net.
        kind = Pipeline
    return wrappers().get(kind)


class Recorder(BaseEstimator):
    """Stands for a net while the steps around it are fitted, and keeps what the net would receive.

    Parameters
    ----------
    net : NeuralEstimator
        Says which metadata it requests.
    """

    def __init__(self, net: Any) -> None:
        self.net = net

    def fit(self, X: Any, y: Any = None, **params: Any) -> Recorder:
        """Keep the arguments."""
        self.arguments_ = (X, y, params)
        return self

    def predict(self, X: Any) -> Any:
        """Exist, since wrappers ask for a predictor; never called."""
        raise NotImplementedError

    def get_metadata_routing(self) -> Any:
        """Request what the net requests."""
        return self.net.get_metadata_routing()

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.net)


def path_to_net(estimator: Any) -> tuple[str, ...] | None:
    """Return the names of the parameters that lead to the net, or None where there is no net.

    Examples
    --------
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklloss import NeuralRegressor
    >>> path_to_net(Pipeline([("scale", StandardScaler()), ("net", NeuralRegressor())]))
    ('net',)
    >>> path_to_net(NeuralRegressor()), path_to_net(StandardScaler())
    ((), None)
    """
    names = []
    while wrapper := wrapper_of(estimator):
        name, estimator = wrapper.inside(estimator)
        names.append(name)
    return tuple(names) if isinstance(estimator, NeuralEstimator) else None


def with_all_inside(estimator: Any) -> list[Any]:
    """Return an estimator, the estimator that it wraps, and so on to the innermost."""
    found = [estimator]
    while wrapper := wrapper_of(found[-1]):
        found.append(wrapper.inside(found[-1])[1])
    return found


def holds_net_apart(estimator: Any) -> bool:
    """Return whether there is a net inside that can only be fitted along with its wrapper."""
    inside = estimator.get_params(deep=True).values()
    return path_to_net(estimator) is None and any(isinstance(e, NeuralEstimator) for e in inside)


def net_of(estimator: Any) -> Any:
    """Return the net that is wrapped, or the estimator itself where it is one."""
    return with_all_inside(estimator)[-1]


def fitted_net_of(fitted: Any) -> Any:
    """Return what is fitted inside a fitted estimator, or the estimator itself."""
    while wrapper := wrapper_of(fitted):
        fitted = wrapper.fitted_inside(fitted)
    return fitted


def fitted_around_net(
    estimator: Any, X: Any, y: Any, params: dict[str, Any]
) -> tuple[Any, Arguments]:
    """Fit all of an estimator but its net; return it, and what its net would be fitted on."""
    recorder = Recorder(clone(net_of(estimator)))
    fitted = clone(estimator).set_params(**{"__".join(path_to_net(estimator) or ()): recorder})
    fitted.fit(X, y, **params)
    return fitted, vars(fitted_net_of(fitted)).pop("arguments_")


def with_seeds(estimator: Any, seed: int) -> Any:
    """Set the seed of all steps around a net that have none, in place; return the estimator."""
    path = "__".join(path_to_net(estimator) or ())
    unseeded = {
        name: seed
        for name, value in estimator.get_params(deep=True).items()
        if name.endswith("random_state") and value is None and not name.startswith(f"{path}__")
    }
    return estimator.set_params(**unseeded)


def with_net(fitted: Any, estimator: Any, net: Any) -> Any:
    """Return an estimator as its own `fit` would leave it, from its fitted steps and fitted net."""
    wrapper = wrapper_of(estimator)
    if wrapper is None:
        return net
    _, inside = wrapper.inside(estimator)
    return wrapper.around(fitted, inside, with_net(wrapper.fitted_inside(fitted), inside, net))
