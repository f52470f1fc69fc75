"""Losses for positive targets and counts, with a log link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import POSITIVE, RegressionLoss, Scaling, State
from ..weighted import weighted_mean, weighted_std
from .counts import NegativeBinomialCounts
from .exponential import EXP_LIMIT, exp_over, tangent_exp

COUNTS = NegativeBinomialCounts()


class LogLinkLoss(RegressionLoss):
    """Base of the losses with a log link: raw output is the log of the mean of y >= 0."""

    functional: ClassVar[str] = "mean"
    scaling: ClassVar[Scaling] = "scale"

    @property
    def y_domain(self) -> Interval:
        """Targets y >= 0."""
        return Interval(0)

    def link(self, y: np.ndarray) -> np.ndarray:
        """Return log y, minus infinity for 0."""
        with np.errstate(divide="ignore"):
            return np.log(y)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return ``E(z)``, the exponential, continued as its tangent beyond 20."""
        return tangent_exp(raw.squeeze(-1))

    def least(self, y: Tensor, state: State) -> Tensor:
        """Return the loss of a prediction that equals y."""
        raw = y.clamp(min=torch.finfo(y.dtype).tiny).log().unsqueeze(-1)
        return self.pointwise(raw, y, state)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the log of the weighted mean, which is taken as at least one millionth."""
        return weighted_mean(y, sample_weight).clamp(min=1e-6).log().unsqueeze(-1)


@dataclass(frozen=True)
class Poisson(LogLinkLoss):
    """Poisson loss with a log link.

    ``E(z) - y z`` with ``prediction = E(z)``, where E is the exponential, continued as its tangent
    beyond 20. It elicits the mean of counts and other non-negative targets. Equal to
    ``torch.nn.PoissonNLLLoss`` up to z = 20.

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
    metric: ClassVar[str | None] = "neg_mean_poisson_deviance"
    reference: ClassVar[str] = "Nelder & Wedderburn 1972"
    when: ClassVar[str] = (
        "Counts or rates, zeros included, with effects that multiply. It finds the mean even if"
        " counts vary more than a Poisson distribution; for intervals take negative_binomial."
    )

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """E(z) - y z."""
        z = raw.squeeze(-1)
        return tangent_exp(z) - y * z

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """E'(z) - y."""
        return raw.clamp(max=EXP_LIMIT).exp() - y.unsqueeze(-1)


@dataclass(frozen=True)
class Gamma(LogLinkLoss):
    """Gamma loss with a log link.

    ``z + y E(-z)`` with ``prediction = E(z)``, where E is the exponential, continued as its tangent
    beyond 20. It elicits the mean of positive targets whose spread grows with their mean.

    References
    ----------
    McCullagh, P. and Nelder, J. A., Generalized Linear Models, 1989.

    Examples
    --------
    >>> import torch
    >>> Gamma()(torch.tensor([[[0.0]]]), torch.tensor([[2.0]]), {})
    tensor(2.)
    """

    name: ClassVar[str] = "gamma"
    metric: ClassVar[str | None] = "neg_mean_gamma_deviance"
    reference: ClassVar[str] = "McCullagh & Nelder 1989"
    when: ClassVar[str] = (
        "Positive targets whose spread grows with their mean: amounts, durations, sizes of claims."
        " Not with exact zeros: take tweedie."
    )
    y_domain = POSITIVE

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``z + y E(-z)``."""
        z = raw.squeeze(-1)
        return z + y * tangent_exp(-z)


@dataclass(frozen=True)
class Tweedie(LogLinkLoss):
    """Tweedie loss with a log link.

    ``E((2-p) z) / (2-p) - y E((1-p) z) / (1-p)`` with ``prediction = E(z)``, where p = 1 is poisson
    and p = 2 is gamma. It elicits the mean.

    Parameters
    ----------
    power : float, default=1.5
        The power p of the variance, in [1, 3]. Between 1 and 2 the distribution has a point mass at
        0.

    References
    ----------
    Jorgensen, B., Exponential Dispersion Models, JRSS B 1987.

    Examples
    --------
    >>> import torch
    >>> loss = Tweedie(power=1.5)
    >>> y = torch.tensor([[2.0]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(6.)
    """

    name: ClassVar[str] = "tweedie"
    reference: ClassVar[str] = "Jorgensen 1987"
    when: ClassVar[str] = (
        "Amounts with many exact zeros, such as claims per policy or rain per day. Without zeros"
        " take gamma, for counts poisson."
    )

    power: float = parameter(1.5, Interval(1, 3))

    @property
    def y_domain(self) -> Interval:
        """Targets y >= 0 for a power below 2, y > 0 from 2 on."""
        return Interval(0, closed="both" if self.power < 2 else "neither")

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """E((2-p) z) / (2-p) - y E((1-p) z) / (1-p)."""
        z, power = raw.squeeze(-1), state["power"]
        return exp_over(2 - power, z) - y * exp_over(1 - power, z)


@dataclass(frozen=True)
class NegativeBinomial(LogLinkLoss):
    """Negative log-likelihood of a negative binomial distribution with a log link.

    It is for counts that vary more than a Poisson distribution, and trains its dispersion.

    ``(y + k) softplus(z - log k) - y (z - log k) + lgamma(k) + lgamma(y + 1) - lgamma(y + k)`` with
    ``prediction = E(z)`` and variance ``μ + μ²/k``. There is one log k per target; it is trained
    within ±10 and starts at the value that the variance of all rows suggests. The loss elicits the
    mean and the distribution. y is not rescaled.

    References
    ----------
    Cameron, A. C. and Trivedi, P. K., Regression Analysis of Count Data, 1998.

    Examples
    --------
    >>> import torch
    >>> loss = NegativeBinomial()
    >>> y = torch.tensor([[0.0], [2.0]])
    >>> state = loss.prepare(y, torch.ones(2))
    >>> state["raw_dispersion"].fill_(0.0)  # k = 1
    tensor([[0.]])
    >>> loss.pointwise(torch.zeros(2, 1, 1), y, state)[0]
    tensor([0.6931])
    """

    name: ClassVar[str] = "negative_binomial"
    functional: ClassVar[str] = "mean and distribution"
    reference: ClassVar[str] = "Cameron & Trivedi 1998"
    when: ClassVar[str] = (
        "Counts that vary more than their mean, if you also want intervals. Not for counts that"
        " vary less, nor for amounts that are not whole numbers."
    )
    scaling: ClassVar[Scaling] = "none"
    is_discrete: ClassVar[bool] = True

    @property
    def y_domain(self) -> Interval:
        """Targets y >= 0, typically counts."""
        return Interval(0)

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Start k of every target where the variance of all rows is ``μ + μ²/k``."""
        mean, std = weighted_mean(y, sample_weight), weighted_std(y, sample_weight)
        return COUNTS.prepare(mean, std**2)

    def least(self, y: Tensor, state: State) -> Tensor:
        """Return 0, since probabilities of counts are at most 1."""
        return torch.zeros_like(y)

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return the ``dispersion`` k."""
        return COUNTS.learnt(state)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the negative log-likelihood, with the difference of lgammas in float64."""
        return COUNTS.nll(raw.squeeze(-1), y, state)

    def predict_std(self, raw: Tensor, state: State) -> Tensor:
        """Return ``√(μ + μ²/k)``."""
        return COUNTS.variance(raw.squeeze(-1), state).sqrt()

    def predict_quantiles(self, raw: Tensor, levels: Tensor, state: State) -> Tensor:
        """Return quantiles of the counts, shape (..., n_samples, n_targets, levels)."""
        return COUNTS.quantiles(raw.squeeze(-1), levels, state)

    def cdf(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the probability of at most y, (..., n_samples, n_targets, n_values)."""
        return (1 - COUNTS.above(raw.squeeze(-1), y, state)).to(raw)


@dataclass(frozen=True)
class SquaredLogError(RegressionLoss):
    """Squared error of log(1 + y).

    ``(z - log(1 + y))²`` with ``prediction = exp(z) - 1``. It elicits ``exp(E log(1 + y)) - 1``,
    which lies below the mean. y is not rescaled.

    References
    ----------
    Tornqvist, L., Vartia, P. and Vartia, Y., How Should Relative Changes Be Measured?, 1985.

    Examples
    --------
    >>> import torch
    >>> SquaredLogError()(torch.tensor([[[1.0]]]), torch.tensor([[0.0]]), {})
    tensor(1.)
    """

    name: ClassVar[str] = "squared_log_error"
    aliases: ClassVar[tuple[str, ...]] = ("msle", "mean_squared_logarithmic_error")
    functional: ClassVar[str] = "exp(E log(1 + y)) - 1"
    metric: ClassVar[str | None] = "neg_mean_squared_log_error"
    reference: ClassVar[str] = "Tornqvist 1985"
    when: ClassVar[str] = (
        "Ratios matter more than differences, and your score is the mean squared log error. Not"
        " for totals, because it predicts below the mean."
    )
    y_domain = Interval(-1, closed="neither")
    scaling: ClassVar[Scaling] = "none"

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``(z - log1p y)²``."""
        return (raw.squeeze(-1) - torch.log1p(y)) ** 2

    def link(self, y: np.ndarray) -> np.ndarray:
        """Return log(1 + y)."""
        return np.log1p(y)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return ``exp(z) - 1``, continued as its tangent beyond 20."""
        z = raw.squeeze(-1)
        bounded = z.clamp(max=EXP_LIMIT)
        return torch.expm1(bounded) + bounded.exp() * (z - bounded)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the weighted mean of log1p(y)."""
        return weighted_mean(torch.log1p(y), sample_weight).unsqueeze(-1)
