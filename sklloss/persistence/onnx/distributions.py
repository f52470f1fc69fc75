"""What several members predict of y, in operations that ONNX has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...estimators.distributions.calibrated import TABLE
from ...estimators.targets.calibration import Calibration
from ...estimators.targets.mixture import GRID, HALVINGS, Mixture
from ...losses import Adaptive, StudentTNLL
from ...losses.base import State
from ...losses.regression.barron import FINE, half_distribution
from .counts import count_quantiles
from .special import Table, asinh, student_share
from .traced import repeated

# Of the points of the distribution of barron's adaptive loss, every so many are kept.
EVERY = 20


@singledispatch
def share_below(loss: Any, raw: Tensor, y: Tensor, state: State) -> Tensor:
    """Return the probability of at most y, (models, n_samples, n_targets, n_values)."""
    return loss.cdf(raw, y, state)


@share_below.register
def _of_student(loss: StudentTNLL, raw: Tensor, y: Tensor, state: State) -> Tensor:
    location, scale = (each.unsqueeze(-1) for each in loss.location_and_scale(raw))
    return student_share((y - location) / scale, loss.df)


@share_below.register
def _of_adaptive(loss: Adaptive, raw: Tensor, y: Tensor, state: State) -> Tensor:
    alpha, scale = loss.shape_and_scale(state)  # (models, 1, targets)
    away = (y - raw) / scale.unsqueeze(-1)
    values, slopes = zip(*map(_half_of, alpha.flatten().tolist()), strict=True)
    table = Table(0.0, float(FINE[EVERY]), torch.stack(values), torch.stack(slopes))
    which = torch.arange(len(values)).reshape(*alpha.shape, 1)
    inside = table.at(asinh(away.abs() / (2 - alpha.unsqueeze(-1)).sqrt()), which)
    return 0.5 + 0.5 * away.sign() * inside


def _half_of(alpha: float) -> tuple[Tensor, Tensor]:
    """Return the share within sizes sqrt(2 - α) sinh(s), at equal steps of s, and its slope."""
    _, between = half_distribution(alpha)
    shares = torch.cat((torch.zeros(1, dtype=torch.float64), between.cumsum(0)))
    (slopes,) = torch.gradient(shares, spacing=float(FINE[1]))
    return shares[::EVERY].contiguous(), slopes[::EVERY].contiguous()


@dataclass(frozen=True)
class StackedMixture(Mixture):
    """The mixture of members whose raw output is one tensor, (members, n_samples, ...).

    ``raw`` and ``states`` hold one entry each, stacked along the axis of models.
    """

    @property
    def n_members(self) -> int:
        """How many members there are."""
        return self.raw[0].shape[0]

    def points(self) -> Tensor:
        """Return the mean of the members' predictions, (n_samples, n_targets)."""
        found = self.loss.predict(self.raw[0], self.states[0])
        return (found * self._scale + self._centre).mean(0)

    def std(self) -> Tensor:
        """Return the standard deviation, (n_samples, n_targets), in units of y."""
        std = self.loss.predict_std(self.raw[0], self.states[0]) * self._scale
        if self.n_members == 1:
            return std[0]
        means = self._means()
        away = means - means.mean(0)
        return ((std * std).mean(0) + (away * away).mean(0)).sqrt()

    def quantiles(self, levels: Tensor) -> Tensor:
        """Return quantiles at levels, (n_levels,) or (n_targets, n_levels)."""
        if self.loss.is_discrete:
            return count_quantiles(self.loss, self.raw[0], self.states[0], levels)
        return super().quantiles(levels)

    def quantiles_at(self, levels: Tensor) -> Tensor:
        """Return quantiles of counts at levels of each target, (n_targets, n_levels)."""
        return self.quantiles(levels.clamp(float(GRID[0]), float(GRID[-1])))

    def _parts(self) -> Iterator[tuple[slice, Mixture]]:
        yield slice(None), self

    def _searched(self, levels: Tensor, low: Tensor, high: Tensor) -> Tensor:
        def halved(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
            middle = (low + high) / 2
            is_enough = self._cdf(middle) >= levels
            return torch.where(is_enough, low, middle), torch.where(is_enough, middle, high)

        return repeated(HALVINGS, halved, low, high)[1]

    def _cdf(self, y: Tensor) -> Tensor:
        scaled = (y[None] - self._centre[..., None]) / self._scale[..., None]
        return share_below(self.loss, self.raw[0], scaled, self.states[0]).mean(0)


@dataclass(frozen=True)
class Distribution:
    """Quantiles, mean and standard deviation, as `predict_distribution` gives them.

    Attributes
    ----------
    mixture : StackedMixture
    calibration : Calibration or None
        None where quantiles are not corrected.
    """

    mixture: StackedMixture
    calibration: Calibration | None

    def quantiles(self, levels: np.ndarray) -> Tensor:
        """Return quantiles, (n_samples, n_targets, n_levels)."""
        loss, held = self.mixture.loss, self.calibration
        if not hasattr(loss, "predict_quantiles"):
            assert held is not None
            away = torch.from_numpy(held.quantiles(levels))
            found = self.mixture.points()[..., None] + away
            return found.clamp(loss.y_domain.low, loss.y_domain.high)
        if not hasattr(loss, "cdf"):
            return self._between(levels)
        if held is None:
            return self.mixture.quantiles(torch.from_numpy(levels))
        reached = torch.from_numpy(held.quantiles(levels))
        if loss.is_discrete:
            return self.mixture.quantiles_at(reached)
        return self.mixture.median_quantiles(reached.clamp(float(TABLE[0]), float(TABLE[-1])))

    def _between(self, levels: np.ndarray) -> Tensor:
        """Return quantiles between those that a loss has learned."""
        known = np.array(self.mixture.loss.quantiles)
        found = self.mixture.quantiles(torch.from_numpy(known))
        if self.calibration is not None:
            each = [self.calibration.quantiles(known[i : i + 1], i) for i in range(len(known))]
            found = (found + torch.from_numpy(np.concatenate(each, -1))).sort(-1).values
        place = np.interp(levels, known, np.arange(len(known)))
        lower = np.minimum(place.astype(int), max(len(known) - 2, 0))
        start = found[..., torch.from_numpy(lower)]
        stop = found[..., torch.from_numpy(np.minimum(lower + 1, len(known) - 1))]
        return start + torch.from_numpy(place - lower) * (stop - start)
