"""Boxes as they are given: four corners per image, in pixels, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...parameters.refusals import refuse_rows
from ..inputs.floats import check_kind

CORNERS = "x1, y1, x2, y2"
# What to do about x2 <= x1 or y2 <= y1: where the boxes would be inside as x, y, width, height.
ARE_SIZES = (
    "The numbers would fit as x, y, width, height: if they are, give"
    " np.column_stack((y[:, :2], y[:, :2] + y[:, 2:])). If x2 and y2 are the last pixel"
    " inside, add 1 to them."
)
# The same, where they would not.
PUT_IN_ORDER = (
    f"Put the corners in the order {CORNERS}, x2 and y2 one behind the last pixel inside, and"
    " leave out images without an object."
)


def check_given(y: Any) -> None:
    """Refuse boxes that are missing."""
    if y is None:
        raise ValueError(
            f"requires y to be passed, but the target y is None. Give one box per image, {CORNERS}."
        )


def checked_boxes(y: Any) -> np.ndarray:
    """Return boxes as floats of shape (n_samples, 4).

    Raises
    ------
    ValueError
        If they have another shape, or are no numbers.
    """
    check_given(y)
    boxes = _numbers(y)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        hint = " A single box is [[x1, y1, x2, y2]]." if boxes.shape == (4,) else ""
        raise ValueError(
            f"y needs one box per image, its corners {CORNERS} in pixels, shape (n_samples, 4);"
            f" got {boxes.shape}. Stack them as np.column_stack((x1, y1, x2, y2)).{hint}"
        )
    return boxes


def _numbers(y: Any) -> np.ndarray:
    check_kind(y, "y")
    try:
        return np.asarray(y).astype(np.float64)
    except (TypeError, ValueError) as error:
        shapes = [np.shape(box) for box in y]
        odd = [row for row, shape in enumerate(shapes) if shape != (4,)]
        if odd:
            raise ValueError(
                f"y needs exactly one box per image, four numbers {CORNERS}; row {odd[0]} of"
                f" {len(shapes)} has the shape {shapes[odd[0]]}. Leave out images without an"
                " object; of several, choose one, or give masks to NeuralSegmenter."
            ) from None
        raise ValueError(
            f"y needs one box per image, four numbers {CORNERS} in pixels; it holds something else"
            f" ({error}). Give an array of shape (n_samples, 4)."
        ) from None


def check_inside(boxes: np.ndarray, height: int, width: int) -> None:
    """Raise for boxes with a missing corner, without area, outside the image, or in shares of it."""

    def refuse(wrong: np.ndarray, verb: str, remedy: str) -> None:
        needs = f"y needs one box per image, {CORNERS} in pixels"
        refuse_rows(wrong, needs, verb, remedy, example=lambda row: boxes[row].tolist())

    missing = ~np.isfinite(boxes).all(1)
    refuse(missing, "hold NaN or infinity", "Leave out images without an object.")
    turned = np.any(boxes[:, 2:] <= boxes[:, :2], axis=1)
    ends = boxes[:, :2] + boxes[:, 2:]
    fit_as_sizes = (boxes >= 0).all() and (ends <= (width, height)).all()
    refuse(turned, "have x2 <= x1 or y2 <= y1", ARE_SIZES if fit_as_sizes else PUT_IN_ORDER)
    outside = np.any((boxes < 0) | (boxes > (width, height) * 2), axis=1)
    leave = f"leave the image, which is {width} wide and {height} high"
    refuse(outside, leave, "Clip them: np.clip(y, 0, (width, height, width, height)).")
    are_shares = (boxes <= 1).all() and (boxes % 1 != 0).any()
    lie = "lie in the first pixel, as shares of the image do"
    refuse(np.full(len(boxes), are_shares), lie, f"Give pixels: y * {(width, height) * 2}.")
