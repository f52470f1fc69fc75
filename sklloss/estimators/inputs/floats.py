"""Numbers that stand beside the rows of X, as they are given: relevance, ratings, weights."""

from __future__ import annotations

from typing import Any

import numpy as np


def floats_of(values: Any, name: str, noun: str = "row") -> np.ndarray:
    """Return values as float64, of whatever shape they have; missing ones are NaN.

    Parameters
    ----------
    values : array-like
    name, noun : str
        What messages call the values, and what each belongs to.

    Raises
    ------
    ValueError
        If they are no real numbers: text, complex numbers, or times, which NumPy would count.
    """
    try:
        kind = np.asarray(values).dtype
        if kind.kind in "cmM":
            raise TypeError("Complex data not supported" if kind.kind == "c" else f"{kind}")
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{name} must be numbers, one per {noun}; got something else ({str(error).splitlines()[0]}). Turn what there is into numbers, what has"
            f" an order for example with pd.Categorical({name}, ['low', 'high']).codes."
        ) from None


def check_finite(values: np.ndarray, name: str, noun: str = "row") -> None:
    """Refuse values that are NaN or infinite; the first such row is named."""
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise ValueError(
            f"{name} must be finite; there is NaN or infinity in {len(wrong)} of {len(values)} {noun}s, for example {noun} {wrong[0]}. Leave"
            f" these {noun}s out."
        )
