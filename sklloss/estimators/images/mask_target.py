"""Masks as a target: the class of every pixel, and answers as images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...losses.base import State
from ...modules.images.per_pixel import PerPixel
from ...training import BatchChange
from ..inputs.data import FitData
from ..inputs.missing import check_labels
from ..inputs.sample import Sample
from ..targets.answers import Answer
from ..targets.base import Encoded, Head, Start
from ..targets.class_weights import factors_of_classes
from ..targets.labels import Classes, LearnedLabels
from .masks import flat_masks, stacked_masks
from .places import MaskPlaces, with_places

# Numbers of what is predicted at once.
NUMBERS_AT_ONCE = 2**24


class OnGrid(nn.Module):
    """Numbers per pixel as images.

    From (n_samples, height * width, n_numbers) to (n_samples, n_numbers, height, width); one number
    per pixel gives (n_samples, height, width).
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.grid = (height, width)

    def forward(self, values: Tensor) -> Tensor:
        """Put the pixels where they belong."""
        images = values.mT.unflatten(-1, self.grid)
        return images.squeeze(1) if values.shape[-1] == 1 else images


class ChosenOnGrid(OnGrid):
    """Scores per pixel to images of the class index that they choose."""

    def forward(self, scores: Tensor) -> Tensor:
        """Return the argmax, or whether the only score is above 0, (n_samples, height, width)."""
        single = scores.shape[-1] == 1
        index = (scores.squeeze(-1) > 0).long() if single else scores.argmax(-1)
        return index.unflatten(-1, self.grid)


@dataclass(frozen=True)
class LearnedMasks(LearnedLabels):
    """What a fit learns of masks: the labels of pixels, and the size of the images."""

    grid: tuple[int, ...] = (0, 0)


@dataclass(frozen=True)
class Masks(Classes):
    """One label per pixel: what `NeuralSegmenter` takes."""

    def opened(self, data: FitData, before: Any) -> FitData:
        """Stack a list of masks, before images are looked at."""
        return super().opened(replace(data, y=stacked_masks(data.y)), before)

    def y_options(self, data: FitData) -> dict[str, Any]:
        """One row per image, one column per pixel."""
        masks = flat_masks(data.y, data.X.shape[2:])
        check_labels(masks)
        return {"y": masks, "multi_output": True, "y_numeric": False}

    def identity(self, loss: Any) -> tuple[Any, ...]:
        """Nothing: the classes of pixels are sorted for every loss."""
        return ()

    def encode(
        self, y: Any, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return class indices, (n_samples, height * width)."""
        learned = before
        if before is None:
            classes = np.unique(y if data.named.classes is None else data.named.classes)
            learned = LearnedMasks(classes, np.arange(len(classes)), grid=shape[1:])
        if len(learned.classes) < 2:
            raise ValueError(
                f"NeuralSegmenter needs at least two classes; all {y.size} pixels of y have the"
                f" class {learned.classes.tolist()[0]!r}. Give masks that have another class, too."
            )
        return Encoded(learned.indices(y), learned)

    def check_suits(self, loss: Any, sample: Sample, learned: Any, network: Any) -> None:
        """Raise if a loss has no value per pixel or image."""
        if loss.whole_batch:
            raise ValueError(
                f"Loss {loss.label!r} has a value per batch, but none per pixel or image. Its twin"
                " for images is 'dice'; 'cross_entropy' and 'focal' are losses of pixels."
            )

    def start(
        self,
        loss: Any,
        sample: Sample,
        targets: Tensor,
        learned: Any,
        dtype: torch.dtype,
        weighted: bool,
    ) -> Start:
        """Return what a loss learns from pixels, each a row with the weight of its image."""
        image_weight = torch.from_numpy(sample.row_weight).to(targets.device, dtype)
        weights = image_weight.repeat_interleave(targets.shape[1])
        pixels = targets.reshape(-1, 1)
        factors = self._factors(sample, learned).to(targets.device, dtype)
        weighed = weights * factors[pixels[:, 0]]
        of_classes = weights if loss.balances else weighed
        state: State = loss.prepare(pixels, of_classes, learned.n_classes)
        n_outputs = loss.n_outputs(learned.n_classes, False)
        self.check_values(loss, targets, state, n_outputs, dtype, weighted)
        baseline = loss.baseline(pixels, weighed, state)
        if self.class_weight is not None:
            state["weight_by_class"] = factors.reshape(1, 1, -1)
        return Start(loss, state, baseline)

    def batch_change(
        self, of_rows: BatchChange | None, learned: Any, scaler: Any
    ) -> BatchChange | None:
        """Let a function of images and masks change both."""
        return with_places(of_rows, MaskPlaces(learned.grid, learned.n_classes))

    def _factors(self, sample: Sample, learned: Any) -> Tensor:
        """Return the weight of each class, (n_classes,), so that the mean over all pixels is 1."""
        y, weights = sample.y.ravel(), np.repeat(sample.row_weight, sample.y.shape[1])
        factors = factors_of_classes(self.class_weight, y, weights, learned.classes)
        mass = np.bincount(y, weights, len(factors))
        return torch.from_numpy(factors * mass.sum() / (factors * mass).sum())

    # ------------------------------------------------------------------ networks

    def head(self, start: Start, learned: Any, is_built_in: bool) -> Head:
        """Return the numbers of all pixels for a built-in network, of one pixel for another."""
        n_outputs, (height, width) = start.baseline.shape[-1], learned.grid
        n_pixels = height * width
        per_pixel = [n_outputs, 2] if n_outputs == 1 and learned.n_classes == 2 else [n_outputs]
        allowed = tuple(n * n_pixels for n in per_pixel)
        what = f"{n_outputs} x {height} x {width} (classes x height x width)"
        built = allowed[0] if is_built_in else n_outputs
        return Head(built, allowed, f"{start.loss.label} for {what}")

    def raw_shape(self, learned: Any) -> tuple[int, int]:
        """Return pixels, and numbers of each."""
        return prod(learned.grid), -1

    def wrapped(self, network: nn.Module, is_built_in: bool) -> nn.Module:
        """Put the numbers of a pixel side by side."""
        return network if is_built_in else PerPixel(network)

    # ------------------------------------------------------------------ answers

    def answers(self, loss: Any, learned: Any, scaler: Any, n_members: int) -> dict[str, Answer]:
        """Return labels, scores and probabilities as images."""
        shown, index = OnGrid(*learned.grid), ChosenOnGrid(*learned.grid)
        return self.scores(loss, learned, n_members, shown, index)

    def rows_at_once(self, learned: Any) -> int:
        """Return as many images as have a bounded number of scores."""
        return max(1, NUMBERS_AT_ONCE // (prod(learned.grid) * learned.n_classes))

    def tag(self, tags: Any, loss: Any) -> None:
        """Several columns, one per pixel."""
        tags.target_tags.required = tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
