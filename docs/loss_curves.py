"""Values of a loss along an axis, and labels for the legend, for the pictures of losses."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from loss_drawing import Picture
from torch import Tensor

from sklloss.losses import Loss, State

# Points of a curve.
POINTS = 121


def line(low: float, high: float) -> Tensor:
    """Return the points of an axis."""
    return torch.linspace(low, high, POINTS, dtype=torch.float64)


def state_of(loss: Loss, y: Tensor, n_classes: int | None = None) -> State:
    """Return what the loss learns from targets of weight 1."""
    return loss.prepare(y, torch.ones(len(y), dtype=torch.float64), n_classes)


def values(loss: Loss, raw: Tensor, y: float, state: State | None = None) -> np.ndarray:
    """Return the loss of raw outputs (n, n_outputs) for one target of a regression."""
    target = torch.full((len(raw), 1), y, dtype=torch.float64)
    state = state_of(loss, target) if state is None else state
    return loss.pointwise(raw.unsqueeze(1), target, state).squeeze(-1).numpy()


def class_values(loss: Loss, raw: Tensor, label: int, state: State) -> np.ndarray:
    """Return the loss of raw outputs (n, n_outputs) for rows of one class."""
    target = torch.full((len(raw), 1), label)
    return loss.pointwise(raw.unsqueeze(1), target, state).squeeze(-1).numpy()


def setting(loss: Loss, name: str | None, is_first: bool) -> str:
    """Return the label of a curve: the value of its parameter, and its name on the first."""
    if name is None:
        return loss.name
    value = loss.params[name]
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{name} = {shown}" if is_first else shown


def each(cls: type[Loss], name: str | None, settings: Sequence[Any]) -> Iterable[tuple[str, Loss]]:
    """Return the loss at each value of its parameter, with labels for the legend."""
    losses = [cls(**{name: value}) for value in settings] if name else [cls()]
    return [(setting(loss, name, k == 0), loss) for k, loss in enumerate(losses)]


Draw = Callable[[type[Loss]], Picture]
