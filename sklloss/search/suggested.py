"""What ``param_grid="suggested"`` stands for: the losses that suit what reaches the net."""

from __future__ import annotations

from typing import Any

from ..advice.suggest import suggest_losses
from .scikit_learn import Data
from .steps import fitted_around_net, net_of, path_to_net

SUGGESTED = "suggested"
# What an estimator's own score is, by the task of its losses.
OWN_SCORES = {"regression": "r2", "classification": "accuracy"}


def grid_of(search: Any, data: Data) -> Any:
    """Return the grid of a search; where it is "suggested", from all rows that the net would see.

    Parameters
    ----------
    search : LossSearchCV
    data : Data
        What it fits and scores on.

    Raises
    ------
    ValueError
        If there is no regressor or classifier for tables inside, or if no loss takes y.
    """
    if not (isinstance(search.param_grid, str) and search.param_grid == SUGGESTED):
        return search.param_grid
    estimator, path = search.estimator, path_to_net(search.estimator)
    task = None if path is None else net_of(estimator)._loss.task
    if path is None or task not in OWN_SCORES:
        raise ValueError(
            f"param_grid='suggested' is for NeuralRegressor and NeuralClassifier, also in a Pipeline"
            f" or a TransformedTargetRegressor; got {type(net_of(estimator)).__name__}. Give a grid,"
            " as {'loss': [...]}."
        )
    X, y = data.X, data.y
    if path:
        _, (X, y, _) = fitted_around_net(estimator, X, y, dict(data.fit_params))
    metric = deciding_metric(search) or OWN_SCORES[task]
    found = suggest_losses(X, y, task=task, metric=metric)
    return found.to_param_grid("".join(f"{name}__" for name in path))


def deciding_metric(search: Any) -> Any:
    """Return the metric by which a search chooses, None for the estimator's own score.

    Of several it is the one that `refit` names, or else the first.
    """
    scoring, refit = search.scoring, search.refit
    if isinstance(scoring, dict):
        return scoring.get(refit) if isinstance(refit, str) else next(iter(scoring.values()))
    if isinstance(scoring, list | tuple | set):
        return refit if isinstance(refit, str) else next(iter(scoring))
    return scoring
