"""The exponential of raw output, finite in float32 whatever the network returns."""

from __future__ import annotations

import torch
from torch import Tensor

# The exponential continues as its tangent beyond this.
EXP_LIMIT = 20.0


def tangent_exp(z: Tensor) -> Tensor:
    """Return exp(z), continued as its tangent beyond 20 so that it stays finite in float32."""
    bounded = z.clamp(max=EXP_LIMIT)
    return bounded.exp() * (1 + (z - bounded))


def exp_over(factor: Tensor, z: Tensor) -> Tensor:
    """Return E(factor z) / factor, or z, its limit up to a constant, if the factor is 0."""
    is_zero = factor.abs() < 1e-6
    safe = torch.where(is_zero, 1.0, factor)
    return torch.where(is_zero, z, tangent_exp(safe * z) / safe)
