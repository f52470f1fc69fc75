"""Small searches, how they are interrupted, and what has to be equal."""

import sqlite3
from contextlib import closing, contextmanager

import numpy as np
import pytest

from sklloss import LossSearchCV, NeuralRegressor
from sklloss.search.checkpoints import kept
from sklloss.search.checkpoints.kept import KeptSearch
from sklloss.search.checkpoints.states import StatesInFile

from ...laws.small_models import ONE_NETWORK

ONE = {**ONE_NETWORK, "hidden_layer_sizes": (8,), "max_epochs": 6, "random_state": 0}
GRID = {"loss": ["mse", "mae"], "lr": [0.001, 0.01]}


def regressor(**params):
    return NeuralRegressor(**{**ONE, **params})


def search_in(path, estimator=None, grid=None, **params):
    given = {"cv": 2, "stack_size": 3, "checkpoint": path, **params}
    return LossSearchCV(estimator or regressor(), grid or GRID, **given)


def interrupted_after(n_results, n_states, monkeypatch, error=KeyboardInterrupt):
    """Let a search be interrupted after so many stacks, or after so many half-finished ones."""
    monkeypatch.setattr(kept, "seconds_between_states", 0.0)
    left = {KeptSearch: n_results, StatesInFile: n_states}

    def counting(cls, name):
        method = getattr(cls, name)

        def counted(self, *args):
            method(self, *args)
            left[cls] -= 1
            if not left[cls]:
                raise error

        monkeypatch.setattr(cls, name, counted)

    counting(KeptSearch, "add")
    counting(StatesInFile, "keep")


@contextmanager
def interruption(n_results, n_states, monkeypatch):
    """Interrupt the search inside after so many stacks."""
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        interrupted_after(n_results, n_states, patch)
        yield


def assert_same(search, expected, X):
    """Assert that two searches have found the same, to the last bit."""
    assert_same_tables(search.cv_results_, expected.cv_results_)
    for name in ("best_index_", "best_params_", "best_score_", "n_splits_", "n_candidates_"):
        assert getattr(search, name, None) == getattr(expected, name, None), name
    np.testing.assert_equal(search.histories_, expected.histories_)
    np.testing.assert_array_equal(search.split_sizes_, expected.split_sizes_)
    if hasattr(expected, "predictions_"):
        np.testing.assert_equal(search.predictions_, expected.predictions_)
    if expected.refit:
        np.testing.assert_array_equal(search.predict(X), expected.predict(X))


def assert_same_tables(table, expected):
    assert list(table) == list(expected)
    for name, column in expected.items():
        if not name.endswith("_time"):
            np.testing.assert_array_equal(table[name], column, err_msg=name)


def rows_of(path, query):
    """Return rows of a checkpoint."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()
