"""Robust losses for regression: linear, or flatter, for large residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ..base import POSITIVE, RegressionLoss, Scaling, State
from ..loss import forget_derivative
from ..weighted import weighted_quantile

# Most reweighted means on the way to the best constant.
BASELINE_STEPS = 100


def huber(residual: Tensor, delta: Tensor) -> Tensor:
    """Return Huber's function: ½ r² if |r| <= delta, else delta (|r| - ½ delta)."""
    size = residual.abs()
    inner = torch.minimum(size, delta)
    return inner * (size - 0.5 * inner)


class ResidualLoss(RegressionLoss):
    """Base of the losses of the residual with curvature 1 at 0 that flatten for large residuals.

    A subclass defines ``rho(residual, state)``, and may define its derivative
    ``psi(residual, state)``.
    """

    functional: ClassVar[str] = "between median and mean"
    scaling: ClassVar[Scaling] = "robust"

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return the loss of each residual."""
        raise NotImplementedError

    def psi(self, residual: Tensor, state: State) -> Tensor:
        """Return the derivative of rho: the pull of each residual."""
        leaf = residual.detach().requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(self.rho(leaf, state).sum(), leaf)
        return slope

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        forget_derivative(cls, "psi", ResidualLoss.psi, {"rho"})

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return rho of prediction - y."""
        return self.rho(raw.squeeze(-1) - y, state)

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor | None:
        """Return psi of prediction - y."""
        return self.psi(raw.squeeze(-1) - y, state).unsqueeze(-1)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Iterate reweighted means from the weighted median to the elicited location."""
        centre = weighted_quantile(y, sample_weight, 0.5)
        for _ in range(BASELINE_STEPS):
            size = (centre - y).abs().clamp(min=1e-6)
            pull = sample_weight.unsqueeze(-1) * (self.psi(size, state) / size)
            moved = (pull * y).sum(0) / pull.sum(0).clamp(min=torch.finfo(y.dtype).tiny)
            before, centre = centre, torch.where(pull.sum(0) > 0, moved, centre)
            if torch.equal(before, centre):
                break
        return centre.unsqueeze(-1)


@dataclass(frozen=True)
class Huber(ResidualLoss):
    """Huber loss: squared for small residuals, absolute for large ones.

    ``½ r²`` where ``|r| <= delta``, ``delta (|r| - ½ delta)`` beyond. It elicits a location between
    median and mean. Equal to ``torch.nn.HuberLoss``.

    Parameters
    ----------
    delta : float, default=1.0
        Size of the residual at which the parabola becomes a line, > 0, in units of the target's
        robust scale (1.4826 median absolute deviations) with ``scale_target=True``, else in units
        of y.

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
    reference: ClassVar[str] = "Huber 1964"
    when: ClassVar[str] = (
        "A few outliers among otherwise normal noise, and you still want something near the mean."
        " Not for skewed targets whose mean you need, because large values count less."
    )

    delta: float = parameter(1.0, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return Huber's function."""
        return huber(residual, state["delta"])

    def psi(self, residual: Tensor, state: State) -> Tensor:
        """Return r, clipped to ±delta."""
        return residual.clamp(-state["delta"], state["delta"])


@dataclass(frozen=True)
class SmoothL1(ResidualLoss):
    """Smooth L1 loss: Huber's loss divided by its threshold.

    ``½ r² / beta`` where ``|r| <= beta``, ``|r| - ½ beta`` beyond. It elicits a location between
    median and mean. Equal to ``torch.nn.SmoothL1Loss``.

    Parameters
    ----------
    beta : float, default=1.0
        Size of the residual at which the parabola becomes a line, > 0, in units of the target's
        robust scale with ``scale_target=True``.

    References
    ----------
    Girshick, R., Fast R-CNN, 2015.

    Examples
    --------
    >>> import torch
    >>> loss = SmoothL1(beta=2.0)
    >>> y = torch.tensor([[0.0]])
    >>> loss(torch.tensor([[[3.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(2.)
    """

    name: ClassVar[str] = "smooth_l1"
    aliases: ClassVar[tuple[str, ...]] = ("SmoothL1Loss",)
    reference: ClassVar[str] = "Girshick 2015"
    when: ClassVar[str] = (
        "Like huber, with the same optimum, but the gradient of large residuals is 1 whatever the"
        " threshold, so that the learning rate keeps its meaning in a search. Otherwise take huber."
    )

    beta: float = parameter(1.0, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return Huber's function divided by beta."""
        return huber(residual, state["beta"]) / state["beta"]

    def psi(self, residual: Tensor, state: State) -> Tensor:
        """Return r / beta, clipped to ±1."""
        return (residual / state["beta"]).clamp(-1, 1)


@dataclass(frozen=True)
class PseudoHuber(ResidualLoss):
    """Pseudo-Huber loss: a hyperbola, and a smooth version of the Huber loss.

    ``r² / (1 + √(1 + (r/delta)²))``, which is ``delta² (√(1 + (r/delta)²) - 1)``. It elicits a
    location between median and mean.

    Parameters
    ----------
    delta : float, default=1.0
        Size of the residual at which the hyperbola bends, > 0, in units of the target's robust
        scale with ``scale_target=True``.

    References
    ----------
    Charbonnier, P. et al., Two Deterministic Half-Quadratic Regularization Algorithms for Computed
    Imaging, 1994.

    Examples
    --------
    >>> import torch
    >>> loss = PseudoHuber()
    >>> y = torch.tensor([[0.0]])
    >>> loss(torch.tensor([[[0.75]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.2500)
    """

    name: ClassVar[str] = "pseudo_huber"
    aliases: ClassVar[tuple[str, ...]] = ("charbonnier",)
    reference: ClassVar[str] = "Charbonnier 1994"
    when: ClassVar[str] = (
        "Like huber, but smooth everywhere, which suits L-BFGS. Take huber if small residuals"
        " should count exactly as in squared_error."
    )

    delta: float = parameter(1.0, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return ``r² / (1 + √(1 + (r/δ)²))``."""
        return residual**2 / (1 + (1 + (residual / state["delta"]) ** 2).sqrt())

    def psi(self, residual: Tensor, state: State) -> Tensor:
        """Return ``r / √(1 + (r/δ)²)``."""
        return residual / (1 + (residual / state["delta"]) ** 2).sqrt()


@dataclass(frozen=True)
class LogCosh(ResidualLoss):
    """Log-cosh loss: a smooth loss between squared and absolute error, without a parameter.

    ``log cosh r = |r| + softplus(-2 |r|) - log 2``, with r in units of the target's robust scale
    with ``scale_target=True``. It elicits a location between median and mean.

    References
    ----------
    Green, P. J., Bayesian Reconstructions from Emission Tomography Data Using a Modified EM
    Algorithm, 1990.

    Examples
    --------
    >>> import torch
    >>> LogCosh()(torch.tensor([[[1.0]]]), torch.tensor([[0.0]]), {})
    tensor(0.4338)
    """

    name: ClassVar[str] = "log_cosh"
    aliases: ClassVar[tuple[str, ...]] = ("logcosh",)
    reference: ClassVar[str] = "Green 1990"
    when: ClassVar[str] = (
        "Like huber, but smooth and without a parameter to search. Not if you want to choose the"
        " residual from which a row counts as an outlier."
    )

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return ``|r| + softplus(-2|r|) - log 2``."""
        size = residual.abs()
        return size + (torch.nn.functional.softplus(-2 * size) - 0.6931471805599453)

    def psi(self, residual: Tensor, state: State) -> Tensor:
        """Return the hyperbolic tangent of r."""
        return residual.tanh()


@dataclass(frozen=True)
class Fair(ResidualLoss):
    """Fair's loss: between absolute and squared error, with continuous derivatives.

    ``c² (|r|/c - log(1 + |r|/c))``. It elicits a location between median and mean.

    Parameters
    ----------
    scale : float, default=1.4
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``. The
        default has 95 % efficiency on normal data.

    References
    ----------
    Fair, R. C., On the Robust Estimation of Econometric Models, 1974.

    Examples
    --------
    >>> import torch
    >>> loss = Fair(scale=1.0)
    >>> y = torch.tensor([[0.0]])
    >>> loss(torch.tensor([[[1.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.3069)
    """

    name: ClassVar[str] = "fair"
    reference: ClassVar[str] = "Fair 1974"
    when: ClassVar[str] = (
        "Outliers should pull less, without a threshold that defines an outlier: the pull levels"
        " off gradually. Take huber if small residuals should count exactly as in squared_error."
    )

    scale: float = parameter(1.4, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return ``c² (|r|/c - log1p(|r|/c))``."""
        size = residual.abs() / state["scale"]
        return state["scale"] ** 2 * (size - torch.log1p(size))

    def psi(self, residual: Tensor, state: State) -> Tensor:
        """Return ``r / (1 + |r|/c)``."""
        return residual / (1 + residual.abs() / state["scale"])
