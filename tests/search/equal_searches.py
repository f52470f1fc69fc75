"""LossSearchCV beside GridSearchCV."""

import numpy as np
from sklearn.model_selection import GridSearchCV

from sklloss import LossSearchCV

# Columns that only our searches have.
OWN_COLUMNS = {"n_parameters"}


def list_without_own(table):
    """Return the columns of a table that GridSearchCV has as well."""
    return [name for name in table if name not in OWN_COLUMNS]


def assert_equal_searches(estimator, grid, X, y, fit_params=None, own=None, **params):
    """Fit both, assert that all but times is equal, and return both."""
    known = GridSearchCV(estimator, grid, **params).fit(X, y, **(fit_params or {}))
    ours = LossSearchCV(estimator, grid, **params, **(own or {})).fit(X, y, **(fit_params or {}))
    assert list_without_own(ours.cv_results_) == list(known.cv_results_)
    for name, column in known.cv_results_.items():
        if not name.endswith("_time"):
            np.testing.assert_array_equal(ours.cv_results_[name], column, err_msg=name)
    for name in ("best_index_", "best_params_", "best_score_", "multimetric_", "n_splits_"):
        assert hasattr(ours, name) == hasattr(known, name), name
        assert getattr(ours, name, None) == getattr(known, name, None), name
    if params.get("refit", True):
        np.testing.assert_array_equal(ours.predict(X), known.predict(X))
    return ours, known
