"""What rows that members hold out say of how far quantiles are off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...parameters.refusals import count
from .mixture import Mixture

# What ranks are rounded by, in rows.
SLACK = 1e-9


def scores_of(mixture: Mixture, y: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return how targets stand to what is predicted of them by those that have not seen them.

    Parameters
    ----------
    mixture : Mixture
        What is predicted of some rows.
    y : ndarray of shape (n_samples, n_targets)
    share : ndarray of shape (n_samples, n_targets)
        Uniform random numbers, which place a count between the probabilities of less and of at
        most it.

    Returns
    -------
    ndarray of shape (n_samples, n_targets, n_scores)
        Where the loss has a distribution, the probability of at most y; where it has quantiles,
        the distance of y from each; otherwise that from the prediction.
    """
    values = torch.from_numpy(y)[..., None]
    loss = mixture.loss
    if hasattr(loss, "cdf"):
        reached = mixture.cdf(values)
        if not loss.is_discrete:
            return reached.numpy()
        below = mixture.cdf(values.ceil() - 1)
        return (below + torch.from_numpy(share)[..., None] * (reached - below)).numpy()
    if hasattr(loss, "predict_quantiles"):
        levels = torch.tensor(loss.quantiles, dtype=torch.float64)
        return (values - mixture.quantiles(levels)).numpy()
    return (values - mixture.points()[..., None]).numpy()


@dataclass(frozen=True)
class Calibration:
    """Scores of held-out rows, whose quantiles correct those of the loss.

    Attributes
    ----------
    scores : ndarray of shape (n_samples, n_targets, n_scores)
        See `scores_of`.
    weight : ndarray of shape (n_samples,)
        How many rows each counts.
    """

    scores: np.ndarray
    weight: np.ndarray

    def quantiles(self, levels: np.ndarray, score: int = 0) -> np.ndarray:
        """Return conformal quantiles of scores, (n_targets, n_levels).

        Below level ½ they are at rank ⌊q (n + 1)⌋, from it on at rank ⌈q (n + 1)⌉, so that a new
        score is outside with no more than the probability asked for.

        Raises
        ------
        ValueError
            If a rank is outside 1 to n.
        """
        self._check_enough(levels)
        upper = np.maximum(levels, 1 - levels) * (self.n_rows + 1)
        rising = self._at(upper, score, 1)
        return np.where(levels < 0.5, -self._at(upper, score, -1), rising)

    def inner_quantiles(self, levels: np.ndarray, low: float, high: float) -> np.ndarray:
        """Return quantiles of scores between two ends, interpolated, in the shape of levels.

        Levels are (n_samples, n_targets, n_levels).
        """
        found = np.empty(levels.shape)
        for target in range(levels.shape[1]):
            values, shares = self._curve(target, low, high)
            found[:, target] = np.interp(levels[:, target], shares, values)
        return found

    def shares_below(self, scores: np.ndarray, low: float, high: float) -> np.ndarray:
        """Return the share of held-out scores below some, interpolated: the inverse of the above."""
        found = np.empty(scores.shape)
        for target in range(scores.shape[1]):
            values, shares = self._curve(target, low, high)
            found[:, target] = np.interp(scores[:, target], values, shares)
        return found

    def in_order(self, target: int, score: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of a target in increasing order, and their weights."""
        values = self.scores[:, target, score]
        order = np.argsort(values, kind="stable")
        return values[order], self.weight[order]

    @property
    def n_rows(self) -> float:
        """How many rows were held out, each counted by its weight."""
        return float(self.weight.sum())

    def _curve(self, target: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
        values, weight = self.in_order(target)
        shares = weight.cumsum() / (self.n_rows + 1)
        return np.r_[low, values, high], np.r_[0.0, shares, 1.0]

    def _at(self, ranks: np.ndarray, score: int, sign: int) -> np.ndarray:
        """Return the least of the scores, or of their negatives, whose rank reaches some."""
        values = sign * self.scores[..., score]
        order = np.argsort(values, axis=0, kind="stable")
        ranked = self.weight[order].cumsum(0)
        found = [np.searchsorted(column, ranks - SLACK) for column in ranked.T]
        place = np.minimum(np.array(found), len(values) - 1)
        return np.take_along_axis(np.take_along_axis(values, order, 0).T, place, 1)

    def _check_enough(self, levels: np.ndarray) -> None:
        outer = float(np.maximum(levels, 1 - levels).max())
        needed = int(np.ceil(outer / (1 - outer) - SLACK))
        if self.n_rows + SLACK < needed:
            level = levels[np.argmax(np.abs(levels - 0.5))]
            inside = self.n_rows / (self.n_rows + 1)
            raise ValueError(
                f"A calibrated quantile {level:g} needs at least {needed} held-out rows, and"
                f" {count(int(self.n_rows), 'row')} were held out, which do for quantiles from"
                f" {1 - inside:.3g} to {inside:.3g}, a coverage of {2 * inside - 1:.3g}. Ask for"
                " less, train on more rows, or set calibrate=False."
            )
