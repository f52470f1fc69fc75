"""Labels that are missing, and values that NumPy would misread."""

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
    except ArithmeticError:
        # A signalling NaN of decimal refuses to be compared.
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


def check_plain(values: Any, name: str) -> None:
    """Raise for what NumPy would misread: masked values, records, and some tensors.

    Parameters
    ----------
    values : object
        An array, a tensor, or anything else.
    name : str
        What messages call it.

    Raises
    ------
    ValueError
        If it is one of these.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        n_masked = int(np.ma.count_masked(values))
        raise ValueError(
            f"{name} is a masked array; {n_masked} of {values.size} of its values are masked. Leave"
            f" these rows out, or fill them: {name}.filled(...)."
        )
    names = getattr(getattr(values, "dtype", None), "names", None)
    if names:
        raise ValueError(
            f"{name} is a structured array with the fields {', '.join(map(repr, names))}. Give one"
            f" of them, as {name}[{names[0]!r}], or all as a table, pd.DataFrame({name})."
        )
    if getattr(values, "requires_grad", False):
        raise ValueError(f"{name} is a tensor that requires grad. Give {name}.detach().")
    if str(getattr(values, "dtype", "")) == "torch.bfloat16":
        raise ValueError(f"{name} is a tensor of bfloat16, unknown to NumPy. Give {name}.float().")


def check_none_missing(y: Any) -> None:
    """Raise if numbers among objects are missing, NaT and pandas' NA too."""
    values = np.asarray(y, dtype=None if hasattr(y, "__array__") else object)
    if values.dtype.kind not in "Of" or values.ndim not in (1, 2) or not values.size:
        return
    wrong = np.asarray(missing(values).reshape(len(values), -1).any(axis=1))
    refuse_rows(
        wrong,
        "Input y contains NaN or None",
        "have no number",
        "Leave these rows out, or fill them.",
    )


def check_labels(y: Any) -> None:
    """Raise if labels are missing, masked or NaT too, or are text beside something else."""
    check_plain(y, "y")
    # Without a dtype, NaN beside text would become the text "nan".
    values = np.asarray(y, dtype=None if hasattr(y, "dtype") else object)
    is_column = values.ndim > 0 and values.size == len(values)
    if values.dtype.kind in "OmM" and is_column:
        wrong = missing(values.reshape(-1))
        remedy = "Leave these rows out."
        refuse_rows(wrong, "Input y contains NaN or None", "have no label", remedy)
        _check_one_kind(values.reshape(-1))


def _check_one_kind(labels: np.ndarray) -> None:
    """Raise if some labels are text and others are not: they cannot be sorted."""
    texts = [label for label in labels if isinstance(label, str)]
    others = [label for label in labels if not isinstance(label, str)]
    if texts and others:
        raise TypeError(
            f"y has text and other labels, for example {texts[0]!r} and {others[0]!r}, which have"
            " no order. Make them all text: [str(label) for label in y]."
        )
