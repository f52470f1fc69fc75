"""Searches in processes of their own, killed in the middle."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sklloss import LossSearchCV

from .searches import assert_same, regressor, rows_of, search_in

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(sys.platform == "win32", reason="There is no kill -9."),
]
MARK = "SKLLOSS_TEST_OF_KILLS"
PROGRAM = """
import sys, warnings
warnings.simplefilter("ignore")
from sklearn.datasets import load_diabetes
from tests.search.checkpoints.test_kills import search
from sklloss.search.checkpoints import kept
kept.seconds_between_states = 0.0
search(sys.argv[1], int(sys.argv[2])).fit(*load_diabetes(return_X_y=True))
"""


def search(path, n_jobs):
    net = regressor(max_epochs=30, n_members=2)
    return search_in(path, net, {"loss": ["mse", "mae", "huber"]}, n_jobs=n_jobs, stack_size=2)


def killed_when(is_time, process):
    """Kill a process that searches, once it is time."""
    end = time.monotonic() + 200
    try:
        while process.poll() is None and not is_time() and time.monotonic() < end:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def started(path, n_jobs):
    """Start a search in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(n_jobs)]
    root = Path(__file__).parents[3]
    return subprocess.Popen(command, cwd=root, env={**os.environ, MARK: str(path)})


def n_rows(path, table):
    try:
        return len(rows_of(path, f"SELECT 1 FROM {table}")) if path.exists() else 0
    except sqlite3.OperationalError:
        return 0  # The table is still to be made.


def processes_of(path):
    """Return the processes that a killed one has left."""
    mark = f"{MARK}={path}".encode()
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            found += [each.name] if mark in (each / "environ").read_bytes() else []
        except OSError:
            continue
    return found


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_killed_search_ends_as_an_undisturbed_one(n_jobs, diabetes, tmp_path):
    path = tmp_path / "s.db"
    moments = {
        1: [lambda: n_rows(path, "states") > 0, lambda: n_rows(path, "results") > 3],
        2: [lambda: n_rows(path, "results") > 1 and n_rows(path, "states") > 2],
    }
    for is_time in moments[n_jobs]:
        killed_when(is_time, started(path, n_jobs))
        opened = LossSearchCV.from_checkpoint(path)
        assert opened.partial_results_["interrupted"].any()
    assert rows_of(path, "SELECT status FROM searches") == [("running",)]
    expected = search(None, 1).fit(*diabetes)
    assert_same(search(path, 1).fit(*diabetes), expected, diabetes[0])
    assert [each.name for each in tmp_path.iterdir()] == ["s.db"]
    # A worker notices at the next epoch that nobody waits for it.
    end = time.monotonic() + 30
    while processes_of(path) and time.monotonic() < end:
        time.sleep(0.1)
    assert not processes_of(path)
    assert np.isfinite(expected.cv_results_["mean_test_score"]).all()
