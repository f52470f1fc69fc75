"""How many frames a network puts out, and whether they are enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor, nn

from ...losses.speech.paths import lengths_of
from ...training import TrainingSet


def frames_out_of(module: nn.Module) -> Callable[[int], int]:
    """Return from a number of frames to how many a network puts out for them.

    As many, unless the network has a method ``n_frames_out`` that says otherwise.
    """
    own: Any = getattr(module, "n_frames_out", None)
    return own if callable(own) else lambda n_frames: n_frames


def check_long_enough(frames: np.ndarray, needed: np.ndarray, kept: np.ndarray) -> None:
    """Raise if the frames of an utterance cannot hold its transcript.

    Parameters
    ----------
    frames : ndarray of shape (n,)
        How many frames of each the network puts out.
    needed : ndarray of shape (n,)
        How many its transcript takes.
    kept : ndarray of shape (n,)
        Where the rows stood in the X that `fit` received.

    Raises
    ------
    ValueError
        With the first such utterance.
    """
    short = np.flatnonzero(frames < needed)
    if len(short):
        row = short[0]
        raise ValueError(
            f"{len(short)} of {len(frames)} utterances are shorter than their transcripts, for"
            f" example row {kept[row]}: the network puts out {frames[row]} frames for it, and its"
            f" transcript takes {needed[row]} (one per token, and one between equal neighbours)."
            " Remove these rows, or let the network put out more frames: module__stride=1, or a"
            " shorter hop."
        )


def symbols_per_frame(data: TrainingSet, frames_out: Callable[[int], int]) -> Tensor:
    """Return how many symbols there are per frame that a network puts out, in training rows."""
    rows: Any = data.X
    lengths = rows.lengths[data.train].tolist()
    weights = data.sample_weight[data.train]
    frames = weights.new_tensor([frames_out(length) for length in lengths])
    return (weights @ lengths_of(data.y[data.train]).to(weights.dtype)) / (weights @ frames)
