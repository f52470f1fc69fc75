"""What numbers may be: their values, and the types that hold them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

Twist = Callable[[Any], Any]


def _with(value: Any, place: int = 0) -> Twist:
    """Return a twist that puts a value into one place."""

    def put(array: np.ndarray) -> np.ndarray:
        if array.size:
            array.flat[place % array.size] = value
        return array

    return put


def _first_column(value: float) -> Twist:
    def put(array: np.ndarray) -> np.ndarray:
        array[:, 0] = value
        return array

    return put


VALUES: dict[str, Twist] = {
    "plain": lambda a: a,
    "a NaN": _with(np.nan, 3),
    "only NaN": lambda a: np.full_like(a, np.nan),
    "a column of NaN": _first_column(np.nan),
    "inf": _with(np.inf, 4),
    "-inf": _with(-np.inf, 5),
    "1e300": _with(1e300, 1),
    "-1e300": _with(-1e300, 1),
    "1e30": _with(1e30, 2),
    "1e39": _with(1e39, 2),
    "1e-300": lambda a: a * 1e-300,
    "1e-160": lambda a: a * 1e-160,
    "1e-30": lambda a: a * 1e-30,
    "subnormal": lambda a: a * 5e-324,
    "large": lambda a: a * 1e140,
    "too large to square": lambda a: a * 1e200,
    "largest": lambda a: np.sign(a) * 1.7e308,
    "offset": lambda a: a + 1e9,
    "huge offset": lambda a: a + 1e16,
    "zeros": np.zeros_like,
    "minus zero": lambda a: -np.zeros_like(a),
    "a constant column": _first_column(7.0),
    "0 and 1": lambda a: (a > 0) * 1.0,
    "whole": np.round,
    "negative": lambda a: -np.abs(a),
    "positive": lambda a: np.abs(a) + 0.1,
    "equal rows": lambda a: np.repeat(a[:1], len(a), axis=0),
    "repeated rows": lambda a: np.resize(a[: max(1, len(a) // 3)], a.shape),
    "no rows": lambda a: a[:0],
    "one row": lambda a: a[:1],
    "two rows": lambda a: a[:2],
    "no columns": lambda a: a[:, :0],
    "one column": lambda a: a[:, :1],
}


def _objects(kind: Twist) -> Twist:
    """Return a twist to an array of objects."""
    return lambda a: np.vectorize(kind, otypes=[object])(a)


def _first_object(value: Any) -> Twist:
    return lambda a: _with(value)(a.astype(object))


def _structured(array: np.ndarray) -> np.ndarray:
    columns = array.reshape(len(array), -1).T
    return np.rec.fromarrays(list(columns))


DTYPES: dict[str, Twist] = {
    **{
        name: lambda a, name=name: a.astype(name)
        for name in (
            *("float64", "float32", "float16", "longdouble", ">f8"),
            *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
            *("bool", "complex64", "complex128", "str", "S8", "object"),
        )
    },
    "datetime64[ns]": lambda a: (a * 1e9).astype("int64").astype("M8[ns]"),
    "datetime64[D]": lambda a: (a * 10).astype("int64").astype("M8[D]"),
    "timedelta64[s]": lambda a: (a * 10).astype("int64").astype("m8[s]"),
    "words": lambda a: np.where(a > 0, "yes", "no"),
    "objects of words": lambda a: np.where(a > 0, "yes", "no").astype(object),
    "fractions": _objects(lambda v: Fraction(float(v)).limit_denominator(100)),
    "decimals": _objects(lambda v: Decimal(str(round(float(v), 3)))),
    "huge integers": _objects(lambda v: int(v * 10) * 10**400),
    "large integers": _objects(lambda v: int(v * 10) * 10**25),
    "with None": _first_object(None),
    "with pd.NA": _first_object(pd.NA),
    "with NaT": _first_object(pd.NaT),
    "with text": _first_object("a"),
    "with a list": _first_object([1, 2]),
    "with a class": _first_object(object),
    "with a timestamp": _first_object(pd.Timestamp("2020-01-01")),
    "structured": _structured,
}

NUMERIC = {"float64", "float32", "float16", "bool", ">f8"} | {n for n in DTYPES if "int" in n[:4]}
