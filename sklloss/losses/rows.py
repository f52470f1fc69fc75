"""Losses with one value per row, however many targets a row has: an image's overlap, a box's."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .base import Loss, State
from .weighted import row_sums


@dataclass(frozen=True)
class RowLoss(Loss):
    """Base of the losses of a whole row of targets, to be named before the base of the task.

    A subclass defines ``of_row(raw, y, state)``, shape (*models, n_samples).  Every target of a row carries the row's loss, so that
    the mean over targets is the row's loss and weights of rows count as everywhere.
    """

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the loss of every row, shape (*models, n_samples)."""
        raise NotImplementedError(f"{type(self).__name__} needs a method of_row(raw, y, state).")

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the row's loss for each of its targets, shape (*models, n_samples, n_targets)."""
        return self.of_row(raw, y, state).unsqueeze(-1).expand(y.shape)

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the sum over rows of weight times loss, shape (*models,)."""
        return row_sums(self.of_row(raw, y, state) * sample_weight)
