"""Sample weights: checked, and on a scale on which float32 can sum them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight, _num_samples

from ...parameters.refusals import refuse_rows
from .floats import check_finite, floats_of

# Largest power of two, up or down, at which sums of weights and of their squares fit into float32.
EXTREME = 64
# Largest ratio of two weights: float32, in which they are summed and squared, spans little more.
LARGEST_RATIO = 1e30


def checked_weights(
    sample_weight: Any, X: Any, name: str = "sample_weight", noun: str = "row"
) -> np.ndarray:
    """Return float64 weights of shape (n_samples,), none negative and not all zero.

    Only their ratios count: where the largest is extreme, all are multiplied by one power of two,
    which is exact.

    Parameters
    ----------
    sample_weight : array-like, number or None
        As given; None is 1 for all.
    X : object
        Has a length: how many weights there should be.
    name, noun : str
        What messages call the weights, and what is weighted.

    Raises
    ------
    ValueError
        If one is not a number, negative, NaN or infinite, all are zero, or their ratios are too
        large.
    """
    if sample_weight is None:
        return np.ones(_num_samples(X))
    sample_weight = _given(sample_weight, name, noun)
    weights = np.array(_check_sample_weight(sample_weight, X, dtype=np.float64))
    refuse_rows(
        weights < 0,
        f"{name} needs values >= 0",
        "are negative",
        f"Remove these {noun}s or give them weight 0.",
        noun=noun,
        example=weights.__getitem__,
    )
    check_ratio(weights, name)
    return rescaled(weights)


def rescaled(weights: np.ndarray) -> np.ndarray:
    """Return weights times a power of two that brings the largest near 1, if it is extreme."""
    exponent = int(np.frexp(weights.max())[1])
    return np.ldexp(weights, -exponent) if abs(exponent) > EXTREME else weights


def check_ratio(weights: np.ndarray, name: str) -> None:
    """Raise if a weight is so much larger than another that float32 cannot hold both."""
    largest, smallest = weights.max(initial=0), weights.min(where=weights > 0, initial=np.inf)
    if smallest < largest / LARGEST_RATIO:
        raise ValueError(
            f"{name} has weights from {smallest:g} to {largest:g}, a ratio beyond"
            f" {LARGEST_RATIO:g}. Cut the largest with np.clip, or give the smallest weight 0."
        )


def _given(sample_weight: Any, name: str, noun: str) -> np.ndarray:
    """Return weights as finite float64 numbers, not all zero."""
    given = floats_of(sample_weight, name, noun)
    if given.ndim > 1:
        raise ValueError(
            "sample_weight needs one weight per row of X, shape (n_samples,); got"
            f" {given.shape}. Weights of classes, of pixels as well, are class_weight."
        )
    check_finite(np.atleast_1d(given), name, noun)
    if given.ndim and given.size and not given.any():
        raise ValueError(
            f"{name} is zero for all {len(given)} {noun}s, so there is nothing to learn from. Give"
            f" some {noun}s a weight > 0."
        )
    return given
