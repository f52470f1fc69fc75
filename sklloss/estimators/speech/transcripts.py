"""Transcripts: what a transcriber learns, and what it answers about every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import torch
from torch import nn

from ...losses.speech.paths import BLANK, frames_needed
from ...losses.speech.transcription import FRAMES_PER_SYMBOL
from ...training import TrainingSet
from ..inputs.data import FitData
from ..inputs.sample import Sample
from ..targets.answers import RAW, Answer
from ..targets.base import Encoded, Head, Start, Target
from ..targets.outputs import MeanOverMembers
from .frames import check_long_enough, frames_out_of, symbols_per_frame
from .utterance_module import Log
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
        check_long_enough(frames, needed, sample.kept)

    def head(self, start: Start, learned: Vocabulary, is_built_in: bool) -> Head:
        """Return that a network has to put out a number for the blank and for each symbol."""
        width = start.baseline.numel()
        return Head(width, (width,), start.loss.label)

    def raw_shape(self, learned: Vocabulary) -> tuple[int, int]:
        """Return that raw output has any number of frames."""
        return -1, learned.n_classes

    def begin(self, module: Any, start: Start, data: TrainingSet) -> None:
        """Let a built-in network start with as many symbols per frame as there are."""
        super().begin(module, start, data)
        symbols = symbols_per_frame(data, frames_out_of(module)).clamp(RARE, 0.5)
        log_odds = (1 / symbols - 1).log() - log(FRAMES_PER_SYMBOL - 1)
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
