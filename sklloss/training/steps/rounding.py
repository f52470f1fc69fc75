"""Rounding of kinks: how a second-order optimiser trains a loss that has no second derivative.

L-BFGS stalls on the kinks of absolute error and quantile losses, far from the optimum.  There the
kinks are rounded to parabolas whose half-width shrinks epoch by epoch, each epoch starting from the
optimum of the last (Nesterov, Smooth Minimization of Non-smooth Functions, 2005).
"""

from __future__ import annotations

import torch

# Half-widths in units of the scaled target, and the factor from one epoch to the next.
START, RATE, END = 1.0, 0.7, 1e-5


def rounding_width(epoch: int) -> float:
    """Return the half-width of the parabolas in an epoch, counted from 1."""
    return max(START * RATE ** (epoch - 1), END)


def is_rounding(epoch: int) -> bool:
    """Return whether the half-width still shrinks after this epoch."""
    return rounding_width(epoch) > END


def rounding(epoch: int, like: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the entry of the state with the epoch's half-width, which kinked losses look for."""
    return {"rounding": like.new_full((1, 1), rounding_width(epoch))}
