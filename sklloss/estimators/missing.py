"""Labels that are missing."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_missing(label: Any) -> bool:
    """Tell whether a label is None, NaN, NaT or pandas' NA."""
    try:
        return label is None or bool(label != label)
    except TypeError:  # pandas.NA is neither equal nor unequal
        return True
    except ValueError:  # an array, which is something, if no label
        return False


def missing(labels: np.ndarray) -> np.ndarray:
    """Tell which entries of an array are."""
    if labels.dtype.kind == "O":
        return np.frompyfunc(is_missing, 1, 1)(labels).astype(bool)
    return np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(labels.shape, dtype=bool)
