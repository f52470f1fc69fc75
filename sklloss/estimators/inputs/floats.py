"""Numbers that are given beside the rows of X: relevance, ratings, weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...parameters.refusals import refuse_rows


def floats_of(values: Any, name: str, noun: str = "row") -> np.ndarray:
    """Return values as float64, of whatever shape they have; missing ones are NaN.

    Parameters
    ----------
    values : array-like
    name, noun : str
        What messages call the values, and what each of them belongs to.

    Raises
    ------
    ValueError
        If they are not real numbers: text, complex numbers, or times, which NumPy would convert.
    """
    try:
        kind = np.asarray(values).dtype
        if kind.kind in "cmM":
            raise TypeError("Complex data not supported" if kind.kind == "c" else f"{kind}")
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{name} must be numbers, one per {noun}; got something else"
            f" ({str(error).splitlines()[0]}). Turn them into numbers; what has an order, for"
            f" example, with pd.Categorical({name}, ['low', 'high']).codes."
        ) from None


def check_finite(values: np.ndarray, name: str, noun: str = "row") -> None:
    """Raise if a value is NaN or infinite; the message names the first such row."""
    needs = f"{name} must be finite; there is NaN or infinity in"
    refuse_rows(~np.isfinite(values), needs, "", f"Leave these {noun}s out.", noun=noun)
