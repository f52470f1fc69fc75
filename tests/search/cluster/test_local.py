"""Processes of loky that are killed: their stacks run again, a bounded number of times."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
import psutil
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

from sklloss.search.cluster import local

from .small_searches import Killed, assert_same, own_files, search

SCORES = {"n_jobs": 2, "stack_size": 1}


def test_a_killed_process_costs_nothing_but_time(diabetes, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    undisturbed = search().fit(*diabetes)
    with joblib.parallel_config("loky"):
        killed = search(scoring=Killed(tmp_path / "flag"), verbose=1, **SCORES).fit(*diabetes)
    assert (tmp_path / "flag").exists()
    assert_same(killed, undisturbed)
    np.testing.assert_array_equal(killed.predict(diabetes[0]), undisturbed.predict(diabetes[0]))
    assert "54/54" in capsys.readouterr().err
    assert own_files() == set()


def test_a_stack_that_kills_every_process_ends_the_search_with_its_name(diabetes):
    ending = search(grid={"loss": ["mse", "huber", "mae"]}, scoring=Killed(), **SCORES)
    with joblib.parallel_config("loky"), pytest.raises(RuntimeError) as caught:
        ending.fit(*diabetes)
    # Candidates beside it have been lost as often as it was, but the last time it ran alone.
    assert "the stack of 1 model (candidate 2, split " in str(caught.value)
    assert "3 times" in str(caught.value)
    assert "memory" in str(caught.value)
    assert isinstance(caught.value.__cause__, TerminatedWorkerError)
    assert "partial_results_ has their scores" in caught.value.__notes__[0]
    table = ending.partial_results_
    assert table["interrupted"][2]
    finished = ~table["interrupted"]
    assert finished.any()
    assert np.isfinite(table["mean_test_score"][finished]).all()


ROOT = Path(__file__).parents[3]
KILLED = """
import sys
from sklearn.datasets import load_diabetes
from tests.search.cluster.small_searches import KillsTheSearch, search
search(scoring=KillsTheSearch(sys.argv[1]), n_jobs=2).fit(*load_diabetes(return_X_y=True))
"""


def test_processes_end_with_a_search_that_is_killed(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    workers = {int(each.name) for each in tmp_path.iterdir()}
    assert workers
    end = time.monotonic() + 20
    while any(map(psutil.pid_exists, workers)):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_process_that_gets_a_task_of_a_killed_search_ends(monkeypatch):
    ended, nobody = [], 2**22 + 1
    monkeypatch.setattr(os, "_exit", ended.append)
    # As in a worker of another backend, whose parent may be any process, and in this one.
    local.end_with(nobody)
    local.end_with(os.getpid())
    assert not ended
    monkeypatch.setattr(local, "is_worker", lambda: True)
    local.end_with(os.getpid())
    assert not ended
    local.end_with(nobody)
    assert ended == [1]
