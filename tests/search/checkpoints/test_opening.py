"""Searches that are opened from a checkpoint: finished, running, interrupted; no code runs."""

import sqlite3

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklloss import LossSearchCV
from sklloss.search.base import LossSearch
from sklloss.search.checkpoints import database

from .searches import (
    assert_same,
    assert_same_tables,
    interruption,
    regressor,
    search_in,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    "params", [{}, {"keep_predictions": True, "n_seeds": 2}, {"halving": 2}, {"refit": False}]
)
def test_a_finished_search_comes_back(params, diabetes, tmp_path):
    search = search_in(tmp_path / "s.db", **params).fit(*diabetes)
    opened = LossSearchCV.from_checkpoint(tmp_path / "s.db")
    assert_same(opened, search, diabetes[0])
    assert repr(opened.get_params(deep=False)["estimator"]) == repr(search.estimator)
    assert [each.name for each in tmp_path.iterdir()] == ["s.db"]


def test_an_interrupted_search_shows_what_it_has(diabetes, tmp_path, monkeypatch):
    expected = search_in(None).fit(*diabetes)
    search = search_in(tmp_path / "s.db", stack_size=1)
    with interruption(3, -1, monkeypatch):
        search.fit(*diabetes)
    opened = LossSearchCV.from_checkpoint(str(tmp_path / "s.db"))
    assert not hasattr(opened, "cv_results_")
    assert opened.partial_results_["interrupted"].tolist() == [False, True, True, True]
    assert list(opened.partial_results_) == list(search.partial_results_)
    # The interruption came when the last result was in the file, and not in the table.
    scores = (
        opened.partial_results_["split0_test_score"],
        search.partial_results_["split0_test_score"],
    )
    assert [np.isfinite(each).sum() for each in scores] == [2, 1]
    assert scores[0][0] == scores[1][0] == expected.cv_results_["split0_test_score"][0]
    # It is a search like any other.
    opened.set_params(stack_size=5).fit(*diabetes)
    assert_same(opened, expected, diabetes[0])


def test_a_running_search_can_be_looked_at(diabetes, tmp_path):
    seen = []

    def scoring(estimator, X, y):
        opened = LossSearchCV.from_checkpoint(path)
        seen.append(opened.partial_results_["interrupted"].tolist())
        return estimator.score(X, y)

    path = tmp_path / "s.db"
    with pytest.warns(
        UserWarning, match=r"The estimator of this search is not in .* only its scores"
    ):
        search_in(path, scoring=scoring, grid={"lr": [0.01, 0.02]}, stack_size=1).fit(*diabetes)
    assert seen == [[True, True]] * 2 + [[False, True]] * 2
    assert [each.name for each in tmp_path.iterdir()] == ["s.db"]


def test_of_a_search_that_cannot_be_written_the_scores_come_back(diabetes, tmp_path):
    estimator = make_pipeline(FunctionTransformer(lambda X: 2 * X), regressor())
    grid = {"neuralregressor__loss": ["mse", "mae"]}
    search = search_in(tmp_path / "s.db", estimator, grid).fit(*diabetes)
    with pytest.warns(UserWarning, match=r"is not in .*lambda"):
        opened = LossSearchCV.from_checkpoint(tmp_path / "s.db")
    assert_same_tables(opened.cv_results_, search.cv_results_)
    for name in ("best_index_", "best_params_", "best_score_"):
        assert getattr(opened, name) == getattr(search, name)
    with pytest.raises(ValueError, match="was not kept in the checkpoint"):
        opened.fit(*diabetes)
    # The same call still knows everything.
    assert_same(search_in(tmp_path / "s.db", estimator, grid).fit(*diabetes), search, diabetes[0])


def test_several_searches_are_told_by_their_keys(diabetes, tmp_path):
    path = tmp_path / "s.db"
    first = search_in(path, grid={"loss": ["mse"]}).fit(*diabetes)
    second = search_in(path, grid={"loss": ["mae"]}).fit(*diabetes)
    with pytest.raises(ValueError, match="several searches") as caught:
        LossSearchCV.from_checkpoint(path)
    lines = str(caught.value).splitlines()[1:]
    assert all("finished, begun " in line and "1 candidates, 2 fits done" in line for line in lines)
    for search, line in zip((first, second), lines, strict=True):
        opened = LossSearchCV.from_checkpoint(path, line.split()[0])
        assert opened.best_params_ == search.best_params_
    with pytest.raises(ValueError, match="no search with key 'abc'. Give one of these keys"):
        LossSearchCV.from_checkpoint(path, "abc")


class Own(LossSearch):
    """A search of a user."""


def test_the_class_has_to_be_the_right_one(diabetes, tmp_path):
    search_in(tmp_path / "s.db").fit(*diabetes)
    with pytest.raises(ValueError, match="Open it with LossSearchCV.from_checkpoint"):
        Own.from_checkpoint(tmp_path / "s.db")


def test_there_has_to_be_a_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no checkpoint"):
        LossSearchCV.from_checkpoint(tmp_path / "s.db")
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty.db").touch()
    with pytest.raises(ValueError, match="has no searches"):
        LossSearchCV.from_checkpoint(tmp_path / "empty.db")
    with pytest.raises(IsADirectoryError, match="is a folder. Give the path of a checkpoint"):
        LossSearchCV.from_checkpoint(tmp_path)


def test_a_search_that_has_not_been_written_yet(tmp_path):
    database.opened(tmp_path / "s.db").close()
    with pytest.raises(ValueError, match="has no searches. One that has just begun is there soon"):
        LossSearchCV.from_checkpoint(tmp_path / "s.db")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    (tmp_path / "s.db").touch()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="cannot be read: there is no permission"):
        LossSearchCV.from_checkpoint(tmp_path / "s.db")


def test_a_file_in_a_folder_that_cannot_be_written_is_read(diabetes, tmp_path, monkeypatch):
    search = search_in(tmp_path / "s.db").fit(*diabetes)
    monkeypatch.setattr("sklloss.search.checkpoints.database.connected", read_only())
    opened = LossSearchCV.from_checkpoint(tmp_path / "s.db")
    assert_same(opened, search, diabetes[0])


def read_only():
    """Return what connects as SQLite does for a user who may not write."""
    connected = database.connected

    class Failing(sqlite3.Connection):
        def execute(self, *_):
            raise sqlite3.OperationalError("unable to open database file")

    def connect(path, mode):
        if mode == "rw":
            return sqlite3.connect(":memory:", factory=Failing)
        return connected(path, mode)

    return connect


def test_the_checkpoint_is_a_parameter_like_any_other():
    search = LossSearchCV(regressor(), {"lr": [0.01]}, checkpoint="s.db")
    assert "checkpoint='s.db'" in repr(search)
    assert clone(search).checkpoint == "s.db"
    assert search.get_params()["checkpoint"] == "s.db"
    assert LossSearchCV(regressor(), {}).checkpoint is None
