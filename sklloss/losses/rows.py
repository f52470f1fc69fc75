"""Losses with one value per row, however many targets it has: of an image, a box, a sequence."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from .base import Loss, State
from .weighted import row_sums


class RowLoss(Loss):
    """Base of the losses of a whole row of targets; list it before the base of the task.

    A subclass defines ``of_row(raw, y, state)``, shape (..., n_samples). Every target of a row
    carries the loss of the row, so that the mean over targets is the loss of the row and row
    weights count as usual.
    """

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the loss of every row, shape (..., n_samples)."""
        raise self._lacking("of_row(raw, y, state)")

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the loss of the row for each of its targets, (..., n_samples, n_targets)."""
        return self.of_row(raw, y, state).unsqueeze(-1).expand(y.shape)

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the weighted sum over rows of the loss, shape (n_models,)."""
        return row_sums(self.of_row(raw, y, state) * sample_weight)


class RaggedLoss(RowLoss):
    """Base of the losses of rows of different lengths.

    Raw output is as long as the longest row of a batch.

    Attributes
    ----------
    shapes : tuple of two str
        Shapes of raw and y, for messages.
    """

    shapes: ClassVar[tuple[str, str]]

    def check_shapes(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> None:
        """Raise a ValueError if the shapes do not fit each other exactly."""
        if raw.shape[:-2] != y.shape[:-1] or sample_weight.shape != y.shape[:-1]:
            of_raw, of_y = self.shapes
            raise ValueError(
                f"{self.label} needs raw of shape {of_raw}, y of shape {of_y} and sample_weight of"
                f" shape {of_y.rpartition(',')[0]}); got {tuple(raw.shape)}, {tuple(y.shape)} and"
                f" {tuple(sample_weight.shape)}. Add or drop an axis."
            )
