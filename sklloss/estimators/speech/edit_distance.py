"""How far transcripts are from their references: edits per token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length

from ..fit.documentation import completed
from ..inputs.weights import checked_weights

# The sections that the docstrings of rates of strings have in common.
OF_STRINGS = """\
Parameters
----------
y_true, y_pred : sequence of str
    References and predicted transcripts.
sample_weight : array-like of shape (n_samples,) or None, default=None
    Weights of the rows, >= 0.

Returns
-------
float
    0 is perfect; it exceeds 1 if there are more errors than tokens.

Raises
------
ValueError, TypeError
    As in `token_error_rate`; also if a transcript is not a string."""


def edit_distance(reference: Sequence[Any], transcript: Sequence[Any]) -> int:
    """Return the Levenshtein distance: the fewest edits that turn one sequence into the other.

    Edits are insertions, deletions and replacements.

    Parameters
    ----------
    reference, transcript : sequence
        Sequences of items that can be compared.

    Examples
    --------
    >>> edit_distance("kitten", "sitting")
    3
    """
    costs = list(range(len(transcript) + 1))
    for row, token in enumerate(reference, 1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(transcript, 1):
            least = min(costs[column] + 1, costs[column - 1] + 1, diagonal + (token != other))
            diagonal, costs[column] = costs[column], least
    return costs[-1]


def token_error_rate(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Return the number of edits between transcripts and references, per token of the references.

    ``Σ w edits / Σ w tokens`` over all rows, where insertions, deletions and replacements count 1
    each.  0 is perfect; the rate may exceed 1 if transcripts are longer than their references.  The
    tokens of a string are its characters, and those of a sequence its labels.

    Parameters
    ----------
    y_true, y_pred : sequence of str or of sequences of labels
        References, what was said, and transcripts, what was recognised.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weights of the rows, >= 0.

    Returns
    -------
    float
        Edits per token.

    Raises
    ------
    ValueError
        If there are not equally many, or all references are empty.
    TypeError
        If one of them is a single string.

    References
    ----------
    Levenshtein, V., Binary codes capable of correcting deletions, insertions, and reversals, 1966.

    Examples
    --------
    >>> token_error_rate(["three", "two"], ["tree", "two"])
    0.125
    >>> token_error_rate([[1, 2, 3], [4]], [[1, 3], [4]])
    0.25
    """
    return _error_rate(y_true, y_pred, sample_weight, list)


@completed(of_strings=OF_STRINGS)
def character_error_rate(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Return the edits of characters per character of the references, spaces included.

    %(of_strings)s

    Examples
    --------
    >>> character_error_rate(["one two"], ["one too"]) == 1 / 7
    True
    """
    return _error_rate(y_true, y_pred, sample_weight, _characters)


@completed(of_strings=OF_STRINGS)
def word_error_rate(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """Return the edits of words per word of the references.

    Words are what stands between white space.

    %(of_strings)s

    Examples
    --------
    >>> word_error_rate(["one two"], ["one too"])
    0.5
    """
    return _error_rate(y_true, y_pred, sample_weight, lambda text: _characters(text).split())


def _characters(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(
            f"A word or character error rate takes strings; got {text!r}. Use token_error_rate for"
            " sequences of labels."
        )
    return text


def _error_rate(
    y_true: Any, y_pred: Any, sample_weight: Any, tokens: Callable[[Any], Sequence[Any]]
) -> float:
    if isinstance(y_true, str) or isinstance(y_pred, str):
        raise TypeError("An error rate takes a list of transcripts; got one string. Put it in [ ].")
    check_consistent_length(y_true, y_pred)
    references, transcripts = ([list(tokens(t)) for t in each] for each in (y_true, y_pred))
    weights = checked_weights(sample_weight, np.empty(len(references)))
    n_tokens = weights @ np.array([len(t) for t in references], dtype=float)
    if not n_tokens > 0:
        raise ValueError(
            "An error rate divides by the number of tokens of the references; all"
            f" {len(references)} transcripts of y_true are empty or have weight 0. Score rows in"
            " which something was said."
        )
    edits = [edit_distance(*pair) for pair in zip(references, transcripts, strict=True)]
    return float(weights @ np.array(edits, dtype=float) / n_tokens)
