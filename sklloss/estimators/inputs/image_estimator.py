"""What estimators have in common whose X are images, whatever the network."""

from __future__ import annotations

from typing import Any

from ...training import optimizer_spec
from ..fit.estimator import NeuralEstimator
from .inputs import KINDS, Inputs

BATCH = 32  # images per step, of batch_size="auto"


class ImageEstimator(NeuralEstimator):
    """An estimator whose X are images, also for a network of one's own."""

    @property
    def _inputs(self) -> Inputs:
        return KINDS["images"]

    @property
    def _grid(self) -> tuple[int, ...]:
        """Height and width of the images seen in fit."""
        return self._input_shape[1:]

    def _batch_size(self, n_rows: int) -> int:
        is_free = self.batch_size == "auto" and not optimizer_spec(self.optimizer).full_batch
        return min(n_rows, BATCH) if is_free else super()._batch_size(n_rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
