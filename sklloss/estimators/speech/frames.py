"""What a network makes of frames: how many come out, and what it says behind the end of an utterance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ...losses.speech.paths import BLANK, lengths_of
from ...modules import check_widths
from ...training import TrainingSet

ENOUGH_BLANK = 0.999  # probability of the blank behind the end of an utterance


def frames_out_of(module: nn.Module) -> Callable[[int], int]:
    """Return what tells how many frames a network makes of so many: as many, unless it has a method that says other."""
    own: Any = getattr(module, "n_frames_out", None)
    return own if callable(own) else lambda n_frames: n_frames


def check_frames(module: nn.Module, few: Tensor, n_outputs: int, label: str) -> None:
    """Refuse a network that puts out other frames or outputs, or says symbols behind the end of an utterance.

    Parameters
    ----------
    module : nn.Module
    few : Tensor of shape (n_rows, n_frames, n_features + 1)
        Some utterances, the last column of which tells real frames.
    n_outputs : int
        How many numbers each frame is to have.
    label : str
        The name of the loss that needs them.

    Raises
    ------
    ValueError
        If it does; the message says what to change.
    """
    frames_out, n_real = frames_out_of(module), few.shape[1]
    longer = nn.functional.pad(few, (0, 0, 0, n_real))
    for X in (few, longer):
        n_frames = frames_out(X.shape[1])
        why = f"{label} for {n_frames} frames of {n_outputs} outputs each"
        check_widths(module, X, (n_frames * n_outputs,), why)
    with torch.no_grad():
        said = module.eval()(longer.clone()).reshape(len(longer), -1, n_outputs).softmax(-1)
    if (said[:, frames_out(n_real) :, BLANK] < ENOUGH_BLANK).any():
        raise ValueError(
            f"module {type(module).__name__} says symbols behind the end of an utterance, where the last column of its input is 0."
            " Let it return certain_blank_where(mask == 0, logits), from sklloss.losses."
        )


def symbols_per_frame(data: TrainingSet, frames_out: Callable[[int], int]) -> Tensor:
    """Return how many symbols there are per frame that a network puts out, over the weighted training rows."""
    rows: Any = data.X
    lengths = rows.lengths[data.train].tolist()
    weights = data.sample_weight[data.train]
    frames = weights.new_tensor([frames_out(length) for length in lengths])
    return (weights @ lengths_of(data.y[data.train]).to(weights.dtype)) / (weights @ frames)
