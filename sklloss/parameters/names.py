"""Names that somebody mistyped."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


def did_you_mean(name: Any, names: Iterable[Any], n: int = 3) -> str:
    """Return a question that offers the nearest of some names, or ''.

    Parameters
    ----------
    name : object
        What was given; compared as text, without regard to case.
    names : iterable of object
        The names there are.
    n : int, default=3
        How many are offered at most.

    Examples
    --------
    >>> did_you_mean("adm", ["sgd", "adam", "adamw"])
    "Did you mean 'adam' or 'adamw'?"
    >>> did_you_mean("forest", ["sgd", "adam"])
    ''
    """
    known = {str(each).lower(): each for each in names}
    nearest = difflib.get_close_matches(str(name).lower(), known, n=n, cutoff=0.5)
    offered = " or ".join(repr(known[each]) for each in nearest)
    return f"Did you mean {offered}?" if offered else ""
