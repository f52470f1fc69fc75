"""Plain losses for regression: squared and absolute error, and quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .base import RegressionLoss, Scaling, State, parameter
from .domains import Interval, Tuple
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
    when: ClassVar[str] = (
        "The default: you want the mean, scored by R². Not where a few wild targets would pull the fit."
    )

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
    when: ClassVar[str] = (
        "You want the median, or your score is the mean absolute error; far outliers pull no more than other rows. Not for "
        "totals: medians do not add up to them."
    )
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
    when: ClassVar[str] = (
        "You want a level that y stays below with a given probability: a stock, a reserve, a delivery time. For several "
        "levels at once take multi_quantile."
    )
    kinked: ClassVar[bool] = True

    quantile: float = parameter(0.5, Interval(0, 1, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """½|u| + (q - ½) u, which is the maximum of the two lines."""
        u = y - raw.squeeze(-1)
        return 0.5 * absolute(u, state) + (state["quantile"] - 0.5) * u

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """The weighted quantile."""
        return weighted_quantile(y, sample_weight, self.quantile).unsqueeze(-1)


BISECTIONS = 60
OFF_THE_KINK = 1e-6


@dataclass(frozen=True)
class MultiQuantile(RegressionLoss):
    """Several quantiles at once, which never cross.

    The mean over levels q of ``max(q u, (q - 1) u)`` with ``u = y - prediction of that level``.  The lowest level is an output
    of the network, each next one lies a softplus higher.  It elicits the quantiles; ``predict`` gives the level nearest 0.5.

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
        "You want an interval, or a few quantiles of y, without assuming a law. For levels outside the trained ones take a "
        "law such as student_t_nll."
    )
    kinked: ClassVar[bool] = True

    quantiles: tuple[float, ...] = parameter(
        (0.1, 0.5, 0.9), Tuple(Interval(0, 1, closed="neither"), increasing=True), structural=True
    )

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """One number per level."""
        return len(self.quantiles)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return all levels, shape (*models, n_samples, n_targets, levels)."""
        gaps = torch.nn.functional.softplus(raw[..., 1:])
        return torch.cat((raw[..., :1], gaps), -1).cumsum(-1)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """The mean of the pinball losses of all levels."""
        u = y.unsqueeze(-1) - self.inverse_link(raw, state)
        rounding = {k: v.unsqueeze(-1) for k, v in state.items() if k == "rounding"}
        return (0.5 * absolute(u, State(rounding)) + (self._levels(u) - 0.5) * u).mean(-1)

    def predict(self, raw: Tensor, state: State) -> Tensor:
        """Return the level nearest 0.5."""
        distances = [abs(quantile - 0.5) for quantile in self.quantiles]
        return self.inverse_link(raw, state)[..., distances.index(min(distances))]

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """The weighted quantiles, as a lowest level and gaps (of at least a millionth)."""
        levels = [weighted_quantile(y, sample_weight, q) for q in self.quantiles]
        values = torch.stack(levels, -1)
        gaps = values.diff(dim=-1).clamp(min=1e-6)
        lowest = (
            values[..., :1] + OFF_THE_KINK
        )  # else rounding decides on which side of a row it lies
        return torch.cat((lowest, gaps + torch.log(-torch.expm1(-gaps))), -1)

    def _levels(self, like: Tensor) -> Tensor:
        return torch.tensor(self.quantiles, dtype=like.dtype, device=like.device)

    def predict_quantiles(self, raw: Tensor, levels: Tensor, state: State) -> Tensor:
        """Return quantiles, shape (*models, n_samples, n_targets, levels), between the trained ones by straight lines.

        Raises
        ------
        ValueError
            If a level lies outside the trained ones.
        """
        known = self._levels(raw)
        outside = levels[(levels < known[0] - 1e-6) | (levels > known[-1] + 1e-6)]
        if len(outside):
            raise ValueError(
                f"multi_quantile was trained on levels from {self.quantiles[0]:g} to {self.quantiles[-1]:g}; {outside[0]:g} lies"
                " outside. Name it in quantiles= and fit anew."
            )
        upper = torch.searchsorted(known, levels).clamp(1, len(known) - 1)
        share = (levels - known[upper - 1]) / (known[upper] - known[upper - 1])
        values = self.inverse_link(raw, state)
        inside = share.clamp(0, 1).nan_to_num(0.0)  # 0 / 0 where there is one level only
        return torch.lerp(values[..., upper - 1], values[..., upper], inside)


@dataclass(frozen=True)
class Expectile(RegressionLoss):
    """Expectile loss: squared error with another weight on each side.

    ``|τ - 1{u < 0}| u²`` with ``u = y - prediction``.  It elicits the τ-expectile; at τ = 0.5 that is the mean.

    Parameters
    ----------
    expectile : float, default=0.5
        The level τ, in (0, 1).

    References
    ----------
    Newey, W. K. and Powell, J. L., Asymmetric Least Squares Estimation and Testing, Econometrica 1987.

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
        "Errors on one side cost more, by their square. Not for a level with a stated probability: that is quantile."
    )

    expectile: float = parameter(0.5, Interval(0, 1, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """τ max(u, 0)² + (1 - τ) min(u, 0)²."""
        u, level = y - raw.squeeze(-1), state["expectile"]
        return level * u.clamp(min=0) ** 2 + (1 - level) * u.clamp(max=0) ** 2

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """The weighted expectile, by iterated asymmetric means."""
        centre = weighted_mean(y, sample_weight)
        for _ in range(BISECTIONS):
            side = torch.where(y > centre, self.expectile, 1 - self.expectile)
            pull = sample_weight.unsqueeze(-1) * side
            centre = (pull * y).sum(0) / pull.sum(0)
        return centre.unsqueeze(-1)


@dataclass(frozen=True)
class EpsilonInsensitive(RegressionLoss):
    """Epsilon-insensitive loss, that of support vector regression.

    ``max(0, |r| - epsilon)``.  It elicits the median if the law is symmetric.

    Parameters
    ----------
    epsilon : float, default=0.1
        Residuals up to this size cost nothing, >= 0, in units of the target's robust scale with ``scale_target=True``.

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
    functional: ClassVar[str] = "median of a symmetric law"
    reference: ClassVar[str] = "Vapnik 1995"
    when: ClassVar[str] = (
        "Deviations up to epsilon do not matter, as with a tolerance or rounded targets. Not for skewed noise if you want the "
        "median itself."
    )
    scaling: ClassVar[Scaling] = "robust"
    kinked: ClassVar[bool] = True

    epsilon: float = parameter(0.1, Interval(0))

    def excess(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return max(0, |r| - ε)."""
        beyond = absolute(raw.squeeze(-1) - y, state) - state["epsilon"]
        return 0.5 * (beyond + absolute(beyond, state))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """max(0, |r| - ε)."""
        return self.excess(raw, y, state)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """The midpoint of all best constants, each end found by halving the interval of y on the slope."""
        flat = 1e-6 * sample_weight.sum()
        ends = [
            self._where_slope_exceeds(level, y, sample_weight, state) for level in (-flat, flat)
        ]
        return (0.5 * (ends[0] + ends[1])).unsqueeze(-1)

    def _where_slope_exceeds(
        self, level: Tensor, y: Tensor, sample_weight: Tensor, state: State
    ) -> Tensor:
        low, high = y.amin(0), y.amax(0)
        for _ in range(BISECTIONS):
            middle = ((low + high) / 2).requires_grad_()
            with torch.enable_grad():
                raw = middle.unsqueeze(-1).expand(*y.shape, 1)
                total = (self.pointwise(raw, y, state) * sample_weight.unsqueeze(-1)).sum()
                (slope,) = torch.autograd.grad(total, middle)
            middle = middle.detach()
            low, high = (
                torch.where(slope <= level, middle, low),
                torch.where(slope > level, middle, high),
            )
        return (low + high) / 2


@dataclass(frozen=True)
class SquaredEpsilonInsensitive(EpsilonInsensitive):
    """Squared epsilon-insensitive loss.

    ``max(0, |r| - epsilon)²``.  It elicits a location like the mean.

    Parameters
    ----------
    epsilon : float, default=0.1
        Residuals up to this size cost nothing, >= 0, in units of the target's robust scale with ``scale_target=True``.

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
    functional: ClassVar[str] = "like the mean"
    when: ClassVar[str] = (
        "Small deviations do not matter, large ones matter by their square. Not with outliers in y."
    )
    kinked: ClassVar[bool] = False

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """max(0, |r| - ε)²."""
        return self.excess(raw, y, state) ** 2


@dataclass(frozen=True)
class AbsolutePercentageError(RegressionLoss):
    """Absolute percentage error.

    ``|r| / max(|y|, floor)``.  It elicits the median of the law weighted by ``1 / max(|y|, floor)``, which lies below the median.

    Parameters
    ----------
    floor : float, default=0.01
        The least size of y that is divided by, > 0, in units of the target's scale (its mean size) with ``scale_target=True``.

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
    aliases: ClassVar[tuple[str, ...]] = ("mape",)
    functional: ClassVar[str] = "median weighted by 1/|y|"
    metric: ClassVar[str | None] = "neg_mean_absolute_percentage_error"
    reference: ClassVar[str] = "Gneiting 0912.0902"
    when: ClassVar[str] = (
        "Your score is MAPE, and y stays away from 0. It predicts low on purpose: for sound totals take gamma."
    )
    scaling: ClassVar[Scaling] = "scale"
    kinked: ClassVar[bool] = True

    floor: float = parameter(0.01, Interval(0, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """|r| / max(|y|, floor)."""
        return absolute(raw.squeeze(-1) - y, state) / torch.maximum(y.abs(), state["floor"])

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """The median under weights over max(|y|, floor)."""
        weights = sample_weight.unsqueeze(-1) / torch.maximum(y.abs(), state["floor"])
        columns = zip(y.unbind(1), weights.unbind(1), strict=True)
        return torch.stack([weighted_quantile(c.unsqueeze(1), w, 0.5) for c, w in columns])
