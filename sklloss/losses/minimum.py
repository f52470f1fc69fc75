"""Minimisation of smooth functions of a few numbers, for the best constants of losses."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def minimised(start: Tensor, objective: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the minimiser of a smooth function of a small tensor, from a start near it.

    Raises
    ------
    FloatingPointError
        If the function overflows.
    """
    raw = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([raw], max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = objective(raw)
        value.backward()
        return value

    with torch.enable_grad():
        try:
            optimizer.step(closure)
        except (IndexError, RuntimeError) as error:
            # Either is what torch raises where a step overflows.
            raise FloatingPointError(
                f"The best constant cannot be found, because the loss overflows ({error}). Choose"
                " less extreme hyperparameters of the loss, weights or targets."
            ) from error
    return raw.detach()
