"""Calls that differ from an interrupted search, files of others, and places that cannot be written."""

import errno
import os
import resource
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from functools import partial

import numpy as np
import pytest

from sklloss import NeuralClassifier
from sklloss.search.checkpoints import database, kept
from sklloss.training import FitCheckpoint
from sklloss.training.checkpoints import identity, lock

from .searches import GRID, interruption, regressor, rows_of, search_in

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def interrupted(diabetes, tmp_path, monkeypatch):
    """Return the path of a checkpoint with an interrupted search."""
    with interruption(1, -1, monkeypatch):
        search_in(tmp_path / "s.db").fit(*diabetes)
    return tmp_path / "s.db"


def other_values(X):
    X = X.copy()
    X[3, 2] += 1e-9
    return X


CHANGES = {
    "grid": ({"grid": {**GRID, "lr": [0.001, 0.02]}}, "candidates: loss='mse', lr=0.01 is missing"),
    "order of the grid": ({"grid": {"loss": ["mae", "mse"], "lr": [0.001, 0.01]}}, "candidates:"),
    "splits": ({"cv": 3}, "splits: number is 3, was 2, training rows of split 0 is int64 of shape"),
    "parameters": ({"estimator": regressor(max_epochs=7)}, "estimator: max_epochs is 7, was 6"),
    "scoring": ({"scoring": "neg_max_error"}, "search: scoring is 'neg_max_error', was None"),
    "halving": ({"halving": 3}, "search: halving is 3, was None"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_call_is_refused_with_what_differs(name, diabetes, interrupted):
    change, message = CHANGES[name]
    search = search_in(interrupted, **change)
    with pytest.raises(ValueError, match="has an interrupted search .* differs") as caught:
        search.fit(*diabetes)
    assert message in str(caught.value)
    assert not hasattr(search, "partial_results_")
    # The old one is whole, and goes on.
    search_in(interrupted).fit(*diabetes)
    search.fit(*diabetes)
    assert rows_of(interrupted, "SELECT status FROM searches") == [("finished",)] * 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda X, y: (other_values(X), y), "data: X has other values"),
        (
            lambda X, y: (X[:400], y[:400]),
            r"data: X is float64 of shape \(400, 10\), was float64 of",
        ),
        (lambda X, y: (X.astype("f4"), y), "data: X is float32 of shape"),
        (lambda X, y: (X, np.roll(y, 1)), "data: y has other values"),
    ],
)
def test_changed_data_are_refused(changed, message, diabetes, interrupted):
    with pytest.raises(ValueError, match=message):
        search_in(interrupted).fit(*changed(*diabetes))


def test_changed_columns_and_weights_are_named(diabetes, tmp_path, monkeypatch):
    import pandas as pd

    X = pd.DataFrame(diabetes[0], columns=[f"c{i}" for i in range(10)])
    with interruption(1, -1, monkeypatch):
        search_in(tmp_path / "s.db").fit(X, diabetes[1], sample_weight=np.ones(442))
    with pytest.raises(
        ValueError, match=r"data: X\['c2'\] has other values, sample_weight is miss"
    ):
        search_in(tmp_path / "s.db").fit(X.assign(c2=other_values(diabetes[0])[:, 2]), diabetes[1])


def test_other_versions_are_refused(diabetes, interrupted, monkeypatch):
    versions = identity.versions()
    changed = {**versions, "torch": "9.9"}
    monkeypatch.setattr("sklloss.search.checkpoints.identity.versions", lambda: changed)
    message = f"versions: torch is 9.9, was {versions['torch']}"
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        search_in(interrupted).fit(*diabetes)


def test_another_question_is_kept_beside_it(diabetes, interrupted):
    X, y = diabetes
    search_in(interrupted, NeuralClassifier(max_epochs=2), {"loss": ["mse"]}).fit(X, y > 150)
    search_in(interrupted, grid={"loss": ["huber"]}).fit(X[:200], y[:200])
    states = rows_of(interrupted, "SELECT status FROM searches")
    assert states == [("running",), ("finished",), ("finished",)]


def test_what_was_dropped_stands_in_nobodys_way(diabetes, interrupted):
    search = search_in(interrupted, grid={"loss": ["huber"]})
    with pytest.raises(ValueError, match="drop_checkpoint") as caught:
        search.fit(*diabetes)
    key = str(caught.value).split("key '")[1].split("'")[0]
    search.drop_checkpoint(interrupted, key)
    assert not any(rows_of(interrupted, f"SELECT * FROM {t}") for t in ("searches", "results"))
    search.fit(*diabetes)
    with pytest.raises(ValueError, match="no search with key 'abc'"):
        search.drop_checkpoint(interrupted, "abc")


def test_a_random_state_is_asked_for_where_splits_are_drawn(diabetes, tmp_path, monkeypatch):
    from sklearn.model_selection import KFold

    with interruption(1, -1, monkeypatch):
        search_in(tmp_path / "s.db", cv=KFold(2, shuffle=True)).fit(*diabetes)
    with pytest.raises(ValueError, match="training rows of split 0 has other values"):
        search_in(tmp_path / "s.db", cv=KFold(2, shuffle=True)).fit(*diabetes)


# ---------------------------------------------------------------------- locks


def test_a_search_that_runs_is_locked(diabetes, tmp_path):
    path = tmp_path / "s.db"

    def scoring(estimator, X, y):
        with pytest.raises(
            RuntimeError, match=rf"another .* is running it \(process {os.getpid()} on"
        ):
            search_in(path, scoring=scoring, grid={"lr": [0.01]}).fit(*diabetes)
        key = rows_of(path, "SELECT key FROM searches")[0][0]
        with pytest.raises(RuntimeError, match="A process is running the search"):
            search_in(path).drop_checkpoint(path, key)
        return 0.0

    search_in(path, scoring=scoring, grid={"lr": [0.01]}).fit(*diabetes)
    assert [each.name for each in tmp_path.iterdir()] == ["s.db"]


HOLDER = """
import sys
from pathlib import Path
from sklloss.training.checkpoints.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
input()
"""


def test_a_lock_ends_with_its_process(tmp_path):
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "True\n"
    own = lock.FileLock(path)
    assert not own.acquire()
    holder.kill()
    holder.communicate()
    assert path.exists()
    assert own.acquire()
    assert not lock.FileLock(path).acquire()
    own.release()
    assert not path.exists()


def test_a_file_system_without_locks_is_named(diabetes, tmp_path, monkeypatch):
    def none(file):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(lock, "_lock", none)
    with pytest.raises(OSError, match="on a file system without locks .* local disk"):
        search_in(tmp_path / "s.db").fit(*diabetes)


def test_a_file_system_without_shared_memory_is_named(diabetes, tmp_path, monkeypatch):
    class Connection(sqlite3.Connection):
        def execute(self, query, *values):
            return super().execute("SELECT 'delete'" if "WAL" in query else query, *values)

    connecting = partial(sqlite3.connect, factory=Connection)
    monkeypatch.setattr(database.sqlite3, "connect", connecting)
    with pytest.raises(OSError, match="without shared memory, .* local disk"):
        search_in(tmp_path / "s.db").fit(*diabetes)


# ---------------------------------------------------------------------- files


def random_bytes(path):
    path.write_bytes(np.random.default_rng(0).bytes(5000))


def another_database(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE friends (name TEXT)")
        connection.commit()


def newer_version(path):
    database.opened(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")


def without_tables(path):
    database.opened(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE searches")


def damaged(path):
    database.opened(path).close()
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (random_bytes, "is not a checkpoint of searches, or is damaged"),
        (another_database, "is a database of something else"),
        (newer_version, r"written by a newer version of sklloss \(format 2; this one reads 1\)"),
        (damaged, "is not a checkpoint of searches, or is damaged"),
        (without_tables, r"is not a checkpoint of searches, or is damaged \(no such table"),
    ],
)
def test_files_of_others_are_left_as_they_are(write, message, diabetes, tmp_path):
    path = tmp_path / "s.db"
    write(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        search_in(path).fit(*diabetes)
    with pytest.raises(ValueError, match=message):
        search_in(path).from_checkpoint(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["s.db"]


def test_a_damaged_result_is_named_with_its_file(diabetes, interrupted):
    with closing(sqlite3.connect(interrupted)) as connection:
        connection.execute("UPDATE results SET body = ?", (b"junk",))
        connection.commit()
    for call in (
        lambda: search_in(interrupted).fit(*diabetes),
        lambda: search_in(interrupted).from_checkpoint(interrupted),
    ):
        with pytest.raises(
            ValueError, match=r"s\.db is not a checkpoint of searches, or is damaged"
        ):
            call()


@pytest.mark.parametrize(
    ("change", "says"),
    [("UPDATE searches SET parts = 'junk'", "Expecting"), ("DROP TABLE results", "no such table")],
)
def test_a_list_of_damaged_searches(change, says, interrupted):
    with closing(sqlite3.connect(interrupted)) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(ValueError, match=rf"is damaged \({says}"):
        search_in(interrupted).from_checkpoint(interrupted, "no such key")


def test_a_file_of_a_fit_is_no_file_of_searches(diabetes, tmp_path):
    path = tmp_path / "fit"
    regressor(callbacks=[FitCheckpoint(path)]).fit(*diabetes)
    with pytest.raises(ValueError, match="is not a checkpoint of searches"):
        search_in(path).fit(*diabetes)
    with pytest.raises(
        ValueError, match="keeps one fit, and a search makes many. Give checkpoint="
    ):
        search_in(None, regressor(callbacks=[FitCheckpoint(path)])).fit(*diabetes)


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (lambda folder: folder, IsADirectoryError, "it is a folder. Give the path of a file in it"),
        (
            lambda folder: folder / "no" / "s.db",
            FileNotFoundError,
            "there is no folder .*/no. Make",
        ),
        (lambda _: "/dev/null", OSError, "it is not an ordinary file"),
        (lambda _: 3, TypeError, "needs the path of a file; got 3"),
        (lambda _: "", TypeError, "needs the path of a file; got ''"),
        (lambda folder: f"{folder}/a\0b", ValueError, "needs the path of a file"),
    ],
)
def test_bad_paths_are_refused_before_training(made, error, message, diabetes, tmp_path):
    with pytest.raises(error, match=message):
        search_in(made(tmp_path)).fit(*diabetes)
    assert not list(tmp_path.iterdir())


def test_paths_of_what_is_opened_are_checked():
    for path, error in ((3, TypeError), ("", TypeError), ("a\0b", ValueError)):
        with pytest.raises(error, match="needs the path of a file; got"):
            search_in(None).from_checkpoint(path)


def test_a_link_has_the_lock_of_its_file(diabetes, tmp_path):
    path, link = tmp_path / "s.db", tmp_path / "link.db"
    link.symlink_to(path)

    def scoring(estimator, X, y):
        with pytest.raises(RuntimeError, match="another process or thread is running it"):
            search_in(path, scoring=scoring, grid={"lr": [0.01]}).fit(*diabetes)
        return 0.0

    search_in(link, scoring=scoring, grid={"lr": [0.01]}).fit(*diabetes)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.db", "s.db"]
    assert link.is_symlink()


def test_links_in_a_circle(diabetes, tmp_path):
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    with pytest.raises(OSError, match="[Ss]ymlink loop|Too many levels"):
        search_in(circle).fit(*diabetes)
    assert circle.is_symlink()


def test_a_fit_in_a_link_keeps_the_link(diabetes, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "fit")
    regressor(callbacks=[FitCheckpoint(link)]).fit(*diabetes)
    assert link.is_symlink()
    assert (tmp_path / "fit").is_file()


def test_a_path_that_cannot_be_written_is_refused(diabetes, interrupted, monkeypatch):
    # The superuser may write everything, so the system's answer is that of another user.
    denied = {interrupted, interrupted.parent}
    may = os.access
    monkeypatch.setattr(os, "access", lambda p, mode: p not in denied and may(p, mode))
    with pytest.raises(PermissionError, match="may not be written. Change its permissions"):
        search_in(interrupted).fit(*diabetes)
    assert len(rows_of(interrupted, "SELECT * FROM results")) == 3


def limited_to(n_pages, monkeypatch):
    """Let databases have so many pages at most, as on a disk that is full."""
    connected = database.connected

    def limited(path, mode):
        connection = connected(path, mode)
        connection.execute(f"PRAGMA max_page_count = {n_pages}")
        return connection

    monkeypatch.setattr(database, "connected", limited)
    monkeypatch.setattr("sklloss.search.checkpoints.states.connected", limited)


def test_a_full_disk_ends_the_search_and_leaves_the_file_whole(diabetes, interrupted, monkeypatch):
    monkeypatch.setattr(kept, "seconds_between_states", 0.0)
    (pages,) = rows_of(interrupted, "PRAGMA page_count")[0]
    search = search_in(interrupted, stack_size=1)
    with monkeypatch.context() as patch:
        limited_to(pages + 1, patch)
        with pytest.raises(OSError, match="Make room on the disk, then call fit again") as caught:
            search.fit(*diabetes)
    assert "The same call of fit resumes there" in caught.value.__notes__[0]
    assert (
        search.partial_results_["interrupted"].sum()
        == 4 - np.isfinite(search.partial_results_["mean_test_score"]).sum()
    )
    assert rows_of(interrupted, "PRAGMA integrity_check") == [("ok",)]
    expected = search_in(None).fit(*diabetes)
    found = search_in(interrupted).fit(*diabetes)
    np.testing.assert_array_equal(found.predict(diabetes[0]), expected.predict(diabetes[0]))


FULL = """
import resource, signal, sys
from sklearn.datasets import load_diabetes
from sklloss import LossSearchCV, NeuralRegressor
X, y = load_diabetes(return_X_y=True)
net = NeuralRegressor(n_members=1, max_epochs=2, random_state=0)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
search = LossSearchCV(net, {"lr": [0.01, 0.02]}, cv=2, stack_size=1, checkpoint=sys.argv[1])
try:
    search.fit(X, y)
except OSError as error:
    print(error)
"""


def test_a_file_that_may_not_grow_is_a_clear_error(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(FULL), str(tmp_path / "s.db")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot be written" in shown.stdout
    assert "Make room on the disk" in shown.stdout
    assert rows_of(tmp_path / "s.db", "PRAGMA integrity_check") == [("ok",)]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
