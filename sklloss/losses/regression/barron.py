"""Barron's general robust loss, with a given or a trained shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import expm1, log
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ...parameters.declared import parameter
from ...parameters.domains import Choice, Either, Interval
from ..base import PACE, POSITIVE, State
from .robust import ResidualLoss

# alpha keeps these distances from its removable singularities at 0 and 2, and a lower bound.
NEAR_ZERO, NEAR_TWO, FAR_BELOW = 1e-6, 1e-5, -1e6

# The scale is SCALE_FLOOR plus a softplus, the shape SHAPE_LOW plus SHAPE_SPAN times a sigmoid.
SCALE_FLOOR = 1e-5
SHAPE_LOW, SHAPE_SPAN = 0.001, 1.998
# The scale starts at 1: the softplus of this is 1 - SCALE_FLOOR.
START_OF_SCALE = log(expm1(1 - SCALE_FLOOR))

# Nodes u of the trapezoid rule for the partition function, in x = √(2-α) sinh u.
NODES = 0.25 * torch.arange(97, dtype=torch.float64)
# Nodes u for the tails of the distribution, in the same x.
FINE = torch.linspace(0, 24, 24_001, dtype=torch.float64)


def general(x: Tensor, alpha: Tensor) -> Tensor:
    """Return Barron's function (b/α) ((x²/b + 1)^(α/2) - 1), b = |α - 2|, or its limits in α."""
    is_two = (alpha - 2).abs() < NEAR_TWO
    alpha = torch.where(is_two, 1.0, alpha).clamp(min=FAR_BELOW)
    alpha = torch.where(alpha.abs() < NEAR_ZERO, NEAR_ZERO, alpha)
    b = (alpha - 2).abs()
    bent = b / alpha * torch.expm1(0.5 * alpha * torch.log1p(x**2 / b))
    return torch.where(is_two, 0.5 * x**2, bent)


@dataclass(frozen=True)
class Barron(ResidualLoss):
    """Barron's general robust loss: a family that ranges from squared error to Welsch's loss.

    ``c² (b/α) ((1 + (r/c)²/b)^(α/2) - 1)`` with ``b = |α - 2|``, and its limits. α = 2 is squared
    error, 1 is pseudo-Huber with delta c, 0 is Cauchy with scale √2 c, -2 is Geman-McClure with
    scale 2 c, and -∞ is Welsch with scale √2 c. It elicits the mean for α = 2 and a redescending
    location for α < 1.

    Parameters
    ----------
    alpha : float, default=1.0
        The shape, <= 2; ``-inf`` is allowed. The smaller it is, the less outliers pull.
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
    when: ClassVar[str] = (
        "You do not know how much outliers should count, and can search alpha from 2"
        " (squared_error) down to -2 (almost nothing). If you have one shape in mind, take the loss"
        " of that name."
    )

    alpha: float = parameter(1.0, Either(Interval(high=2), Choice(float("-inf"))))
    scale: float = parameter(1.0, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return c² times Barron's function of r / c."""
        scale = state["scale"]
        return scale**2 * general(residual / scale, state["alpha"])


def log_partition(alpha: Tensor) -> Tensor:
    """Return log ∫ exp(-general(x, α)) dx for 0 < α < 2, by the trapezoid rule."""
    u = NODES.to(alpha)
    log_cosh = u + torch.log1p(torch.exp(-2 * u)) - log(2)
    b, alpha_ = 2 - alpha, alpha.unsqueeze(-1)
    exponent = log_cosh - b.unsqueeze(-1) / alpha_ * torch.expm1(alpha_ * log_cosh)
    ends = torch.zeros_like(u)
    ends[0] = -log(2)
    return log(0.5) + 0.5 * b.log() + (exponent + ends).logsumexp(-1)


@dataclass(frozen=True)
class Adaptive(ResidualLoss):
    """Barron's adaptive loss: a negative log-likelihood whose shape and scale are trained.

    ``ρ(r/c, α) + log c + log Z(α)`` with ρ Barron's function at scale 1, ``α = 0.001 + 1.998 σ(a)``
    and ``c = 1e-5 + softplus(b)``. a and b are trained along with the network, one pair per target,
    and start at α = c = 1. The loss elicits location and shape of the noise.

    References
    ----------
    Barron, J. T., A General and Adaptive Robust Loss Function, 2019, arXiv 1701.03077.

    Examples
    --------
    >>> import torch
    >>> loss = Adaptive()
    >>> y = torch.tensor([[0.0]])
    >>> state = loss.prepare(y, torch.ones(1))
    >>> sorted(state.trained)
    ['raw_scale', 'raw_shape']
    >>> loss(torch.tensor([[[0.0]]]), y, state)  # log of 2 e K₁(1)
    tensor(1.1855)
    """

    name: ClassVar[str] = "adaptive"
    aliases: ClassVar[tuple[str, ...]] = ("barron_adaptive",)
    functional: ClassVar[str] = "location and shape"
    reference: ClassVar[str] = "Barron 1701.03077"
    when: ClassVar[str] = (
        "Like barron, but the shape of the noise is trained instead of searched, and quantiles are"
        " available. Not if the noise is skewed or its width depends on X: all rows share one shape"
        " and scale."
    )
    is_density: ClassVar[bool] = True

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Start the shape and the scale of every target at 1."""
        shape = torch.zeros(1, y.shape[1], dtype=y.dtype, device=y.device)
        tensors = {"raw_shape": shape, "raw_scale": torch.full_like(shape, START_OF_SCALE / PACE)}
        return State(tensors, trained=tensors)

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return ``alpha`` and ``scale``."""
        alpha, scale = self.shape_and_scale(state)
        return {"alpha": alpha, "scale": scale}

    def shape_and_scale(self, state: State) -> tuple[Tensor, Tensor]:
        """Return α and c of every target, shape (..., 1, n_targets)."""
        alpha = SHAPE_LOW + SHAPE_SPAN * (PACE * state["raw_shape"]).sigmoid()
        return alpha, SCALE_FLOOR + softplus(PACE * state["raw_scale"])

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return Barron's function of r / c, plus log c + log Z(α)."""
        alpha, scale = self.shape_and_scale(state)
        return general(residual / scale, alpha) + scale.log() + log_partition(alpha)

    def predict_quantiles(self, raw: Tensor, levels: Tensor, state: State) -> Tensor:
        """Return quantiles, shape (..., n_samples, n_targets, levels)."""
        alpha, scale = self.shape_and_scale(state)
        shares = 2 * (levels.double() - 0.5).abs().cpu()
        sizes = [sizes_at(a, shares) for a in alpha.flatten().tolist()]
        away = torch.stack(sizes).view(*alpha.shape, -1).to(raw) * (levels - 0.5).sign()
        return raw + scale.unsqueeze(-1) * away

    def cdf(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the probability below values of y, (..., n_samples, n_targets, n_values)."""
        alpha, scale = self.shape_and_scale(state)
        away = ((y - raw) / scale.unsqueeze(-1)).double().cpu()
        of_targets = zip(alpha.flatten().tolist(), away.unbind(-2), strict=True)
        inside = torch.stack([share_below(a, column.abs()) for a, column in of_targets], -2)
        return (0.5 + 0.5 * away.sign() * inside).to(raw)

    def predict_std(self, raw: Tensor, state: State) -> Tensor:
        """Return the standard deviation, shape (..., n_samples, n_targets)."""
        alpha, scale = self.shape_and_scale(state)
        roots = [standard_deviation(a) for a in alpha.flatten().tolist()]
        return (scale * torch.stack(roots).view(alpha.shape).to(raw)).expand(raw.shape[:-1])


@lru_cache
def half_distribution(alpha: float) -> tuple[Tensor, Tensor]:
    """Return points x >= 0, and the share of the probability between each point and the next."""
    x = (2 - alpha) ** 0.5 * torch.sinh(FINE)
    density = torch.exp(-general(x, torch.tensor(alpha, dtype=torch.float64))) * torch.cosh(FINE)
    between = (density[1:] + density[:-1]) / 2
    return x, between / between.sum()


def sizes_at(alpha: float, shares: Tensor) -> Tensor:
    """Return the |x| below which the distribution of shape α and scale 1 has some shares."""
    x, between = half_distribution(alpha)
    return _interpolated(_shares_below(between), x, shares)


def share_below(alpha: float, sizes: Tensor) -> Tensor:
    """Return the share below some |x| of the distribution of shape α and scale 1."""
    x, between = half_distribution(alpha)
    return _interpolated(x, _shares_below(between), sizes.clamp(max=float(x[-1])))


def _shares_below(between: Tensor) -> Tensor:
    return torch.cat((torch.zeros(1, dtype=between.dtype), between.cumsum(0)))


def _interpolated(known: Tensor, values: Tensor, at: Tensor) -> Tensor:
    """Interpolate values that are known at increasing places."""
    upper = torch.searchsorted(known, at.contiguous()).clamp(1, len(known) - 1)
    part = (at - known[upper - 1]) / (known[upper] - known[upper - 1])
    return torch.lerp(values[upper - 1], values[upper], part)


def standard_deviation(alpha: float) -> Tensor:
    """Return the standard deviation of the distribution of shape α and scale 1."""
    x, between = half_distribution(alpha)
    return (between * (x[1:] ** 2 + x[:-1] ** 2) / 2).sum().sqrt()
