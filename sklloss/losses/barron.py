"""Barron's general robust loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .base import State, parameter
from .domains import Choice, Either, Interval
from .robust import POSITIVE, RedescendingLoss

NEAR_ZERO, NEAR_TWO, FAR_BELOW = 1e-6, 1e-5, -1e6  # alpha is held off its removable singularities


def general(x: Tensor, alpha: Tensor) -> Tensor:
    """Return Barron's function (b/α) ((x²/b + 1)^(α/2) - 1) with b = |α - 2|; its limits at α = 2, 0 and -∞."""
    is_two = (alpha - 2).abs() < NEAR_TWO
    alpha = torch.where(is_two, 1.0, alpha).clamp(min=FAR_BELOW)
    alpha = torch.where(alpha.abs() < NEAR_ZERO, NEAR_ZERO, alpha)
    b = (alpha - 2).abs()
    bent = b / alpha * torch.expm1(0.5 * alpha * torch.log1p(x**2 / b))
    return torch.where(is_two, 0.5 * x**2, bent)


@dataclass(frozen=True)
class Barron(RedescendingLoss):
    """Barron's general robust loss: one family from squared error to Welsch's loss.

    ``c² (b/α) ((1 + (r/c)²/b)^(α/2) - 1)`` with ``b = |α - 2|``, and its limits: α = 2 is squared error, 1 pseudo-Huber with
    delta c, 0 Cauchy with scale √2 c, -2 Geman-McClure with scale 2 c, -∞ Welsch with scale √2 c.  It elicits the mean at α = 2 and
    a redescending location for α < 1.

    Parameters
    ----------
    alpha : float, default=1.0
        The shape, <= 2; ``-inf`` is allowed.  The smaller, the less outliers pull.
    scale : float, default=1.0
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``.

    References
    ----------
    Barron, J. T., A General and Adaptive Robust Loss Function, 2019, arXiv 1701.03077.

    Examples
    --------
    >>> import torch
    >>> loss = Barron(alpha=1.0)
    >>> y = torch.tensor([[0.0]])
    >>> loss(torch.tensor([[[0.75]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.2500)
    """

    name: ClassVar[str] = "barron"
    aliases: ClassVar[tuple[str, ...]] = ("general_robust",)
    functional: ClassVar[str] = "mean to redescending location"
    reference: ClassVar[str] = "Barron 1701.03077"

    alpha: float = parameter(1.0, Either(Interval(high=2), Choice(float("-inf"))))
    scale: float = parameter(1.0, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """c² times Barron's function of r / c."""
        scale = state["scale"]
        return scale**2 * general(residual / scale, state["alpha"])
