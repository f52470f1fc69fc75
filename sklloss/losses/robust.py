"""Robust losses for regression: linear, or flatter, for large residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .base import RegressionLoss, Scaling, State, parameter
from .domains import Interval
from .weighted import weighted_quantile


def huber(residual: Tensor, delta: Tensor) -> Tensor:
    """Return Huber's function: ½ r² where |r| <= delta, delta (|r| - ½ delta) beyond."""
    size = residual.abs()
    inner = torch.minimum(size, delta)
    return inner * (size - 0.5 * inner)


@dataclass(frozen=True)
class Huber(RegressionLoss):
    """Huber loss: squared for small residuals, absolute for large ones.

    ``½ r²`` where ``|r| <= delta``, ``delta (|r| - ½ delta)`` beyond.  It elicits a location between median
    and mean.  Equal to ``torch.nn.HuberLoss``.

    Parameters
    ----------
    delta : float, default=1.0
        Where the parabola ends and the line begins, > 0, in units of the target's robust scale (1.4826 median absolute
        deviations) with ``scale_target=True``, else in units of y.

    References
    ----------
    Huber, P. J., Robust Estimation of a Location Parameter, Annals of Mathematical Statistics 1964.

    Examples
    --------
    >>> import torch
    >>> loss = Huber(delta=1.0)
    >>> y = torch.tensor([[0.0], [0.0]])
    >>> loss.pointwise(torch.tensor([[[0.5]], [[3.0]]]), y, loss.prepare(y, torch.ones(2)))
    tensor([[0.1250],
            [2.5000]])
    """

    name: ClassVar[str] = "huber"
    aliases: ClassVar[tuple[str, ...]] = ("HuberLoss",)
    functional: ClassVar[str] = "between median and mean"
    reference: ClassVar[str] = "Huber 1964"
    scaling: ClassVar[Scaling] = "robust"

    delta: float = parameter(1.0, Interval(0, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Huber's function of the residual."""
        return huber(raw.squeeze(-1) - y, state["delta"])

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Huber's location, by iteratively reweighted means from the median."""
        centre = weighted_quantile(y, sample_weight, 0.5)
        for _ in range(50):
            size = (y - centre).abs()
            pull = sample_weight.unsqueeze(-1) * (self.delta / size.clamp(min=self.delta))
            centre = (pull * y).sum(0) / pull.sum(0)
        return centre.unsqueeze(-1)
