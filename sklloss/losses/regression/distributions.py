"""Losses for regression that provide a predictive distribution, by its location and scale."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi, sqrt
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import POSITIVE, RegressionLoss, Scaling, State
from ..minimum import minimised
from ..weighted import weighted_mean, weighted_quantile, weighted_std
from .exponential import tangent_exp

# Lower bound of every scale, without which log-likelihoods would be unbounded.
SCALE_FLOOR = 1e-3


class LocationScaleLoss(RegressionLoss):
    """Base of the losses with two outputs per target, a location and a raw scale.

    ``scale = softplus(raw) + 0.001``. The predictive distribution is normal, unless a subclass
    overrides ``standard_quantile`` and ``standard_cdf``, the quantiles of its distribution with
    location 0 and scale 1 and their inverse, and ``std_per_scale``, its standard deviation.
    """

    functional: ClassVar[str] = "mean and distribution"
    metric: ClassVar[str | None] = "neg_mean_squared_error"

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return 2: location and raw scale."""
        return 2

    def location_and_scale(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Return location and scale, each of shape (..., n_samples, n_targets)."""
        return raw[..., 0], softplus(raw[..., 1]) + SCALE_FLOOR

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return the location."""
        return raw[..., 0]

    def standard_quantile(self, levels: Tensor, state: State) -> Tensor:
        """Return quantiles for location 0 and scale 1, with levels on the last axis."""
        return torch.special.ndtri(levels)

    def standard_cdf(self, values: Tensor, state: State) -> Tensor:
        """Return the probability below values for location 0 and scale 1."""
        return torch.special.ndtr(values)

    def std_per_scale(self, state: State) -> Tensor | float:
        """Return the standard deviation of the distribution with scale 1."""
        return 1.0

    def predict_quantiles(self, raw: Tensor, levels: Tensor, state: State) -> Tensor:
        """Return quantiles, shape (..., n_samples, n_targets, levels)."""
        location, scale = self.location_and_scale(raw)
        return location.unsqueeze(-1) + scale.unsqueeze(-1) * self.standard_quantile(levels, state)

    def cdf(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the probability below values of y, (..., n_samples, n_targets, n_values)."""
        location, scale = (each.unsqueeze(-1) for each in self.location_and_scale(raw))
        return self.standard_cdf((y - location) / scale, state)

    def predict_std(self, raw: Tensor, state: State) -> Tensor:
        """Return the standard deviation, shape (..., n_samples, n_targets)."""
        return self.location_and_scale(raw)[1] * self.std_per_scale(state)

    def normal_log_density(self, raw: Tensor, y: Tensor) -> Tensor:
        """Return the log of the normal density, (..., n_samples, n_targets, n_values)."""
        location, scale = (each.unsqueeze(-1) for each in self.location_and_scale(raw))
        return -gaussian_nll(location, scale, y)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the weighted mean, and the weighted standard deviation as scale."""
        scale = weighted_std(y, sample_weight)
        return torch.stack((weighted_mean(y, sample_weight), raw_of_scale(scale)), -1)


def raw_of_scale(scale: Tensor) -> Tensor:
    """Return the raw output that is mapped to a scale."""
    above = (scale - SCALE_FLOOR).clamp(min=1e-4)
    return above + torch.log(-torch.expm1(-above))


def gaussian_nll(raw_location: Tensor, scale: Tensor, y: Tensor) -> Tensor:
    """Return log σ + r²/(2σ²) + ½ log 2π."""
    return scale.log() + 0.5 * ((raw_location - y) / scale) ** 2 + 0.5 * log(2 * pi)


@dataclass(frozen=True)
class GaussianNLL(LocationScaleLoss):
    """Negative log-likelihood of a normal distribution whose mean and variance are both learned.

    ``(log σ + r²/(2σ²) + ½ log 2π) · stopgrad(σ²)^beta`` with ``σ = softplus(raw) + 0.001``. It
    elicits mean and variance. With beta 0 it equals ``torch.nn.GaussianNLLLoss`` with
    ``full=True``.

    Parameters
    ----------
    beta : float, default=0.0
        Exponent of the variance, in [0, 1]. 0.5 (β-NLL) keeps rows of large variance from being
        neglected.

    References
    ----------
    Nix, D. A. and Weigend, A. S., Estimating the Mean and Variance of the Target Probability
    Distribution, 1994. Seitzer, M. et al., On the Pitfalls of Heteroscedastic Uncertainty
    Estimation, 2022, arXiv 2203.09168.

    Examples
    --------
    >>> import torch
    >>> loss = GaussianNLL()
    >>> y = torch.tensor([[0.0]])
    >>> round(loss(torch.tensor([[[0.0, 0.5403]]]), y, loss.prepare(y, torch.ones(1))).item(), 3)
    0.919
    """

    name: ClassVar[str] = "gaussian_nll"
    aliases: ClassVar[tuple[str, ...]] = ("GaussianNLLLoss",)
    functional: ClassVar[str] = "mean and variance"
    reference: ClassVar[str] = "Nix & Weigend 1994; Seitzer 2203.09168"
    when: ClassVar[str] = (
        "You want intervals whose width depends on X, and the noise is roughly normal. With"
        " outliers take student_t_nll. If the mean fits worse than with squared_error, set"
        " beta=0.5."
    )
    is_density: ClassVar[bool] = True

    beta: float = parameter(0.0, Interval(0, 1))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``(log σ + r²/(2σ²) + ½ log 2π) stopgrad(σ²)^β``."""
        location, scale = self.location_and_scale(raw)
        return gaussian_nll(location, scale, y) * scale.detach() ** (2 * state["beta"])

    def log_density(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the log of the normal density, whatever `beta`."""
        return self.normal_log_density(raw, y)


@dataclass(frozen=True)
class LaplaceNLL(LocationScaleLoss):
    """Negative log-likelihood of a Laplace distribution whose median and spread are both learned.

    ``|r|/b + log 2b`` with ``b = softplus(raw) + 0.001``. It elicits median and spread.

    References
    ----------
    Laplace, P.-S., Mémoire sur la probabilité des causes par les événements, 1774.

    Examples
    --------
    >>> import torch
    >>> loss = LaplaceNLL()
    >>> round(loss(torch.tensor([[[0.0, 0.5403]]]), torch.tensor([[0.0]]), {}).item(), 3)
    0.693
    """

    name: ClassVar[str] = "laplace_nll"
    functional: ClassVar[str] = "median and spread"
    metric: ClassVar[str | None] = "neg_mean_absolute_error"
    reference: ClassVar[str] = "Laplace 1774"
    when: ClassVar[str] = (
        "You want the median and a spread that depends on X, and the noise has a sharp peak and"
        " long tails. For normal noise its outer quantiles are too wide: take gaussian_nll."
    )
    is_density: ClassVar[bool] = True

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``|r|/b + log 2b``."""
        location, scale = self.location_and_scale(raw)
        return (location - y).abs() / scale + (2 * scale).log()

    def standard_quantile(self, levels: Tensor, state: State) -> Tensor:
        """Return quantiles of the standard Laplace distribution."""
        centred = levels - 0.5
        return -centred.sign() * torch.log1p(-2 * centred.abs())

    def standard_cdf(self, values: Tensor, state: State) -> Tensor:
        """Return the cdf of the standard Laplace distribution."""
        return 0.5 - 0.5 * values.sign() * torch.expm1(-values.abs())

    def std_per_scale(self, state: State) -> Tensor | float:
        """Return √2."""
        return sqrt(2)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the weighted median, and the mean absolute deviation from it as scale."""
        median = weighted_quantile(y, sample_weight, 0.5)
        spread = weighted_mean((y - median).abs(), sample_weight)
        return torch.stack((median, raw_of_scale(spread)), -1)


@dataclass(frozen=True)
class StudentTNLL(LocationScaleLoss):
    """Negative log-likelihood of Student's t distribution: a robust gaussian_nll.

    ``½(ν+1) log(1 + r²/(νs²)) + log s + lgamma(ν/2) - lgamma((ν+1)/2) + ½ log(νπ)`` with
    ``s = softplus(raw) + 0.001``. Location and scale are both learned, and elicited; the standard
    deviation is ``s √(ν/(ν-2))``.

    Parameters
    ----------
    df : float, default=4.0
        Degrees of freedom ν, > 2. The fewer there are, the heavier the tails.

    References
    ----------
    Lange, K. L., Little, R. J. A. and Taylor, J. M. G., Robust Statistical Modeling Using the t
    Distribution, JASA 1989.

    Examples
    --------
    >>> import torch
    >>> loss = StudentTNLL()
    >>> y = torch.tensor([[0.0]])
    >>> round(loss(torch.tensor([[[0.0, 0.5403]]]), y, loss.prepare(y, torch.ones(1))).item(), 3)
    0.981
    """

    name: ClassVar[str] = "student_t_nll"
    functional: ClassVar[str] = "location and scale"
    reference: ClassVar[str] = "Lange 1989"
    when: ClassVar[str] = (
        "You want intervals whose width depends on X, and some targets are outliers: they have"
        " little influence on location and width. Not if you need the mean of skewed targets."
    )
    is_density: ClassVar[bool] = True

    df: float = parameter(4.0, Interval(2, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``½(ν+1) log1p(r²/(νs²)) + log s``, plus the constants."""
        location, scale = self.location_and_scale(raw)
        df = state["df"]
        constant = (df / 2).lgamma() - ((df + 1) / 2).lgamma() + 0.5 * (df * pi).log()
        distance = torch.log1p(((location - y) / scale) ** 2 / df)
        return 0.5 * (df + 1) * distance + scale.log() + constant

    def standard_quantile(self, levels: Tensor, state: State) -> Tensor:
        """Return quantiles of Student's t distribution."""
        from scipy.special import stdtrit

        df, at = state["df"].unsqueeze(-1).double().cpu(), levels.double().cpu()
        return torch.from_numpy(stdtrit(df.numpy(), at.numpy())).to(levels)

    def standard_cdf(self, values: Tensor, state: State) -> Tensor:
        """Return the cdf of Student's t distribution."""
        from scipy.special import stdtr

        df, at = state["df"].unsqueeze(-1).double().cpu(), values.double().cpu()
        return torch.from_numpy(stdtr(df.numpy(), at.numpy())).to(values)

    def std_per_scale(self, state: State) -> Tensor | float:
        """Return √(ν/(ν-2))."""
        return (state["df"] / (state["df"] - 2)).sqrt()

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the maximum of the likelihood, found by iteratively reweighted means."""
        location, scale = weighted_mean(y, sample_weight), weighted_std(y, sample_weight)
        for _ in range(200):
            squared = ((y - location) / scale.clamp(min=SCALE_FLOOR)) ** 2
            pull = sample_weight.unsqueeze(-1) * (self.df + 1) / (self.df + squared)
            location = (pull * y).sum(0) / pull.sum(0)
            scale = ((pull * (y - location) ** 2).sum(0) / sample_weight.sum()).sqrt()
        return torch.stack((location, raw_of_scale(scale)), -1)


@dataclass(frozen=True)
class LognormalNLL(LocationScaleLoss):
    """Negative log-likelihood of a log-normal distribution, for positive targets.

    ``log y + log σ + (log y - m)²/(2σ²) + ½ log 2π``, which is gaussian_nll of log y, plus log y.
    The prediction is ``exp(m + ½σ²)``. It elicits the distribution, and the prediction is the mean
    of y only if that distribution is log-normal.

    References
    ----------
    Crow, E. L. and Shimizu, K., Lognormal Distributions, 1988.

    Examples
    --------
    >>> import torch
    >>> loss = LognormalNLL()
    >>> round(loss(torch.tensor([[[0.0, 0.5403]]]), torch.tensor([[1.0]]), {}).item(), 3)
    0.919
    """

    name: ClassVar[str] = "lognormal_nll"
    functional: ClassVar[str] = "predictive distribution"
    reference: ClassVar[str] = "Crow & Shimizu 1988"
    when: ClassVar[str] = (
        "Positive, right-skewed targets such as prices or incomes, with intervals that stay"
        " positive. If only the mean matters, take gamma, which assumes less."
    )
    is_density: ClassVar[bool] = True
    scaling: ClassVar[Scaling] = "scale"
    y_domain = POSITIVE

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the Gaussian negative log-likelihood of log y, plus log y."""
        location, scale = self.location_and_scale(raw)
        return gaussian_nll(location, scale, y.log()) + y.log()

    def link(self, y: np.ndarray) -> np.ndarray:
        """Return log y."""
        return np.log(y)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return ``exp(m + ½σ²)``."""
        location, scale = self.location_and_scale(raw)
        return tangent_exp(location + 0.5 * scale**2)

    def predict_quantiles(self, raw: Tensor, levels: Tensor, state: State) -> Tensor:
        """Return exp of the quantiles of the normal distribution."""
        return tangent_exp(super().predict_quantiles(raw, levels, state))

    def cdf(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the cdf of the normal distribution of log y."""
        return super().cdf(raw, y.clamp(min=0).log(), state)

    def predict_std(self, raw: Tensor, state: State) -> Tensor:
        """Return the mean times √(exp(σ²) - 1)."""
        scale = self.location_and_scale(raw)[1]
        return self.inverse_link(raw, state) * (tangent_exp(scale**2) - 1).sqrt()

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return mean and standard deviation of log y."""
        return super().baseline(y.log(), sample_weight, state)


@dataclass(frozen=True)
class CRPS(LocationScaleLoss):
    """Continuous ranked probability score (CRPS) of a normal distribution.

    ``σ (t (2Φ(t) - 1) + 2φ(t) - 1/√π)`` with ``t = r/σ`` and ``σ = softplus(raw) + 0.001``. It
    elicits the distribution, is measured in units of y, and is less affected by outliers than a
    log-likelihood.

    References
    ----------
    Gneiting, T. and Raftery, A. E., Strictly Proper Scoring Rules, Prediction, and Estimation, JASA
    2007.

    Examples
    --------
    >>> import torch
    >>> loss = CRPS()
    >>> round(loss(torch.tensor([[[0.0, 0.5403]]]), torch.tensor([[0.0]]), {}).item(), 3)
    0.234
    """

    name: ClassVar[str] = "crps"
    functional: ClassVar[str] = "predictive distribution"
    reference: ClassVar[str] = "Gneiting & Raftery 2007"
    when: ClassVar[str] = (
        "You want a predictive distribution that is judged in the units of y and is less affected"
        " by outliers than gaussian_nll. If the noise is truly normal, gaussian_nll learns the"
        " width from fewer rows."
    )

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``σ (t (2Φ(t) - 1) + 2φ(t) - 1/√π)``."""
        location, scale = self.location_and_scale(raw)
        t = (y - location) / scale
        density = torch.exp(-0.5 * t**2) / sqrt(2 * pi)
        return scale * (t * torch.erf(t / sqrt(2)) + 2 * density - 1 / sqrt(pi))

    def log_density(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the log of the normal density."""
        return self.normal_log_density(raw, y)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the best normal distribution, found from mean and standard deviation."""
        start = super().baseline(y, sample_weight, state)
        return minimised(start, lambda raw: self(raw.expand(*y.shape, 2), y, state, sample_weight))
