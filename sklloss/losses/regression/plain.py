"""Plain losses for regression: squared and absolute error, asymmetric or with a tolerance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import POSITIVE, RegressionLoss, Scaling, State
from ..weighted import weighted_mean, weighted_quantile

# Added to a best constant that may lie on a kink; otherwise rounding would decide on which side of
# a training row training starts.
OFF_THE_KINK = 1e-6

# Halvings of an interval, and steps of the iterated means.
BISECTIONS = 60


def absolute(residual: Tensor, state: State) -> Tensor:
    """Return |residual|, with its kink rounded over ``state["rounding"]`` if given."""
    size = residual.abs()
    if "rounding" not in state:
        return size
    width = state["rounding"]
    inner = torch.minimum(size, width)
    return inner**2 / (2 * width) + size - inner


@dataclass(frozen=True)
class SquaredError(RegressionLoss):
    """Squared error: half the squared residual.

    ``½ r²`` with ``r = prediction - y``. It elicits the mean. The factor ½ follows scikit-learn;
    ``torch.nn.MSELoss`` is twice this loss.

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
    aliases: ClassVar[tuple[str, ...]] = ("mse", "l2", "mean_squared_error", "MSELoss")
    functional: ClassVar[str] = "mean"
    metric: ClassVar[str | None] = "neg_mean_squared_error"
    reference: ClassVar[str] = "Gauss 1821"
    when: ClassVar[str] = (
        "The default, if you want the mean and score by R². Not if a few wild targets would"
        " distort the fit."
    )

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``½ r²``."""
        return 0.5 * (raw.squeeze(-1) - y) ** 2

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the residual."""
        return raw - y.unsqueeze(-1)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the weighted mean."""
        return weighted_mean(y, sample_weight).unsqueeze(-1)


@dataclass(frozen=True)
class AbsoluteError(RegressionLoss):
    """Absolute error: the size of the residual.

    ``|r|`` with ``r = prediction - y``. It elicits the median. Equal to ``torch.nn.L1Loss``.

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
    aliases: ClassVar[tuple[str, ...]] = ("mae", "l1", "mean_absolute_error", "L1Loss")
    functional: ClassVar[str] = "median"
    metric: ClassVar[str | None] = "neg_mean_absolute_error"
    reference: ClassVar[str] = "Laplace 1774"
    when: ClassVar[str] = (
        "You want the median, or your score is the mean absolute error. Distant outliers pull no"
        " more than other rows. Not for totals, because medians do not add up to them."
    )
    kinked: ClassVar[bool] = True

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``|r|``."""
        return absolute(raw.squeeze(-1) - y, state)

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the sign of the residual."""
        return (raw - y.unsqueeze(-1)).sign_()

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the weighted median."""
        return weighted_quantile(y, sample_weight, 0.5).unsqueeze(-1)


@dataclass(frozen=True)
class Expectile(RegressionLoss):
    """Expectile loss: squared error with a different weight on each side.

    ``|τ - 1{u < 0}| u²`` with ``u = y - prediction``. It elicits the τ-expectile, which is the mean
    for τ = 0.5.

    Parameters
    ----------
    expectile : float, default=0.5
        The level τ, in (0, 1).

    References
    ----------
    Newey, W. K. and Powell, J. L., Asymmetric Least Squares Estimation and Testing, Econometrica
    1987.

    Examples
    --------
    >>> import torch
    >>> loss = Expectile(expectile=0.9)
    >>> y = torch.tensor([[2.0]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(3.6000)
    """

    name: ClassVar[str] = "expectile"
    functional: ClassVar[str] = "expectile"
    reference: ClassVar[str] = "Newey & Powell 1987"
    when: ClassVar[str] = (
        "Errors on one side cost more, by their square. Not for a level that y stays below with a"
        " given probability: take quantile."
    )

    expectile: float = parameter(0.5, Interval(0, 1, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``τ max(u, 0)² + (1 - τ) min(u, 0)²``."""
        u, level = y - raw.squeeze(-1), state["expectile"]
        return level * u.clamp(min=0) ** 2 + (1 - level) * u.clamp(max=0) ** 2

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``2 |τ - 1{u < 0}| r``."""
        r, level = raw - y.unsqueeze(-1), state["expectile"].unsqueeze(-1)
        return 2 * torch.where(r < 0, level, 1 - level) * r

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the weighted expectile, by iterated asymmetric means."""
        centre = weighted_mean(y, sample_weight)
        for _ in range(BISECTIONS):
            side = torch.where(y > centre, self.expectile, 1 - self.expectile)
            pull = sample_weight.unsqueeze(-1) * side
            centre = (pull * y).sum(0) / pull.sum(0)
        return centre.unsqueeze(-1)


@dataclass(frozen=True)
class EpsilonInsensitive(RegressionLoss):
    """Epsilon-insensitive loss, the loss of support vector regression.

    ``max(0, |r| - epsilon)``. It elicits the median if the distribution is symmetric.

    Parameters
    ----------
    epsilon : float, default=0.1
        Residuals up to this size cost nothing, >= 0, in units of the target's robust scale with
        ``scale_target=True``.

    References
    ----------
    Vapnik, V., The Nature of Statistical Learning Theory, 1995.

    Examples
    --------
    >>> import torch
    >>> loss = EpsilonInsensitive(epsilon=0.5)
    >>> y = torch.tensor([[0.0]])
    >>> loss(torch.tensor([[[2.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(1.5000)
    """

    name: ClassVar[str] = "epsilon_insensitive"
    aliases: ClassVar[tuple[str, ...]] = ("svr",)
    functional: ClassVar[str] = "median of a symmetric distribution"
    reference: ClassVar[str] = "Vapnik 1995"
    when: ClassVar[str] = (
        "Deviations up to epsilon do not matter, as with a tolerance or rounded targets. Not for"
        " skewed noise if you want the median itself."
    )
    scaling: ClassVar[Scaling] = "robust"
    kinked: ClassVar[bool] = True

    epsilon: float = parameter(0.1, Interval(0))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``max(0, |r| - ε)``."""
        beyond = absolute(raw.squeeze(-1) - y, state) - state["epsilon"]
        return 0.5 * (beyond + absolute(beyond, state))

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the midpoint of all best constants, found by bisection on the slope."""
        flat = 1e-6 * sample_weight.sum()
        low = self._steep_from(-flat, y, sample_weight, state)
        high = self._steep_from(flat, y, sample_weight, state)
        return (0.5 * (low + high) + OFF_THE_KINK).unsqueeze(-1)

    def _steep_from(self, level: Tensor, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the constant from which on the slope of the summed loss exceeds a level."""
        low, high = y.amin(0), y.amax(0)
        for _ in range(BISECTIONS):
            middle = ((low + high) / 2).requires_grad_()
            with torch.enable_grad():
                raw = middle.unsqueeze(-1).expand(*y.shape, 1)
                total = (self.pointwise(raw, y, state) * sample_weight.unsqueeze(-1)).sum()
                (slope,) = torch.autograd.grad(total, middle)
            middle = middle.detach()
            low = torch.where(slope <= level, middle, low)
            high = torch.where(slope > level, middle, high)
        return (low + high) / 2


@dataclass(frozen=True)
class SquaredEpsilonInsensitive(EpsilonInsensitive):
    """Squared epsilon-insensitive loss.

    ``max(0, |r| - epsilon)²``. It elicits a location similar to the mean.

    Parameters
    ----------
    epsilon : float, default=0.1
        Residuals up to this size cost nothing, >= 0, in units of the target's robust scale with
        ``scale_target=True``.

    References
    ----------
    Vapnik, V., The Nature of Statistical Learning Theory, 1995.

    Examples
    --------
    >>> import torch
    >>> loss = SquaredEpsilonInsensitive(epsilon=0.5)
    >>> y = torch.tensor([[0.0]])
    >>> loss(torch.tensor([[[2.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(2.2500)
    """

    name: ClassVar[str] = "squared_epsilon_insensitive"
    aliases: ClassVar[tuple[str, ...]] = ()
    functional: ClassVar[str] = "similar to the mean"
    when: ClassVar[str] = (
        "Small deviations do not matter, and large ones matter by their square. Not with outliers"
        " in y."
    )
    kinked: ClassVar[bool] = False

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``max(0, |r| - ε)²``."""
        return super().pointwise(raw, y, state) ** 2


@dataclass(frozen=True)
class AbsolutePercentageError(RegressionLoss):
    """Absolute percentage error.

    ``|r| / max(|y|, floor)``. It elicits the median of the distribution weighted by
    ``1 / max(|y|, floor)``, which lies below the median.

    Parameters
    ----------
    floor : float, default=0.01
        Lower bound of the size of y in the denominator, > 0, in units of the target's scale (its
        mean size) with ``scale_target=True``.

    References
    ----------
    Gneiting, T., Making and Evaluating Point Forecasts, 2011, arXiv 0912.0902.

    Examples
    --------
    >>> import torch
    >>> loss = AbsolutePercentageError()
    >>> y = torch.tensor([[4.0]])
    >>> loss(torch.tensor([[[3.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.2500)
    """

    name: ClassVar[str] = "absolute_percentage_error"
    aliases: ClassVar[tuple[str, ...]] = ("mape", "mean_absolute_percentage_error")
    functional: ClassVar[str] = "median weighted by 1/|y|"
    metric: ClassVar[str | None] = "neg_mean_absolute_percentage_error"
    reference: ClassVar[str] = "Gneiting 0912.0902"
    when: ClassVar[str] = (
        "Your score is MAPE, and y stays away from 0. Its predictions are low on purpose; for"
        " correct totals take gamma."
    )
    scaling: ClassVar[Scaling] = "scale"
    kinked: ClassVar[bool] = True

    floor: float = parameter(0.01, POSITIVE)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``|r| / max(|y|, floor)``."""
        return absolute(raw.squeeze(-1) - y, state) / torch.maximum(y.abs(), state["floor"])

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the median with weights divided by max(|y|, floor)."""
        weights = sample_weight.unsqueeze(-1) / torch.maximum(y.abs(), state["floor"])
        columns = zip(y.unbind(1), weights.unbind(1), strict=True)
        return torch.stack([weighted_quantile(c.unsqueeze(1), w, 0.5) for c, w in columns])
