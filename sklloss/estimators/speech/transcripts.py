"""Transcripts: what a transcriber learns, and what it answers about every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import torch
from torch import nn

from ...losses.speech.paths import BLANK, frames_needed, lengths_of
from ...losses.speech.transcription import FRAMES_PER_SYMBOL
from ...training import TrainingSet
from ..inputs.data import FitData
from ..inputs.sample import Sample
from ..targets.answers import RAW, Answer
from ..targets.base import Encoded, Head, Start, Target
from ..targets.outputs import MeanOverMembers
from .utterance_module import Log
from .utterances import frames_out_of
from .vocabulary import Tokenized, Vocabulary

# Symbols per frame, at least, where training starts.
RARE = 1e-3


@dataclass(frozen=True)
class Transcripts(Target):
    """A transcript per utterance, a string or a sequence of labels: what is transcribed.

    Attributes
    ----------
    tokens : {"char", "word"}
        What the tokens of strings are.
    """

    tokens: str = "char"

    def rows(self, y: Any, X: Any) -> Tokenized:
        """Return transcripts as lists of tokens, one per utterance."""
        transcripts = Tokenized.of(y, self.tokens)
        if len(X) != len(transcripts):
            raise ValueError(
                f"X has {len(X)} utterances and y {len(transcripts)} transcripts. Give one"
                " transcript per utterance."
            )
        return transcripts

    def encode(
        self, y: Tokenized, data: FitData, loss: Any, shape: tuple[int, ...], before: Any
    ) -> Encoded:
        """Return the indices of tokens, from 1 on, -1 after the end: (n_samples, longest)."""
        if before is None:
            vocabulary = Vocabulary.of(y, self.tokens, data.named)
            return Encoded(vocabulary.encode(y), vocabulary)
        everything = Tokenized.of(data.y, self.tokens)
        before.check_kind(everything)
        before.check_known(everything)
        return Encoded(before.encode(y), before)

    def check_suits(
        self, loss: Any, sample: Sample, learned: Any, network: Callable[[], nn.Module]
    ) -> None:
        """Raise if an utterance is shorter than its transcript."""
        frames_out = frames_out_of(network())
        frames = np.array([frames_out(len(utterance)) for utterance in sample.X])
        needed = frames_needed(torch.from_numpy(sample.y)).numpy()
        short = np.flatnonzero(frames < needed)
        if len(short):
            row = short[0]
            raise ValueError(
                f"{len(short)} of {len(frames)} utterances are shorter than their transcripts, for"
                f" example row {sample.kept[row]}: the network returns {frames[row]} frames for"
                f" it, and its transcript takes {needed[row]} (one per token, and one between equal"
                " neighbours). Remove these rows, or let the network return more frames:"
                " module__stride=1, or a shorter hop."
            )

    def head(self, start: Start, learned: Vocabulary, is_built_in: bool) -> Head:
        """Return that a network has to return a number for the blank and for each symbol."""
        width = start.baseline.numel()
        return Head(width, (width,), start.loss.label)

    def raw_shape(self, learned: Vocabulary) -> tuple[int, int]:
        """Return that raw output has any number of frames."""
        return -1, learned.n_classes

    def begin(self, module: Any, start: Start, data: TrainingSet) -> None:
        """Let a built-in network start with as many symbols per frame as there are."""
        super().begin(module, start, data)
        rows: Any = data.X
        frames_out, weights = frames_out_of(module), data.sample_weight[data.train]
        lengths = rows.lengths[data.train].tolist()
        frames = weights.new_tensor([frames_out(length) for length in lengths])
        symbols = lengths_of(data.y[data.train]).to(weights.dtype)
        per_frame = ((weights @ symbols) / (weights @ frames)).clamp(RARE, 0.5)
        log_odds = (1 / per_frame - 1).log() - log(FRAMES_PER_SYMBOL - 1)
        module.output_bias.data[BLANK] += log_odds

    def answers(self, loss: Any, learned: Any, scaler: Any, n_members: int) -> dict[str, Answer]:
        """Return the probabilities of every frame, their logarithms, and raw output."""
        mean = MeanOverMembers()
        return {
            "predict_log_proba": Answer(loss.inverse_link, nn.Sequential(mean, Log())),
            "predict_proba": Answer(loss.inverse_link, mean),
            "raw": RAW,
        }

    def tag(self, tags: Any, loss: Any) -> None:
        """Required, and no column of labels."""
        tags.target_tags.required, tags.target_tags.one_d_labels = True, False
