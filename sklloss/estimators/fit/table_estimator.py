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
        """Return the names of the encoded columns of X, which the network receives.

        Parameters
        ----------
        input_features : array-like of shape (n_features_in_,) or None, default=None
            Names of the columns of X; by default ``feature_names_in_``, or x0, x1 ...

        Returns
        -------
        ndarray of str
            First indicators of missing values, "column is missing"; then numbers, by the name of
            their column; then bins of piecewise-linear codes, "column from 1 to 2"; last levels of
            categories, "column=level".  A category with two levels has one column, named after the
            second.
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
                    f"input_features is {given}, but the columns of X in training were {names}."
                    " Leave input_features out, or give these names."
                )
            names = given
        raw = learned.inputs.raw_columns
        if raw is not None:
            return learned.input_scaler.names(raw.names, raw.level_names)
        return learned.input_scaler.names(names, [()] * len(names))

    def as_numbers(self: Any, X: Any) -> np.ndarray:
        """Convert a table to the numbers that the module of `to_module` takes.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Rows, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_numbers)
            Float64.  Numbers are unchanged, with NaN for missing values.  A date has six numbers.
            A category is the position of its level in sorted order; the position after the last is
            a missing value, and -1 an unknown level.
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
