"""Sample weights of rows whose facts are asked for: rows count as often as they weigh."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from ...estimators.inputs.weights import checked_weights

# Whole numbers up to this count rows, as in fits.
LARGEST_COUNT = 100
# Rows that other weights are turned into, at least.
FEWEST_DRAWN = 10_000


def weighted_rows(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, np.ndarray | None]:
    """Return X and y without rows of weight 0, and the weights; None where all weigh the same.

    Raises
    ------
    ValueError
        If there is not one weight >= 0 per row, or all are 0.
    """
    if sample_weight is None:
        return X, y, None
    weight = checked_weights(sample_weight, np.empty(_num_samples(y)))
    kept = np.flatnonzero(weight > 0)
    if len(kept) < len(weight):
        X = None if X is None else _safe_indexing(X, kept)
        y, weight = _safe_indexing(y, kept), weight[kept]
    return X, y, None if (weight == 1).all() else weight


def counts_rows(weight: np.ndarray) -> bool:
    """Return whether weights say how often rows occurred."""
    return bool((weight == np.round(weight)).all() and weight.max() <= LARGEST_COUNT)


def repeated(weight: np.ndarray | None, n_rows: int) -> np.ndarray:
    """Return positions of rows, each as often as its weight says.

    Weights that are no counts are turned into shares of `FEWEST_DRAWN` rows or more.

    Examples
    --------
    >>> repeated(np.array([1.0, 3.0]), 2)
    array([0, 1, 1, 1])
    >>> np.bincount(repeated(np.array([0.5, 1.5]), 2))
    array([2500, 7500])
    """
    if weight is None:
        return np.arange(n_rows)
    if counts_rows(weight):
        return np.repeat(np.arange(n_rows), weight.astype(int))
    n_drawn = max(n_rows, FEWEST_DRAWN)
    shares = weight.cumsum() / weight.sum()
    return np.searchsorted(shares, (np.arange(n_drawn) + 0.5) / n_drawn).clip(max=n_rows - 1)
