"""Losses for positive targets and counts, with a log link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .base import RegressionLoss, Scaling, State
from .domains import Interval
from .weighted import weighted_mean

EXP_LIMIT = 20.0


def tangent_exp(z: Tensor) -> Tensor:
    """Return exp(z), continued beyond 20 as its tangent, so that it stays finite in float32."""
    bounded = z.clamp(max=EXP_LIMIT)
    return bounded.exp() * (1 + (z - bounded))


@dataclass(frozen=True)
class Poisson(RegressionLoss):
    """Poisson loss with a log link.

    ``E(z) - y z`` with ``prediction = E(z)``, the exponential continued as its tangent beyond 20.  It elicits the mean of
    counts and of other targets that are not negative.  Equal to ``torch.nn.PoissonNLLLoss`` up to z = 20.

    References
    ----------
    Nelder, J. A. and Wedderburn, R. W. M., Generalized Linear Models, JRSS A 1972.

    Examples
    --------
    >>> import torch
    >>> Poisson()(torch.tensor([[[0.0]]]), torch.tensor([[2.0]]), {})
    tensor(1.)
    """

    name: ClassVar[str] = "poisson"
    aliases: ClassVar[tuple[str, ...]] = ("PoissonNLLLoss",)
    functional: ClassVar[str] = "mean"
    metric: ClassVar[str | None] = "neg_mean_poisson_deviance"
    reference: ClassVar[str] = "Nelder & Wedderburn 1972"
    scaling: ClassVar[Scaling] = "scale"

    @property
    def y_domain(self) -> Interval:
        """Y >= 0."""
        return Interval(0)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """E(z) - y z."""
        z = raw.squeeze(-1)
        return tangent_exp(z) - y * z

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """E(z)."""
        return tangent_exp(raw.squeeze(-1))

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """The log of the weighted mean (of a tiny one, where every y is 0)."""
        mean = weighted_mean(y, sample_weight)
        return torch.log(mean.clamp(min=1e-6)).unsqueeze(-1)
