"""Distributions that the members of an estimator predict together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...parameters.refusals import count
from ..targets.mixture import Mixture
from .integrals import SPREAD
from .predictive import PredictiveDistribution


@dataclass(frozen=True, repr=False, eq=False)
class MemberDistribution(PredictiveDistribution):
    """The mean of the members' distributions.

    Attributes
    ----------
    mixture : Mixture
        Of a loss that has a cdf.
    """

    mixture: Mixture

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        """Whether y is a count."""
        return self.mixture.loss.is_discrete

    @property
    def _shape(self) -> tuple[int, int]:
        _, n_samples, n_targets, _ = self.mixture.raw[0].shape
        return n_samples, n_targets

    @property
    def _of(self) -> str:
        return f"loss {self.mixture.loss.label!r}, {count(len(self.mixture.raw), 'member')}"

    def _cdf(self, y: np.ndarray) -> np.ndarray:
        return self.mixture.cdf(torch.from_numpy(y)).numpy()

    def _ppf(self, levels: np.ndarray) -> np.ndarray:
        return self.mixture.quantiles(torch.from_numpy(levels)).numpy()

    def _ppf_at(self, levels: np.ndarray) -> np.ndarray:
        return self.mixture.quantiles_at(torch.from_numpy(levels)).numpy()

    def _log_density(self, y: np.ndarray) -> np.ndarray:
        return self.mixture.log_density(torch.from_numpy(y)).numpy()

    def _mean(self) -> np.ndarray:
        return self.mixture.mean().numpy()

    def _std(self) -> np.ndarray:
        return self.mixture.std().numpy()

    def _knots(self) -> np.ndarray:
        return self.mixture.spread(torch.from_numpy(SPREAD)).numpy()


# What needs the probabilities beyond the lowest and the highest level.
OF_TAILS = ("pdf", "log_likelihood", "mean", "std", "sample", "crps")


@dataclass(frozen=True, repr=False, eq=False)
class QuantileDistribution(PredictiveDistribution):
    """Some quantiles, with a distribution between the lowest and the highest of them alone.

    Between levels, quantiles are interpolated linearly, and the cdf is their inverse. Below the
    lowest quantile and above the highest, probabilities are not known: the cdf is NaN there.

    Attributes
    ----------
    levels : ndarray of shape (n_levels,)
        Increasing.
    quantiles : ndarray of shape (n_samples, n_targets, n_levels)
    label : str
        The name of the loss, for messages.
    """

    levels: np.ndarray
    quantiles: np.ndarray
    label: str

    @property
    def _shape(self) -> tuple[int, int]:
        n_samples, n_targets, _ = self.quantiles.shape
        return n_samples, n_targets

    @property
    def _of(self) -> str:
        return f"loss {self.label!r}, levels {', '.join(f'{q:g}' for q in self.levels)}"

    def _lacks(self, name: str) -> str:
        if name not in OF_TAILS:
            return super()._lacks(name)
        return (
            f"Loss {self.label!r} knows only the quantiles from"
            f" {self.levels[0]:g} to {self.levels[-1]:g}, by which {name} is not determined. Use"
            " ppf, interval or the scorer 'neg_pinball_0.9', or choose a loss that provides a"
            " distribution, such as student_t_nll."
        )

    def _knots(self) -> np.ndarray:
        return self.quantiles

    def _ppf(self, levels: np.ndarray) -> np.ndarray:
        low, high = self.levels[0], self.levels[-1]
        outside = levels[(levels < low - 1e-6) | (levels > high + 1e-6)]
        if len(outside):
            raise ValueError(
                f"{self.label} was trained on levels from {low:g} to {high:g}; {outside[0]:g} lies"
                " outside. Add it to quantiles= and fit again."
            )
        place = np.interp(levels, self.levels, np.arange(len(self.levels)))
        lower = np.minimum(place.astype(int), max(len(self.levels) - 2, 0))
        upper = np.minimum(lower + 1, len(self.levels) - 1)
        start, stop = self.quantiles[..., lower], self.quantiles[..., upper]
        return start + (place - lower) * (stop - start)

    def _cdf(self, y: np.ndarray) -> np.ndarray:
        known = self.quantiles
        upper = (known[..., None, :] < y[..., None]).sum(-1)
        outside = (y < known[..., :1]) | (y > known[..., -1:])
        above = np.clip(upper, min(1, len(self.levels) - 1), len(self.levels) - 1)
        below = np.maximum(above - 1, 0)
        start, stop = (np.take_along_axis(known, each, -1) for each in (below, above))
        gap = np.where(stop > start, stop - start, 1.0)
        share = np.where(stop > start, (y - start) / gap, 1.0)
        found = self.levels[below] + share * (self.levels[above] - self.levels[below])
        return np.where(outside, np.nan, found)


def distribution_of(mixture: Mixture, is_column: bool) -> PredictiveDistribution:
    """Return what members predict, of a loss that has quantiles at least."""
    loss: Any = mixture.loss
    if hasattr(loss, "cdf"):
        return MemberDistribution(is_column, mixture)
    levels = torch.tensor(loss.quantiles, dtype=torch.float64)
    quantiles = mixture.quantiles(levels).numpy()
    return QuantileDistribution(is_column, levels.numpy(), quantiles, loss.label)
