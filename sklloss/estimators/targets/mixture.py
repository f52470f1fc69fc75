"""The distribution that several members predict together: the mean of their cdfs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...losses.base import State
from ...training import LossNet, TargetScaler

# Rows whose quantiles are searched at once, so that their temporaries stay in cache.
ROWS_AT_ONCE = 4096

# Halvings of the interval between the members' quantiles.
HALVINGS = 45


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

    def quantiles(self, levels: Tensor) -> Tensor:
        """Return quantiles, (n_samples, n_targets, n_levels), in units of y.

        Of a loss that has quantiles but no distribution they are the members' means.
        """
        pieces = [
            self._part(start)._quantiles(levels)
            for start in range(0, max(self.raw[0].shape[1], 1), ROWS_AT_ONCE)
        ]
        return torch.cat(pieces)

    def std(self) -> Tensor:
        """Return the standard deviation, (n_samples, n_targets), in units of y."""
        of_members = zip(self.raw, self.states, strict=True)
        both = [(self.loss.predict_std(*m), self.loss.inverse_link(*m)) for m in of_members]
        std, mean = (torch.cat([pair[i] for pair in both]) for i in (0, 1))
        std, mean = std * self._scale, mean * self._scale + self._centre
        if len(self.raw) == 1:
            return std[0]
        return (std.square().mean(0) + mean.var(0, correction=0)).sqrt()

    @property
    def _scale(self) -> Tensor:
        return torch.from_numpy(self.scaler.scale)

    @property
    def _centre(self) -> Tensor:
        return torch.from_numpy(self.scaler.centre)

    def _part(self, start: int) -> Mixture:
        raw = [each[:, start : start + ROWS_AT_ONCE] for each in self.raw]
        return Mixture(self.loss, raw, self.states, self.scaler)

    def _quantiles(self, levels: Tensor) -> Tensor:
        """Return quantiles, between the least and the greatest of the members'."""
        of_members = zip(self.raw, self.states, strict=True)
        known = [self.loss.predict_quantiles(raw, levels, state) for raw, state in of_members]
        found = torch.cat(known) * self._scale[..., None] + self._centre[..., None]
        if len(found) == 1 or not hasattr(self.loss, "cdf"):
            return found.mean(0)
        low, high = found.amin(0), found.amax(0)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            is_enough = self._cdf(middle) >= levels
            low, high = torch.where(is_enough, low, middle), torch.where(is_enough, middle, high)
        # Between neighbouring quantiles of counts the upper one is approached from above.
        return torch.where((found == found.round()).all(0), high.round(), high)

    def _cdf(self, y: Tensor) -> Tensor:
        """Return the mean probability of at most y, (n_samples, n_targets, n_values)."""
        scaled = (y[None] - self._centre[..., None]) / self._scale[..., None]
        given = zip(self.raw, scaled.expand(len(self.raw), *y.shape), self.states, strict=True)
        return torch.cat([self.loss.cdf(raw, own[None], state) for raw, own, state in given]).mean(
            0
        )
