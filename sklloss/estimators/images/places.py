"""Changes of training images that move what is in them, together with their masks or boxes."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...losses.images.boxes import in_order, sides
from ...training import Augment, Batch, BatchChange, TargetScaler, in_shape_of, is_of_torchvision


class Places(ABC):
    """How a user's function sees the masks or boxes of a batch."""

    @abstractmethod
    def shown(self, y: Tensor) -> Tensor:
        """Return targets as masks or boxes, one per image."""

    @abstractmethod
    def tv_tensor(self, place: Tensor) -> Tensor:
        """Return the mask or box of one image as the tensor that torchvision's transforms know."""

    @abstractmethod
    def as_targets(self, changed: Tensor) -> tuple[Tensor, Tensor]:
        """Return changed masks or boxes as targets, and in which rows they can be trained on."""


@dataclass(frozen=True)
class MaskPlaces(Places):
    """Masks (n, height, width) of class indices.

    Attributes
    ----------
    grid : tuple of int
        Height and width of the images.
    n_classes : int
    """

    grid: tuple[int, ...]
    n_classes: int

    def shown(self, y: Tensor) -> Tensor:
        """Return the class index of each pixel."""
        return y.unflatten(-1, self.grid)

    def tv_tensor(self, place: Tensor) -> Tensor:
        """Return a mask."""
        return sys.modules["torchvision.tv_tensors"].Mask(place)

    def as_targets(self, changed: Tensor) -> tuple[Tensor, Tensor]:
        """Return class indices per pixel, all of them good; raise for anything else."""
        wrong = ~torch.isin(changed, torch.arange(self.n_classes, device=changed.device))
        if wrong.any():
            raise ValueError(
                f"augment must return masks of indices into `classes_`, 0 to {self.n_classes - 1};"
                f" it returned {int(wrong.sum())} of {wrong.numel()} pixels with other values, for"
                f" example {changed[wrong][0].item():g}. Do not interpolate masks, and fill them"
                " with the index of a class."
            )
        return changed.flatten(1), torch.ones(len(changed), dtype=torch.bool, device=changed.device)


@dataclass(frozen=True)
class BoxPlaces(Places):
    """Boxes (n, 4) in pixels.

    Attributes
    ----------
    grid : tuple of int
        Height and width of the images.
    scaler : TargetScaler
        How boxes are scaled for the loss.
    """

    grid: tuple[int, ...]
    scaler: TargetScaler

    def shown(self, y: Tensor) -> Tensor:
        """Return corners x1, y1, x2, y2."""
        return y * self._like(y, self.scaler.scale) + self._like(y, self.scaler.centre)

    def tv_tensor(self, place: Tensor) -> Tensor:
        """Return a box, (1, 4)."""
        boxes = sys.modules["torchvision.tv_tensors"].BoundingBoxes
        return boxes(place[None], format="XYXY", canvas_size=self.grid)

    def as_targets(self, changed: Tensor) -> tuple[Tensor, Tensor]:
        """Return what of the boxes is inside the image, good from one pixel by one on."""
        end = self._like(changed, np.array((self.grid[1], self.grid[0]) * 2))
        boxes = torch.minimum(in_order(changed.reshape(-1, 4)).clamp(min=0), end)
        scaled = boxes - self._like(boxes, self.scaler.centre)
        return scaled / self._like(boxes, self.scaler.scale), (sides(boxes) >= 1).all(-1)

    def _like(self, values: Tensor, numbers: np.ndarray) -> Tensor:
        return torch.from_numpy(numbers).to(values)


@dataclass(frozen=True)
class AugmentPlaces(Augment):
    """A user's change of images and of the masks or boxes that belong to them.

    Images whose object is moved out of them stay as they are.
    """

    places: Places

    def _changed_batch(self, batch: Batch) -> Batch:
        """Return a batch with images and targets changed."""
        X, y = batch.X[0, : batch.n_rows], batch.y[0, : batch.n_rows]
        images, places = self._both_by_user(self.scaler.undone(X), self.places.shown(y))
        targets, is_good = self.places.as_targets(places)
        X = torch.where(is_good[:, None, None, None], self.scaler.done(images.to(X.dtype)), X)
        y = torch.where(is_good[:, None], targets.to(y.dtype), y)
        return replace(batch, X=_with_first(X, batch.X), y=_with_first(y, batch.y))

    def _both_by_user(self, images: Tensor, places: Tensor) -> Sequence[Tensor]:
        """Return what the user's function makes of images and places."""
        if not is_of_torchvision(self.change):
            return self._called(images, places)
        pairs = zip(images, map(self.places.tv_tensor, places), strict=True)
        changed = [self._called(*pair) for pair in pairs]
        return [torch.stack(each) for each in zip(*changed, strict=True)]

    def _called(self, *given: Tensor) -> Sequence[Tensor]:
        changed = self.change(*(each.clone() for each in given))
        if not isinstance(changed, tuple | list) or len(changed) != 2:
            raise ValueError(
                "augment takes images with their masks or boxes, and must return both; it returned"
                f" {type(changed).__name__}."
            )
        return [in_shape_of(*pair) for pair in zip(given, changed, strict=True)]


def with_places(change: BatchChange | None, places: Places) -> BatchChange | None:
    """Return a change of images that also changes places, where the user's function takes both.

    Raises
    ------
    ValueError
        If it is a transform of torchvision that takes images alone.
    """
    if not isinstance(change, Augment):
        return change
    if takes_both(change.change):
        return AugmentPlaces(change.change, change.scaler, places)
    if is_of_torchvision(change.change):
        raise ValueError(
            f"augment is {type(change.change).__name__}, which changes images and leaves their"
            " masks or boxes where they are. Use the transforms of torchvision.transforms.v2,"
            " several of them in its Compose."
        )
    return change


def takes_both(change: Any) -> bool:
    """Return whether a function has two required arguments, or takes any number."""
    called = change.forward if isinstance(change, nn.Module) else change
    try:
        parameters = signature(called).parameters.values()
    except (TypeError, ValueError):  # It is written in C, as torch.clone is.
        return False
    required = [each.kind for each in parameters if each.default is Parameter.empty]
    positional = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}
    return Parameter.VAR_POSITIONAL in required or sum(k in positional for k in required) == 2


def _with_first(rows: Tensor, filled: Tensor) -> Tensor:
    """Return rows of a batch of one model, followed by the repeats that fill it up."""
    return torch.cat((rows, filled[0, len(rows) :])).unsqueeze(0)
