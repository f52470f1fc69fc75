"""Optimisers by name, with the learning rate each starts from."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn, optim

from ...modules.stacks.flat import FlatParameters
from ...parameters.names import did_you_mean
from ..model import Trainable
from .fused import without_compiler


@dataclass(frozen=True)
class OptimizerSpec:
    """An optimiser: its class, its default learning rate and the options that it is built with.

    Attributes
    ----------
    cls : type of torch.optim.Optimizer
    lr : float
        What ``lr="auto"`` means.
    options : mapping
        Arguments that a user's `optimizer_params` may replace.
    decoupled : bool
        Whether weight decay shrinks the weights themselves instead of entering the gradient.
    full_batch : bool
        Whether every step needs all rows and evaluates the loss several times.
    """

    cls: type[optim.Optimizer]
    lr: float
    options: Mapping[str, Any] = field(default_factory=dict)
    decoupled: bool = False
    full_batch: bool = False


_LBFGS_OPTIONS = {
    "line_search_fn": "strong_wolfe",
    "history_size": 20,
    "max_iter": 50,
    "tolerance_grad": 1e-10,
    "tolerance_change": 1e-14,
}
_FUSED = {"fused": True}
# With torch's 1e-8, Adam steps on rounding errors once a small data set is learned by heart.
ADAM_EPS = 1e-6

OPTIMIZERS: dict[str, OptimizerSpec] = {
    "sgd": OptimizerSpec(optim.SGD, 0.02, {**_FUSED, "momentum": 0.9}),
    "adam": OptimizerSpec(optim.Adam, 0.001, {**_FUSED, "eps": ADAM_EPS}),
    "adamw": OptimizerSpec(optim.AdamW, 0.001, {**_FUSED, "eps": ADAM_EPS}, decoupled=True),
    "rmsprop": OptimizerSpec(optim.RMSprop, 0.001),
    "adagrad": OptimizerSpec(optim.Adagrad, 0.05, _FUSED),
    "nadam": OptimizerSpec(optim.NAdam, 0.001),
    "radam": OptimizerSpec(optim.RAdam, 0.003),
    "lbfgs": OptimizerSpec(optim.LBFGS, 1.0, _LBFGS_OPTIONS, full_batch=True),
}
_KNOWN = {spec.cls for spec in OPTIMIZERS.values()}


def optimizer_spec(optimizer: Any) -> OptimizerSpec:
    """Return the specification of an optimiser given by name or class.

    Raises
    ------
    ValueError
        If there is no such name.
    TypeError
        If it is neither a name nor a class of torch's optimisers.
    """
    if isinstance(optimizer, str):
        if optimizer.lower() not in OPTIMIZERS:
            names = ", ".join(map(repr, OPTIMIZERS))
            raise ValueError(
                f"There is no optimizer {optimizer!r}; the names are {names}."
                f" {did_you_mean(optimizer, OPTIMIZERS)}".rstrip()
            )
        return OPTIMIZERS[optimizer.lower()]
    if not (isinstance(optimizer, type) and issubclass(optimizer, optim.Optimizer)):
        raise TypeError(
            f"optimizer must be a name ({', '.join(OPTIMIZERS)}) or a class of torch.optim; got"
            f" {optimizer!r}. Give the class, and its arguments as optimizer_params={{'betas': ...}}."
        )
    for spec in OPTIMIZERS.values():
        if issubclass(optimizer, spec.cls) and spec.full_batch | spec.decoupled:
            return replace(spec, cls=optimizer, options={})
    return OptimizerSpec(optimizer, 0.001)


def optimizer_options(
    spec: OptimizerSpec, params: Mapping[str, Any], device: torch.device
) -> dict[str, Any]:
    """Merge a user's arguments into the defaults.

    Raises
    ------
    ValueError
        If they hold what is a parameter of the estimator, or the optimiser cannot be used.
    """
    for name in ("lr", "weight_decay", "params"):
        if name in params:
            raise ValueError(
                f"optimizer_params holds {name!r}, which the estimator sets itself: give"
                f" {name}={params[name]!r} to the estimator instead of optimizer__{name}."
            )
    allowed = inspect.signature(spec.cls).parameters
    unknown = sorted(set(params) - set(allowed), key=str)
    if unknown:
        raise ValueError(
            f"optimizer {spec.cls.__name__} has no argument {unknown[0]!r}; it takes"
            f" {', '.join(list(allowed)[1:])}."
        )
    options = dict(spec.options)
    if {"foreach", "differentiable"} & set(params):
        # torch takes only one of these.
        options.pop("fused", None)
    # The optimiser itself must not decay: the engine decays weights, not biases.
    own_decay = {"weight_decay": 0.0} if "weight_decay" in allowed else {}
    merged = {**own_decay, **options, **params}
    if params or spec.cls not in _KNOWN:
        _check_works(spec, merged, params, device)
    return merged


def _check_works(
    spec: OptimizerSpec,
    options: Mapping[str, Any],
    params: Mapping[str, Any],
    device: torch.device,
) -> None:
    """Raise if an optimiser cannot be built or, where it is torch's, take a step."""
    build: Any = spec.cls
    weights = nn.Parameter(torch.zeros(1, 2, device=device))
    weights.grad = torch.ones_like(weights)
    try:
        with without_compiler():
            optimizer = build([("values", weights)], lr=spec.lr, **options)
            if spec.cls.__module__.startswith("torch."):
                optimizer.step(lambda: 0.0)
    except Exception as error:
        given = f" with optimizer_params={dict(params)!r}" if params else ""
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"optimizer {spec.cls.__name__} cannot be used{given}: {first}. Correct optimizer_params"
            f", or choose one of {', '.join(map(repr, OPTIMIZERS))}."
        ) from error


def optimizer_of_stack(nets: Sequence[Trainable], flat: FlatParameters) -> optim.Optimizer:
    """Return one optimiser for K models, which continues where theirs are.

    Models next to each other with equal learning rates are one parameter.
    """
    optimizers = [net.optimizer_ for net in nets]
    rates = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    runs = [(lr, list(run)) for lr, run in groupby(range(len(rates)), key=rates.__getitem__)]
    groups = [{"params": [flat.part(run[0], run[-1] + 1)], "lr": lr} for lr, run in runs]
    of_stack = nets[0].build_optimizer(groups)
    for group, (_, run) in zip(of_stack.param_groups, runs, strict=True):
        states = [optimizers[k].state.get(parameter_of(optimizers[k]), {}) for k in run]
        if all(states):
            of_stack.state[group["params"][0]] = {
                key: torch.cat([state[key] for state in states]) if _per_model(value) else value
                for key, value in states[0].items()
            }
    return of_stack


def hand_back(of_stack: optim.Optimizer, nets: Sequence[Trainable], models: Sequence[int]) -> None:
    """Give the optimisers of these models what the optimiser of their stack knows of them."""
    places = [
        (of_stack.state[group["params"][0]], row, len(group["params"][0]))
        for group in of_stack.param_groups
        for row in range(len(group["params"][0]))
    ]
    for model in models:
        optimizer, (state, row, n_models) = nets[model].optimizer_, places[model]
        own = optimizer.state[parameter_of(optimizer)]
        for key, value in state.items():
            is_per_model = _per_model(value) and len(value) == n_models
            mine = value[row : row + 1] if is_per_model else value
            own[key] = mine.clone() if isinstance(mine, Tensor) else mine


def parameter_of(optimizer: optim.Optimizer) -> Tensor:
    """Return the flat parameter that an optimiser of one model steps."""
    return optimizer.param_groups[0]["params"][0]


def progress_of(optimizer: optim.Optimizer) -> tuple[tuple[str, float], ...]:
    """Return the numbers of one model's optimiser that all models of a stack share.

    How many steps it has taken is one of them.
    """
    state = optimizer.state.get(parameter_of(optimizer), {})
    shared = [(k, v) for k, v in state.items() if isinstance(v, float | int | Tensor)]
    return tuple((name, float(value)) for name, value in shared if not _per_model(value))


def learning_rates(optimizer: optim.Optimizer) -> Tensor:
    """Return the present learning rate of each model, as a column (models, 1)."""
    groups = [(group["lr"], group["params"][0]) for group in optimizer.param_groups]
    return torch.cat([p.new_full((len(p), 1), float(lr)) for lr, p in groups])


def _per_model(value: Any) -> bool:
    """Return whether an entry of an optimiser's state has a row per model."""
    return isinstance(value, Tensor) and value.ndim == 2
