"""Fits that failed, as a short table of candidates and causes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sklearn.exceptions import FitFailedWarning

from ...parameters.plain import plain

# Lines of a table, and characters of what it says of a candidate.
MOST_LINES, WIDEST = 10, 60


def cause_of(trace: str) -> str:
    r"""Return the line of a traceback that says what was raised.

    Examples
    --------
    >>> cause_of("Traceback ...\n  File 'a.py'\n    f()\nValueError: y is negative.\nShift it.")
    'ValueError: y is negative.'
    """
    lines = trace.strip().splitlines()
    frames = [i for i, line in enumerate(lines) if line.startswith("  ")]
    return lines[min(frames[-1] + 1 if frames else 0, len(lines) - 1)]


def named(params: Mapping[str, Any]) -> str:
    """Return the parameters of a candidate in a few characters."""
    text = ", ".join(f"{name}={plain(value)!r}" for name, value in params.items())
    text = " ".join(text.split()) or "the estimator as it is"
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."


def table_of(failed: Iterable[tuple[int, str]], settings: Sequence[Mapping[str, Any]]) -> str:
    r"""Return a table of failed fits, given by the numbers of their candidates and tracebacks.

    Examples
    --------
    >>> trace = "Traceback ...\n  f()\nValueError: y is negative."
    >>> print(table_of([(1, trace), (1, trace)], [{"loss": "mse"}, {"loss": "poisson"}]))
    candidate         fits  cause
    1 loss='poisson'     2  ValueError: y is negative.
    """
    # Of causes that differ in their numbers alone, the first stands for all.
    causes: dict[tuple[int, str], list[str]] = {}
    for number, trace in failed:
        cause = cause_of(trace)
        causes.setdefault((number, re.sub(r"[\d.]+", "", cause)), []).append(cause)
    rows = [(f"{i} {named(settings[i])}", f"{len(c)}", c[0]) for (i, _), c in causes.items()]
    shown = [("candidate", "fits", "cause"), *rows[:MOST_LINES]]
    width = max(len(candidate) for candidate, _, _ in shown)
    lines = [f"{candidate:<{width}}  {n:>4}  {why}" for candidate, n, why in shown]
    if len(rows) > MOST_LINES:
        lines.append(f"and {len(rows) - MOST_LINES} more")
    return "\n".join(lines)


def warn_or_raise(
    failed: Sequence[tuple[int, str]],
    n_fits: int,
    settings: Sequence[Mapping[str, Any]],
    error_score: Any,
) -> None:
    """Warn of the fits that failed.

    Parameters
    ----------
    failed : sequence of (int, str)
        Candidates and tracebacks.
    n_fits : int
        How many fits there were, failed or not.
    settings : sequence of dict
        Of all candidates.
    error_score : float
        The score that failed fits get.

    Raises
    ------
    ValueError
        If all fits failed.
    """
    if not failed:
        return
    table = table_of(failed, settings)
    if len(failed) == n_fits:
        raise ValueError(
            f"\nAll the {n_fits} fits failed.\nIt is very likely that your model is misconfigured."
            f" Set error_score='raise' to see where.\n\n{table}"
        )
    warnings.warn(
        f"\n{len(failed)} fits failed out of a total of {n_fits}.\nThe score on these train-test"
        f" partitions for these parameters will be set to {error_score}.\nIf these failures are not"
        " expected, you can try to debug them by setting error_score='raise'.\n\n"
        f"{table}",
        FitFailedWarning,
        stacklevel=8,  # Where the user calls fit.
    )
