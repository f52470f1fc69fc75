"""Refusals of data: what is needed, how many rows fail it, the first of them, and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def count(n: int, noun: str) -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> count(1, "row"), count(3, "row")
    ('1 row', '3 rows')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def some_of(wrong: Sequence[bool] | np.ndarray, noun: str, verb: str) -> str:
    """Return how many of the things are wrong, as in ``3 of 500 rows are``.

    Parameters
    ----------
    wrong : array-like of bool of any shape
    noun : str
        What one of them is called, in the singular.
    verb : str
        What several of them do, have or are; its first word follows the number.  '' leaves it out.

    Examples
    --------
    >>> some_of([True, False, True], "row", "are negative")
    '2 of 3 rows are negative'
    """
    n = int(np.sum(wrong))
    word, _, rest = verb.partition(" ")
    singular = {"are": "is", "have": "has", "do": "does", "": ""}
    word = singular.get(word, f"{word}s") if n == 1 else word
    return f"{n} of {count(int(np.size(wrong)), noun)} {word} {rest}".rstrip()


def refuse_rows(
    wrong: Sequence[bool] | np.ndarray,
    needs: str,
    verb: str,
    remedy: str,
    *,
    noun: str = "row",
    example: Callable[[int], Any] | None = None,
    error: type[Exception] = ValueError,
) -> None:
    """Raise where any row is wrong: who needs what, how many rows fail, one of them, what to do.

    Parameters
    ----------
    wrong : array-like of bool, shape (n_rows,)
    needs : str
        Who needs what, as in ``ratings must be finite``.
    verb : str
        What the wrong rows do or are, as in ``are negative``; '' where `needs` ends in words that
        the number follows, as in ``there is NaN in``.
    remedy : str
        What to do, a whole sentence.
    noun : str, default="row"
        What a row is called.
    example : callable or None, default=None
        From the position of the first wrong row to its value, which the message shows.
    error : type of Exception, default=ValueError

    Raises
    ------
    ValueError
        Or what `error` says, if any row is wrong.

    Examples
    --------
    >>> refuse_rows([False, True], "counts must be >= 0", "are negative", "Clip them.", example=[4, -2].__getitem__)
    Traceback (most recent call last):
    ...
    ValueError: counts must be >= 0; 1 of 2 rows is negative, for example row 1: -2. Clip them.
    """
    rows = np.flatnonzero(wrong)
    if len(rows):
        first = int(rows[0])
        shown = "" if example is None else f": {_shown(example(first))}"
        some = f"{needs}{';' if verb else ''} {some_of(wrong, noun, verb)}"
        raise error(f"{some}, for example {noun} {first}{shown}. {remedy}")


def _shown(value: Any) -> str:
    """Return a value as a message shows it, long ones cut."""
    plain = value.item() if isinstance(value, np.generic) else value
    text = f"{plain:g}" if isinstance(plain, float) else repr(plain)
    return text if len(text) <= 200 else f"{text[:197]}..."
