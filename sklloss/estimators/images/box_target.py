"""Boxes as a target: corners in pixels, scaled by the image or by corner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...losses.images.boxes import in_order
from ...training import BatchChange, TargetScaler
from ..inputs.data import FitData
from ..inputs.missing import check_labels
from ..inputs.sample import Sample
from ..targets.answers import RAW, Answer
from ..targets.base import Encoded, LearnedTarget
from ..targets.numbers import Scaled
from ..targets.outputs import OnScaleOfY
from .boxes import check_given, check_inside, checked_boxes
from .places import BoxPlaces, with_places


class BoxesInside(nn.Module):
    """Four numbers per row as corners in order, cut to an image, (n_samples, 4)."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.register_buffer("end", torch.tensor([width, height] * 2, dtype=torch.float64))

    def forward(self, corners: Tensor) -> Tensor:
        """Order the corners, and cut the box."""
        end = self.get_buffer("end").to(corners.dtype)
        return torch.minimum(in_order(corners).clamp(min=0), end)


@dataclass(frozen=True)
class LearnedBoxes(LearnedTarget):
    """What a fit learns of boxes: height and width of the images."""

    grid: tuple[int, ...]


@dataclass(frozen=True)
class Boxes(Scaled):
    """One box per image: what `NeuralBoxRegressor` takes."""

    def opened(self, data: FitData, before: Any) -> FitData:
        """Raise if there are no boxes, before images are looked at."""
        check_given(data.y)
        return data

    def y_options(self, data: FitData) -> dict[str, Any]:
        """Four numbers per image."""
        boxes = checked_boxes(data.y)
        check_labels(boxes)
        return {"y": boxes, "multi_output": True, "y_numeric": False}

    def encode(
        self, y: Any, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return corners as float64, (n_samples, 4)."""
        boxes, learned = np.array(y, dtype=np.float64), LearnedBoxes(shape[1:])
        check_inside(boxes, *learned.grid)
        return Encoded(boxes, learned)

    def scaling(self, loss: Any) -> str:
        """Return "image" for losses that compare boxes, else what the loss of corners allows."""
        is_by_image = self.scale_target and loss.task == "boxes"
        return "image" if is_by_image else super().scaling(loss)

    def scaler(self, sample: Sample, scaling: str, learned: Any) -> TargetScaler:
        """Return the longer side of the images as scale, or what is learned of each corner."""
        if scaling != "image":
            return super().scaler(sample, scaling, learned)
        return TargetScaler(np.zeros(4), np.full(4, float(max(learned.grid))))

    def batch_change(
        self, of_rows: BatchChange | None, learned: Any, scaler: Any
    ) -> BatchChange | None:
        """Let a function of images and boxes change both."""
        return with_places(of_rows, BoxPlaces(learned.grid, scaler))

    def network_params(self, module: Any, learned: Any, scaler: Any) -> Mapping[str, Any]:
        """Return for the locator half the longer side of the images, on the targets' scale."""
        if module != "locator":
            return {}
        return {"scale": (max(learned.grid) / 2 / scaler.scale).tolist()}

    def answers(self, loss: Any, learned: Any, scaler: Any, n_members: int) -> dict[str, Answer]:
        """Return boxes inside the image, and raw output."""
        boxes = nn.Sequential(OnScaleOfY(scaler, False), BoxesInside(*learned.grid))
        return {"predict": Answer(loss.predict, boxes, wide=True), "raw": RAW}

    def tag(self, tags: Any, loss: Any) -> None:
        """Four positive numbers."""
        target = tags.target_tags
        target.required = target.multi_output = target.positive_only = True
        target.single_output = False
