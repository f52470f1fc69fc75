"""Errors about columns, by name."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ...parameters.refusals import count
from .missing import missing


def column_names(table: Any) -> list[Any]:
    """Return the names of the columns of a DataFrame or pyarrow table, none of anything else."""
    names: Any = getattr(table, "column_names", None) or getattr(table, "columns", ())
    return list(names)


def check_names(table: Any, name: str = "X") -> None:
    """Raise if two columns of a DataFrame are called the same, or it has no rows yet."""
    if hasattr(table, "collect"):
        kind = type(table).__name__
        raise TypeError(f"{name} is a {kind}, which has no rows yet. Give {name}.collect().")
    for column, times in Counter(column_names(table)).items():
        if times > 1:
            raise ValueError(f"{name} has {times} columns named {column!r}. Rename them.")


def with_columns_named(X: Any, y: Any, error: Exception) -> Exception:
    """Return an error of scikit-learn's about text with the names of its columns.

    Parameters
    ----------
    X : object
        As given.
    y : object
        Numbers, or None where y may have text.
    error : Exception
        Returned as it is where it is about something else.
    """
    if "NA is ambiguous" in str(error):
        where = "y" if y is not None and missing(np.asarray(y, dtype=object)).any() else "X"
        return ValueError(f"{where} has missing values, pd.NA. Leave these rows out, or fill them.")
    infinite = _infinite_columns(X) if "contains infinity" in str(error) else []
    if infinite:
        return ValueError(
            f"Input X contains infinity or a value too large, in the"
            f" {count(len(infinite), 'column')} {infinite}. Replace it with NaN, which module='mlp'"
            " takes as missing, or leave these rows out."
        )
    if isinstance(error, OverflowError):
        return ValueError("X or y has a whole number that is too large for a float64. Scale it.")
    if "contains NaN" in str(error) and "Input X" in str(error):
        return ValueError(
            "Input X contains NaN. Fill missing values before the network; of tables, module='mlp'"
            " takes them as they are."
        )
    if _is_of_numpy(error):
        which = "y" if y is not None and _is_numeric(X) else "X"
        return type(error)(
            f"{which} cannot be made an array of numbers: {error}. Give an array, or a DataFrame, of"
            " numbers."
        )
    if "could not convert string" not in str(error):
        return error
    columns = _columns_of_text(X)
    if columns:
        return ValueError(
            f"X has text in the {count(len(columns), 'column')} {columns}; a network takes numbers."
            " Encode them, for example with make_column_transformer((OneHotEncoder(), columns),"
            " remainder='passthrough') before the network in a Pipeline."
        )
    if y is None or _is_numeric(y):
        return ValueError(f"X has text, and a network takes numbers: {error}. Encode it before.")
    texts = [value for value in np.ravel(np.asarray(y, dtype=object)) if not _is_numeric(value)]
    return ValueError(
        f"y has text, for example {texts[0]!r}, and needs numbers. Number what has an order, for"
        " example with pd.Categorical(y, ['low', 'high']).codes; for classes take NeuralClassifier."
    )


def _infinite_columns(X: Any) -> list[Any]:
    if not hasattr(X, "select_dtypes"):
        return []
    numbers = X.select_dtypes("number")
    return [name for name, column in numbers.items() if np.isinf(np.asarray(column, float)).any()]


def _columns_of_text(X: Any) -> list[Any]:
    if not hasattr(X, "select_dtypes"):
        return []
    candidates = X.select_dtypes(exclude=["number", "bool"])
    return [name for name, column in candidates.items() if not _is_numeric(column)]


def _is_numeric(column: Any) -> bool:
    try:
        np.asarray(column, dtype=float)
    except (OverflowError, RuntimeError, TypeError, ValueError):
        return False
    return True


def _is_of_numpy(error: Exception) -> bool:
    """Return whether an error says that something inside an array is no number."""
    said = ("argument must be a string or a real number", "setting an array element", "ScalarType")
    return any(part in str(error) for part in said)
