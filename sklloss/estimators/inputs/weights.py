"""Sample weights, checked and put on one scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from .floats import check_finite, floats_of

# Powers of two from 1, from which on sums of weights and their squares may leave float32.
EXTREME = 64


def checked_weights(
    sample_weight: Any, X: Any, name: str = "sample_weight", noun: str = "row"
) -> np.ndarray:
    """Return float64 weights of shape (n_samples,), none negative and not all zero.

    Only their ratios count: where the largest is extreme, all are multiplied by one power of two, which is exact.  `name` and
    `noun` are what messages call the weights and what is weighted.

    Raises
    ------
    ValueError
        If one is no number, negative, NaN or infinite, or all are zero.
    """
    if sample_weight is not None:
        sample_weight = _given(sample_weight, name, noun)
    weights = np.array(_check_sample_weight(sample_weight, X, dtype=np.float64))
    negative = weights < 0
    if negative.any():
        raise ValueError(
            f"{name} needs values >= 0; {negative.sum()} of {len(weights)} are negative, for example"
            f" {weights[negative][0]:g}. Remove these {noun}s or give them weight 0."
        )
    exponent = int(np.frexp(weights.max())[1])
    return np.ldexp(weights, -exponent) if abs(exponent) > EXTREME else weights


def _given(sample_weight: Any, name: str, noun: str) -> np.ndarray:
    """Return weights as finite float64 numbers, not all zero."""
    given = floats_of(sample_weight, name, noun)
    if given.ndim > 1:
        raise ValueError(
            f"sample_weight needs one weight per row of X, shape (n_samples,); got {given.shape}. Weights of classes, of those"
            " of pixels too, are class_weight."
        )
    check_finite(np.atleast_1d(given), name, noun)
    if given.ndim and given.size and not given.any():
        raise ValueError(
            f"{name} is zero for all {len(given)} {noun}s, so there is nothing to learn from. Give some {noun}s a weight > 0."
        )
    return given
