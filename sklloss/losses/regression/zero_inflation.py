"""Losses for counts with more zeros, or fewer, than their distribution has by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from ...parameters.refusals import some_of
from ..base import Scaling, State
from ..weighted import ratio, weighted_mean
from .counts import Counts, NegativeBinomialCounts, PoissonCounts
from .exponential import EXP_LIMIT, tangent_exp
from .positive import LogLinkLoss

# Below this log mean, counts above 0 are nearly all 1, and are taken to be.
LOWEST = -20.0
# Shares of zeros and means of counts from which training starts are at least this.
LEAST = 1e-6
# By how much a count of 1 may be off.
ROUNDING = 1e-6
# Halvings of the interval in which a log mean is searched.
HALVINGS = 60


class ZeroAlteredLoss(LogLinkLoss):
    """Base of the losses with two outputs per target: a log mean of counts and a logit of zeros.

    Probabilities of y > 0 are q times those of `counts`; 0 has the rest. A subclass overrides
    `log_factor`, `nll_of_0` and `best_start`.
    """

    functional: ClassVar[str] = "mean and distribution"
    metric: ClassVar[str | None] = "neg_mean_poisson_deviance"
    scaling: ClassVar[Scaling] = "none"
    is_discrete: ClassVar[bool] = True
    counts: ClassVar[Counts]

    def log_factor(self, raw: Tensor, state: State) -> Tensor:
        """Return log q, (..., n_samples, n_targets)."""
        raise self._lacking("log_factor(raw, state)")

    def nll_of_0(self, raw: Tensor, state: State) -> Tensor:
        """Return minus the log of the probability of 0, (..., n_samples, n_targets)."""
        raise self._lacking("nll_of_0(raw, state)")

    def best_start(self, above: Tensor, mean: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """Return the mean of `counts` and the share of (extra) zeros of the best constant.

        Given are the share of the targets above 0 and the mean of these, (n_targets,).
        """
        raise self._lacking("best_start(above, mean, state)")

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return 2: the log mean of the counts and the logit of zeros."""
        return 2

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Start the dispersion, if there is one, at what the counts above 0 suggest."""
        above, mean = _share_and_mean_above_0(y, sample_weight)
        squares = torch.where(y > 0, y - mean, 0.0) ** 2
        return self.counts.prepare(mean, ratio(weighted_mean(squares, sample_weight), above))

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return the ``dispersion`` k, if there is one."""
        return self.counts.learnt(state)

    def least(self, y: Tensor, state: State) -> Tensor:
        """Return 0, since probabilities of counts are at most 1."""
        return torch.zeros_like(y)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the negative log-likelihood."""
        of_count = self.counts.nll(raw[..., 0], y, state) - self.log_factor(raw, state)
        return torch.where(y > 0, of_count, self.nll_of_0(raw, state))

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the maximum of the likelihood, given the dispersion."""
        above, mean = _share_and_mean_above_0(y.double(), sample_weight.double())
        count, zeros = self.best_start(above, mean, _wide(state))
        logit = zeros.clamp(LEAST, 1 - LEAST).logit()
        return torch.stack((count.clamp(min=LEAST).log(), logit), -1).to(y.dtype)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return the mean q E(z), zeros included."""
        raw = _bounded(raw)
        return self.log_factor(raw, state).exp() * tangent_exp(raw[..., 0])

    def predict_std(self, raw: Tensor, state: State) -> Tensor:
        """Return ``√(q (σ² + (1 - q) E(z)²))``, with σ² the variance of the counts."""
        raw = _bounded(raw)
        factor, mean = self.log_factor(raw, state).exp(), tangent_exp(raw[..., 0])
        variance = self.counts.variance(raw[..., 0], state) + (1 - factor) * mean**2
        return (factor * variance).clamp(min=0).sqrt()

    def predict_quantiles(self, raw: Tensor, levels: Tensor, state: State) -> Tensor:
        """Return quantiles of y, shape (..., n_samples, n_targets, levels)."""
        wide, state = _bounded(raw.double()), _wide(state)
        factor = self.log_factor(wide, state).exp().unsqueeze(-1)
        of_counts = 1 - (1 - levels.double()) / factor
        return self.counts.quantiles(wide[..., 0], of_counts, state).to(raw)

    def cdf(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the probability of at most y, (..., n_samples, n_targets, n_values)."""
        wide, state = _bounded(raw.double()), _wide(state)
        factor = self.log_factor(wide, state).exp().unsqueeze(-1)
        at_most = 1 - factor * self.counts.above(wide[..., 0], y, state)
        return torch.where(y < 0, 0.0, at_most.clamp(0, 1)).to(raw)

    def mean_by_mean_above_0(self, mean: Tensor, state: State) -> Tensor:
        """Return the mean of `counts` for which those above 0 have a given mean, (n_targets,)."""
        low, high = torch.full_like(mean, LEAST).log(), mean.clamp(min=LEAST).log()
        for _ in range(HALVINGS):
            z = (low + high) / 2
            is_less = z.exp() < mean * self.share_above_0(z.exp(), state)
            low, high = torch.where(is_less, z, low), torch.where(is_less, high, z)
        return high.exp()

    def share_above_0(self, mean: Tensor, state: State) -> Tensor:
        """Return the probability of `counts` above 0, given their mean, (n_targets,)."""
        return -torch.expm1(-self.counts.nll_of_0(mean.log().unsqueeze(0), state)).squeeze(0)


def _share_and_mean_above_0(y: Tensor, sample_weight: Tensor) -> tuple[Tensor, Tensor]:
    above = weighted_mean((y > 0).to(y.dtype), sample_weight)
    return above, ratio(weighted_mean(y, sample_weight), above)


def _bounded(raw: Tensor) -> Tensor:
    """Return raw output whose log mean is at least LOWEST, so that q is finite."""
    return torch.stack((raw[..., 0].clamp(min=LOWEST), raw[..., 1]), -1)


def _wide(state: State) -> State:
    return State({key: value.double() for key, value in state.items()})


class ZeroInflatedLoss(ZeroAlteredLoss):
    """Base of the losses for counts with extra zeros: ``q = 1 - π`` with ``π = σ(w)``."""

    def log_factor(self, raw: Tensor, state: State) -> Tensor:
        """Return log(1 - π)."""
        return -softplus(raw[..., 1])

    def nll_of_0(self, raw: Tensor, state: State) -> Tensor:
        """Return -log(π + (1 - π) P(0)), with P that of the counts."""
        w = raw[..., 1]
        return softplus(w) - torch.logaddexp(w, -self.counts.nll_of_0(raw[..., 0], state))

    def best_start(self, above: Tensor, mean: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """Return the best constant of a hurdle, if it has extra zeros; else the mean, without."""
        count = self.mean_by_mean_above_0(mean, state)
        zeros = 1 - ratio(above, self.share_above_0(count, state))
        return torch.where(zeros > 0, count, above * mean), zeros


class HurdleLoss(ZeroAlteredLoss):
    """Base of the losses for counts above a hurdle: ``q = (1 - π) / (1 - P(0))``, ``π = σ(w)``."""

    def check_y(self, y: np.ndarray) -> None:
        """Raise a ValueError if any target is negative, or lies between 0 and 1."""
        super().check_y(y)
        between = (y > 0) & (y < 1 - ROUNDING)
        if between.any():
            raise ValueError(
                f"{type(self).__name__} needs counts, y = 0 or y >= 1;"
                f" {some_of(between, 'value', 'are between 0 and 1')}, for example"
                f" {y[between][0]:g}. Give counts, or choose tweedie, which takes amounts with"
                " exact zeros."
            )

    def log_factor(self, raw: Tensor, state: State) -> Tensor:
        """Return log(1 - π) - log(1 - P(0)), where 1 - P(0) is E(z) for small z."""
        z = raw[..., 0].clamp(min=LOWEST)
        log_above = torch.log(-torch.expm1(-self.counts.nll_of_0(z, state))) + (raw[..., 0] - z)
        return -softplus(raw[..., 1]) - log_above

    def nll_of_0(self, raw: Tensor, state: State) -> Tensor:
        """Return -log π."""
        return softplus(-raw[..., 1])

    def best_start(self, above: Tensor, mean: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """Return the mean that the counts above 0 suggest, and the share of zeros."""
        return self.mean_by_mean_above_0(mean, state), 1 - above


@dataclass(frozen=True)
class ZeroInflatedPoisson(ZeroInflatedLoss):
    """Negative log-likelihood of a zero-inflated Poisson distribution.

    It has two outputs, z and w: y is 0 with probability ``π = σ(w)``, and otherwise a Poisson count
    of mean E(z), the exponential, continued as its tangent beyond 20.

    ``-log(π + (1 - π) exp(-E(z)))`` for y = 0, ``E(z) - y z + lgamma(y + 1) - log(1 - π)`` for
    y > 0, with ``prediction = (1 - π) E(z)``. It elicits the distribution. y is not rescaled.

    References
    ----------
    Lambert, D., Zero-Inflated Poisson Regression, with an Application to Defects in Manufacturing,
    Technometrics 1992.

    Examples
    --------
    >>> import torch
    >>> loss, y = ZeroInflatedPoisson(), torch.tensor([[0.0], [2.0]])
    >>> loss.pointwise(torch.zeros(2, 1, 2), y, loss.prepare(y, torch.ones(2))).flatten()
    tensor([0.3799, 2.3863])
    """

    name: ClassVar[str] = "zero_inflated_poisson"
    aliases: ClassVar[tuple[str, ...]] = ("zip",)
    reference: ClassVar[str] = "Lambert 1992"
    when: ClassVar[str] = (
        "Counts of which more are 0 than poisson predicts (the mean of exp(-prediction)), because"
        " some rows can only be 0: people asked for cigarettes who do not smoke. If counts above 0"
        " vary more than their mean, take zero_inflated_negative_binomial."
    )
    counts: ClassVar[Counts] = PoissonCounts()

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """E'(z) (1 - s) - y and σ(w) - s, where s is the probability that 0 is an extra one."""
        z, w = raw[..., 0], raw[..., 1]
        extra = torch.where(y > 0, 0.0, (w + tangent_exp(z)).sigmoid())
        slope = z.clamp(max=EXP_LIMIT).exp() * (1 - extra) - y
        return torch.stack((slope, w.sigmoid() - extra), -1)


@dataclass(frozen=True)
class ZeroInflatedNegativeBinomial(ZeroInflatedLoss):
    """Negative log-likelihood of a zero-inflated negative binomial distribution.

    It has two outputs, z and w: y is 0 with probability ``π = σ(w)``, and otherwise negative
    binomial with mean ``μ = E(z)`` and variance ``μ + μ²/k``. There is one log k per target; it is
    trained within ±10 and starts at the value that the variance of the counts above 0 suggests.

    ``-log(π + (1 - π) (1 + μ/k)^-k)`` for y = 0, ``negative_binomial(z, y) - log(1 - π)`` for
    y > 0, with ``prediction = (1 - π) E(z)``. It elicits the distribution. y is not rescaled.

    References
    ----------
    Greene, W. H., Accounting for Excess Zeros and Sample Selection in Poisson and Negative Binomial
    Regression Models, 1994.

    Examples
    --------
    >>> import torch
    >>> loss, y = ZeroInflatedNegativeBinomial(), torch.tensor([[0.0], [2.0]])
    >>> state = loss.prepare(y, torch.ones(2))
    >>> state["raw_dispersion"].fill_(0.0)  # k = 1
    tensor([[0.]])
    >>> loss.pointwise(torch.zeros(2, 1, 2), y, state).flatten()
    tensor([0.2877, 2.7726])
    """

    name: ClassVar[str] = "zero_inflated_negative_binomial"
    aliases: ClassVar[tuple[str, ...]] = ("zinb",)
    reference: ClassVar[str] = "Greene 1994"
    when: ClassVar[str] = (
        "Counts of which more are 0 than negative_binomial predicts, because some rows can only be"
        " 0, and whose others vary more than their mean. Not with few rows: a small dispersion"
        " explains many zeros by itself, and only many counts above 0 tell the two apart."
    )
    counts: ClassVar[Counts] = NegativeBinomialCounts()


@dataclass(frozen=True)
class HurdlePoisson(HurdleLoss):
    """Negative log-likelihood of a Poisson hurdle model.

    It has two outputs, z and w: y is 0 with probability ``π = σ(w)``, and otherwise a Poisson count
    of mean E(z) given that it is above 0. E is the exponential, continued as its tangent beyond 20.

    ``-log π`` for y = 0, ``E(z) - y z + lgamma(y + 1) + log(1 - exp(-E(z))) - log(1 - π)`` for
    y > 0, with ``prediction = (1 - π) E(z) / (1 - exp(-E(z)))``. It elicits the distribution. y is
    not rescaled; none may lie between 0 and 1.

    References
    ----------
    Mullahy, J., Specification and Testing of Some Modified Count Data Models, Journal of
    Econometrics 1986.

    Examples
    --------
    >>> import torch
    >>> loss, y = HurdlePoisson(), torch.tensor([[0.0], [2.0]])
    >>> loss.pointwise(torch.zeros(2, 1, 2), y, loss.prepare(y, torch.ones(2))).flatten()
    tensor([0.6931, 1.9276])
    """

    name: ClassVar[str] = "hurdle_poisson"
    reference: ClassVar[str] = "Mullahy 1986"
    when: ClassVar[str] = (
        "Whether a count is above 0 depends on other features than how large it is: whether someone"
        " sees a doctor, and how often. Zeros may be more or fewer than poisson predicts. If counts"
        " above 0 vary more than their mean, take hurdle_negative_binomial."
    )
    counts: ClassVar[Counts] = PoissonCounts()

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """E'(z) / (1 - exp(-E(z))) - y and σ(w); for y = 0, 0 and σ(w) - 1."""
        z, w = raw[..., 0].clamp(min=LOWEST), raw[..., 1]
        slope = z.clamp(max=EXP_LIMIT).exp() / -torch.expm1(-tangent_exp(z)) - y
        is_above = (y > 0).to(raw.dtype)
        return torch.stack((is_above * slope, w.sigmoid() - (1 - is_above)), -1)


@dataclass(frozen=True)
class HurdleNegativeBinomial(HurdleLoss):
    """Negative log-likelihood of a negative binomial hurdle model.

    It has two outputs, z and w: y is 0 with probability ``π = σ(w)``, and otherwise negative
    binomial with mean ``μ = E(z)`` and variance ``μ + μ²/k``, given that it is above 0. There is
    one log k per target; it is trained within ±10 and starts at the value that the variance of the
    counts above 0 suggests.

    ``-log π`` for y = 0, ``negative_binomial(z, y) + log(1 - (1 + μ/k)^-k) - log(1 - π)`` for
    y > 0, with ``prediction = (1 - π) E(z) / (1 - (1 + μ/k)^-k)``. It elicits the distribution. y
    is not rescaled; none may lie between 0 and 1.

    References
    ----------
    Mullahy, J., Specification and Testing of Some Modified Count Data Models, Journal of
    Econometrics 1986. Cameron, A. C. and Trivedi, P. K., Regression Analysis of Count Data, 1998.

    Examples
    --------
    >>> import torch
    >>> loss, y = HurdleNegativeBinomial(), torch.tensor([[0.0], [2.0]])
    >>> state = loss.prepare(y, torch.ones(2))
    >>> state["raw_dispersion"].fill_(0.0)  # k = 1
    tensor([[0.]])
    >>> loss.pointwise(torch.zeros(2, 1, 2), y, state).flatten()
    tensor([0.6931, 2.0794])
    """

    name: ClassVar[str] = "hurdle_negative_binomial"
    reference: ClassVar[str] = "Mullahy 1986"
    when: ClassVar[str] = (
        "As hurdle_poisson, with counts above 0 that vary more than their mean. Not if you only need"
        " the mean: poisson finds it with half the outputs."
    )
    counts: ClassVar[Counts] = NegativeBinomialCounts()
