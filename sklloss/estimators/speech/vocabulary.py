"""Tokens of transcripts: from strings or labels to indices, and back."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...losses.speech.paths import BLANK, ENDED
from ..targets.base import LearnedTarget

SEPARATORS = {"char": "", "word": " "}


@dataclass(frozen=True)
class Tokenized:
    """Transcripts as lists of tokens, indexed by rows.

    Attributes
    ----------
    rows : list of list
        The tokens of each.
    is_text : bool
        Whether they were strings.
    """

    rows: list[list[Any]]
    is_text: bool

    @classmethod
    def of(cls, y: Any, tokens: str) -> Tokenized:
        """Split strings into characters or words; take sequences of labels as they are.

        Raises
        ------
        TypeError
            If y is no list of strings or of sequences; the message has the first wrong row.
        """
        is_list = hasattr(y, "__len__") and not isinstance(y, str | Mapping | memoryview)
        if not is_list or hasattr(y, "columns"):
            raise TypeError(
                f"y needs a list of transcripts, one per utterance; got {y!r:.200}. Put a single"
                " one in [ ], and choose the column of a table."
            )
        transcripts = list(y)
        is_text = bool(transcripts) and isinstance(transcripts[0], str)
        for row, transcript in enumerate(transcripts):
            _check(row, transcript, is_text)
        return cls([_split(t, tokens) if is_text else _labels(t) for t in transcripts], is_text)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: np.ndarray) -> Tokenized:
        """Return some of the transcripts."""
        return Tokenized([self.rows[row] for row in index], self.is_text)


def _check(row: int, transcript: Any, is_text: bool) -> None:
    is_string = isinstance(transcript, str)
    is_sequence = isinstance(transcript, list | tuple) or getattr(transcript, "ndim", 0) == 1
    if is_string != is_text and (is_string or is_sequence):
        raise TypeError(
            f"y has strings and sequences of labels: row {row} is {transcript!r}, row 0 is not of"
            " that kind. Give one kind."
        )
    if not is_string and not is_sequence:
        raise TypeError(
            f"y needs a transcript per utterance, a string or a sequence of labels; row {row} is"
            f" {transcript!r}. For one label per utterance give [label], or use NeuralClassifier."
        )
    if is_sequence and not all(isinstance(label, Hashable) for label in _labels(transcript)):
        raise TypeError(
            f"y needs transcripts of labels such as numbers and strings; row {row} is"
            f" {transcript!r:.200}. Give one flat list per utterance."
        )


def _split(text: str, tokens: str) -> list[str]:
    return text.split() if tokens == "word" else list(text)


def _labels(transcript: Any) -> list[Any]:
    return transcript.tolist() if hasattr(transcript, "tolist") else list(transcript)


@dataclass(frozen=True)
class Vocabulary(LearnedTarget):
    """What a fit learns of transcripts: the tokens, in the order of the outputs after the blank.

    Attributes
    ----------
    symbols : tuple
        Distinct tokens.
    is_text : bool
        Whether transcripts are strings.
    tokens : {"char", "word"}
        What the tokens of strings are.
    """

    symbols: tuple[Any, ...]
    is_text: bool
    tokens: str

    @classmethod
    def of(
        cls, transcripts: Tokenized, tokens: str, symbols: Iterable[Any] | None = None
    ) -> Vocabulary:
        """Learn the tokens of transcripts, and add named ones.

        Raises
        ------
        ValueError
            If there is no token at all, or a symbol is not one token of such transcripts.
        TypeError
            If symbols are no sequence.
        """
        named = _named(symbols, transcripts.is_text, tokens)
        found = {token for row in transcripts.rows for token in row}.union(named)
        if not found:
            raise ValueError(
                f"All {len(transcripts)} transcripts of y are empty, so there is nothing to"
                " write. Give transcripts with tokens; some of them may be empty."
            )
        try:
            ordered = sorted(found)
        except TypeError:
            # Tokens that do not compare are sorted by type and text.
            ordered = sorted(found, key=lambda token: (type(token).__name__, str(token)))
        return cls(tuple(ordered), transcripts.is_text, tokens)

    @property
    def n_classes(self) -> int:
        """How many outputs each frame has: the blank and the symbols."""
        return len(self.symbols) + 1

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes of the estimator."""
        return {"symbols_": list(self.symbols)}

    def encode(self, transcripts: Tokenized) -> np.ndarray:
        """Return the indices of known tokens, from 1 on, -1 after the end: (n, longest)."""
        index = {symbol: k for k, symbol in enumerate(self.symbols, BLANK + 1)}
        width = max(1, *map(len, transcripts.rows))
        encoded = np.full((len(transcripts), width), ENDED, dtype=np.int64)
        for row, tokens in zip(encoded, transcripts.rows, strict=True):
            row[: len(tokens)] = [index[token] for token in tokens]
        return encoded

    def decode(self, indices: Sequence[int]) -> Any:
        """Return the transcript of indices: a string where those in training were, else a list."""
        tokens = [self.symbols[index - BLANK - 1] for index in indices]
        return SEPARATORS[self.tokens].join(tokens) if self.is_text else tokens

    def check_kind(self, transcripts: Tokenized) -> None:
        """Raise a TypeError for strings where training had sequences of labels, and the reverse."""
        if transcripts.is_text != self.is_text:
            kinds = ("sequences of labels", "strings")
            raise TypeError(
                f"y has {kinds[transcripts.is_text]}, but this estimator was trained with"
                f" {kinds[self.is_text]}. Give the same, or fit again with warm_start=False."
            )

    def check_known(self, transcripts: Tokenized) -> None:
        """Raise a ValueError with the first row that has an unknown token."""
        known = set(self.symbols)
        for row, tokens in enumerate(transcripts.rows):
            unknown = [token for token in tokens if token not in known]
            if unknown:
                raise ValueError(
                    f"y has tokens that are not in `symbols_`: row {row} has {unknown[0]!r}; known"
                    f" are {list(self.symbols[:20])}{' and others' if len(known) > 20 else ''}."
                    " Name all symbols in the first partial_fit, or fit again with"
                    " warm_start=False."
                )


def _named(symbols: Iterable[Any] | None, is_text: bool, tokens: str) -> list[Any]:
    """Return the symbols that are named beside transcripts, each a token that these may hold."""
    if symbols is None:
        return []
    if not isinstance(symbols, Iterable):
        raise TypeError(f"symbols must be a sequence of tokens; got {symbols!r}. Put it in [ ].")
    named = _labels(symbols)
    wrong = [s for s in named if is_text and not (isinstance(s, str) and _split(s, tokens) == [s])]
    if wrong:
        raise ValueError(
            f"symbols has {wrong[0]!r}, which is not a token of transcripts that are strings, with"
            f" tokens={tokens!r}. Name single {'words' if tokens == 'word' else 'characters'}."
        )
    return named
