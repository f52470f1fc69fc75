"""The shell around a net: Pipelines and TransformedTargetRegressors, nested as one likes.

A shell is fitted by its own `fit`, with a `Recorder` in the place of its net, so that whatever it does to X, y and their weights
on the way to the net is done by scikit-learn.  What arrives at the recorder is what nets are then trained on, and each trained
net is put into a copy of the fitted shell.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from ..estimators.fit.estimator import NeuralEstimator

Parts = tuple[Any, Any, dict[str, Any]]  # X, y and the parameters of `fit`


@dataclass(frozen=True)
class Layer:
    """How one kind of shell holds what is inside.

    Attributes
    ----------
    inside : callable
        From a shell to the name and value of the parameter that is inside.
    fitted_inside : callable
        From a fitted shell to what is fitted inside.
    dressed : callable
        From a fitted shell, the parameter inside and the fitted thing inside to a fitted shell that holds these.
    """

    inside: Callable[[Any], tuple[str, Any]]
    fitted_inside: Callable[[Any], Any]
    dressed: Callable[[Any, Any, Any], Any]


def _pipeline_around(fitted: Pipeline, _: Any, last: Any) -> Pipeline:
    pipeline = copy.copy(fitted)
    pipeline.steps = [*fitted.steps[:-1], (fitted.steps[-1][0], last)]
    return pipeline


def _target_transformer_around(
    fitted: TransformedTargetRegressor, given: Any, inside: Any
) -> TransformedTargetRegressor:
    shell = copy.copy(fitted)
    shell.regressor, shell.regressor_ = given, inside
    if hasattr(inside, "feature_names_in_"):
        shell.feature_names_in_ = inside.feature_names_in_
    return shell


LAYERS = {
    Pipeline: Layer(lambda p: p.steps[-1], lambda p: p.steps[-1][1], _pipeline_around),
    TransformedTargetRegressor: Layer(
        lambda t: ("regressor", t.regressor), lambda t: t.regressor_, _target_transformer_around
    ),
}


class Recorder(BaseEstimator):
    """Stands in for a net while its shell is fitted, and keeps what the net would have been fitted on.

    Parameters
    ----------
    net : NeuralEstimator
        The net, which says what it wants to be passed.
    """

    def __init__(self, net: Any) -> None:
        self.net = net

    def fit(self, X: Any, y: Any = None, **params: Any) -> Recorder:
        """Keep what comes."""
        self.seen_ = (X, y, params)
        return self

    def predict(self, X: Any) -> Any:
        """Be something that predicts, as shells want it; never called."""
        raise NotImplementedError

    def get_metadata_routing(self) -> Any:
        """Ask for what the net asks for."""
        return self.net.get_metadata_routing()

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.net)


def path_to_net(estimator: Any) -> tuple[str, ...] | None:
    """Return the names of the parameters that lead to the net, or None where no net can be reached.

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
    if isinstance(estimator, NeuralEstimator):
        return ()
    layer = LAYERS.get(type(estimator))
    if layer is None:
        return None
    name, inside = layer.inside(estimator)
    deeper = path_to_net(inside)
    return None if deeper is None else (name, *deeper)


def layers_of(estimator: Any) -> list[Any]:
    """Return an estimator, what is inside it, and so on to the innermost."""
    found = [estimator]
    while type(found[-1]) in LAYERS:
        found.append(LAYERS[type(found[-1])].inside(found[-1])[1])
    return found


def net_of(estimator: Any) -> Any:
    """Return the net inside a shell, or the estimator itself where it is one."""
    return layers_of(estimator)[-1]


def fitted_shell(estimator: Any, X: Any, y: Any, params: dict[str, Any]) -> tuple[Any, Parts]:
    """Fit all of a shell but its net; return the fitted shell and what has arrived at the net: X, y and parameters of `fit`."""
    path = path_to_net(estimator)
    recorder = Recorder(clone(net_of(estimator)))
    shell = clone(estimator).set_params(**{"__".join(path or ()): recorder})
    shell.fit(X, y, **params)
    inside = shell
    while type(inside) in LAYERS:
        inside = LAYERS[type(inside)].fitted_inside(inside)
    seen = inside.__dict__.pop("seen_")
    return shell, seen


def dressed(shell: Any, estimator: Any, net: Any) -> Any:
    """Return an estimator as its own `fit` would have left it: with the fitted parts of a shell, and a fitted net inside."""
    layer = LAYERS.get(type(estimator))
    if layer is None:
        return net
    _, given = layer.inside(estimator)
    inside = dressed(layer.fitted_inside(shell), given, net)
    return layer.dressed(shell, given, inside)
