"""What counts as numbers, and those that are given beside X: relevance, ratings, weights."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from ...parameters.refusals import refuse_rows
from .missing import check_plain, is_missing


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
        If they are not real numbers.
    """
    check_kind(values, name)
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{name} must be numbers, one per {noun}; got something else"
            f" ({str(error).splitlines()[0]}). Turn them into numbers; what has an order, for"
            f" example, with pd.Categorical({name}, ['low', 'high']).codes."
        ) from None


def check_kind(values: Any, name: str) -> None:
    """Raise for times, complex numbers, and what NumPy would misread.

    Parameters
    ----------
    values : object
        An array or table, or what becomes one.
    name : str
        What messages call it.

    Raises
    ------
    ValueError
        If it holds any of these.
    """
    check_plain(values, name)
    kinds = _kinds(values)
    if "c" in kinds:
        raise ValueError(
            f"Complex data not supported: {name} holds {kinds['c']}. Give {name}.real, or both parts"
            " side by side."
        )
    if "m" in kinds:
        raise ValueError(
            f"{name} holds durations, {kinds['m']}, which are numbers only in a unit. Divide them,"
            f" for example for days: {name} / np.timedelta64(1, 'D')."
        )
    if "M" in kinds:
        raise ValueError(
            f"{name} holds dates or times, {kinds['M']}, which are not numbers. Make numbers of"
            f" them, for example the days since the first: ({name} - {name}.min()) /"
            " np.timedelta64(1, 'D')."
        )


def _kinds(values: Any) -> dict[str, str]:
    """Return the kinds of the dtypes of an array or table, with dtypes, and columns, in words.

    Python's durations and dates count as what they are.
    """
    dtypes = getattr(values, "dtypes", None)
    if isinstance(dtypes, pd.Series):
        return {dtype.kind: f"{dtype} in the column {name!r}" for name, dtype in dtypes.items()}
    array = values
    dtype: Any = getattr(values, "dtype", None)
    if not hasattr(dtype, "kind"):
        try:
            array = np.asarray(values)
        except (TypeError, ValueError, OverflowError):
            return {}
        dtype = array.dtype
    if dtype.kind == "O" and isinstance(array, np.ndarray | pd.Series):
        first = next((value for value in np.ravel(array) if not is_missing(value)), None)
        if isinstance(first, timedelta | date | pd.Period):
            return {"m" if isinstance(first, timedelta) else "M": type(first).__name__}
    return {dtype.kind: str(dtype)}


def check_finite(values: np.ndarray, name: str, noun: str = "row") -> None:
    """Raise if a value is NaN or infinite; the message names the first such row."""
    needs = f"{name} must be finite; there is NaN or infinity in"
    refuse_rows(~np.isfinite(values), needs, "", f"Leave these {noun}s out.", noun=noun)
