"""What a loss returns for a few rows, looked at before training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...losses.base import Loss, State

FEW = 5  # rows that are looked at


def check_loss_values(
    loss: Loss, y: Tensor, state: State, n_outputs: int, dtype: torch.dtype, weighted: bool
) -> None:
    """Refuse a loss that cannot be trained on, or whose weights would be lost.

    Parameters
    ----------
    loss : Loss
    y : Tensor of shape (n_samples, n_targets)
        Training targets of one model; the first few are looked at.
    state : State
        Without the axis of models.
    n_outputs : int
        Numbers that the network returns per target.
    dtype : torch.dtype
        That of raw output.
    weighted : bool
        Whether weights of rows or classes are given.

    Raises
    ------
    TypeError
        If it returns something that is no tensor.
    ValueError
        If its values have a wrong shape, no gradient, or no place for weights that are given.
    """
    y = y[:FEW]
    raw = torch.zeros(*y.shape, n_outputs, dtype=dtype, device=y.device)
    if weighted and loss.ignores_weights(raw, y, state):
        raise ValueError(
            f"Loss {loss.label!r} returns one number for a whole batch, so that sample_weight and"
            " class_weight cannot reach it. Return one loss per row, a tensor of shape (n,); with"
            " a torch loss inside, reduction='none'."
        )
    if not loss.whole_batch:
        raw.requires_grad_()
        with torch.enable_grad():
            _check_values(loss, loss.pointwise(raw, y, state), y)


def _check_values(loss: Loss, values: Any, y: Tensor) -> None:
    wanted = (
        f"pointwise of loss {loss.label!r} must return one real loss per row and target, computed"
        f" from raw with torch: a tensor of the shape of y, {tuple(y.shape)} for {len(y)} rows"
    )
    if not isinstance(values, Tensor):
        raise TypeError(f"{wanted}; it returned {type(values).__name__}.")
    if values.shape != y.shape:
        raise ValueError(
            f"{wanted}; it returned {tuple(values.shape)}. raw has one more axis, of outputs:"
            " raw.squeeze(-1) drops it, sum(-1) adds over it."
        )
    if not values.is_floating_point():
        raise ValueError(f"{wanted}; it returned numbers of dtype {values.dtype}.")
    if not values.requires_grad:
        raise ValueError(f"{wanted}; it returned values without a gradient.")
