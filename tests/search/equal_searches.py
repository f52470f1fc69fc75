"""LossSearchCV beside GridSearchCV."""

import re

import numpy as np
from sklearn.model_selection import GridSearchCV

from sklloss import LossSearchCV

# Columns that GridSearchCV lacks.
OWN = re.compile(r"(mean|split\d+)_(n_iter|stopped_by)|n_parameters")


def columns_of_grid_search(table):
    """Return the names of all columns but our own."""
    return [name for name in table if not OWN.fullmatch(name)]


def assert_equal_searches(estimator, grid, X, y, fit_params=None, own=None, **params):
    """Fit both, assert that all but times is equal, and return both."""
    known = GridSearchCV(estimator, grid, **params).fit(X, y, **(fit_params or {}))
    ours = LossSearchCV(estimator, grid, **params, **(own or {})).fit(X, y, **(fit_params or {}))
    assert columns_of_grid_search(ours.cv_results_) == list(known.cv_results_)
    for name, column in known.cv_results_.items():
        if not name.endswith("_time"):
            np.testing.assert_array_equal(ours.cv_results_[name], column, err_msg=name)
    for name in ("best_index_", "best_params_", "best_score_", "multimetric_", "n_splits_"):
        assert hasattr(ours, name) == hasattr(known, name), name
        assert getattr(ours, name, None) == getattr(known, name, None), name
    if params.get("refit", True):
        np.testing.assert_array_equal(ours.predict(X), known.predict(X))
    return ours, known
