"""What y and weights may be."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import torch
from scipy import sparse

Twist = Callable[[Any], Any]


def _first(value: Any) -> Twist:
    """Return a twist that replaces the first entry."""

    def put(y: Any) -> Any:
        y = np.array(y, dtype=object if not isinstance(value, float) else float)
        y.flat[0] = value
        return y

    return put


def _array(change: Twist) -> Twist:
    return lambda y: change(np.asarray(y))


def _numbers(change: Twist) -> Twist:
    return lambda y: change(np.asarray(y, dtype=float))


def _read_only(y: np.ndarray) -> np.ndarray:
    y = y.copy()
    y.setflags(write=False)
    return y


TARGETS: dict[str, Twist] = {
    "plain": lambda y: y,
    "list": _array(lambda y: y.tolist()),
    "tuple": _array(lambda y: tuple(y.tolist())),
    "series": lambda y: pd.Series(list(y)),
    "nullable series": lambda y: pd.Series(list(y)).convert_dtypes(),
    "series of another index": lambda y: pd.Series(list(y), index=np.arange(len(y))[::-1] + 5),
    "polars series": lambda y: pl.Series(list(y)),
    "Arrow array": lambda y: pa.array(list(y)),
    "tensor": _array(torch.as_tensor),
    "memoryview": _array(lambda y: memoryview(y)),
    "read-only": _array(_read_only),
    "strided": _array(lambda y: np.repeat(y, 2, axis=0)[::2]),
    "column": _array(lambda y: y[:, None]),
    "two columns": _array(lambda y: np.stack([y, y], axis=1)),
    "frame of a column": lambda y: pd.DataFrame({"y": list(y)}),
    "frame of one name": lambda y: pd.DataFrame([[v, v] for v in y], columns=["y", "y"]),
    "sparse column": _numbers(lambda y: sparse.csr_array(y.reshape(len(y), -1))),
    "structured": _array(lambda y: np.rec.fromarrays([y, y])),
    **{
        name: _array(lambda y, name=name: y.astype(name))
        for name in ("float16", "float32", "int8", "uint64", "bool", "str", "S4", "object")
    },
    "complex": _numbers(lambda y: y + 1j),
    "dates": _numbers(lambda y: (y * 10).astype("int64").astype("M8[D]")),
    "durations": _numbers(lambda y: (y * 10).astype("int64").astype("m8[s]")),
    "words": _numbers(lambda y: np.where(y > np.median(y), "yes", "no")),
    "signs": _numbers(lambda y: y > np.median(y)),
    "three classes": _numbers(lambda y: np.argsort(np.argsort(y, axis=0), axis=0) % 3),
    "one value": _array(lambda y: np.repeat(y[:1], len(y), axis=0)),
    "all different": lambda y: np.arange(len(y)),
    "whole": _numbers(np.round),
    "positive": _numbers(lambda y: np.abs(y) + 0.1),
    "counts": _numbers(lambda y: np.floor(3 * np.abs(y))),
    "shares": _numbers(lambda y: 1 / (1 + np.exp(-y))),
    "negative": _numbers(lambda y: -np.abs(y) - 0.1),
    "1e-300": _numbers(lambda y: y * 1e-300),
    "1e-30": _numbers(lambda y: y * 1e-30),
    "subnormal": _numbers(lambda y: y * 5e-324),
    "1e30": _numbers(lambda y: y * 1e30),
    "1e140": _numbers(lambda y: y * 1e140),
    "1e300": _numbers(lambda y: y * 1e300),
    "offset": _numbers(lambda y: y + 1e12),
    "an outlier": _first(1e20),
    "a NaN": _first(np.nan),
    "inf": _first(np.inf),
    "with None": _first(None),
    "with pd.NA": _first(pd.NA),
    "with text": _first("a"),
    "with a list": _first([1, 2]),
    "tuples": lambda y: [(1, str(v)) for v in y],
    "fractions": lambda y: [Fraction(float(v)).limit_denominator(9) for v in y],
    "decimals": lambda y: [Decimal(str(round(float(v), 2))) for v in y],
    "huge integers": lambda y: [int(v * 10) * 10**400 for v in y],
    "categorical": lambda y: pd.Series(list(y)).astype("category"),
    "ordered": lambda y: pd.Series(list(y)).astype("category").cat.as_ordered(),
    "categorical of words": _numbers(lambda y: pd.Categorical(np.where(y > 0, "yes", "no"))),
    "masked": lambda y: np.ma.array(y, mask=[True] + [False] * (len(y) - 1)),
    "three axes": _array(lambda y: y[:, None, None]),
    "short": lambda y: y[:-1],
    "empty": lambda y: y[:0],
    "None": lambda y: None,
    "number": lambda y: 3.0,
    "text": lambda y: "text",
    "dict": lambda y: dict(enumerate(y)),
    "set": lambda y: set(map(str, y)),
    "generator": lambda y: iter(y),
}

WEIGHTS: dict[str, Callable[[int, np.random.Generator], Any]] = {
    "none": lambda n, rng: None,
    "ones": lambda n, rng: np.ones(n),
    "random": lambda n, rng: rng.random(n) + 0.1,
    "whole": lambda n, rng: rng.integers(0, 3, n) + np.eye(1, n, dtype=int)[0],
    "list": lambda n, rng: [1.0] * n,
    "series": lambda n, rng: pd.Series(rng.random(n) + 0.1, index=np.arange(n) + 3),
    "tensor": lambda n, rng: torch.ones(n),
    "float16": lambda n, rng: (rng.random(n) + 0.5).astype(np.float16),
    "bool": lambda n, rng: np.arange(n) % 3 > 0,
    "number": lambda n, rng: 2.0,
    "zeros": lambda n, rng: np.zeros(n),
    "one counts": lambda n, rng: np.eye(1, n)[0],
    "1e-300": lambda n, rng: np.full(n, 1e-300),
    "subnormal": lambda n, rng: np.full(n, 5e-324),
    "1e-60 on half": lambda n, rng: np.where(np.arange(n) < n // 2, 1.0, 1e-60),
    "1e-25 on half": lambda n, rng: np.where(np.arange(n) < n // 2, 1.0, 1e-25),
    "1e-25 on one": lambda n, rng: np.where(np.arange(n) == n // 2, 1e-25, 1.0),
    "1e25 on one": lambda n, rng: np.where(np.arange(n) == n // 2, 1e25, 1.0),
    "1e300": lambda n, rng: np.full(n, 1e300),
    "1.7e308": lambda n, rng: np.full(n, 1.7e308),
    "both ends": lambda n, rng: np.resize([1e-300, 1e300], n),
    "negative": lambda n, rng: -np.ones(n),
    "NaN": lambda n, rng: np.full(n, np.nan),
    "inf": lambda n, rng: np.full(n, np.inf),
    "short": lambda n, rng: np.ones(max(n - 1, 0)),
    "long": lambda n, rng: np.ones(n + 1),
    "column": lambda n, rng: np.ones((n, 1)),
    "frame": lambda n, rng: pd.DataFrame({"w": np.ones(n)}),
    "words": lambda n, rng: np.full(n, "a"),
    "numbers as words": lambda n, rng: np.full(n, "1.5"),
    "complex": lambda n, rng: np.full(n, 1 + 1j),
    "with None": lambda n, rng: [None] * n,
    "with pd.NA": lambda n, rng: pd.array([pd.NA] * n, dtype="Float64"),
    "masked": lambda n, rng: np.ma.array(np.ones(n), mask=np.arange(n) == 0),
    "text": lambda n, rng: "balanced",
    "dict": lambda n, rng: {0: 1.0},
    "dates": lambda n, rng: np.full(n, "2020-01-01", dtype="M8[D]"),
}
