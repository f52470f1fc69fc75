"""Plain losses for regression: squared and absolute error, and quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .base import RegressionLoss, State, parameter
from .domains import Interval
from .weighted import weighted_mean, weighted_quantile


def absolute(residual: Tensor, state: State) -> Tensor:
    """Return |residual|, its kink rounded to a parabola over ``state["rounding"]`` where that is given."""
    size = residual.abs()
    if "rounding" not in state:
        return size
    width = state["rounding"]
    inner = torch.minimum(size, width)
    return inner**2 / (2 * width) + size - inner


@dataclass(frozen=True)
class SquaredError(RegressionLoss):
    """Squared error: half the squared residual.

    ``½ r²`` with ``r = prediction - y``.  It elicits the mean.  The half follows scikit-learn, so that
    ``torch.nn.MSELoss`` is twice this.

    References
    ----------
    Gauss, C. F., Theoria combinationis observationum erroribus minimis obnoxiae, 1821.

    Examples
    --------
    >>> import torch
    >>> loss = SquaredError()
    >>> loss(torch.tensor([[[3.0]]]), torch.tensor([[1.0]]), {})
    tensor(2.)
    """

    name: ClassVar[str] = "squared_error"
    aliases: ClassVar[tuple[str, ...]] = ("mse", "l2", "MSELoss")
    functional: ClassVar[str] = "mean"
    metric: ClassVar[str | None] = "neg_mean_squared_error"
    reference: ClassVar[str] = "Gauss 1821"

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """½ r²."""
        return 0.5 * (raw.squeeze(-1) - y) ** 2

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """The weighted mean."""
        return weighted_mean(y, sample_weight).unsqueeze(-1)


@dataclass(frozen=True)
class AbsoluteError(RegressionLoss):
    """Absolute error: the size of the residual.

    ``|r|`` with ``r = prediction - y``.  It elicits the median.  Equal to ``torch.nn.L1Loss``.

    References
    ----------
    Laplace, P.-S., Mémoire sur la probabilité des causes par les événements, 1774.

    Examples
    --------
    >>> import torch
    >>> AbsoluteError()(torch.tensor([[[3.0]]]), torch.tensor([[1.0]]), {})
    tensor(2.)
    """

    name: ClassVar[str] = "absolute_error"
    aliases: ClassVar[tuple[str, ...]] = ("mae", "l1", "L1Loss")
    functional: ClassVar[str] = "median"
    metric: ClassVar[str | None] = "neg_mean_absolute_error"
    reference: ClassVar[str] = "Laplace 1774"
    kinked: ClassVar[bool] = True

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """|r|."""
        return absolute(raw.squeeze(-1) - y, state)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """The weighted median."""
        return weighted_quantile(y, sample_weight, 0.5).unsqueeze(-1)


@dataclass(frozen=True)
class Quantile(RegressionLoss):
    """Quantile loss, also called pinball loss.

    ``max(q u, (q - 1) u)`` with ``u = y - prediction``.  It elicits the q-quantile.

    Parameters
    ----------
    quantile : float, default=0.5
        The level q of the quantile, in (0, 1).

    References
    ----------
    Koenker, R. and Bassett, G., Regression Quantiles, Econometrica 1978.

    Examples
    --------
    >>> import torch
    >>> loss = Quantile(quantile=0.9)
    >>> y = torch.tensor([[3.0]])
    >>> state = loss.prepare(y, torch.ones(1))
    >>> loss(torch.tensor([[[1.0]]]), y, state)
    tensor(1.8000)
    """

    name: ClassVar[str] = "quantile"
    aliases: ClassVar[tuple[str, ...]] = ("pinball",)
    functional: ClassVar[str] = "quantile"
    metric: ClassVar[str | None] = "mean_pinball_loss"
    reference: ClassVar[str] = "Koenker & Bassett 1978"
    kinked: ClassVar[bool] = True

    quantile: float = parameter(0.5, Interval(0, 1, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """½|u| + (q - ½) u, which is the maximum of the two lines."""
        u = y - raw.squeeze(-1)
        return 0.5 * absolute(u, state) + (state["quantile"] - 0.5) * u

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """The weighted quantile."""
        return weighted_quantile(y, sample_weight, self.quantile).unsqueeze(-1)
