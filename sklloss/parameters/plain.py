"""Values of parameters as plain Python: what compares, hashes and prints."""

from __future__ import annotations

import numbers
from collections.abc import Hashable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Turn arrays, tensors, lists, NumPy scalars and fractions into tuples and plain values.

    Tensors can be multiplied by floats, but not by fractions.  One too large for a float stays.
    """
    is_array = hasattr(value, "__array__") and hasattr(value, "tolist")
    if is_array and not isinstance(value, type):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    if isinstance(value, numbers.Rational) and not isinstance(value, int):
        with suppress(OverflowError):
            return float(value)
    return value


def frozen(value: Any) -> Hashable:
    """Return a parameter as something that hashes, equal for equal values."""
    if isinstance(value, Mapping):
        return frozenset((name, frozen(held)) for name, held in value.items())
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(frozen(held) for held in value)
    return value


def hashes(key: Any) -> bool:
    """Return whether something can be a key."""
    try:
        hash(key)
    except TypeError:
        return False
    return True
