"""Numbers and lists of names as they stand in a sentence."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

# Names that a sentence lists before it counts the others.
MOST_NAMED = 3
# Smallest p that is written as a number.
LEAST_P = 0.001
# Numbers beyond these are written as powers of ten.
SMALLEST, LARGEST = 1e-9, 1e12
# Longest line of text that is printed.
WIDTH = 88


def listed(names: Sequence[str], word: str = "and") -> str:
    """Return names as a list in a sentence, the last of many counted only.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"], "or"), listed(["a", "b", "c", "d", "e"])
    ('a', 'a or b', 'a, b, c and 2 others')
    """
    names = list(names)
    if len(names) > MOST_NAMED + 1:
        names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} others"]
    return f" {word} ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def wrapped(text: str) -> str:
    """Return a text in lines that fit a terminal."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def significant(value: float, digits: int = 2) -> str:
    """Return a number with so many significant digits, as a power of ten only where it is extreme.

    Examples
    --------
    >>> significant(0.02004), significant(1234.5), significant(0.0), significant(3.0)
    ('0.02', '1200', '0', '3')
    >>> significant(-2.34e40), significant(1.2e-15)
    ('-2.3e+40', '1.2e-15')
    """
    if is_extreme(value):
        return f"{value:.{digits - 1}e}"
    return np.format_float_positional(
        value, precision=digits, unique=False, fractional=False, trim="-"
    )


def is_extreme(value: float) -> bool:
    """Return whether a number has too many zeros to be read in full."""
    return bool(0 < abs(value) < SMALLEST or LARGEST <= abs(value) < np.inf)


def alike(first: float, second: float) -> tuple[str, str]:
    """Return two numbers with as many decimals as it takes to tell them apart.

    Examples
    --------
    >>> alike(0.5123, 0.5119), alike(54.3, 55.51), alike(0.3918, 0.3902)
    (('0.5123', '0.5119'), ('54.3', '55.5'), ('0.392', '0.390'))
    """
    for digits in range(3, 9):
        texts = significant(first, digits), significant(second, digits)
        if texts[0] != texts[1]:
            break
    if any(map(is_extreme, (first, second))):
        return texts
    n_decimals = max(len(text.partition(".")[2]) for text in texts)
    return f"{first:.{n_decimals}f}", f"{second:.{n_decimals}f}"


def p_text(values: Sequence[float]) -> str:
    """Return p, or the range of several, as a sentence names it.

    Examples
    --------
    >>> p_text([0.543]), p_text([0.712, 0.54]), p_text([1.0, 1.0]), p_text([0.0004])
    ('p = 0.54', 'p = 0.54 to 0.71', 'p = 1', 'p < 0.001')
    """
    low, high = min(values), max(values)
    if low < LEAST_P:
        return at_most([low, high])
    texts = dict.fromkeys((significant(low), significant(high)))
    return f"p = {' to '.join(texts)}"


def at_most(values: Sequence[float]) -> str:
    """Return the largest of several p, as a sentence names it.

    Examples
    --------
    >>> at_most([0.0004]), at_most([0.0004, 0.012]), at_most([0.012])
    ('p < 0.001', 'p <= 0.012', 'p = 0.012')
    """
    high = max(values)
    if high < LEAST_P:
        return f"p < {LEAST_P}"
    return f"p {'<=' if len(values) > 1 else '='} {significant(high)}"


def probability(value: float) -> str:
    """Return a probability in words.

    Examples
    --------
    >>> probability(0.957), probability(0.9999)
    ('of 0.96', 'above 0.99')
    """
    return "above 0.99" if value > 0.99 else f"of {value:.2f}"


def decimals(spread: float) -> int:
    """Return with how many decimals scores are printed, so that three digits of a spread show.

    Examples
    --------
    >>> decimals(3.48), decimals(0.021), decimals(1234.0), decimals(0.0)
    (2, 4, 0, 4)
    """
    if not 0 < spread < np.inf:
        return 4
    return int(np.clip(2 - np.floor(np.log10(spread)), 0, 6))
