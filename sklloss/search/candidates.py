"""Candidates: parameters with a seed, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone

from ..estimators.fit.together import sharing_key
from ..parameters.plain import hashes
from ..training.checkpoints.fit_checkpoint import fit_checkpoint_of
from ..training.seeds import SEED_LIMIT, seed_of
from .scikit_learn import has_callbacks, with_params
from .steps import net_of, path_to_net, with_all_inside

Params = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Candidate:
    """Parameters that are tried, with one of their seeds.

    Attributes
    ----------
    number : int
        Its row of ``cv_results_``.
    seed : int
        The number of its seed, from 0.
    params : dict
        What is set on a clone of the estimator that is searched.
    estimator : estimator
        The one that the parameters make; never fitted.
    sharing : Hashable or None
        Equal for nets that may share a stack; None for what is fitted alone, as GridSearchCV does.
    steps : Hashable or None
        Equal where the steps around the net are set alike; None where there are none, or where it
        is fitted alone.
    loss : Hashable
        Equal for losses that differ in numbers only.
    """

    number: int
    seed: int
    params: Params
    estimator: Any
    sharing: Hashable | None = None
    steps: Hashable | None = None
    loss: Hashable = None


def checked(estimator: Any, params: Params) -> Any:
    """Return the estimator that parameters make.

    Raises
    ------
    ValueError
        If a parameter does not exist, or a loss does not, belongs to another task, or lacks a
        parameter that is set, or if callbacks have a FitCheckpoint.
    TypeError
        If a loss is nothing that can be one.
    """
    made = with_params(estimator, params)
    if path_to_net(made) is not None:
        net = net_of(made)
        net._loss.resolved(net)
        if fit_checkpoint_of(net.callbacks) is not None:
            raise ValueError(
                "FitCheckpoint in callbacks keeps one fit, and a search makes many. Give checkpoint="
                " to LossSearchCV instead, which keeps all of them."
            )
    return made


def candidates_of(
    estimator: Any,
    settings: Iterable[Params],
    n_seeds: int,
    seed: int,
    start: int,
    seeded: bool = False,
) -> list[Candidate]:
    """Return every setting of parameters with every seed, all of them checked.

    Parameters
    ----------
    estimator : estimator
        The one that is searched.
    settings : iterable of dict
    n_seeds : int
        How many seeds each setting is trained with.
    seed : int
        Where seeds begin for settings that have none.
    start : int
        The number of the first candidate.
    seeded : bool, default=False
        Whether a single seed of settings that have none is this one, too, so that another fit
        repeats it.

    Raises
    ------
    ValueError or TypeError
        If parameters cannot be set, or if there are several seeds and nothing takes one.
    """
    made = [(params, checked(estimator, params)) for params in settings]
    return [
        _candidate(number, i, with_seed, each)
        for number, (params, each) in enumerate(made, start)
        for i, with_seed in enumerate(_with_seeds(params, each, n_seeds, seed, seeded))
    ]


def check_score_is_one(owner: str, candidates: Sequence[Candidate]) -> None:
    """Raise a ValueError if `score` is one metric for some candidates and another for others."""
    metrics = {}
    for candidate in candidates:
        net = net_of(candidate.estimator)
        of_task = getattr(net, "_score_is", {})
        if of_task:
            loss = net._loss.resolved(net)
            metrics[of_task.get(loss.task)] = loss.label
    if len(metrics) > 1:
        named = " and ".join(f"{name} with loss {label!r}" for name, label in metrics.items())
        raise ValueError(
            f"{owner} compares candidates by their score, which is {named}: two metrics cannot be"
            " compared. Search over losses of one kind at a time, or give scoring."
        )


def _with_seeds(params: Params, made: Any, n_seeds: int, seed: int, seeded: bool) -> list[Params]:
    """Return parameters with consecutive seeds, from the candidate's own on where it has one."""
    key = "__".join((*(path_to_net(made) or ()), "random_state"))
    own = made.get_params()
    if n_seeds == 1:
        lacks_one = seeded and key in own and own[key] is None
        return [{**params, key: seed}] if lacks_one else [params]
    if key not in own:
        raise ValueError(
            f"n_seeds={n_seeds} needs an estimator with a random_state; {made!r} has none. Leave"
            " n_seeds=1."
        )
    try:
        start = seed if own[key] is None else seed_of(clone(own[key], safe=False))
    except ValueError:
        return [params] * n_seeds  # A seed outside what is allowed fails its own fits.
    return [{**params, key: (start + i) % SEED_LIMIT} for i in range(n_seeds)]


def _candidate(number: int, seed: int, params: Params, made: Any) -> Candidate:
    path = path_to_net(made)
    if path is None:
        return Candidate(number, seed, params, made)
    net = net_of(made)
    followed = any(has_callbacks(each) for each in with_all_inside(made))
    sharing = None if followed else sharing_key(net)
    steps = None if sharing is None or not path else _around(path, params)
    loss = net._loss.resolved(net).structure
    return Candidate(number, seed, params, made, sharing, steps, loss)


def _around(path: tuple[str, ...], params: Params) -> Hashable:
    """Return what parameters set around the net, as something that hashes."""
    inside = "__".join(path)
    around = {
        name: (type(value), value) if hashes(value) else (object, id(value))
        for name, value in params.items()
        if name != inside and not name.startswith(f"{inside}__")
    }
    return path, frozenset(around.items())
