"""Labels that are missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...parameters.refusals import count


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
    can_miss = labels.dtype.kind in "fcmM"
    return np.isnan(labels) if can_miss else np.zeros(labels.shape, dtype=bool)


def check_no_label_missing(y: Any) -> None:
    """Refuse missing labels among text, of which scikit-learn says "Input contains NaN" or that they cannot be sorted."""
    values = np.asarray(y, dtype=None if hasattr(y, "dtype") else object)  # else NaN turns "nan"
    if values.dtype.kind != "O" or values.size != len(np.atleast_1d(values)):
        return
    rows = np.flatnonzero(missing(values.reshape(-1)))
    if values.ndim and len(rows):
        raise ValueError(
            f"Input y contains NaN or None: {count(len(rows), 'label')} of {len(values)} missing, the first in row {rows[0]}. Leave"
            " these rows out."
        )
