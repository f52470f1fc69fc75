"""Masks as they are given: one label per pixel, checked, one row per image."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..inputs.images import stacked
from ..inputs.missing import missing

REMEDY = "Give y of shape (n_samples, height, width), one label per pixel"


def flat_masks(y: Any, grid: tuple[int, ...]) -> np.ndarray:
    """Return masks as labels per pixel, (n_samples, height * width).

    Parameters
    ----------
    y : array-like of shape (n_samples, height, width)
    grid : tuple of int
        Height and width of the images.

    Raises
    ------
    ValueError
        If masks are not of one size, not of that of the images, or hold something other than a
        label per pixel.
    """
    masks = stacked_masks(y)
    _check_axes(masks)
    if masks.shape[1:] != grid:
        raise ValueError(
            f"y has masks of height and width {masks.shape[1:]}, and X images of {grid}. Resize the"
            " masks without interpolation (order=0), or crop or pad them, so that every pixel has"
            " its label."
        )
    _refuse_pixels(
        masks,
        missing(masks),
        "pixels of unknown class a label of their own, with almost no weight, such as"
        " class_weight={255: 1e-6}",
    )
    if masks.dtype.kind == "f":
        _refuse_pixels(masks, masks % 1 != 0, "of shares or probabilities, for example y > 0.5")
    if masks.dtype.kind == "O":
        check_one_kind(masks)
    return masks.reshape(len(masks), prod(grid))


def stacked_masks(y: Any) -> np.ndarray:
    """Return masks, a list of them too, as one array; masks have one size."""
    if y is None:
        raise ValueError(f"requires y to be passed, but the target y is None. {REMEDY}.")
    return stacked("y", "mask", "(n_samples, height, width)", y)


def _check_axes(masks: np.ndarray) -> None:
    if masks.ndim == 4:
        one_axis = next((axis for axis in (1, 3) if masks.shape[axis] == 1), None)
        how = f"np.squeeze(y, {one_axis})"
        if one_axis is None:
            how = "y.argmax(1), or y.argmax(-1) where classes come last"
        raise ValueError(
            f"y has the shape {masks.shape}, four axes, as one-hot masks have. {REMEDY}: {how}."
        )
    if masks.ndim != 3:
        raise ValueError(f"y has the shape {masks.shape}. {REMEDY}.")


def _refuse_pixels(masks: np.ndarray, wrong: np.ndarray, remedy: str) -> None:
    if wrong.any():
        raise ValueError(
            f"y has {wrong.sum()} of {masks.size} pixels that are not labels, for example"
            f" {masks[wrong][0]}. {REMEDY}; {remedy}."
        )


def check_one_kind(*labels: np.ndarray) -> None:
    """Raise a TypeError if labels do not compare with each other, as text and numbers."""
    kinds = {type(label).__name__ for each in labels for label in each.ravel().tolist()}
    numbers = {"bool", "int", "float"}
    if len(kinds) > 1 and not kinds <= numbers:
        raise TypeError(
            f"y has labels of different kinds: {', '.join(sorted(kinds))}. Give every pixel a label"
            " of one kind, those of `classes_` after a fit."
        )
