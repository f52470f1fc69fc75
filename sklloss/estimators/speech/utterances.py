"""Utterances: sequences of frames, each of its own length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import InputTags
from torch import Tensor, nn

from ...losses.speech.paths import BLANK
from ...modules import check_widths
from ...training import AugmentFrames, Encoding, RaggedRows, TrainingSet
from ..inputs.base import FLOATS
from ..inputs.data import Checked, FitData, LearnedInputs
from ..inputs.floats import check_kind
from ..inputs.ragged import RaggedInputs
from .log_mel import LogMel

# The whole numbers of sound files.
SAMPLES = (np.int16, np.int32)

# Least probability of the blank after the end of an utterance.
ENOUGH_BLANK = 0.999


@dataclass(frozen=True)
class Utterances(RaggedInputs):
    """Arrays of frames, (n_frames, n_features), or waveforms, (n_instants,).

    Attributes
    ----------
    log_mel : LogMel or None, default=None
        What turns waveforms into frames; None where X holds frames.
    """

    log_mel: LogMel | None = None

    def tag(self, tags: InputTags) -> None:
        """No table."""
        tags.two_d_array = False

    def checked(
        self, owner: Any, data: FitData, y_options: Any = None, learned: Any = None
    ) -> Checked:
        """Return utterances as arrays of frames, all of one width, in an array of objects."""
        utterances = checked_utterances(data.X, n_axes=2 if self.log_mel is None else 1)
        if self.log_mel is not None:
            utterances[:] = self.log_mel.transform(utterances)
        width = utterances[0].shape[1]
        if learned is None:
            learned = LearnedInputs((width,), width)
        if width != learned.n_features:
            raise ValueError(
                f"X has {width} features per frame, but {type(owner).__name__} is expecting"
                f" {learned.n_features} features as input. Give the features that it was trained"
                " on."
            )
        return Checked(utterances, data.y, learned)

    def concatenated(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the frames of all utterances, and how many each has."""
        return np.concatenate(list(X)), np.array([len(utterance) for utterance in X])

    def prediction_rows(
        self, owner: Any, X: Any, learned: Any, scaler: Encoding, dtype: torch.dtype
    ) -> RaggedRows:
        """Return X as `predict` receives it, checked and scaled."""
        utterances = self.checked(owner, FitData(X), learned=learned).X
        return self.training_rows(utterances, scaler, dtype, torch.device("cpu"))

    def check_network(
        self, module: nn.Module, few: Tensor, allowed: tuple[int, ...], why: str
    ) -> None:
        """Raise if a network returns other frames or outputs, or symbols after an utterance.

        Parameters
        ----------
        module : nn.Module
        few : Tensor of shape (n_rows, n_frames, n_features + 1)
            Some utterances; the last column is 1 on their frames.
        allowed : tuple of int
            How many numbers each frame may have.
        why : str
            What needs them: the name of the loss.
        """
        frames_out, n_real, (n_outputs,) = frames_out_of(module), few.shape[1], allowed
        longer = nn.functional.pad(few, (0, 0, 0, n_real))
        for X in (few, longer):
            n_frames = frames_out(X.shape[1])
            needs = f"{why} for {n_frames} frames of {n_outputs} outputs each"
            check_widths(module, X, (n_frames * n_outputs,), needs)
        with torch.no_grad():
            raw = module.eval()(longer.clone()).reshape(len(longer), -1, n_outputs)
        if (raw.softmax(-1)[:, frames_out(n_real) :, BLANK] < ENOUGH_BLANK).any():
            raise ValueError(
                f"module {type(module).__name__} returns symbols after the end of an utterance,"
                " where the last column of its input is 0. Let it return"
                " certain_blank_where(mask == 0, logits), from sklloss.losses."
            )

    def batch_change(
        self, augment: Any, scaler: Encoding, data: TrainingSet, loss: Any, learned: Any
    ) -> AugmentFrames | None:
        """Return what changes the frames of training batches, None where nothing does."""
        return None if augment is None else AugmentFrames(augment, scaler)


def frames_out_of(module: nn.Module) -> Callable[[int], int]:
    """Return from a number of frames to how many a network returns for them.

    As many, unless the network has a method ``n_frames_out`` that says otherwise.
    """
    own: Any = getattr(module, "n_frames_out", None)
    return own if callable(own) else lambda n_frames: n_frames


def checked_utterances(X: Any, n_axes: int) -> np.ndarray:
    """Return utterances as floats, in an array of objects of shape (n,).

    Parameters
    ----------
    X : sequence of array-like of shape (n_frames, n_features), or of waveforms (n_instants,)
    n_axes : {1, 2}
        1 for waveforms.

    Raises
    ------
    TypeError, ValueError
        If X is none, or an utterance is empty, has another width than the first, or numbers that
        are not finite; the message has its row.
    """
    _check_kind(X)
    utterances = [_floats(row, values, n_axes) for row, values in enumerate(X)]
    for row, values in enumerate(utterances):
        _check_axes(row, values, n_axes)
        if not values.size:
            raise ValueError(
                f"X has an empty utterance: row {row} has the shape {values.shape}. Remove it and"
                " its transcript."
            )
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise ValueError(
                f"X has NaN or infinite values: {wrong.sum()} of {values.size} in row {row}. Repair"
                " or remove that utterance."
            )
        if n_axes == 2 and values.shape[1] != utterances[0].shape[1]:
            raise ValueError(
                f"X has frames of unequal width: row {row} has {values.shape[1]} features, row 0"
                f" has {utterances[0].shape[1]}. Give all utterances the same features."
            )
    # NumPy indexes an array of objects by rows.
    rows = np.empty(len(utterances), dtype=object)
    rows[:] = utterances
    return rows


def _check_kind(X: Any) -> None:
    is_table = sparse.issparse(X) or hasattr(X, "columns")
    if is_table or isinstance(X, str) or not hasattr(X, "__len__"):
        raise TypeError(
            "X needs a list of utterances, arrays of shape (n_frames, n_features); got"
            f" {type(X).__name__}. Put a single one in [ ]; tables go to NeuralClassifier and"
            " NeuralRegressor."
        )
    if not len(X):
        raise ValueError("X has 0 utterances, and at least one is required. Give some.")


def _floats(row: int, values: Any, n_axes: int) -> np.ndarray:
    """Return floats; the whole numbers of a sound file as shares of their largest."""
    check_kind(values, f"X[{row}]")
    try:
        array = np.asarray(values)
        unit = np.iinfo(array.dtype).max + 1 if n_axes == 1 and array.dtype.type in SAMPLES else 1
        return array if array.dtype.type in FLOATS else array.astype(np.float64) / unit
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"X needs arrays of numbers; row {row} is a {type(values).__name__} that is none"
            f" ({error}). Give one array per utterance."
        ) from None


def _check_axes(row: int, values: np.ndarray, n_axes: int) -> None:
    if values.ndim == n_axes:
        return
    if n_axes == 1:
        raise ValueError(
            "features='log_mel' takes waveforms, one-dimensional arrays; row"
            f" {row} has the shape {values.shape}. Mix its channels, or set features=None for"
            " frames."
        )
    if values.ndim == 1:
        raise ValueError(
            f"X needs utterances of shape (n_frames, n_features); row {row} is one-dimensional, of"
            f" shape {values.shape}. If it is a waveform, set features='log_mel' and"
            " sampling_rate; one utterance alone goes in [ ]; frames of one number are"
            " values.reshape(-1, 1)."
        )
    raise ValueError(
        f"X needs utterances of shape (n_frames, n_features); row {row} has the shape"
        f" {values.shape}. A frame is one row of numbers."
    )
