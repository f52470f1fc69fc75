"""The candidates of a grid: checked before anything is trained, and repeated over seeds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from ..estimators.fit.together import epochs_of, sharing_key
from ..losses.resolve import get_loss
from ..parameters.plain import plain
from ..training.seeds import SEED_LIMIT, seed_of
from .scikit_learn import has_callbacks
from .shell import layers_of, net_of, path_to_net

Params = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Trial:
    """A candidate with one of its seeds.

    Attributes
    ----------
    candidate, seed : int
        Their numbers, from 0.
    params : dict
        What is set on a clone of the estimator.
    net : NeuralEstimator or None
        The unfitted net of it, where it can be trained in a stack.
    sharing : Hashable or None
        Equal for nets that may share a stack; None for what is fitted as GridSearchCV fits it.
    setting : int or None
        Equal where all around the net is set alike; None where there is nothing around it.
    loss : Hashable
        Equal for losses that differ in numbers only.
    epochs : int
        That it is trained for at most, over its members.
    """

    candidate: int
    seed: int
    params: Params
    net: Any
    sharing: Hashable | None
    setting: int | None
    loss: Hashable
    epochs: int


def checked_candidates(estimator: Any, param_grid: Any) -> list[tuple[Params, Any]]:
    """Return each candidate's parameters and the estimator that they make, in the order of ParameterGrid.

    Raises
    ------
    ValueError
        If a parameter does not exist, or a loss does not, belongs to the other task, or lacks a parameter that the grid sets.
    TypeError
        If a loss is nothing that can be one.
    """
    found = []
    for grid in ParameterGrid(param_grid).param_grid:
        for params in ParameterGrid(grid):
            found.append((params, _checked(estimator, params, grid)))
    return found


def check_score_is_one(candidates: list[tuple[Params, Any]]) -> None:
    """Raise a ValueError if `score` is one metric for some candidates and another one for others."""
    nets = [net_of(made) for _, made in candidates if path_to_net(made) is not None]
    resolved = [net._resolved_loss() for net in nets]
    losses = {
        net._score_is.get(loss.task): loss.label for net, loss in zip(nets, resolved, strict=True)
    }
    if len(losses) > 1:
        said = " and ".join(f"{name} with loss {label!r}" for name, label in losses.items())
        raise ValueError(
            f"LossSearchCV compares candidates by their score, which is {said}: two metrics cannot be compared. Search over losses of one"
            " kind at a time, or give scoring."
        )


def _checked(estimator: Any, params: Params, grid: Mapping[str, Any]) -> Any:
    try:
        made = made_of(estimator, params)
    except ValueError as error:
        grids = list_of_grids(estimator, grid)
        if grids is None:
            raise
        _check_others(estimator, params)
        raise ValueError(_wants_list_of_grids(params, grids)) from error
    if path_to_net(made) is not None:
        net = net_of(made)
        net._resolved_loss()
    return made


def _check_others(estimator: Any, params: Params) -> None:
    """Raise the error of a parameter that is wrong with every loss, which no list of grids would mend."""
    nested = "__".join((*(path_to_net(estimator) or ()), "loss__"))
    made_of(estimator, {k: v for k, v in params.items() if not k.startswith(nested)})


def made_of(estimator: Any, params: Params) -> Any:
    """Return a clone of an estimator with parameters set, themselves cloned as GridSearchCV does."""
    return clone(estimator).set_params(**clone(params, safe=False))


def list_of_grids(estimator: Any, grid: Mapping[str, Any]) -> list[dict[str, list[Any]]] | None:
    """Return a grid as grids that set only parameters which their losses have; None where that is not what it lacks.

    Examples
    --------
    >>> from sklloss import NeuralRegressor
    >>> list_of_grids(NeuralRegressor(), {"loss": ["huber", "mse"], "loss__delta": [0.5, 1]})
    [{'loss': ['mse']}, {'loss': ['huber'], 'loss__delta': [0.5, 1]}]
    """
    path = path_to_net(estimator)
    if path is None:
        return None
    key, task = "__".join((*path, "loss")), net_of(estimator)._task
    nested = [name for name in grid if name.startswith(f"{key}__")]
    losses: dict[tuple[str, ...], list[Any]] = {}
    for loss in grid.get(key, ()):
        known = get_loss(loss, task=task).params
        takes = tuple(name for name in nested if name.removeprefix(f"{key}__") in known)
        losses.setdefault(takes, []).append(loss)
    if not any(losses) or len(losses) < 2:
        return None
    others = [name for name in grid if name not in nested and name != key]
    return [
        {key: losses[takes], **{name: [plain(v) for v in grid[name]] for name in (*takes, *others)}}
        for takes in sorted(losses, key=len)
    ]


def _wants_list_of_grids(params: Params, grids: list[dict[str, list[Any]]]) -> str:
    setting = ", ".join(f"{name}={plain(value)!r}" for name, value in params.items())
    return (
        f"LossSearchCV needs every loss of a grid to have the parameters that the grid sets; the candidate {setting} sets one that its loss"
        f" does not have. Give a list of grids: {grids}."
    )


def trials_of(candidates: list[tuple[Params, Any]], n_seeds: int) -> list[Trial]:
    """Return every candidate with every seed.

    Raises
    ------
    ValueError
        If there are several seeds and nothing in the estimator takes one.
    """
    drawn = seed_of(None)
    settings: dict[Hashable, int] = {}
    return [
        _trial(candidate, seed, seeded, made, settings)
        for candidate, (params, made) in enumerate(candidates)
        for seed, seeded in enumerate(_with_seeds(params, made, n_seeds, drawn))
    ]


def _with_seeds(params: Params, made: Any, n_seeds: int, drawn: int) -> list[Params]:
    """Return parameters with consecutive seeds, which begin at the candidate's own, or at one drawn for all that have none."""
    if n_seeds == 1:
        return [params]
    key = "__".join((*(path_to_net(made) or ()), "random_state"))
    own = made.get_params()
    if key not in own:
        raise ValueError(
            f"n_seeds={n_seeds} needs an estimator with a random_state; {made!r} has none. Leave n_seeds=1."
        )
    try:
        first = drawn if own[key] is None else seed_of(clone(own[key], safe=False))
    except ValueError:
        return [params] * n_seeds  # a seed outside what is allowed fails its own fits
    return [{**params, key: (first + i) % SEED_LIMIT} for i in range(n_seeds)]


def _trial(
    candidate: int, seed: int, params: Params, made: Any, settings: dict[Hashable, int]
) -> Trial:
    path = path_to_net(made)
    if path is None:
        return Trial(candidate, seed, params, None, None, None, 0, 1)
    net = net_of(made)
    around = _around(path, params)
    setting = settings.setdefault(around, len(settings)) if path else None
    loss = net._resolved_loss().structure
    watched = any(has_callbacks(layer) for layer in layers_of(made))
    sharing = None if watched else sharing_key(net)
    return Trial(candidate, seed, params, net, sharing, setting, loss, epochs_of(net))


def _around(path: tuple[str, ...], params: Params) -> Hashable:
    """Return what a candidate sets around its net."""
    inside = "__".join(path)
    around = {
        name: _identity(value)
        for name, value in params.items()
        if name != inside and not name.startswith(f"{inside}__")
    }
    return path, frozenset(around.items())


def _identity(value: Any) -> tuple[type, Hashable]:
    """Return what tells one value of a grid from another, whether it hashes or not."""
    try:
        hash(value)
    except TypeError:
        return object, id(value)
    return type(value), value
