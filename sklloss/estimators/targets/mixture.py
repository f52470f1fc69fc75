"""The distribution that several members predict together: the mean of their cdfs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...losses.base import State
from ...training import LossNet, TargetScaler

# Rows whose quantiles are searched at once, so that their temporaries stay in cache.
ROWS_AT_ONCE = 4096

# Halvings of the interval between the members' quantiles.
HALVINGS = 45

# Levels between which those of single rows are searched, from 1e-9 to 1 - 1e-9.
GRID = torch.linspace(-20.7, 20.7, 47, dtype=torch.float64).sigmoid()


@dataclass(frozen=True)
class Mixture:
    """What the members predict of some rows.

    Attributes
    ----------
    loss : RegressionLoss
        One with ``predict_quantiles``.
    raw : list of Tensor of shape (1, n_samples, n_targets, n_outputs)
        Of each member.
    states : list of State
    scaler : TargetScaler
        Of the members, stacked.
    """

    loss: Any
    raw: list[Tensor]
    states: list[State]
    scaler: TargetScaler

    @classmethod
    def of(cls, loss: Any, nets: Sequence[LossNet], scaled: Any, scaler: Any) -> Mixture:
        """Let the members predict rows that are scaled for them."""
        with torch.no_grad():
            raw = [net.raw(scaled).double().cpu() for net in nets]
        states = [loss.readable(net.criterion_.state) for net in nets]
        wide = [State({k: v.cpu().double() for k, v in state.items()}) for state in states]
        return cls(loss, raw, wide, scaler)

    @property
    def n_rows(self) -> int:
        """How many rows are predicted."""
        return self.raw[0].shape[1]

    def points(self) -> Tensor:
        """Return the mean of the members' predictions, (n_samples, n_targets)."""
        of_members = zip(self.raw, self.states, strict=True)
        found = torch.cat([self.loss.predict(*each) for each in of_members])
        return (found * self._scale + self._centre).mean(0)

    def quantiles(self, levels: Tensor) -> Tensor:
        """Return quantiles, (n_samples, n_targets, n_levels), in units of y.

        Of a loss that has quantiles but no distribution they are the members' means.
        """
        return torch.cat([part._quantiles(levels) for _, part in self._parts()])

    def quantiles_at(self, levels: Tensor) -> Tensor:
        """Return quantiles at levels of each row and target, (n_samples, n_targets, n_levels)."""
        return self._by_part(Mixture._quantiles_at, levels)

    def median_quantiles(self, levels: Tensor) -> Tensor:
        """Return the medians of the members' quantiles, (n_samples, n_targets, n_levels).

        Levels are of each target, (n_targets, n_levels).
        """
        pieces = []
        for _, part in self._parts():
            of_targets = [part._of_members(own)[:, :, j] for j, own in enumerate(levels)]
            ordered = torch.stack(of_targets, 2).sort(0).values
            last = len(ordered) - 1
            pieces.append((ordered[last // 2] + ordered[(last + 1) // 2]) / 2)
        return torch.cat(pieces)

    def spread(self, levels: Tensor) -> Tensor:
        """Return values that the distribution spreads over, (n_samples, n_targets, n_levels).

        They increase from the least to the greatest of the members' quantiles at these levels, and
        lie as densely as the distribution.
        """
        found = self._of_members(levels).movedim(0, -1).flatten(-2).sort(-1).values
        last = found.shape[-1] - 1
        return found[..., torch.linspace(0, last, len(levels)).round().long()]

    def cdf(self, y: Tensor) -> Tensor:
        """Return the probability of at most y, (n_samples, n_targets, n_values)."""
        return self._by_part(Mixture._cdf, y)

    def log_density(self, y: Tensor) -> Tensor:
        """Return the log of the density, or of probabilities, (n_samples, n_targets, n_values)."""
        return self._by_part(Mixture._log_density, y)

    def mean(self) -> Tensor:
        """Return the mean, (n_samples, n_targets), in units of y."""
        return self._means().mean(0)

    def std(self) -> Tensor:
        """Return the standard deviation, (n_samples, n_targets), in units of y."""
        of_members = zip(self.raw, self.states, strict=True)
        std = torch.cat([self.loss.predict_std(*each) for each in of_members]) * self._scale
        if len(self.raw) == 1:
            return std[0]
        return (std.square().mean(0) + self._means().var(0, correction=0)).sqrt()

    def _means(self) -> Tensor:
        of_members = zip(self.raw, self.states, strict=True)
        mean = torch.cat([self.loss.predict_mean(*each) for each in of_members])
        return mean * self._scale + self._centre

    @property
    def _scale(self) -> Tensor:
        return torch.from_numpy(self.scaler.scale)

    @property
    def _centre(self) -> Tensor:
        return torch.from_numpy(self.scaler.centre)

    def _parts(self) -> Iterator[tuple[slice, Mixture]]:
        """Yield few rows at a time."""
        for start in range(0, max(self.n_rows, 1), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            raw = [each[:, rows] for each in self.raw]
            yield rows, Mixture(self.loss, raw, self.states, self.scaler)

    def _by_part(self, function: Callable[[Mixture, Tensor], Tensor], values: Tensor) -> Tensor:
        return torch.cat([function(part, values[rows]) for rows, part in self._parts()])

    def _of_members(self, levels: Tensor) -> Tensor:
        """Return the members' quantiles, (members, n_samples, n_targets, n_levels)."""
        of_members = zip(self.raw, self.states, strict=True)
        known = [self.loss.predict_quantiles(raw, levels, state) for raw, state in of_members]
        return torch.cat(known) * self._scale[..., None] + self._centre[..., None]

    def _quantiles(self, levels: Tensor) -> Tensor:
        """Return quantiles, between the least and the greatest of the members'."""
        found = self._of_members(levels)
        if len(found) == 1 or not hasattr(self.loss, "cdf"):
            return found.mean(0)
        high = self._searched(levels, found.amin(0), found.amax(0))
        # Between neighbouring quantiles of counts the upper one is approached from above.
        return torch.where((found == found.round()).all(0), high.round(), high)

    def _quantiles_at(self, levels: Tensor) -> Tensor:
        levels = levels.clamp(float(GRID[0]), float(GRID[-1]))
        found = self._of_members(GRID)
        upper = torch.searchsorted(GRID, levels).clamp(1, len(GRID) - 1)
        low, high = (found.amin(0).gather(-1, upper - 1), found.amax(0).gather(-1, upper))
        # The least count may be the quantile, and is approached from below.
        low = low - 1 if self.loss.is_discrete else low
        high = self._searched(levels, low, high)
        return high.round() if self.loss.is_discrete else high

    def _searched(self, levels: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return the least values between two whose probability reaches the levels."""
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            is_enough = self._cdf(middle) >= levels
            low, high = torch.where(is_enough, low, middle), torch.where(is_enough, middle, high)
        return high

    def _cdf(self, y: Tensor) -> Tensor:
        given = zip(self.raw, self._scaled(y), self.states, strict=True)
        of_members = [self.loss.cdf(raw, own[None], state) for raw, own, state in given]
        return torch.cat(of_members).mean(0)

    def _log_density(self, y: Tensor) -> Tensor:
        scaled = self._scaled(y)
        inside = torch.from_numpy(self.loss.y_domain.inside(scaled.numpy()))
        if self.loss.is_discrete:
            inside &= scaled == scaled.round()
        safe = torch.where(inside, scaled, 1.0)  # a value of every domain
        given = zip(self.raw, safe, self.states, strict=True)
        found = [self.loss.log_density(raw, own[None], state) for raw, own, state in given]
        known = torch.where(inside, torch.cat(found), -torch.inf)
        return (known - self._scale[..., None].log()).logsumexp(0) - np.log(len(self.raw))

    def _scaled(self, y: Tensor) -> Tensor:
        """Return y as each member sees it, (members, n_samples, n_targets, n_values)."""
        scaled = (y[None] - self._centre[..., None]) / self._scale[..., None]
        return scaled.expand(len(self.raw), *y.shape)
