"""Images, and their scale of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import InputTags

from ...modules import has_channels_last
from .base import Inputs
from .missing import check_plain

# Largest value of pixels that are not bytes.
LARGEST_FRACTION = 100


@dataclass(frozen=True)
class Images(Inputs):
    """Images, whole numbers or floats.

    Of shape (n_samples, n_channels, height, width) or (n_samples, height, width).
    """

    def tag(self, tags: InputTags) -> None:
        """Three axes, or four."""
        tags.two_d_array, tags.three_d_array = False, True

    def options(self, X: Any) -> dict[str, Any]:
        """Leave whole numbers as they are."""
        return {"dtype": "numeric", "allow_nd": True}

    def opened(self, X: Any) -> Any:
        """Stack a list of images, and add the axis of channels."""
        if sparse.issparse(X):
            raise TypeError(
                "X is sparse, and images are dense arrays. Give X.toarray(), reshaped to"
                " (n_samples, n_channels, height, width)."
            )
        X = stacked("X", "image", "(n_samples, n_channels, height, width)", X)
        if X.ndim == 3:
            return X[:, None]
        if X.ndim != 4:
            tables = ", or give tables to module='mlp'" if X.ndim == 2 else ""
            raise ValueError(
                "X needs images of shape (n_samples, n_channels, height, width) or (n_samples,"
                f" height, width); got {X.shape}. Reshape it, for example X.reshape(-1, 28,"
                f" 28){tables}."
            )
        if has_channels_last(X.shape):
            raise ValueError(
                f"X has the shape {X.shape}: axis 3, of {X.shape[3]}, looks like the channels,"
                " which belong on axis 1. Give np.moveaxis(X, -1, 1)."
            )
        return X

    def check(self, X: Any) -> None:
        """Refuse images without pixels."""
        if X.size == 0:
            raise ValueError(f"X has images without pixels: its shape is {X.shape}.")

    def facts(self, X: Any) -> dict[str, Any]:
        """Return the scale of the pixels."""
        return {"pixels": Pixels.of(X)}

    def check_alike(self, X: Any, facts: Mapping[str, Any]) -> None:
        """Refuse pixels of 0 to 255 where those in training were of 0 to 1, and the reverse."""
        facts["pixels"].check_alike(Pixels.of(X))


@dataclass(frozen=True)
class Pixels:
    """On what scale pixels are.

    Attributes
    ----------
    dtype : str
    low, high : float
        The smallest and the largest value.
    is_whole : bool
        Whether all are whole numbers, as bytes are.
    """

    dtype: str
    low: float
    high: float
    is_whole: bool

    @classmethod
    def of(cls, X: np.ndarray) -> Pixels:
        """Look at images."""
        is_whole = X.dtype.kind != "f" or bool((np.floor(X) == X).all())
        return cls(str(X.dtype), float(X.min()), float(X.max()), is_whole)

    @property
    def is_share(self) -> bool:
        """Whether the values look like shares of the brightest."""
        return self.low >= 0 and self.high <= 1 and not self.is_whole

    @property
    def is_byte(self) -> bool:
        """Whether they look like bytes; also where images of bytes were resized."""
        return self.low >= 0 and ((self.is_whole and self.high > 1) or self.high > LARGEST_FRACTION)

    def check_alike(self, new: Pixels) -> None:
        """Refuse pixels on another scale."""
        if self.is_byte and new.is_share:
            self._refuse(new, "Multiply X by 255, or train on shares.")
        if self.is_share and new.is_byte:
            self._refuse(new, "Divide X by 255.")

    def _refuse(self, new: Pixels, remedy: str) -> None:
        raise ValueError(
            f"X has pixels of {new.dtype} up to {new.high:g}; the network was trained on"
            f" {self.dtype} up to {self.high:g}, another scale. {remedy}"
        )


def stacked(name: str, noun: str, shape: str, given: Any) -> np.ndarray:
    """Return images, or what there is one of per image, as one array; a list of them is stacked.

    Parameters
    ----------
    name, noun, shape : str
        What messages call the whole and one of them, and the shape that an array of them has.
    given : array-like, or list of array-likes
        Lists that are empty give an array of shape (0, 0, 0).

    Raises
    ------
    ValueError
        If they are not of one size, or one is no rectangle.
    TypeError
        If they are none.
    """
    check_plain(given, name)
    if hasattr(given, "__array__") or isinstance(given, memoryview):
        array = np.asarray(given)
        if array.ndim != 1 or array.dtype.kind != "O":
            return array
    if not hasattr(given, "__iter__"):
        raise TypeError(
            f"{name} needs {noun}s, an array of shape {shape} or a list of arrays; got {given!r}."
        )
    arrays = [_array(name, noun, row, each) for row, each in enumerate(given)]
    for row, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"{name} has {noun}s of unequal size: row {row} has the shape {array.shape}, row 0"
                f" {arrays[0].shape}. Crop, pad or resize them to one size."
            )
    return np.stack(arrays) if arrays else np.empty((0, 0, 0))


def _array(name: str, noun: str, row: int, given: Any) -> np.ndarray:
    try:
        return np.asarray(given)
    except ValueError:
        raise ValueError(
            f"{name} has {noun}s whose lines are of unequal length, for example in row {row}."
            " Crop, pad or resize them to rectangles."
        ) from None
