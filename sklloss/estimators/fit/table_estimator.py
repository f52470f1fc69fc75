"""Estimators of tables: what their X may be, and how its columns are encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ..inputs.base import Inputs
from ..inputs.data import FitData
from ..inputs.kinds import inputs_of
from .estimator import NeuralEstimator
from .parameters import HiddenLayerParameters, NetworkParameters, TableParameters


@dataclass(kw_only=True, eq=False, repr=False)
class TableColumns(TableParameters):
    """What an estimator of tables says of their columns."""

    def get_feature_names_out(self: Any, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns that the network sees, once X is encoded.

        Parameters
        ----------
        input_features : array-like of shape (n_features_in_,) or None, default=None
            Names of the columns of X; by default ``feature_names_in_``, or x0, x1 ...

        Returns
        -------
        ndarray of str
            First "column is missing", then numbers by their column's name, then "column from 1 to 2"
            for the bins of piecewise-linear codes, last "column=level" for categories; of two levels
            that share a column, the second.
        """
        check_is_fitted(self, "net_")
        learned = self._learned
        known = getattr(self, "feature_names_in_", None)
        names = (
            [f"x{i}" for i in range(learned.inputs.n_features)] if known is None else list(known)
        )
        if input_features is not None:
            given = list(input_features)
            if len(given) != len(names) or (known is not None and given != names):
                raise ValueError(
                    f"input_features is {given}, and the columns of X in training were {names}."
                    " Leave input_features out, or give these."
                )
            names = given
        raw = learned.inputs.raw_columns
        if raw is not None:
            return learned.input_scaler.names(raw.names, raw.level_names)
        return learned.input_scaler.names(names, [()] * len(names))

    def as_numbers(self: Any, X: Any) -> np.ndarray:
        """Return a table as the numbers that `to_module` takes.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            As `fit` takes it.

        Returns
        -------
        ndarray of shape (n_samples, n_numbers)
            float64: numbers, NaN where they are missing; the six parts of dates; of categories the
            code of the level in sorted order, then that of missing values, and -1 for others.
        """
        check_is_fitted(self, "net_")
        inputs, learned = self._inputs, self._learned.inputs
        found = inputs.checked(self, FitData(inputs.opened(X)), learned=learned).X
        return found.toarray() if sparse.issparse(found) else np.asarray(found, dtype=np.float64)


@dataclass(kw_only=True, eq=False, repr=False)
class TableEstimator(TableColumns, HiddenLayerParameters, NetworkParameters, NeuralEstimator):
    """Base of the estimators whose network is "mlp" unless another is chosen."""

    @property
    def _inputs(self) -> Inputs:
        return inputs_of(self)
