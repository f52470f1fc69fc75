"""Searches in processes of their own, killed in the middle."""

import os
import signal
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
# It kills itself after so many half-finished states, or finished stacks.
PROGRAM = """
import os, signal, sys, warnings
warnings.simplefilter("ignore")
from sklearn.datasets import load_diabetes
from sklloss.search.checkpoints import kept, states
from tests.search.checkpoints.test_kills import search
path, n_jobs, event, left = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
events = {"state": (states.StatesInFile, "keep"), "result": (kept.KeptSearch, "add")}
cls, name = events[event]
method = getattr(cls, name)
def counted(*args):
    global left
    method(*args)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
setattr(cls, name, counted)
kept.seconds_between_states = 0.0
search(path, n_jobs).fit(*load_diabetes(return_X_y=True))
"""


def search(path, n_jobs):
    net = regressor(max_epochs=30, n_members=2)
    return search_in(path, net, {"loss": ["mse", "mae", "huber"]}, n_jobs=n_jobs, stack_size=2)


def killed(path, *how):
    """Run a search in a process of its own until it is killed."""
    command = [sys.executable, "-c", PROGRAM, str(path), *map(str, how)]
    root = Path(__file__).parents[3]
    process = subprocess.run(command, cwd=root, env={**os.environ, MARK: str(path)}, check=False)
    assert process.returncode == -signal.SIGKILL


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


@pytest.mark.parametrize(("n_jobs", "event", "number"), [(1, "state", 20), (2, "result", 1)])
def test_a_killed_search_ends_as_an_undisturbed_one(n_jobs, event, number, diabetes, tmp_path):
    path = tmp_path / "s.db"
    killed(path, n_jobs, event, number)
    assert rows_of(path, "SELECT status FROM searches") == [("running",)]
    assert LossSearchCV.from_checkpoint(path).partial_results_["interrupted"].any()
    expected = search(None, 1).fit(*diabetes)
    assert_same(search(path, 1).fit(*diabetes), expected, diabetes[0])
    assert [each.name for each in tmp_path.iterdir()] == ["s.db"]
    # Workers look every second whether anybody waits for them.
    end = time.monotonic() + 30
    while processes_of(path) and time.monotonic() < end:
        time.sleep(0.1)
    assert not processes_of(path)
    assert np.isfinite(expected.cv_results_["mean_test_score"]).all()
