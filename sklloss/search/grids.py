"""Grids, and the list of grids to give where losses of one grid differ in their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sklearn.model_selection import ParameterGrid

from ..parameters.plain import plain
from .candidates import Params, checked
from .steps import net_of, path_to_net

Grid = Mapping[str, Any]


def settings_of(estimator: Any, param_grid: Any, owner: str) -> Iterator[Params]:
    """Yield the settings of a grid, or of a list of grids, in the order of ParameterGrid.

    Parameters
    ----------
    estimator : estimator
        The one that is searched.
    param_grid : dict or list of dicts
    owner : str
        The class of the search, which the message names.

    Raises
    ------
    ValueError
        If a grid sets a parameter that some of its losses have and others lack; the message shows
        the list of grids to give instead.
    """
    for grid in ParameterGrid(param_grid).param_grid:
        grids = list_of_grids(estimator, grid)
        if len(grids) > 1:
            _check_losses(estimator, grid, grids, owner)
        yield from ParameterGrid(grid)


def list_of_grids(estimator: Any, grid: Grid) -> list[dict[str, list[Any]]]:
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
        {key: losses[takes], **{name: [plain(v) for v in grid[name]] for name in (*takes, *others)}}
        for takes in sorted(losses, key=len)
    ]


def _check_losses(
    estimator: Any, grid: Grid, grids: list[dict[str, list[Any]]], owner: str
) -> None:
    """Raise for the first candidate that cannot be made, and show the grids to give instead."""
    for params in ParameterGrid(grid):
        try:
            checked(estimator, params)
        except ValueError as error:
            for better in ParameterGrid(grids):
                checked(estimator, better)  # Raises what no list of grids would mend.
            setting = ", ".join(f"{name}={plain(value)!r}" for name, value in params.items())
            raise ValueError(
                f"{owner} needs every loss of a grid to have the parameters that the grid sets; the"
                f" candidate {setting} sets one that its loss does not have. Give a list"
                f" of grids: {grids}."
            ) from error
