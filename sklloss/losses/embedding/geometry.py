"""Unit vectors, their distances, and weights of rows, for losses that compare rows."""

from __future__ import annotations

import torch
from torch import Tensor

from ..weighted import row_sums

# Smallest divisor.
SMALLEST = 1e-30
# Shorter vectors have no direction and stay as they are.
SHORTEST = 1e-6


def unit(raw: Tensor) -> Tensor:
    """Divide vectors along the last axis by their length, except those of almost no length."""
    squared = (raw * raw).sum(-1, keepdim=True)
    has_direction = squared > SHORTEST**2
    return raw / torch.where(has_direction, squared, 1.0).sqrt()


def distance(cosine: Tensor) -> Tensor:
    """Return the Euclidean distance √(2 - 2 cos) of unit vectors, with slope 0 for equal ones."""
    squared = 2 - 2 * cosine
    # Smaller values are rounding errors.
    apart = squared > 16 * torch.finfo(cosine.dtype).eps
    return torch.where(apart, squared, 1.0).sqrt() * apart


def share(weight: Tensor) -> Tensor:
    """Divide weights by their sum; if that is 0, they stay 0."""
    return weight / row_sums(weight.sum(-1)).clamp(min=SMALLEST)


def counts(weight: Tensor) -> Tensor:
    """Scale weights so that equal ones are 1 and rows of weight 0 change nothing.

    Their sum is Kish's effective number of rows.
    """
    scaled = weight / weight.amax()
    return scaled * row_sums(scaled) / row_sums(scaled**2)


def excess(level: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """Return Σ_j weight_j max(0, level - value_j) along the last axis, for every level.

    Sorting avoids the table of all differences.
    """
    ordered, order = values.sort(-1)
    weight = weight.expand_as(values).gather(-1, order)
    start = torch.zeros_like(weight[..., :1])
    mass = torch.cat((start, weight.cumsum(-1)), -1)
    moment = torch.cat((start, (weight * ordered).cumsum(-1)), -1)
    below = torch.searchsorted(ordered.detach(), level.detach().contiguous())
    return level * mass.gather(-1, below) - moment.gather(-1, below)
