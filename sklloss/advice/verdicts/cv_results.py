"""What the columns of ``cv_results_`` say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

MEAN = "mean_test_"


def metrics_in(table: Mapping[str, Any]) -> list[str]:
    """Return the metrics that a table has scores of."""
    return [name.removeprefix(MEAN) for name in table if str(name).startswith(MEAN)]


def scores_of(table: Mapping[str, Any], metric: str) -> np.ndarray:
    """Return scores on test rows, (candidates, splits).

    Raises
    ------
    ValueError
        If the table has means only, or scores that are no numbers.
    """
    splits: list[Any] = []
    while f"split{len(splits)}_test_{metric}" in table:
        splits.append(table[f"split{len(splits)}_test_{metric}"])
    if not splits:
        raise ValueError(
            f"cv_results_ has no column split0_test_{metric}: give the scores of every split, not"
            " their means only."
        )
    try:
        return np.asarray(splits, dtype=float).T
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The columns split0_test_{metric} ... of cv_results_ must hold one number per candidate;"
            f" {error}. Give them as the search has written them."
        ) from None


def last_iteration(table: Mapping[str, Any]) -> np.ndarray:
    """Return the rows of the candidates that successive halving kept to the end, else all rows."""
    rows = np.arange(len(table["params"]))
    if "iter" not in table:
        return rows
    iterations = np.asarray(table["iter"])
    return rows[iterations == iterations.max()]
