"""Processes of loky that are killed: their stacks run again, a bounded number of times."""

import tempfile

import joblib
import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

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
