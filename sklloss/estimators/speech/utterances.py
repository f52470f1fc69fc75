"""Utterances: sequences of frames, each of its own length, looked at row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

FLOATS = (np.float64, np.float32)
SAMPLES = (np.int16, np.int32)  # what sound files hold


def as_rows(values: list[Any]) -> np.ndarray:
    """Return an array of objects, shape (n,), that holds these: what numpy indexes by rows."""
    rows = np.empty(len(values), dtype=object)
    rows[:] = values
    return rows


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
        If X is none, or an utterance is empty, has another width than the first, or numbers that are not finite; it is named.
    """
    _check_kind(X)
    utterances = [_floats(row, values, n_axes) for row, values in enumerate(X)]
    for row, values in enumerate(utterances):
        _check_axes(row, values, n_axes)
        _check_values(row, values)
        if n_axes == 2 and values.shape[1] != utterances[0].shape[1]:
            raise ValueError(
                f"X has frames of unequal width: row {row} has {values.shape[1]} features, row 0 has {utterances[0].shape[1]}. Give"
                " all utterances the same features."
            )
    return as_rows(utterances)


def _check_kind(X: Any) -> None:
    is_table = sparse.issparse(X) or hasattr(X, "columns")
    if is_table or isinstance(X, str) or not hasattr(X, "__len__"):
        raise TypeError(
            f"X needs a list of utterances, arrays of shape (n_frames, n_features); got {type(X).__name__}. Put a single one in [ ]; tables"
            " go to NeuralClassifier and NeuralRegressor."
        )
    if not len(X):
        raise ValueError("X has 0 utterances, and at least one is required. Give some.")


def _floats(row: int, values: Any, n_axes: int) -> np.ndarray:
    """Return floats; the whole numbers of a sound file as parts of their largest."""
    try:
        array = np.asarray(values)
        unit = np.iinfo(array.dtype).max + 1 if n_axes == 1 and array.dtype.type in SAMPLES else 1
        return array if array.dtype.type in FLOATS else array.astype(np.float64) / unit
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"X needs arrays of numbers; row {row} is a {type(values).__name__} that is none ({error}). Give one array per utterance."
        ) from None


def _check_axes(row: int, values: np.ndarray, n_axes: int) -> None:
    if values.ndim == n_axes:
        return
    if n_axes == 1:
        raise ValueError(
            f"features='log_mel' takes waveforms, one-dimensional arrays; row {row} has the shape {values.shape}. Mix its channels, or"
            " set features=None for frames."
        )
    if values.ndim == 1:
        raise ValueError(
            f"X needs utterances of shape (n_frames, n_features); row {row} is one-dimensional, of shape {values.shape}. If it is a"
            " waveform, set features='log_mel' and sampling_rate; one utterance alone goes in [ ]; frames of one number are"
            " values.reshape(-1, 1)."
        )
    raise ValueError(
        f"X needs utterances of shape (n_frames, n_features); row {row} has the shape {values.shape}. A frame"
        " is one row of numbers."
    )


def _check_values(row: int, values: np.ndarray) -> None:
    if not values.size:
        raise ValueError(
            f"X has an empty utterance: row {row} has the shape {values.shape}. Remove it and its transcript."
        )
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise ValueError(
            f"X has NaN or infinite values: {wrong.sum()} of {values.size} in row {row}. Repair or remove that utterance."
        )


def check_long_enough(frames: np.ndarray, needed: np.ndarray, kept: np.ndarray) -> None:
    """Raise a ValueError that names the first utterance whose frames cannot hold its transcript.

    Parameters
    ----------
    frames : ndarray of shape (n,)
        How many frames of each the network puts out.
    needed : ndarray of shape (n,)
        How many its transcript takes.
    kept : ndarray of shape (n,)
        Where the rows stood in the X that `fit` received.
    """
    short = np.flatnonzero(frames < needed)
    if len(short):
        row = short[0]
        raise ValueError(
            f"{len(short)} of {len(frames)} utterances are shorter than their transcripts, for example row {kept[row]}: the network puts"
            f" out {frames[row]} frames for it, and its transcript takes {needed[row]} (one per token, and one between equal"
            " neighbours). Remove these rows, or let the network put out more frames: module__stride=1, or a shorter hop."
        )
