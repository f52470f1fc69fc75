"""Targets that are numbers: how they are centred and scaled for training."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...training import TargetScaler
from ..fit.estimator import NeuralEstimator
from ..fit.sample import Sample


class ScaledTargets(NeuralEstimator):
    """An estimator whose targets are numbers, which it centres and scales as its loss allows."""

    _target_scaler: TargetScaler

    def _check_suits(self, loss: Any, sample: Sample) -> None:
        loss.check_y(sample.y)

    def _scaling_of(self, loss: Any) -> str:
        return loss.scaling if self.scale_target else "none"

    def _scale_targets(self, sample: Sample, scaling: str, first: bool) -> np.ndarray:
        if first:
            self._target_scaler = self._fit_target_scaler(sample, scaling)
        return self._target_scaler.transform(sample.y)

    def _fit_target_scaler(self, sample: Sample, scaling: str) -> TargetScaler:
        return TargetScaler.fit(sample.y, sample.sample_weight, scaling)
