"""Errors about columns, by name."""

from __future__ import annotations

from typing import Any

import numpy as np


def count(n: int, noun: str) -> str:
    """Say a number of things."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def with_columns_named(X: Any, error: ValueError) -> ValueError:
    """Add the columns of text to the error that scikit-learn raises about text."""
    if "could not convert string" not in str(error) or not hasattr(X, "select_dtypes"):
        return error
    candidates = X.select_dtypes(exclude=["number", "bool"])
    columns = [name for name, column in candidates.items() if not _is_numeric(column)]
    if not columns:
        return error
    return ValueError(
        f"X has text in the {count(len(columns), 'column')} {columns}; a network takes numbers. Encode them, for example with"
        " make_column_transformer((OneHotEncoder(), columns), remainder='passthrough') before the network in a Pipeline."
    )


def _is_numeric(column: Any) -> bool:
    try:
        np.asarray(column, dtype=float)
    except (TypeError, ValueError):
        return False
    return True
