"""What X may be: a table, images, token ids, or whatever a network of your own takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import InputTags

from ...modules import MODULES, has_channels_last
from ...modules.text.text import UNKNOWN
from ...training import InputScaler

FLOATS = (np.float64, np.float32)
LARGEST_FRACTION = 100  # of pixels that are not bytes
MANY_TOKENS = 2**24  # ids from here on are not exact in float32


class Inputs:
    """Base of the kinds of X.

    Attributes
    ----------
    takes_any_floats : bool
        Whether a float array (n_samples, n_features) needs no look at its values but that they are finite.
    """

    takes_any_floats = False

    def tag(self, tags: InputTags) -> None:
        """Tell scikit-learn what X may be; two axes if nothing else is said."""

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

    def tag(self, tags: InputTags) -> None:
        """Two axes, dense or sparse."""
        tags.sparse = True

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

    def tag(self, tags: InputTags) -> None:
        """Any axes, tables dense or sparse."""
        tags.sparse = tags.three_d_array = True

    def options(self, X: Any) -> dict[str, Any]:
        """Leave whole numbers of more axes as they are."""
        if len(getattr(X, "shape", ())) <= 2:
            return {**super().options(X), "allow_nd": True}
        return {"dtype": "numeric", "allow_nd": True}


class Images(Inputs):
    """Images ``(n_samples, n_channels, height, width)`` or ``(n_samples, height, width)``, whole numbers or floats."""

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
                "X is sparse, and images are dense arrays. Give X.toarray(), reshaped to (n_samples, n_channels, height, width)."
            )
        X = stacked("X", "image", "(n_samples, n_channels, height, width)", X)
        if X.ndim == 3:
            return X[:, None]
        if X.ndim != 4:
            tables = ", or give tables to module='mlp'" if X.ndim == 2 else ""
            raise ValueError(
                f"X needs images of shape (n_samples, n_channels, height, width) or (n_samples, height, width); got {X.shape}."
                f" Reshape it, for example X.reshape(-1, 28, 28){tables}."
            )
        if has_channels_last(X.shape):
            raise ValueError(
                f"X has the shape {X.shape}: axis 3, of {X.shape[3]}, looks like the channels, which belong on axis 1. Give"
                " np.moveaxis(X, -1, 1)."
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
            f"X has pixels of {new.dtype} up to {new.high:g}; the network was trained on {self.dtype} up to {self.high:g}, another"
            f" scale. {remedy}"
        )


class Tokens(Inputs):
    """Token ids, ``(n_samples, length)``: whole numbers from 0, which is padding."""

    def options(self, X: Any) -> dict[str, Any]:
        """Leave whole numbers as they are."""
        return {"dtype": "numeric"}

    def opened(self, X: Any) -> Any:
        """Refuse text, and rows of unequal length."""
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
        lengths = (
            {len(row) for row in X if hasattr(row, "__len__")} if isinstance(X, list) else set()
        )
        if len(lengths) > 1:
            raise ValueError(
                f"X has rows of {min(lengths)} to {max(lengths)} token ids, and module='text' takes rows of one length. Fill them up"
                " with 0, or let a TokenVectorizer do so."
            )
        return X

    def check(self, X: Any) -> None:
        """Refuse fractions, negative numbers, and ids that float32 does not tell apart."""
        wrong = (X < 0) | (X % 1 != 0)
        if wrong.any():
            kind = "Negative values" if (X[wrong] < 0).all() else "Values"
            raise ValueError(
                f"{kind} in data passed to module='text', which takes token ids, whole numbers from 0; {wrong.sum()} of {X.size} are"
                f" not, for example {X[wrong][0]:g}. Give what a TokenVectorizer returns."
            )
        if X.max() >= MANY_TOKENS:
            raise ValueError(
                f"module='text' takes token ids up to {MANY_TOKENS - 1:,}; the largest of X is {X.max():.10g}. Number the tokens by their"
                " frequency, as a TokenVectorizer does: every id below the largest has an embedding."
            )

    def facts(self, X: Any) -> dict[str, Any]:
        """Return the number of ids, those of padding and unknown tokens among them."""
        return {"n_tokens": max(int(X.max()), UNKNOWN) + 1}

    def scaler(self, X: Any, sample_weight: np.ndarray) -> InputScaler:
        """Leave ids as they are."""
        return InputScaler()

    def tag(self, tags: InputTags) -> None:
        """Say that X holds whole numbers from 0 that have no order."""
        tags.categorical = tags.positive_only = True


class Sequences(Inputs):
    """Sequences of frames, which only a `SequenceTranscriber` takes."""

    def tag(self, tags: InputTags) -> None:
        """No table."""
        tags.two_d_array = False

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
    """Return what a network takes; for a name that there is not, anything: building it says so."""
    if isinstance(module, str) and module in MODULES:
        return KINDS[getattr(MODULES[module], "inputs", "table")]
    return ARRAYS


def stacked(name: str, noun: str, shape: str, given: Any) -> np.ndarray:
    """Return images, or what there is one of per image, as one array, also where they come as a list.

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
    if hasattr(given, "__array__"):
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
                f"{name} has {noun}s of unequal size: row {row} has the shape {array.shape}, row 0 {arrays[0].shape}. Crop, pad or resize"
                " them to one size."
            )
    return np.stack(arrays) if arrays else np.empty((0, 0, 0))


def _array(name: str, noun: str, row: int, given: Any) -> np.ndarray:
    try:
        return np.asarray(given)
    except ValueError:
        raise ValueError(
            f"{name} has {noun}s whose lines are of unequal length, for example in row {row}. Crop, pad or resize them to rectangles."
        ) from None
