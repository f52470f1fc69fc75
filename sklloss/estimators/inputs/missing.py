"""Labels that are missing, and values that are masked."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...parameters.refusals import refuse_rows


def is_missing(label: Any) -> bool:
    """Return whether a label is None, NaN, NaT or pandas' NA."""
    try:
        return label is None or bool(label != label)
    except TypeError:
        # pandas.NA is neither equal nor unequal.
        return True
    except ValueError:
        # An array is not a label, but it is not missing either.
        return False


def missing(labels: np.ndarray) -> np.ndarray:
    """Return which entries of an array are missing."""
    if labels.dtype.kind == "O":
        return np.frompyfunc(is_missing, 1, 1)(labels).astype(bool)
    can_miss = labels.dtype.kind in "fcmM"
    return np.isnan(labels) if can_miss else np.zeros(labels.shape, dtype=bool)


def check_unmasked(values: Any, name: str) -> None:
    """Raise if values of a masked array are masked: NumPy's functions forget which they are."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        n_masked = int(np.ma.count_masked(values))
        raise ValueError(
            f"{name} is a masked array; {n_masked} of {values.size} of its values are masked. Leave"
            f" these rows out, or fill them: {name}.filled(...)."
        )


def check_no_label_missing(y: Any) -> None:
    """Raise if labels are missing: masked, NaT, or among text, of which scikit-learn says less."""
    check_unmasked(y, "y")
    # Without a dtype, NaN beside text would become the text "nan".
    values = np.asarray(y, dtype=None if hasattr(y, "dtype") else object)
    is_column = values.ndim > 0 and values.size == len(values)
    if values.dtype.kind in "OmM" and is_column:
        wrong = missing(values.reshape(-1))
        remedy = "Leave these rows out."
        refuse_rows(wrong, "Input y contains NaN or None", "have no label", remedy)
