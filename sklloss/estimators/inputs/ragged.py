"""What estimators have in common whose rows are of different lengths: utterances of frames, groups of rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...losses.base import Loss
from ...training import BatchChange, InputScaler, RaggedRows, TrainingSet, optimizer_spec, rows
from ..fit.estimator import NeuralEstimator
from ..fit.prepared import Shelf
from ..fit.sample import Sample

BATCH = 32  # sequences or groups per step, of batch_size="auto"


class RaggedEstimator(NeuralEstimator):
    """An estimator each of whose rows, as the engine has them, is a table of its own length."""

    def _joined(self, X: Any) -> tuple[Any, np.ndarray]:
        """Return the tables of all rows below each other, (n, n_features), and how long each is."""
        raise NotImplementedError

    def _learns_from_all_at_once(self, loss: Loss, sample: Sample, epochs: int | None) -> bool:
        return False  # tables are not looked through for equal ones

    def _features(self, sample: Sample, shelf: Shelf, first: bool) -> RaggedRows:
        def scale() -> tuple[InputScaler, RaggedRows]:
            if first:
                self._input_scaler = self._fit_input_scaler(sample)
            return self._input_scaler, self._ragged(*self._joined(sample.X))

        how = (self.scale_inputs, self._dtype, self._device(), first)
        key = ("ragged", *sample.identity_of_inputs, *how)
        self._input_scaler, features = shelf.once(key, scale, keep=sample.X)
        return features

    def _weighted_rows(self, sample: Sample) -> tuple[Any, np.ndarray]:
        table, lengths = self._joined(sample.X)
        return table, np.repeat(sample.sample_weight, lengths)

    def _ragged(self, table: Any, lengths: np.ndarray) -> RaggedRows:
        """Return tables scaled, as rows for the engine."""
        scaled = self._input_scaler.transform(table, self._dtype)
        on_device = torch.from_numpy(lengths).to(self._device())
        return RaggedRows(rows(scaled, self._dtype, self._device()), on_device)

    def _batch_change(self, data: TrainingSet) -> BatchChange | None:
        return None

    def _batch_size(self, n_rows: int) -> int:
        is_free = self.batch_size == "auto" and not optimizer_spec(self.optimizer).full_batch
        return min(n_rows, BATCH) if is_free else super()._batch_size(n_rows)
