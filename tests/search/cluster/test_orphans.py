"""Worker processes end with a search that is killed, whatever they are doing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import psutil
import pytest

from sklloss.search.cluster import orphans

ROOT = Path(__file__).parents[3]
KILLED = """
import sys
from sklearn.datasets import load_diabetes
from tests.search.cluster.small_searches import KillsTheSearch, search
search(scoring=KillsTheSearch(sys.argv[1]), n_jobs=2).fit(*load_diabetes(return_X_y=True))
"""
# Tasks of half a megabyte do not fit into a pipe: they are sent while workers read them.
LARGE = """
import sys
import numpy as np
from tests.search.cluster.small_searches import search
X = np.random.default_rng(0).normal(size=(2000, 30))
search(n_jobs=2, checkpoint=sys.argv[1]).fit(X, X[:, 0])
"""


def started(code, argument):
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, argument], cwd=ROOT)


def await_end(processes):
    end = time.monotonic() + 30
    while any(map(psutil.pid_exists, processes)):
        assert time.monotonic() < end, "a worker process is left"
        time.sleep(0.1)


def test_workers_end_with_a_search_that_is_killed_while_they_score(tmp_path):
    assert started(KILLED, str(tmp_path)).wait() == -signal.SIGKILL
    workers = {int(each.name) for each in tmp_path.iterdir()}
    assert workers
    await_end(workers)


def test_workers_end_with_a_search_that_is_killed_while_it_sends_them_tasks(tmp_path):
    search = started(LARGE, str(tmp_path / "search.db"))
    workers = []
    while len(workers) < 2:
        assert search.poll() is None
        children = psutil.Process(search.pid).children()
        workers = [each.pid for each in children if "popen_loky" in " ".join(each.cmdline())]
        time.sleep(0.01)
    # They have not imported what they need by now, so they have read nothing.
    time.sleep(0.2)
    search.kill()
    search.wait()
    await_end(workers)


def test_a_process_that_gets_a_task_of_a_killed_search_ends(monkeypatch):
    ended, nobody = [], 2**22 + 1
    monkeypatch.setattr(os, "_exit", ended.append)
    # As in a worker of another backend, whose parent may be any process, and in this one.
    orphans.end_with(nobody)
    orphans.end_with(os.getpid())
    assert not ended
    monkeypatch.setattr(orphans, "is_worker", lambda: True)
    orphans.end_with(os.getpid())
    assert not ended
    orphans.end_with(nobody)
    assert ended == [1]


@pytest.mark.parametrize("options", [{"backend": "threading"}, {"initializer": print}])
def test_other_backends_and_initializers_are_left_alone(options):
    with joblib.parallel_config(**{"backend": "loky", **options}):
        assert orphans.ends_from_start() == {}
