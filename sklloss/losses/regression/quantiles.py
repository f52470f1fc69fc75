"""Quantile losses for regression: one level, or several that never cross."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ...parameters.declared import parameter
from ...parameters.domains import Interval, Tuple
from ..base import RegressionLoss, State
from ..weighted import weighted_quantile
from .plain import OFF_THE_KINK, absolute


def increasing(free: Tensor) -> Tensor:
    """Return increasing numbers: the first as it is, and each further one a softplus higher."""
    return torch.cat((free[..., :1], softplus(free[..., 1:])), -1).cumsum(-1)


def free_of(values: Tensor, least_gap: float) -> Tensor:
    """Return the inverse of `increasing`, for gaps of at least `least_gap`."""
    gaps = values.diff(dim=-1).clamp(min=least_gap)
    return torch.cat((values[..., :1], gaps + torch.log(-torch.expm1(-gaps))), -1)


@dataclass(frozen=True)
class Quantile(RegressionLoss):
    """Quantile loss, also called pinball loss.

    ``max(q u, (q - 1) u)`` with ``u = y - prediction``. It elicits the q-quantile.

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
    when: ClassVar[str] = (
        "You want a level that y stays below with a given probability: a stock, a reserve, a"
        " delivery time. For several levels at once take multi_quantile."
    )
    kinked: ClassVar[bool] = True

    quantile: float = parameter(0.5, Interval(0, 1, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``½|u| + (q - ½) u``, which is the maximum of the two lines."""
        u = y - raw.squeeze(-1)
        return 0.5 * absolute(u, state) + (state["quantile"] - 0.5) * u

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``½ sign(r) - (q - ½)``."""
        side = (raw - y.unsqueeze(-1)).sign_()
        return 0.5 * side - (state["quantile"] - 0.5).unsqueeze(-1)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the weighted quantile."""
        return weighted_quantile(y, sample_weight, self.quantile).unsqueeze(-1)


@dataclass(frozen=True)
class MultiQuantile(RegressionLoss):
    """Several quantiles at once, which never cross.

    The mean over levels q of ``max(q u, (q - 1) u)`` with ``u = y - prediction of that level``. The
    lowest level is an output of the network, and each further level lies a softplus above the one
    before. The loss elicits the quantiles; ``predict`` returns the level nearest to 0.5.

    Parameters
    ----------
    quantiles : tuple of float, default=(0.1, 0.5, 0.9)
        Increasing levels in (0, 1).

    References
    ----------
    Koenker, R. and Bassett, G., Regression Quantiles, Econometrica 1978.

    Examples
    --------
    >>> import torch
    >>> loss = MultiQuantile(quantiles=(0.25, 0.75))
    >>> y = torch.tensor([[0.0]])
    >>> raw = torch.tensor([[[-1.0, 0.0]]])
    >>> loss.inverse_link(raw, loss.prepare(y, torch.ones(1)))
    tensor([[[-1.0000, -0.3069]]])
    """

    name: ClassVar[str] = "multi_quantile"
    functional: ClassVar[str] = "several quantiles"
    metric: ClassVar[str | None] = "mean_pinball_loss"
    reference: ClassVar[str] = "Koenker & Bassett 1978"
    when: ClassVar[str] = (
        "You want an interval, or a few quantiles of y, without assuming a distribution. For"
        " levels outside the trained ones take a distribution, such as student_t_nll."
    )
    kinked: ClassVar[bool] = True

    quantiles: tuple[float, ...] = parameter(
        (0.1, 0.5, 0.9), Tuple(Interval(0, 1, closed="neither"), increasing=True), structural=True
    )

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return one output per level."""
        return len(self.quantiles)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return all levels, shape (..., n_samples, n_targets, levels)."""
        return increasing(raw)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the mean of the pinball losses of all levels."""
        u = y.unsqueeze(-1) - self.inverse_link(raw, state)
        rounding = {k: v.unsqueeze(-1) for k, v in state.items() if k == "rounding"}
        return (0.5 * absolute(u, State(rounding)) + (self._levels(u) - 0.5) * u).mean(-1)

    def predict(self, raw: Tensor, state: State) -> Tensor:
        """Return the level nearest to 0.5."""
        distances = [abs(quantile - 0.5) for quantile in self.quantiles]
        return self.inverse_link(raw, state)[..., distances.index(min(distances))]

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the weighted quantiles, as a lowest level and gaps of at least one millionth."""
        levels = [weighted_quantile(y, sample_weight, q) for q in self.quantiles]
        free = free_of(torch.stack(levels, -1), 1e-6)
        free[..., 0] += OFF_THE_KINK
        return free

    def _levels(self, like: Tensor) -> Tensor:
        return torch.tensor(self.quantiles, dtype=like.dtype, device=like.device)

    def predict_quantiles(self, raw: Tensor, levels: Tensor, state: State) -> Tensor:
        """Return quantiles, interpolated linearly between the trained ones.

        Raises
        ------
        ValueError
            If a level lies outside the trained ones.
        """
        known = self._levels(raw)
        outside = levels[(levels < known[0] - 1e-6) | (levels > known[-1] + 1e-6)]
        if len(outside):
            raise ValueError(
                f"multi_quantile was trained on levels from {self.quantiles[0]:g} to"
                f" {self.quantiles[-1]:g}; {outside[0]:g} lies outside. Add it to quantiles= and"
                " fit again."
            )
        upper = torch.searchsorted(known, levels).clamp(1, len(known) - 1)
        share = (levels - known[upper - 1]) / (known[upper] - known[upper - 1])
        values = self.inverse_link(raw, state)
        # The share is 0 / 0 if there is only one level.
        inside = share.clamp(0, 1).nan_to_num(0.0)
        return torch.lerp(values[..., upper - 1], values[..., upper], inside)
