"""Losses with one value per row, however many targets a row has: an image's overlap, a box's, a sequence's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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


@dataclass(frozen=True)
class RaggedLoss(RowLoss):
    """Base of the losses of rows of different lengths, whose raw output is as long as the longest row of a batch.

    Attributes
    ----------
    shapes : tuple of two str
        Those of raw and y, for messages.
    """

    shapes: ClassVar[tuple[str, str]]

    def check_shapes(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> None:
        """Refuse shapes that do not fit each other exactly."""
        if raw.shape[:-2] != y.shape[:-1] or sample_weight.shape != y.shape[:-1]:
            of_raw, of_y = self.shapes
            raise ValueError(
                f"{self.label} needs raw of shape {of_raw}, y of shape {of_y} and sample_weight of shape {of_y.rpartition(',')[0]});"
                f" got {tuple(raw.shape)}, {tuple(y.shape)} and {tuple(sample_weight.shape)}. Add or drop an axis."
            )
