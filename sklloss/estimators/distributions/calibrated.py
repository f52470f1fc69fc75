"""Distributions whose quantiles are corrected by rows that members have held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...parameters.refusals import count
from ..targets.calibration import Calibration
from ..targets.mixture import Mixture
from .of_members import MemberDistribution, QuantileDistribution
from .predictive import PredictiveDistribution

NO_DENSITY = (
    "calibrate=True corrects probabilities and quantiles by held-out rows, by which no density is"
    " determined. Use cdf, ppf or the scorer 'neg_crps', or set calibrate=False."
)


# Levels between which a calibrated cdf is interpolated, from 1e-9 to 1 - 1e-9.
TABLE = torch.linspace(-20.7, 20.7, 331, dtype=torch.float64).sigmoid()


@dataclass(frozen=True, repr=False, eq=False)
class CalibratedCounts(MemberDistribution):
    """The members' distribution, with its levels replaced by those that held-out rows reached.

    The quantile q is the one that a share q of held-out targets lay below. Mean and standard
    deviation are those of the members.

    Attributes
    ----------
    calibration : Calibration
        With the probabilities of at most the held-out targets.
    """

    calibration: Calibration

    @property
    def _of(self) -> str:
        n_rows = count(len(self.calibration.scores), "held-out row")
        return f"{super()._of}, calibrated by {n_rows}"

    def _lacks(self, name: str) -> str:
        return NO_DENSITY if name in ("pdf", "pmf", "log_likelihood") else super()._lacks(name)

    def _cdf(self, y: np.ndarray) -> np.ndarray:
        return self.calibration.shares_below(super()._cdf(y), 0, 1)

    def _ppf(self, levels: np.ndarray) -> np.ndarray:
        reached = self.calibration.quantiles(levels)
        return super()._ppf_at(np.broadcast_to(reached, (*self._shape, len(levels))).copy())

    def _ppf_at(self, levels: np.ndarray) -> np.ndarray:
        return super()._ppf_at(self.calibration.inner_quantiles(levels, 0, 1))


@dataclass(frozen=True, repr=False, eq=False)
class CalibratedDistribution(CalibratedCounts):
    """The same of a density, with the medians of the members' quantiles.

    A single member has judged each held-out row, and the mean of several distributions is wider
    than each of them; medians also keep a member out that is much wider than the others.
    """

    def _cdf(self, y: np.ndarray) -> np.ndarray:
        table, values = self._table(), torch.from_numpy(y)
        upper = torch.searchsorted(table, values).clamp(1, len(TABLE) - 1)
        low, high = table.gather(-1, upper - 1), table.gather(-1, upper)
        share = ((values - low) / (high - low)).nan_to_num(1.0).clamp(0, 1)
        reached = torch.lerp(TABLE[upper - 1], TABLE[upper], share).numpy()
        beyond = np.where(y < table[..., :1].numpy(), 0.0, reached)
        return self.calibration.shares_below(beyond, 0, 1)

    def _ppf(self, levels: np.ndarray) -> np.ndarray:
        reached = self.calibration.quantiles(levels).clip(float(TABLE[0]), float(TABLE[-1]))
        return self.mixture.median_quantiles(torch.from_numpy(reached)).numpy()

    def _ppf_at(self, levels: np.ndarray) -> np.ndarray:
        reached = torch.from_numpy(self.calibration.inner_quantiles(levels, 0, 1))
        table, reached = self._table(), reached.clamp(float(TABLE[0]), float(TABLE[-1]))
        upper = torch.searchsorted(TABLE, reached).clamp(1, len(TABLE) - 1)
        share = (reached - TABLE[upper - 1]) / (TABLE[upper] - TABLE[upper - 1])
        return torch.lerp(table.gather(-1, upper - 1), table.gather(-1, upper), share).numpy()

    def _table(self) -> Tensor:
        """Return quantiles at the levels of TABLE, (n_samples, n_targets, n_levels)."""
        return self.mixture.median_quantiles(TABLE.expand(self._shape[1], -1)).contiguous()


@dataclass(frozen=True, repr=False, eq=False)
class ResidualDistribution(PredictiveDistribution):
    """A prediction, and around it the residuals of held-out rows.

    It is as wide for every row. Quantiles and probabilities keep to the domain of the loss; mean,
    standard deviation and CRPS are of prediction plus residual, wherever that lies.

    Attributes
    ----------
    point : ndarray of shape (n_samples, n_targets)
        The prediction.
    calibration : Calibration
        With the residuals, y less prediction.
    low, high : float
        The ends of the loss's domain.
    """

    point: np.ndarray
    calibration: Calibration
    low: float
    high: float

    @property
    def _shape(self) -> tuple[int, int]:
        n_samples, n_targets = self.point.shape
        return n_samples, n_targets

    @property
    def _of(self) -> str:
        return f"residuals of {count(len(self.calibration.scores), 'held-out row')}"

    def _lacks(self, name: str) -> str:
        return NO_DENSITY if name in ("pdf", "pmf", "log_likelihood") else super()._lacks(name)

    def _cdf(self, y: np.ndarray) -> np.ndarray:
        found = np.empty(y.shape)
        for target in range(y.shape[1]):
            residuals, weight = self.calibration.in_order(target)
            shares = np.r_[0.0, weight.cumsum() / weight.sum()]
            away = y[:, target] - self.point[:, target, None]
            found[:, target] = shares[np.searchsorted(residuals, away, side="right")]
        return np.where(y < self.low, 0.0, np.where(y >= self.high, 1.0, found))

    def _ppf(self, levels: np.ndarray) -> np.ndarray:
        found = self.point[..., None] + self.calibration.quantiles(levels)
        return np.clip(found, self.low, self.high)

    def _ppf_at(self, levels: np.ndarray) -> np.ndarray:
        found = np.empty(levels.shape)
        for target in range(levels.shape[1]):
            residuals, weight = self.calibration.in_order(target)
            shares = weight.cumsum() / weight.sum()
            place = np.searchsorted(shares, levels[:, target]).clip(max=len(residuals) - 1)
            found[:, target] = residuals[place]
        return np.clip(found + self.point[..., None], self.low, self.high)

    def _knots(self) -> np.ndarray:
        levels = np.broadcast_to(np.linspace(0, 1, 41), (*self._shape, 41))
        return self._ppf_at(levels)

    def _mean(self) -> np.ndarray:
        scores, weight = self.calibration.scores[..., 0], self.calibration.weight
        return self.point + np.average(scores, axis=0, weights=weight)

    def _std(self) -> np.ndarray:
        scores, weight = self.calibration.scores[..., 0], self.calibration.weight
        away = scores - np.average(scores, axis=0, weights=weight)
        std = np.sqrt(np.average(away**2, axis=0, weights=weight))
        return np.broadcast_to(std, self._shape).copy()

    def _crps(self, y: np.ndarray) -> np.ndarray:
        """Return E|x - y| - ½ E|x - x'|, by sums over the residuals in order."""
        found = np.empty(y.shape)
        for target in range(y.shape[1]):
            residuals, weight = self.calibration.in_order(target)
            share = weight / weight.sum()
            below, sums = np.r_[0.0, share.cumsum()], np.r_[0.0, (share * residuals).cumsum()]
            away = y[:, target] - self.point[:, target]
            place = np.searchsorted(residuals, away)
            distance = away * (2 * below[place] - 1) + sums[-1] - 2 * sums[place]
            apart = share @ (residuals * (below[1:] + below[:-1] - 1))
            found[:, target] = distance - apart
        return found


def calibrated(
    mixture: Mixture, calibration: Calibration, is_column: bool
) -> PredictiveDistribution:
    """Return what members predict, corrected by held-out rows."""
    loss = mixture.loss
    if hasattr(loss, "cdf"):
        kind = CalibratedCounts if loss.is_discrete else CalibratedDistribution
        return kind(is_column, mixture, calibration)
    if not hasattr(loss, "predict_quantiles"):
        domain, points = loss.y_domain, mixture.points().numpy()
        return ResidualDistribution(is_column, points, calibration, domain.low, domain.high)
    levels = np.array(loss.quantiles)
    corrections = [calibration.quantiles(levels[i : i + 1], i) for i in range(len(levels))]
    quantiles = mixture.quantiles(torch.from_numpy(levels)).numpy()
    corrected = np.sort(quantiles + np.concatenate(corrections, -1), -1)
    return QuantileDistribution(is_column, levels, corrected, loss.label)
