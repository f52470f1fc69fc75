"""Robust losses for regression: linear, or flatter, for large residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .base import RegressionLoss, Scaling, State, parameter
from .domains import Interval
from .weighted import weighted_quantile

POSITIVE = Interval(0, closed="neither")
BASELINE_STEPS = 100


def huber(residual: Tensor, delta: Tensor) -> Tensor:
    """Return Huber's function: ½ r² where |r| <= delta, delta (|r| - ½ delta) beyond."""
    size = residual.abs()
    inner = torch.minimum(size, delta)
    return inner * (size - 0.5 * inner)


@dataclass(frozen=True)
class ResidualLoss(RegressionLoss):
    """Base of the losses of the residual that are parabolas of curvature 1 near 0 and flatter far out.

    A subclass defines ``rho(residual, state)``.
    """

    functional: ClassVar[str] = "between median and mean"
    scaling: ClassVar[Scaling] = "robust"

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return the loss of each residual."""
        raise NotImplementedError

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Rho of prediction - y."""
        return self.rho(raw.squeeze(-1) - y, state)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """The location that the loss elicits, by iteratively reweighted means from the weighted median."""
        centre = weighted_quantile(y, sample_weight, 0.5)
        for _ in range(BASELINE_STEPS):
            pull = sample_weight.unsqueeze(-1) * self._pull(centre - y, state)
            moved = (pull * y).sum(0) / pull.sum(0).clamp(min=torch.finfo(y.dtype).tiny)
            centre = torch.where(pull.sum(0) > 0, moved, centre)
        return centre.unsqueeze(-1)

    def _pull(self, residual: Tensor, state: State) -> Tensor:
        """Return rho'(r) / r."""
        size = residual.abs().clamp(min=1e-6).requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(self.rho(size, state).sum(), size)
        return slope / size.detach()


@dataclass(frozen=True)
class RedescendingLoss(ResidualLoss):
    """Base of the residual losses that flatten out: far outliers do not pull at all.

    They are not convex and their gradients vanish far out, so that training starts from a robust location.
    """

    functional: ClassVar[str] = "redescending location"


@dataclass(frozen=True)
class Huber(ResidualLoss):
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
    reference: ClassVar[str] = "Huber 1964"
    when: ClassVar[str] = (
        "A few outliers among otherwise normal noise, and you still want something near the mean. Not for skewed targets "
        "whose mean you need: large values count less."
    )

    delta: float = parameter(1.0, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Huber's function."""
        return huber(residual, state["delta"])


@dataclass(frozen=True)
class SmoothL1(ResidualLoss):
    """Smooth L1 loss: Huber's loss divided by its threshold.

    ``½ r² / beta`` where ``|r| <= beta``, ``|r| - ½ beta`` beyond.  It elicits a location between median and mean.  Equal to
    ``torch.nn.SmoothL1Loss``.

    Parameters
    ----------
    beta : float, default=1.0
        Where the parabola ends and the line begins, > 0, in units of the target's robust scale with ``scale_target=True``.

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
        "As huber, with the same optimum, but the gradient of large residuals is 1 whatever the threshold, so that the "
        "learning rate keeps its meaning in a search. Otherwise take huber."
    )

    beta: float = parameter(1.0, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Huber's function over beta."""
        return huber(residual, state["beta"]) / state["beta"]


@dataclass(frozen=True)
class PseudoHuber(ResidualLoss):
    """Pseudo-Huber loss: a smooth Huber loss, a hyperbola.

    ``r² / (1 + √(1 + (r/delta)²))``, which is ``delta² (√(1 + (r/delta)²) - 1)``.  It elicits a location between median and
    mean.

    Parameters
    ----------
    delta : float, default=1.0
        Where the hyperbola bends, > 0, in units of the target's robust scale with ``scale_target=True``.

    References
    ----------
    Charbonnier, P. et al., Two Deterministic Half-Quadratic Regularization Algorithms for Computed Imaging, 1994.

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
        "As huber, but smooth everywhere, which suits L-BFGS. Take huber if small residuals should count exactly as in "
        "squared_error."
    )

    delta: float = parameter(1.0, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """r² / (1 + √(1 + (r/δ)²))."""
        return residual**2 / (1 + (1 + (residual / state["delta"]) ** 2).sqrt())


@dataclass(frozen=True)
class LogCosh(ResidualLoss):
    """Log-cosh loss: a smooth loss without a parameter between squared and absolute error.

    ``log cosh r = |r| + softplus(-2 |r|) - log 2``, with r in units of the target's robust scale with
    ``scale_target=True``.  It elicits a location between median and mean.

    References
    ----------
    Green, P. J., Bayesian Reconstructions from Emission Tomography Data Using a Modified EM Algorithm, 1990.

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
        "As huber, but smooth and without a parameter to search. Not if you want to say from which residual on a row is an "
        "outlier."
    )

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """|r| + softplus(-2|r|) - log 2."""
        size = residual.abs()
        return size + (torch.nn.functional.softplus(-2 * size) - 0.6931471805599453)


@dataclass(frozen=True)
class Cauchy(RedescendingLoss):
    """Cauchy loss, also called Lorentzian: the logarithm of a Cauchy law.

    ``c²/2 log(1 + (r/c)²)``.  It elicits a redescending location, the mode as the scale goes to 0.

    Parameters
    ----------
    scale : float, default=2.385
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``; the default has 95 % efficiency on
        normal data.

    References
    ----------
    Black, M. J. and Anandan, P., The Robust Estimation of Multiple Motions, 1996.

    Examples
    --------
    >>> import torch
    >>> loss = Cauchy(scale=1.0)
    >>> y = torch.tensor([[0.0]])
    >>> loss(torch.tensor([[[1.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.3466)
    """

    name: ClassVar[str] = "cauchy"
    aliases: ClassVar[tuple[str, ...]] = ("lorentzian",)
    reference: ClassVar[str] = "Black & Anandan 1996"
    when: ClassVar[str] = (
        "Many outliers or heavy tails around the bulk: far out, the pull of a row falls off as 1/r. Not if the far values are "
        "what you want to predict."
    )

    scale: float = parameter(2.385, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """c²/2 log1p((r/c)²)."""
        scale = state["scale"]
        return 0.5 * scale**2 * torch.log1p((residual / scale) ** 2)


@dataclass(frozen=True)
class Welsch(RedescendingLoss):
    """Welsch loss, also called correntropy: an upside-down bell.

    ``c²/2 (1 - exp(-(r/c)²))``.  It elicits a redescending location, the mode as the scale goes to 0.

    Parameters
    ----------
    scale : float, default=2.985
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``; the default has 95 % efficiency on
        normal data.

    References
    ----------
    Dennis, J. E. and Welsch, R. E., Techniques for Nonlinear Least Squares and Robust Regression, 1978.

    Examples
    --------
    >>> import torch
    >>> loss = Welsch(scale=1.0)
    >>> y = torch.tensor([[0.0]])
    >>> loss(torch.tensor([[[1.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.3161)
    """

    name: ClassVar[str] = "welsch"
    aliases: ClassVar[tuple[str, ...]] = ("correntropy",)
    reference: ClassVar[str] = "Dennis & Welsch 1978"
    when: ClassVar[str] = (
        "Many gross errors that should not count at all, such as wrong units. Not where good rows lie far out: beyond three "
        "times the scale there is next to no gradient."
    )

    scale: float = parameter(2.985, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """-c²/2 expm1(-(r/c)²)."""
        scale = state["scale"]
        return -0.5 * scale**2 * torch.expm1(-((residual / scale) ** 2))


@dataclass(frozen=True)
class GemanMcClure(RedescendingLoss):
    """Geman-McClure loss.

    ``½ r² / (1 + (r/c)²)``.  It elicits a redescending location, the mode as the scale goes to 0.

    Parameters
    ----------
    scale : float, default=3.787
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``; the default has 95 % efficiency on
        normal data, 1.0 has 44 %.

    References
    ----------
    Geman, S. and McClure, D. E., Bayesian Image Analysis, 1985.

    Examples
    --------
    >>> import torch
    >>> loss = GemanMcClure(scale=1.0)
    >>> y = torch.tensor([[0.0]])
    >>> loss(torch.tensor([[[1.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.2500)
    """

    name: ClassVar[str] = "geman_mcclure"
    reference: ClassVar[str] = "Geman & McClure 1985"
    when: ClassVar[str] = (
        "Many gross errors, with a pull that falls off as 1/r³: between cauchy and welsch. Not for skewed targets whose mean "
        "you need."
    )

    scale: float = parameter(3.787, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """½ r² / (1 + (r/c)²)."""
        return 0.5 * residual**2 / (1 + (residual / state["scale"]) ** 2)


@dataclass(frozen=True)
class Tukey(RedescendingLoss):
    """Tukey's biweight: constant beyond its scale.

    ``c²/6 (1 - (1 - u)³)`` with ``u = min((r/c)², 1)``.  It elicits a redescending location; rows beyond the scale have no
    gradient at all.

    Parameters
    ----------
    scale : float, default=4.685
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``; the default has 95 % efficiency on
        normal data.

    References
    ----------
    Beaton, A. E. and Tukey, J. W., The Fitting of Power Series, Technometrics 1974.

    Examples
    --------
    >>> import torch
    >>> loss = Tukey(scale=1.0)
    >>> y = torch.tensor([[0.0]])
    >>> loss(torch.tensor([[[5.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.1667)
    """

    name: ClassVar[str] = "tukey"
    aliases: ClassVar[tuple[str, ...]] = ("biweight",)
    reference: ClassVar[str] = "Beaton & Tukey 1974"
    when: ClassVar[str] = (
        "Gross errors that should have no influence whatever: beyond the scale a row is ignored. Not where good rows may lie "
        "so far out; try several seeds, since it is not convex."
    )

    scale: float = parameter(4.685, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """c²/6 (1 - (1 - u)³), written as u (3 - 3u + u²) without cancellation."""
        scale = state["scale"]
        u = ((residual / scale) ** 2).clamp(max=1)
        return scale**2 / 6 * u * (3 - 3 * u + u**2)


@dataclass(frozen=True)
class Fair(ResidualLoss):
    """Fair's loss: between absolute and squared error, with continuous derivatives.

    ``c² (|r|/c - log(1 + |r|/c))``.  It elicits a location between median and mean.

    Parameters
    ----------
    scale : float, default=1.4
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``; the default has 95 % efficiency on
        normal data.

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
        "Outliers should pull less, without a threshold that makes an outlier: the pull levels off gradually. Take huber if "
        "small residuals should count exactly as in squared_error."
    )

    scale: float = parameter(1.4, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """c² (|r|/c - log1p(|r|/c))."""
        size = residual.abs() / state["scale"]
        return state["scale"] ** 2 * (size - torch.log1p(size))
