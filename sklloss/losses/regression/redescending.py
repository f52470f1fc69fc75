"""Robust losses for regression that level off, so that distant outliers have no influence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ..base import POSITIVE, State
from .robust import ResidualLoss


class RedescendingLoss(ResidualLoss):
    """Base of the residual losses that level off, so that distant outliers have no influence.

    These losses are not convex and their gradients vanish for large residuals. Training therefore
    starts from a robust location.
    """

    functional: ClassVar[str] = "redescending location"


@dataclass(frozen=True)
class Cauchy(RedescendingLoss):
    """Cauchy loss, also called Lorentzian: the negative logarithm of a Cauchy density.

    ``c²/2 log(1 + (r/c)²)``. It elicits a redescending location, which tends to the mode as the
    scale goes to 0.

    Parameters
    ----------
    scale : float, default=2.385
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``. The
        default has 95 % efficiency on normal data.

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
        "Many outliers, or heavy tails around the bulk: the pull of a distant row falls off as"
        " 1/r. Not if the extreme values are what you want to predict."
    )

    scale: float = parameter(2.385, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return ``c²/2 log1p((r/c)²)``."""
        scale = state["scale"]
        return 0.5 * scale**2 * torch.log1p((residual / scale) ** 2)

    def psi(self, residual: Tensor, state: State) -> Tensor:
        """Return ``r / (1 + (r/c)²)``."""
        return residual / (1 + (residual / state["scale"]) ** 2)


@dataclass(frozen=True)
class Welsch(RedescendingLoss):
    """Welsch loss, also called correntropy: an upside-down bell.

    ``c²/2 (1 - exp(-(r/c)²))``. It elicits a redescending location, which tends to the mode as the
    scale goes to 0.

    Parameters
    ----------
    scale : float, default=2.985
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``. The
        default has 95 % efficiency on normal data.

    References
    ----------
    Dennis, J. E. and Welsch, R. E., Techniques for Nonlinear Least Squares and Robust Regression,
    1978.

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
        "Many gross errors that should not count at all, such as wrong units. Not if good rows"
        " have large residuals: beyond three times the scale there is almost no gradient."
    )

    scale: float = parameter(2.985, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return ``-c²/2 expm1(-(r/c)²)``."""
        scale = state["scale"]
        return -0.5 * scale**2 * torch.expm1(-((residual / scale) ** 2))

    def psi(self, residual: Tensor, state: State) -> Tensor:
        """Return ``r exp(-(r/c)²)``."""
        return residual * torch.exp(-((residual / state["scale"]) ** 2))


@dataclass(frozen=True)
class GemanMcClure(RedescendingLoss):
    """Geman-McClure loss.

    ``½ r² / (1 + (r/c)²)``. It elicits a redescending location, which tends to the mode as the
    scale goes to 0.

    Parameters
    ----------
    scale : float, default=3.787
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``. The
        default has 95 % efficiency on normal data, 1.0 has 44 %.

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
        "Many gross errors, with a pull that falls off as 1/r³: between cauchy and welsch. Not for"
        " skewed targets whose mean you need."
    )

    scale: float = parameter(3.787, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return ``½ r² / (1 + (r/c)²)``."""
        return 0.5 * residual**2 / (1 + (residual / state["scale"]) ** 2)

    def psi(self, residual: Tensor, state: State) -> Tensor:
        """Return ``r / (1 + (r/c)²)²``."""
        return residual / (1 + (residual / state["scale"]) ** 2) ** 2


@dataclass(frozen=True)
class Tukey(RedescendingLoss):
    """Tukey's biweight: constant beyond its scale.

    ``c²/6 (1 - (1 - u)³)`` with ``u = min((r/c)², 1)``. It elicits a redescending location. Rows
    beyond the scale have no gradient at all.

    Parameters
    ----------
    scale : float, default=4.685
        The scale c, > 0, in units of the target's robust scale with ``scale_target=True``. The
        default has 95 % efficiency on normal data.

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
        "Gross errors that should have no influence at all: a row beyond the scale is ignored. Not"
        " if good rows may lie that far out. Try several seeds, because the loss is not convex."
    )

    scale: float = parameter(4.685, POSITIVE)

    def rho(self, residual: Tensor, state: State) -> Tensor:
        """Return ``c²/6 (1 - (1 - u)³)``, computed without cancellation."""
        scale = state["scale"]
        u = ((residual / scale) ** 2).clamp(max=1)
        return scale**2 / 6 * u * (3 - 3 * u + u**2)

    def psi(self, residual: Tensor, state: State) -> Tensor:
        """Return ``r (1 - u)²``."""
        u = ((residual / state["scale"]) ** 2).clamp(max=1)
        return residual * (1 - u) ** 2
