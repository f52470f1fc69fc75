"""Sample weights and class weights, checked and put on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from .floats import check_finite, floats_of

EXTREME = (
    64  # powers of two from 1, from which on sums of weights and their squares may leave float32
)


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


def class_weights(
    class_weight: Any, y: np.ndarray, sample_weight: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    """Return the factor that each row's class has.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        A weight per label (1 for labels that it leaves out); "balanced" makes the classes' total weights equal.
    y : ndarray of shape (n_samples,)
        Class indices.
    sample_weight : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
        Labels in the order of the indices.

    Raises
    ------
    ValueError
        If it is none of these, names a label that is not in y, or holds a negative weight.
    """
    return factors_of_classes(class_weight, y, sample_weight, classes)[y]


def factors_of_classes(
    class_weight: Any, y: np.ndarray, sample_weight: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    """Return the factor of each class, (n_classes,); arguments and errors are those of `class_weights`."""
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str) and class_weight == "balanced":
        mass = np.bincount(y, weights=sample_weight, minlength=len(classes))
        present = mass > 0
        return np.divide(mass.sum() / present.sum(), mass, out=np.ones_like(mass), where=present)
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            f"class_weight needs to be None, 'balanced' or a dict of label to weight; got {class_weight!r}."
        )
    return _factors_of_dict(class_weight, classes)


def _factors_of_dict(class_weight: Mapping[Any, float], classes: np.ndarray) -> np.ndarray:
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in labels]
    if unknown:
        raise ValueError(
            f"class_weight has the label {unknown[0]!r}, which is not in y; the labels are {labels}."
        )
    factors = np.array([class_weight.get(label, 1.0) for label in labels], dtype=float)
    if not ((factors > 0) & np.isfinite(factors)).all():
        raise ValueError(
            f"class_weight needs finite weights > 0; got {dict(class_weight)!r}. Leave out rows of a class that should"
            " not count; where a class is one of pixels, give it next to nothing, as 1e-6."
        )
    return factors
