"""Steps of Adam, AdamW and SGD as the kernel alone.

What torch's optimisers do around it takes several times as long.  The kernels are private to torch;
here is the only place that calls them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import optim
from torch.optim import optimizer as torch_optimizer

# The release of torch whose kernels these are.
CHECKED_WITH = "2.13"
# A kernel takes the options of a group and the state of its parameter, which the first step makes.
Kernel = Callable[[dict[str, Any], Any], None]
# Where torch keeps that a function is not compiled, and what it imports for that.
MARK, COMPILER = "__dynamo_disable", "torch._dynamo"
MARKED = ("add_param_group", "state_dict", "load_state_dict")
UNUSUAL = ("amsgrad", "maximize", "capturable", "differentiable", "nesterov")


def step_of(optimizer: optim.Optimizer, is_watched: bool) -> Callable[[], Any]:
    """Return what takes a step of an optimiser: with the same bits, faster where it can be.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    is_watched : bool
        Whether callbacks may look at it or change it while it trains: then every step is its own.
    """
    kernel = kernel_of(optimizer)
    return optimizer.step if is_watched or kernel is None else FusedStep(optimizer, kernel)


def kernel_of(optimizer: optim.Optimizer) -> Kernel | None:
    """Return the kernel that takes an optimiser's steps.

    It is None where the kernel is not known, or hooks watch the steps.
    """
    is_usual = all(
        group.get("fused")
        and len(group["params"]) == 1
        and not any(group.get(name) for name in UNUSUAL)
        for group in optimizer.param_groups
    )
    return KERNELS.get(type(optimizer)) if is_usual and not has_hooks(optimizer) else None


def has_hooks(optimizer: optim.Optimizer) -> bool:
    """Return whether hooks watch an optimiser's steps, or something has replaced them.

    torch's schedulers of learning rates replace them.
    """
    own = optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks
    of_all = (
        torch_optimizer._global_optimizer_pre_hooks,
        torch_optimizer._global_optimizer_post_hooks,
    )
    return any((*own, *of_all)) or "step" in vars(optimizer)


@contextmanager
def without_compiler() -> Iterator[None]:
    """Make and copy optimisers of torch without importing its compiler, which takes most of a second.

    Some of their methods are marked as not to be compiled when they are first called; where nobody has
    imported the compiler, there is nothing to mark.
    """
    methods = [inspect.unwrap(getattr(optim.Optimizer, name)) for name in MARKED]
    new = [] if COMPILER in sys.modules else [each for each in methods if MARK not in vars(each)]
    for each in new:
        setattr(each, MARK, each)
    try:
        yield
    finally:
        for each in new:
            vars(each).pop(MARK, None)


class FusedStep:
    """The steps of an optimiser as kernels alone."""

    def __init__(self, optimizer: optim.Optimizer, kernel: Kernel) -> None:
        self._optimizer = optimizer
        self._kernel = kernel

    def __call__(self) -> None:
        """Take a step."""
        for group in self._optimizer.param_groups:
            self._kernel(group, self._optimizer.state[group["params"][0]])


def _adam(kernel: Callable[..., Any], group: dict[str, Any], state: dict[str, Any]) -> None:
    (parameter,), (beta1, beta2) = group["params"], group["betas"]
    if not state:
        state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
        state["exp_avg"] = torch.zeros_like(parameter)
        state["exp_avg_sq"] = torch.zeros_like(parameter)
    state["step"] += 1
    kernel(
        [parameter],
        [parameter.grad],
        [state["exp_avg"]],
        [state["exp_avg_sq"]],
        [],
        [state["step"]],
        lr=group["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        amsgrad=False,
        maximize=False,
    )


def _sgd(group: dict[str, Any], state: dict[str, Any]) -> None:
    (parameter,) = group["params"]
    has_momentum = group["momentum"] != 0
    is_first = has_momentum and not state
    if is_first:
        state["momentum_buffer"] = torch.empty_like(parameter)
    torch._fused_sgd_(
        [parameter],
        [parameter.grad],
        [state["momentum_buffer"]] if has_momentum else [],
        weight_decay=group["weight_decay"],
        momentum=group["momentum"],
        lr=group["lr"],
        dampening=group["dampening"],
        nesterov=False,
        maximize=False,
        is_first_step=is_first,
    )


KERNELS: dict[type, Kernel] = {
    optim.Adam: partial(_adam, torch._fused_adam_),
    optim.AdamW: partial(_adam, torch._fused_adamw_),
    optim.SGD: _sgd,
}
