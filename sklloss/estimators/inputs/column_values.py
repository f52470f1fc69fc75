"""The values of a column of a raw table: of which kind they are, and as numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from numbers import Integral, Real
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from .missing import is_missing

# Beyond it, neighbouring whole numbers are the same float64.
LARGEST_EXACT = 2**53

# What pandas calls the values of an object column that are all of one kind.
KINDS = {
    "empty": "nothing",
    "string": "categories",
    **dict.fromkeys(
        ("integer", "floating", "mixed-integer-float", "boolean", "decimal"), "numbers"
    ),
    **dict.fromkeys(("datetime", "datetime64", "date", "period"), "dates"),
    **dict.fromkeys(("timedelta", "timedelta64"), "durations"),
}


def kind_of(name: Any, series: Any) -> str:
    """Return what a column holds: numbers, durations, dates, categories, or nothing.

    Raises
    ------
    ValueError
        If it is none of these, or several.
    """
    dtype, native = series.dtype, series.to_native()
    of_pandas = isinstance(native, pd.Series)
    is_sparse = of_pandas and isinstance(native.dtype, pd.SparseDtype)
    if is_sparse and native.dtype.subtype.kind not in "fiub":
        raise ValueError(
            f"Column {name!r} of X is sparse and holds no numbers. Make it dense:"
            f" X[{name!r}].sparse.to_dense()."
        )
    if dtype.is_numeric() or dtype == nw.Boolean or is_sparse:
        return "numbers"
    if isinstance(dtype, nw.Duration):
        return "durations"
    if isinstance(dtype, nw.Datetime | nw.Date):
        return "dates"
    if series.null_count() == len(series):
        return "nothing"
    if isinstance(dtype, nw.String | nw.Categorical | nw.Enum):
        return "categories"
    inferred = KINDS.get(pd.api.types.infer_dtype(native, skipna=True)) if of_pandas else None
    if inferred is not None:
        return inferred
    return kind_of_values(name, series.to_list())


def kind_of_values(name: Any, values: Sequence[Any]) -> str:
    """Return the kind of some values, or raise if there are several."""
    kinds: dict[str, Any] = {}
    for value in values:
        if not is_missing(value):
            kinds.setdefault(_kind_of_value(value), value)
    if "other" in kinds:
        value = kinds["other"]
        raise ValueError(
            f"Column {name!r} of X holds values of type {type(value).__name__}, for example"
            f" {value!r}; a network takes numbers, categories, dates and durations. Turn it into one"
            " of these, or drop it."
        )
    if len(kinds) > 1:
        order = sorted(kinds, key=["numbers", "durations", "dates", "categories"].index)
        held = " and ".join("text" if kind == "categories" else kind for kind in order)
        examples = " and ".join(repr(kinds[kind]) for kind in order)
        raise ValueError(
            f"Column {name!r} of X holds {held}, for example {examples}. Turn it into numbers with"
            f" pd.to_numeric(X[{name!r}], errors='coerce'), or into text with"
            f" X[{name!r}].astype(str)."
        )
    return next(iter(kinds), "nothing")


def _kind_of_value(value: Any) -> str:
    for kind, types in (
        ("categories", str | pd.Interval),
        ("numbers", Real | Decimal | np.bool_),
        ("durations", timedelta | np.timedelta64),
        ("dates", date | np.datetime64 | pd.Period),
    ):
        if isinstance(value, types):
            return kind
    return "other"


def moment(value: Any) -> Any:
    """Return a date as NumPy takes it."""
    if is_missing(value):
        return np.datetime64("NaT")
    if isinstance(value, pd.Period):
        return value.to_timestamp()
    return value.replace(tzinfo=None) if getattr(value, "tzinfo", None) else value


def zone_of(name: Any, series: Any) -> str | None:
    """Return the time zone of a column of dates.

    Raises
    ------
    ValueError
        If there are several.
    """
    dtype = series.dtype
    if isinstance(dtype, nw.Datetime | nw.Date):
        return getattr(dtype, "time_zone", None)
    given = [getattr(v, "tzinfo", None) for v in series.to_list() if not is_missing(v)]
    zones = list(dict.fromkeys(None if zone is None else str(zone) for zone in given))
    if len(zones) > 1:
        raise ValueError(
            f"Column {name!r} of X has times in the zones {', '.join(map(str, zones))}. Give one"
            f" zone, for example with pd.to_datetime(X[{name!r}], utc=True)."
        )
    return zones[0] if zones else None


def floats_of(name: Any, series: Any) -> np.ndarray:
    """Return numbers of any library as float64, missing ones NaN."""
    native = series.to_native()
    if isinstance(native, pd.Series) and native.dtype != object:
        return native.to_numpy(dtype=np.float64, na_value=np.nan)
    values = series.to_numpy()
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    try:
        listed = [np.nan if is_missing(value) else float(value) for value in series.to_list()]
    except OverflowError:
        raise ValueError(
            f"Column {name!r} of X holds numbers too large for float64. Divide them by a constant."
        ) from None
    return np.array(listed, dtype=np.float64)


def factorized(name: Any, series: Any) -> tuple[np.ndarray, np.ndarray, str]:
    """Return where each value stands among the distinct ones, -1 if missing, these, and their kind.

    Distinct values are text, or numbers as floats; dates and durations are known by a text that is
    the same for all libraries, intervals by theirs.

    Raises
    ------
    ValueError
        If values are of several kinds, or whole numbers that floats do not tell apart.
    """
    native = series.to_native()
    if not isinstance(native, pd.Series):
        native = pd.Series(series.to_list(), dtype=object)
    try:
        place, found = pd.factorize(native)
    except TypeError:
        kind_of_values(name, list(native))  # raises with a value that does not hash
        raise
    listed = list(found)
    kind = kind_of_values(name, listed)
    known_by: dict[str, Callable[[Any], Any]] = {
        "numbers": partial(_as_float, name),
        "dates": _as_date,
        "durations": _as_duration,
    }
    as_level = known_by.get(kind, str)
    levels = np.array([as_level(value) for value in listed], dtype=object)
    again, distinct = pd.factorize(levels)
    return np.append(again, -1)[place], np.asarray(distinct, dtype=object), kind


def _as_float(name: Any, value: Any) -> float:
    is_large = isinstance(value, Integral) and abs(int(value)) > LARGEST_EXACT
    if is_large:
        raise ValueError(
            f"Column {name!r} of X holds whole numbers that a float64 does not tell apart, for"
            f" example {str(value)[:40]}. Turn them into text: X[{name!r}].astype(str)."
        )
    return float(value)


def _as_date(value: Any) -> str:
    return pd.Timestamp(moment(value)).isoformat()


def _as_duration(value: Any) -> str:
    return pd.Timedelta(value).isoformat()
