"""What a call of `fit` receives, and what a fit learns of X."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .frames import Columns


@dataclass(frozen=True)
class FitData:
    """The arguments of a call of `fit` or `partial_fit`.

    Attributes
    ----------
    X, y : object
        As the user gives them.
    sample_weight : array-like or None
        What each unit of the engine weighs: a row, or a group of rows.
    groups : array-like or None
        Which rows are ranked among each other.
    named : object
        What the first call of `partial_fit` names beside the data, because later calls may bring it:
        classes, symbols, users and items.
    """

    X: Any
    y: Any = None
    sample_weight: Any = None
    groups: Any = None
    named: Any = None


@dataclass(frozen=True)
class LearnedInputs:
    """What a fit learns of X, beside the scale of its numbers.

    Attributes
    ----------
    shape : tuple of int
        The shape of a row as the network takes it.
    n_features : int
        ``n_features_in_``.
    names : ndarray or None
        ``feature_names_in_``, where X had string column names.
    raw_columns : Columns or None
        The columns of a raw table, whose numbers are (n_samples, *shape); None where X is numbers.
    facts : Mapping
        What the network is built with, and later rows are compared with.
    """

    shape: tuple[int, ...]
    n_features: int
    names: np.ndarray | None = None
    raw_columns: Columns | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes of the estimator, None for those that it does not get."""
        return {"n_features_in_": self.n_features, "feature_names_in_": self.names}


class Checked(NamedTuple):
    """Checked X and y, with what the check learned of X.

    Attributes
    ----------
    X : object
        One entry per row of the engine, indexed by rows.
    y : object
        As scikit-learn's check returns it; as given, where the target checks y itself.
    learned : LearnedInputs
    """

    X: Any
    y: Any
    learned: Any
