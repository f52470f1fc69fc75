"""What parameters such as "auto" stand for, given the data."""

from __future__ import annotations

from typing import Any

import torch

from ...training import optimizer_spec
from ..inputs.base import Inputs

# What batch_size="auto" aims at.
BATCH_MIN, BATCH_MAX, BATCHES_PER_EPOCH = 200, 1024, 50


def learning_rate(estimator: Any) -> float:
    """Return the learning rate that training starts with."""
    return optimizer_spec(estimator.optimizer).lr if estimator.lr == "auto" else estimator.lr


def batch_size(estimator: Any, inputs: Inputs, n_rows: int) -> int:
    """Return how many rows a step takes."""
    if estimator.batch_size != "auto":
        return int(estimator.batch_size)  # torch does not split by a number of NumPy
    if optimizer_spec(estimator.optimizer).full_batch:
        return n_rows
    if inputs.batch is not None:
        return min(n_rows, inputs.batch)
    return min(n_rows, max(BATCH_MIN, min(BATCH_MAX, n_rows // BATCHES_PER_EPOCH)))


def dtype_name(estimator: Any, inputs: Inputs, n_axes: int, n_rows: int) -> str:
    """Return the precision of training: float64 is cheap for one batch of a table alone."""
    if estimator.dtype != "auto":
        return estimator.dtype
    one_batch = n_rows <= batch_size(estimator, inputs, n_rows)
    return "float64" if n_axes <= 1 and one_batch else "float32"


def device_of(estimator: Any) -> torch.device:
    """Return where an estimator trains.

    Raises
    ------
    ValueError
        If there is no such device here.
    """
    if estimator.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=estimator.device).device
    except (RuntimeError, TypeError, AssertionError, OverflowError, ValueError) as error:
        raise ValueError(
            f"device={estimator.device!r} cannot be used here ({str(error).splitlines()[0]}). Use"
            " 'cpu', or 'auto' for a GPU where there is one."
        ) from None
