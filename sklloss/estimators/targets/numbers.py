"""Targets that are numbers: how they are centred and scaled, and what is predicted of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import column_or_1d

from ...modules import MLP
from ...training import TargetScaler, TrainingSet
from ..inputs.data import FitData
from ..inputs.floats import check_kind
from ..inputs.missing import check_none_missing
from ..inputs.sample import Sample
from .answers import RAW, Answer
from .base import Encoded, LearnedTarget, Start, Target
from .calibration import Calibration
from .outputs import OnScaleOfY

# Raw output is multiplied where its standard deviation has to be smaller.
NARROW = 0.1
# Below this standard deviation, losses differ by less than float32 tells apart.
NARROWEST = 0.01


@dataclass(frozen=True)
class LearnedNumbers(LearnedTarget):
    """What a fit learns of numbers.

    Attributes
    ----------
    n_targets : int
    is_column : bool
        Whether y was one column, so that predictions are.
    calibration : Calibration or None
        How held-out targets stand to what is predicted of them, None where nobody asked, or where
        no rows were held out.
    """

    n_targets: int
    is_column: bool
    calibration: Calibration | None = None


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
    """One number per row, or several: what `NeuralRegressor` takes.

    Attributes
    ----------
    calibrate : bool
    """

    held_out_answer: ClassVar[str | None] = "predict"
    calibrate: bool = False

    @property
    def calibrates(self) -> bool:
        """Whether quantiles are corrected by held-out rows."""
        return bool(self.calibrate)

    def calibrated(self, learned: Any, calibration: Calibration) -> Any:
        """Return what was learned, with how held-out targets stand to predictions."""
        return replace(learned, calibration=calibration)

    def y_options(self, data: FitData) -> dict[str, Any]:
        """Numbers, of one column or several."""
        check_kind(data.y, "y")
        check_none_missing(data.y)
        return {"y": data.y, "multi_output": True, "y_numeric": True}

    def check_suits(self, loss: Any, sample: Sample, learned: Any, network: Any) -> None:
        """Raise outside the domain of the loss; warn of a column of zeros under a log link."""
        super().check_suits(loss, sample, learned, network)
        if not np.isfinite(loss.link(sample.y)).any(0).all():
            warnings.warn(
                f"y is 0 in all {len(sample.y)} rows, or in a column of several: the best prediction"
                f" of loss {loss.label!r} is 0, whose logarithm is infinite, so the network only"
                " comes near it and has nothing else to learn. Check y.",
                stacklevel=2,
            )

    def encode(
        self, y: Any, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return float64 numbers, (n_samples, n_targets)."""
        is_column = y.ndim == 1 or y.shape[1] == 1
        y = column_or_1d(y, warn=True) if is_column and y.ndim > 1 else y
        values = np.array(y, dtype=np.float64).reshape(len(y), -1)
        if before is not None and values.shape[1] != before.n_targets:
            raise ValueError(
                f"y has {values.shape[1]} targets, but this estimator was trained with"
                f" {before.n_targets}. Give the same targets, or fit again with warm_start=False."
            )
        return Encoded(values, LearnedNumbers(values.shape[1], is_column))

    def needs_float64(self, loss: Any, sample: Sample) -> bool:
        """Return whether targets that are not centred vary by less than a hundredth."""
        scaling = self.scaling(loss)
        if scaling not in ("scale", "none"):
            return False
        scaler = TargetScaler.fit(sample.y, sample.sample_weight, scaling)
        y = scaler.transform(sample.y)
        return NARROW * output_scale(loss, y, sample.sample_weight) < NARROWEST

    def begin(self, module: Any, start: Start, data: TrainingSet) -> None:
        """Start at the best constant, in steps that suit how far raw output has to vary."""
        if isinstance(module, MLP):
            y, weights = data.y[data.train], data.sample_weight[data.train]
            module.output_scale = output_scale(start.loss, y.cpu().numpy(), weights.cpu().numpy())
        super().begin(module, start, data)

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


def output_scale(loss: Any, y: np.ndarray, sample_weight: np.ndarray) -> float:
    """Return by what a network multiplies its output, at most 1.

    Optimisers take steps of one size, whatever is to be learned. Where a loss does not let y be
    centred, as those with a log link, raw output may vary by far less than 1.
    """
    raw = loss.link(y)
    if not np.isfinite(raw).all():
        return 1.0
    centred = raw - np.average(raw, axis=0, weights=sample_weight)
    spread = np.sqrt(np.average(centred**2, axis=0, weights=sample_weight)).max()
    return min(1.0, float(spread) / NARROW) if spread > 0 else 1.0


def point(loss: Any, scaler: TargetScaler, is_column: bool) -> Answer:
    """Return the answer that predicts what a loss elicits: mean, median, quantile ..."""
    return Answer(loss.predict, OnScaleOfY(scaler, is_column), wide=True)
