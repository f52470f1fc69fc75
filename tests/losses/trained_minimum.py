"""The best constant of a loss together with the parts of its state that are trained."""

import numpy as np
import torch

from sklloss.losses import Loss


def trained_minimum(loss: Loss, y: np.ndarray) -> tuple[float, list[float], dict[str, float]]:
    """Minimise a loss over a constant and its trained parts.

    Return the value, the constant's raw outputs and the readable state.
    """
    targets = torch.from_numpy(y)[:, None]
    ones = torch.ones(len(y), dtype=torch.float64)
    state = loss.prepare(targets, ones)
    constant = loss.baseline(targets, ones, state).clone().requires_grad_()
    for key in state.trained:
        state[key].requires_grad_()
    parts = [constant, *(state[key] for key in state.trained)]
    optimizer = torch.optim.LBFGS(
        parts, max_iter=500, line_search_fn="strong_wolfe", tolerance_change=1e-14
    )

    def closure():
        optimizer.zero_grad()
        value = loss(constant.expand(len(y), 1, -1), targets, state, ones)
        value.backward()
        return value

    optimizer.step(closure)
    readable = {k: v.item() for k, v in loss.readable(state).items()}
    return closure().item(), constant.flatten().tolist(), readable
