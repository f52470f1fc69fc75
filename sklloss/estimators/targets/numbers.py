"""Targets that are numbers: how they are centred and scaled, and what is predicted of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import column_or_1d

from ...training import TargetScaler
from ..inputs.data import FitData
from ..inputs.floats import check_kind
from ..inputs.sample import Sample
from .answers import RAW, Answer
from .base import Encoded, LearnedTarget, Target
from .outputs import OnScaleOfY


@dataclass(frozen=True)
class LearnedNumbers(LearnedTarget):
    """What a fit learns of numbers.

    Attributes
    ----------
    n_targets : int
    is_column : bool
        Whether y was one column, so that predictions are.
    """

    n_targets: int
    is_column: bool


@dataclass(frozen=True)
class Scaled(Target):
    """Base of the targets that are numbers, centred and scaled as their loss allows.

    Attributes
    ----------
    scale_target : bool
    """

    scale_target: bool = True

    def check_suits(self, loss: Any, sample: Sample, learned: Any, network: Any) -> None:
        """Raise if a target lies outside the domain of the loss."""
        loss.check_y(sample.y)

    def scaling(self, loss: Any) -> str:
        """Return what the loss allows."""
        return loss.scaling if self.scale_target else "none"

    def scaler(self, sample: Sample, scaling: str, learned: Any) -> TargetScaler:
        """Return centre and scale of the rows that count."""
        return TargetScaler.fit(sample.y, sample.sample_weight, scaling)


@dataclass(frozen=True)
class Numbers(Scaled):
    """One number per row, or several: what `NeuralRegressor` takes."""

    held_out_answer: ClassVar[str | None] = "predict"

    def y_options(self, data: FitData) -> dict[str, Any]:
        """Numbers, of one column or several."""
        check_kind(data.y, "y")
        return {"y": data.y, "multi_output": True, "y_numeric": True}

    def encode(
        self, y: Any, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return float64 numbers, (n_samples, n_targets)."""
        is_column = y.ndim == 1 or y.shape[1] == 1
        y = column_or_1d(y, warn=True) if is_column else y
        values = np.array(y, dtype=np.float64).reshape(len(y), -1)
        if before is not None and values.shape[1] != before.n_targets:
            raise ValueError(
                f"y has {values.shape[1]} targets, and this estimator was trained with"
                f" {before.n_targets}. Give the same targets, or fit anew with warm_start=False."
            )
        return Encoded(values, LearnedNumbers(values.shape[1], is_column))

    def answers(self, loss: Any, learned: Any, scaler: Any, n_members: int) -> dict[str, Answer]:
        """Return the point that the loss elicits, and raw output."""
        return {"predict": point(loss, scaler, learned.is_column), "raw": RAW}

    def tag(self, tags: Any, loss: Any) -> None:
        """Positive where the loss has a bound; of several columns where it has none."""
        bounded = loss is not None and bool(np.isfinite(loss.y_domain.low))
        tags.target_tags.positive_only = bounded
        # Every loss takes several targets, but scikit-learn's check of them brings negative y
        # whatever positive_only says.
        tags.target_tags.multi_output = not bounded


def point(loss: Any, scaler: TargetScaler, is_column: bool) -> Answer:
    """Return the answer that predicts what a loss elicits: mean, median, quantile ..."""
    return Answer(loss.predict, OnScaleOfY(scaler, is_column), wide=True)
