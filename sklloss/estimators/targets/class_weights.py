"""Weights of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..inputs.floats import floats_of
from ..inputs.weights import check_ratio, rescaled


def class_weights(
    class_weight: Any, y: np.ndarray, sample_weight: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    """Return the factor that each row's class has.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        A weight per label (1 for labels that it leaves out); "balanced" makes the classes' total
        weights equal.
    y : ndarray of shape (n_samples,)
        Class indices.
    sample_weight : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
        Labels in the order of the indices.

    Raises
    ------
    ValueError
        If it is none of these, holds a weight that is not positive, or names a label that is not in
        y while one that is there has no weight: as in scikit-learn, folds may lack a class.
    """
    return factors_of_classes(class_weight, y, sample_weight, classes)[y]


def without_ignored(class_weight: Any, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
    """Return weights of rows, 0 for those whose label has the weight 0 in a dict.

    Raises
    ------
    ValueError
        If no row is left.
    """
    weights = class_weight if isinstance(class_weight, Mapping) else {}
    ignored = {label for label, weight in weights.items() if weight == 0}
    if not ignored:
        return sample_weight
    left = np.where([label in ignored for label in y.tolist()], 0.0, sample_weight)
    if not left.any():
        raise ValueError(
            "class_weight leaves no row a weight > 0, so there is nothing to learn from. Give some"
            " classes a weight > 0."
        )
    return left


def factors_of_classes(
    class_weight: Any, y: np.ndarray, sample_weight: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    """Return the factor of each class, (n_classes,), as `class_weights` does for each row."""
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str) and class_weight == "balanced":
        mass = np.bincount(y, weights=sample_weight, minlength=len(classes))
        present = mass > 0
        return np.divide(mass.sum() / present.sum(), mass, out=np.ones_like(mass), where=present)
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            "class_weight needs to be None, 'balanced' or a dict of label to weight; got"
            f" {class_weight!r}."
        )
    return _factors_of_dict(class_weight, classes)


def _factors_of_dict(class_weight: Mapping[Any, float], classes: np.ndarray) -> np.ndarray:
    labels = classes.tolist()
    unknown = [label for label, weight in class_weight.items() if weight != 0]
    unknown = [label for label in unknown if label not in labels]
    if unknown and not all(label in class_weight for label in labels):
        raise ValueError(
            f"class_weight has the label {unknown[0]!r}, which is not in y; the labels are"
            f" {labels}. Give each of these a weight, or correct the label."
        )
    given = [class_weight.get(label, 1.0) for label in labels]
    factors = floats_of(given, "class_weight", "class")
    if not ((factors > 0) & np.isfinite(factors)).all():
        raise ValueError(
            f"class_weight needs finite weights > 0; got {dict(class_weight)!r}. Leave out rows of"
            " a class that should not count; where a class is one of pixels, give it next to"
            " nothing, as 1e-6."
        )
    check_ratio(factors, "class_weight")
    return rescaled(factors)
