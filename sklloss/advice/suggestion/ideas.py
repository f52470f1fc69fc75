"""Ideas of which a suggestion is made, and the words for numbers in their reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Idea:
    """A loss that one rule brings up.

    Attributes
    ----------
    loss : str
    weight : float
        How much speaks for it; the heaviest come first.
    why : str
        The reason, with its number.
    parameters : dict of str to list, default={}
        Values to try.
    """

    loss: str
    weight: float
    why: str
    parameters: dict[str, list[Any]] = field(default_factory=dict)


def percent(share: float) -> str:
    """Return a share in words.

    Examples
    --------
    >>> percent(0.224), percent(0.004), percent(0.0)
    ('22 %', '0.4 %', '0 %')
    """
    digits = 1 if 0 < share < 0.0995 else 0
    return f"{100 * share:.{digits}f}".removesuffix(".0") + " %"


def number(value: float) -> str:
    """Return a number with two significant digits, whole ones of more digits in full.

    Examples
    --------
    >>> number(4.123), number(456.3), number(0.0412)
    ('4.1', '456', '0.041')
    """
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"
