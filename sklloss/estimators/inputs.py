"""What X may be: a table, images, token ids, or whatever a network of your own takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from ..modules import MODULES
from ..modules.text import UNKNOWN
from ..training import InputScaler

FLOATS = (np.float64, np.float32)
CHANNELS = (1, 3, 4)  # grey, colour, colour with transparency


class Inputs:
    """Base of the kinds of X.

    Attributes
    ----------
    takes_any_floats : bool
        Whether a float array (n_samples, n_features) needs no look at its values but that they are finite.
    """

    takes_any_floats = False

    def options(self, X: Any) -> dict[str, Any]:
        """Return how scikit-learn's ``validate_data`` is to look at X."""
        return {"accept_sparse": "csr", "dtype": FLOATS}

    def opened(self, X: Any) -> Any:
        """Return X with the axes that the network takes, before its values are looked at."""
        return X

    def check(self, X: Any) -> None:
        """Refuse values that mean nothing to the network."""

    def facts(self, X: Any) -> dict[str, Any]:
        """Return what is kept of the training rows for later checks, and for the network."""
        return {}

    def check_alike(self, X: Any, facts: Mapping[str, Any]) -> None:
        """Refuse rows on another scale than the training rows."""

    def scaler(self, X: Any, sample_weight: np.ndarray) -> InputScaler:
        """Return what standardises X."""
        return InputScaler.fit(X, sample_weight)


class Table(Inputs):
    """Rows of numbers, dense or sparse: ``(n_samples, n_features)``."""

    takes_any_floats = True

    def opened(self, X: Any) -> Any:
        """Refuse more axes, and say what takes them."""
        if len(getattr(X, "shape", ())) > 2:
            raise ValueError(
                f"Found array with dim {len(X.shape)}, while dim <= 2 is required: module='mlp' takes tables, and X has the shape"
                f" {tuple(X.shape)}. For images set module='cnn'; or flatten them, X.reshape(len(X), -1)."
            )
        return X


class Arrays(Inputs):
    """Any arrays, for a network of your own: ``(n_samples, ...)``; tables may be sparse."""

    takes_any_floats = True

    def options(self, X: Any) -> dict[str, Any]:
        """Leave whole numbers of more axes as they are."""
        if len(getattr(X, "shape", ())) <= 2:
            return {**super().options(X), "allow_nd": True}
        return {"dtype": "numeric", "allow_nd": True}


class Images(Inputs):
    """Images ``(n_samples, n_channels, height, width)`` or ``(n_samples, height, width)``, whole numbers or floats."""

    def options(self, X: Any) -> dict[str, Any]:
        """Leave whole numbers as they are."""
        return {"dtype": "numeric", "allow_nd": True}

    def opened(self, X: Any) -> Any:
        """Stack a list of images, and add the axis of channels."""
        X = _stacked(X)
        if X.ndim == 3:
            return X[:, None]
        if X.ndim != 4:
            raise ValueError(
                f"X needs images of shape (n_samples, n_channels, height, width) or (n_samples, height, width); got {X.shape}."
                " Reshape it, for example X.reshape(-1, 28, 28)."
            )
        if X.shape[1] not in CHANNELS and X.shape[3] in CHANNELS:
            raise ValueError(
                f"X has the shape {X.shape}: axis 3, of {X.shape[3]}, looks like the channels, which belong on axis 1. Give"
                " np.moveaxis(X, -1, 1)."
            )
        return X

    def facts(self, X: Any) -> dict[str, Any]:
        """Return the range of the pixels."""
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
    high : float
        The largest absolute value.
    """

    dtype: str
    high: float

    @classmethod
    def of(cls, X: np.ndarray) -> Pixels:
        """Look at images."""
        return cls(str(X.dtype), max(float(X.max()), -float(X.min())) if X.size else 0.0)

    @property
    def is_float(self) -> bool:
        """Whether the dtype is one of floats."""
        return np.dtype(self.dtype).kind == "f"

    @property
    def is_unit(self) -> bool:
        """Whether the values look like shares of the brightest."""
        return self.is_float and self.high <= 1

    def check_alike(self, new: Pixels) -> None:
        """Refuse pixels on another scale."""
        if not self.is_unit and new.is_unit and new.high > 0 and self.high > 1:
            self._refuse(new, "Multiply X by 255, or fit on floats.")
        if self.is_unit and not new.is_float and new.high > 1:
            self._refuse(new, "Divide X by 255.")

    def _refuse(self, new: Pixels, remedy: str) -> None:
        raise ValueError(
            f"X has pixels of {new.dtype} up to {new.high:g}; the network was trained on {self.dtype} up to {self.high:g}, another"
            f" scale. {remedy}"
        )


class Tokens(Inputs):
    """Token ids, ``(n_samples, length)``: whole numbers from 0, which is padding."""

    def options(self, X: Any) -> dict[str, Any]:
        """Leave whole numbers as they are."""
        return {"dtype": "numeric"}

    def opened(self, X: Any) -> Any:
        """Refuse text."""
        if sparse.issparse(X):
            raise TypeError(
                "module='text' takes token ids in a dense array, and X is sparse. Sparse counts and TF-IDF go to module='mlp'."
            )
        first = np.asarray(X[:1] if hasattr(X, "shape") or isinstance(X, list) else X)
        if first.dtype.kind in "USO" and any(isinstance(value, str) for value in first.flat):
            raise ValueError(
                "module='text' takes token ids, and X has text. Put a TokenVectorizer before it: make_pipeline(TokenVectorizer(),"
                " NeuralClassifier(module='text'))."
            )
        return X

    def check(self, X: Any) -> None:
        """Refuse fractions and negative numbers."""
        wrong = (X < 0) | (X % 1 != 0)
        if wrong.any():
            raise ValueError(
                f"module='text' takes token ids, whole numbers from 0; {wrong.sum()} of {X.size} values are not, for example"
                f" {X[wrong][0]:g}. Give what a TokenVectorizer returns."
            )

    def facts(self, X: Any) -> dict[str, Any]:
        """Return the number of ids, those of padding and unknown tokens among them."""
        return {"n_tokens": max(int(X.max()), UNKNOWN) + 1}

    def scaler(self, X: Any, sample_weight: np.ndarray) -> InputScaler:
        """Leave ids as they are."""
        return InputScaler()


class Sequences(Inputs):
    """Sequences of frames, which only a `SequenceTranscriber` takes."""

    def opened(self, X: Any) -> Any:
        """Refuse, and say what takes them."""
        raise ValueError(
            "module='sequence' puts out a law for every frame of an utterance: it belongs to SequenceTranscriber. For one label per"
            " row take another module."
        )


KINDS: dict[str, Inputs] = {
    "sequences": Sequences(),
    "table": Table(),
    "images": Images(),
    "tokens": Tokens(),
}
ARRAYS = Arrays()


def inputs_of(module: Any) -> Inputs:
    """Return what a network takes; for a name that there is not, a table."""
    if isinstance(module, str):
        return KINDS[getattr(MODULES.get(module), "inputs", "table")]
    return ARRAYS


def _stacked(X: Any) -> np.ndarray:
    """Return a list of images as one array."""
    if hasattr(X, "shape") and np.asarray(X).dtype.kind != "O":
        return np.asarray(X)
    images = [np.asarray(image) for image in X]
    for row, image in enumerate(images):
        if image.shape != images[0].shape:
            raise ValueError(
                f"X has images of unequal size: row {row} has the shape {image.shape}, row 0 {images[0].shape}. Crop, pad or resize"
                " them to one size."
            )
    return np.stack(images) if images else np.empty((0, 0, 0))
