"""Distributions of counts whose mean is the exponential of raw output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ..state import PACE, State
from .exponential import tangent_exp

# log k of the negative binomial stays within plus and minus this.
LOG_DISPERSION_LIMIT = 10.0


class PoissonCounts:
    """Poisson distribution of mean E(z), the exponential, continued as its tangent beyond 20."""

    def prepare(self, mean: Tensor, variance: Tensor) -> State:
        """Return an empty state: the mean says all."""
        return State()

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return nothing."""
        return {}

    def nll(self, z: Tensor, y: Tensor, state: State) -> Tensor:
        """E(z) - y z + lgamma(y + 1)."""
        return tangent_exp(z) - y * z + (y.double() + 1).lgamma().to(z.dtype)

    def nll_of_0(self, z: Tensor, state: State) -> Tensor:
        """E(z)."""
        return tangent_exp(z)

    def variance(self, z: Tensor, state: State) -> Tensor:
        """E(z)."""
        return tangent_exp(z)

    def quantiles(self, z: Tensor, levels: Tensor, state: State) -> Tensor:
        """Return quantiles, (..., n_samples, n_targets, levels); 0 for levels up to 0."""
        from scipy.stats import poisson

        mean = tangent_exp(z.double()).unsqueeze(-1)
        return by_scipy(poisson.ppf, levels.double().clamp(min=0), mean).clamp(min=0).to(z)

    def above(self, z: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the probability of more than y in float64, 1 for y < 0, with y's axis of values."""
        from scipy.special import pdtrc

        counts, mean = y.double().floor(), tangent_exp(z.double()).unsqueeze(-1)
        return torch.where(counts < 0, 1.0, by_scipy(pdtrc, counts.clamp(min=0), mean))


class NegativeBinomialCounts:
    """Negative binomial distribution of mean μ = E(z) and variance μ + μ²/k, with k trained.

    There is one log k per target, within ±10.
    """

    def prepare(self, mean: Tensor, variance: Tensor) -> State:
        """Start k of every target where the variance is ``μ + μ²/k``, at 1 without any count."""
        excess = (variance - mean).clamp(min=1e-3)
        k = torch.where(mean > 0, mean**2 / excess, 1.0)
        log_k = k.clamp(min=1e-3, max=1e3).log()
        raw = LOG_DISPERSION_LIMIT / PACE * torch.atanh(log_k / LOG_DISPERSION_LIMIT)
        return State({"raw_dispersion": raw.unsqueeze(0)}, trained=["raw_dispersion"])

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return the ``dispersion`` k."""
        return {"dispersion": self.log_k(state).exp()}

    def log_k(self, state: State) -> Tensor:
        """Return log k of every target, shape (..., 1, n_targets)."""
        raw = PACE * state["raw_dispersion"]
        return LOG_DISPERSION_LIMIT * torch.tanh(raw / LOG_DISPERSION_LIMIT)

    def nll(self, z: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the negative log-likelihood, with the difference of lgammas in float64."""
        log_k = self.log_k(state)
        k = log_k.exp()
        wide_k, wide_y = k.double(), y.double()
        constants = wide_k.lgamma() + (wide_y + 1).lgamma() - (wide_y + wide_k).lgamma()
        return (y + k) * softplus(z - log_k) - y * (z - log_k) + constants.to(z.dtype)

    def nll_of_0(self, z: Tensor, state: State) -> Tensor:
        """Return ``k softplus(z - log k)``."""
        log_k = self.log_k(state)
        return log_k.exp() * softplus(z - log_k)

    def variance(self, z: Tensor, state: State) -> Tensor:
        """Return ``μ + μ²/k``."""
        mean = tangent_exp(z)
        return mean + mean**2 / self.log_k(state).exp()

    def quantiles(self, z: Tensor, levels: Tensor, state: State) -> Tensor:
        """Return quantiles, (..., n_samples, n_targets, levels); 0 for levels up to 0."""
        from scipy.stats import nbinom

        k, success = self._k_and_success(z, state)
        return by_scipy(nbinom.ppf, levels.double().clamp(min=0), k, success).clamp(min=0).to(z)

    def above(self, z: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the probability of more than y in float64, 1 for y < 0, with y's axis of values."""
        from scipy.special import betainc

        k, success = self._k_and_success(z, state)
        counts = y.double().floor()
        found = by_scipy(betainc, counts.clamp(min=0) + 1, k, 1 - success)
        return torch.where(counts < 0, 1.0, found)

    def _k_and_success(self, z: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """Return k and k / (k + μ) in float64, with an axis for levels or values."""
        mean = tangent_exp(z.double())
        k = self.log_k(state).double().exp().expand_as(mean)
        return k.unsqueeze(-1), (k / (k + mean)).unsqueeze(-1)


Counts = PoissonCounts | NegativeBinomialCounts


def by_scipy(function: Callable[..., Any], *arguments: Tensor) -> Tensor:
    """Return a function of scipy of detached float64 tensors, on the device of the first."""
    found = function(*(each.detach().cpu().numpy() for each in arguments))
    return torch.from_numpy(found).to(arguments[0].device)
