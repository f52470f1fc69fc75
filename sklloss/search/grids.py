"""Grids: all candidates or draws, and what to give where losses of a grid differ in parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sklearn.model_selection import ParameterGrid, ParameterSampler

from ..advice.suggestion.suggest import suggest_losses
from ..parameters.plain import plain
from .candidates import Params, checked
from .scikit_learn import Data
from .steps import fitted_around_net, net_of, path_to_net

Grid = Mapping[str, Any]
SUGGESTED = "suggested"
# What an estimator's own score is, by the task of its losses.
OWN_SCORES = {"regression": "r2", "classification": "accuracy"}


def settings_of(
    estimator: Any, param_grid: Any, owner: str, n_iter: int | None = None, random_state: Any = None
) -> Iterator[Params]:
    """Yield the settings of a grid, or of a list of grids.

    Parameters
    ----------
    estimator : estimator
        The one that is searched.
    param_grid : dict or list of dicts
    owner : str
        The class of the search, which the message names.
    n_iter : int or None, default=None
        How many to draw, as ParameterSampler does; None yields all, in the order of ParameterGrid.
    random_state : int, RandomState or None, default=None
        Where draws begin.

    Raises
    ------
    ValueError
        If a grid sets a parameter that some of its losses have and others lack; the message shows
        the list of grids to give instead.
    TypeError
        If a grid is no dict of names, or if values are nothing to choose from, or a distribution
        without `n_iter`.
    """
    _check_names(param_grid, owner)
    if n_iter is None:
        _check_no_distribution(param_grid, owner)
        settings: Any = ParameterGrid(param_grid)
        grids = settings.param_grid
    else:
        settings = ParameterSampler(param_grid, n_iter, random_state=random_state)
        grids = settings.param_distributions
    for grid in grids:
        split = list_of_grids(estimator, grid)
        if len(split) > 1:
            _check_losses(estimator, grid, split, owner)
    yield from settings


def _grids_in(param_grid: Any) -> list[Any]:
    return [param_grid] if isinstance(param_grid, Mapping) else list(param_grid)


def _check_names(param_grid: Any, owner: str) -> None:
    """Raise a TypeError for a grid that is no dict, or whose keys are not text."""
    for grid in _grids_in(param_grid):
        if not isinstance(grid, Mapping) or not all(isinstance(name, str) for name in grid):
            raise TypeError(
                f"{owner} needs grids that are dicts from names of parameters to lists of values;"
                f" param_grid has {grid!r}. Give for example {{'loss': ['mse', 'mae']}}."
            )


def _check_no_distribution(param_grid: Any, owner: str) -> None:
    """Raise a TypeError for a distribution, from which as many values may be drawn as one likes."""
    for name, values in (item for grid in _grids_in(param_grid) for item in grid.items()):
        if hasattr(values, "rvs"):
            raise TypeError(
                f"{owner} without n_iter tries all values: the grid of parameter {name!r} needs to"
                f" be a list or a numpy array, but is the distribution {values!r}. Set n_iter to"
                " the number of candidates to draw, such as n_iter=60."
            )


def list_of_grids(estimator: Any, grid: Grid) -> list[dict[str, Any]]:
    """Return a grid as grids that set only parameters which their losses have.

    Examples
    --------
    >>> from sklloss import NeuralRegressor
    >>> list_of_grids(NeuralRegressor(), {"loss": ["huber", "mse"], "loss__delta": [0.5, 1]})
    [{'loss': ['mse']}, {'loss': ['huber'], 'loss__delta': [0.5, 1]}]
    """
    path = path_to_net(estimator)
    if path is None:
        return []
    parameter = net_of(estimator)._loss
    key = "__".join((*path, parameter.name))
    nested = [name for name in grid if name.startswith(f"{key}__")]
    losses: dict[tuple[str, ...], list[Any]] = {}
    for loss in grid.get(key, ()):
        known = parameter.params(loss) if nested else ()
        takes = tuple(name for name in nested if name.removeprefix(f"{key}__") in known)
        losses.setdefault(takes, []).append(loss)
    others = [name for name in grid if name not in nested and name != key]
    return [
        {key: losses[takes], **{name: _shown(grid[name]) for name in (*takes, *others)}}
        for takes in sorted(losses, key=len)
    ]


def _shown(values: Any) -> Any:
    """Return the values of a parameter as a message shows them."""
    return values if hasattr(values, "rvs") else [plain(value) for value in values]


def _some_of(grid: Grid) -> dict[str, Any]:
    """Return a grid with one value instead of each distribution."""
    return {
        name: [values.rvs(random_state=0)] if hasattr(values, "rvs") else values
        for name, values in grid.items()
    }


def _check_losses(estimator: Any, grid: Grid, grids: list[dict[str, Any]], owner: str) -> None:
    """Raise for the first candidate that cannot be made, and show the grids to give instead."""
    for params in ParameterGrid(_some_of(grid)):
        try:
            checked(estimator, params)
        except ValueError as error:
            for better in ParameterGrid([_some_of(each) for each in grids]):
                checked(estimator, better)  # Raises what no list of grids would mend.
            setting = ", ".join(f"{name}={plain(value)!r}" for name, value in params.items())
            raise ValueError(
                f"{owner} needs every loss of a grid to have the parameters that the grid sets; the"
                f" candidate {setting} sets one that its loss does not have. Give a list"
                f" of grids: {grids}."
            ) from error


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
            f"param_grid='suggested' is for NeuralRegressor and NeuralClassifier, also in a"
            f" Pipeline or a TransformedTargetRegressor; got {type(net_of(estimator)).__name__}."
            " Give a grid, such as {'loss': [...]}."
        )
    X, y, params = data.X, data.y, dict(data.fit_params)
    if path:
        _, (X, y, params) = fitted_around_net(estimator, X, y, params)
    metric = deciding_metric(search) or OWN_SCORES[task]
    weight = params.get("sample_weight")
    found = suggest_losses(X, y, task=task, metric=metric, sample_weight=weight)
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
