"""What the bar of a search says of the time that is left, and how early it has a score."""

import os
import platform
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from sklearn.model_selection import KFold

from sklloss import LossSearchCV, NeuralRegressor
from sklloss.search import progress
from sklloss.search.candidates import candidates_of
from sklloss.search.evaluation import Evaluation
from sklloss.search.stacks import Fit, Shape

from ..laws.small_models import ONE_NETWORK

SMALL = {**ONE_NETWORK, "hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0}


class StoppedBar:
    """A bar whose clock stands still."""

    def __init__(self, elapsed):
        self.format_dict = {"elapsed": elapsed}


@pytest.mark.parametrize(
    ("counts", "left"),
    [([0, 0], "?"), ([10, 0], "01:30"), ([5, 0], "03:10"), ([10, 5], "00:08"), ([10, 99], "00:00")],
)
def test_what_is_left_follows_from_costs(counts, left):
    """One stack takes nine times as long for as many epochs."""
    shown = progress.Progress(search=None, results=None)
    shown._bar = StoppedBar(elapsed=10)
    shown._epochs, shown._costs = np.array([10, 10]), np.array([1.0, 9.0])
    assert shown._left(np.array(counts)) == left


def test_wide_networks_and_many_epochs_cost_more():
    def cost(n_rows=1000, **params):
        net = NeuralRegressor(**{**SMALL, "batch_size": 100, **params})
        (candidate,) = candidates_of(net, [{}], 1, 0, 0)
        return Fit(candidate, 0, Shape(n_rows, 10, False)).cost

    assert cost(max_epochs=6) == 2 * cost()
    assert cost(hidden_layer_sizes=(256, 256)) > 10 * cost()
    assert cost(n_members=2) == 2 * cost()
    assert cost(n_rows=2000) == pytest.approx(2 * cost())


def test_the_first_candidates_are_finished_before_the_last_begin(diabetes, monkeypatch):
    finished = []

    class Watched(progress.Progress):
        def show(self, numbers):
            finished.append(list(numbers))

    monkeypatch.setattr(Evaluation.train.__globals__["Progress"], "show", Watched.show)
    net = NeuralRegressor(**SMALL)
    grid = {"loss": ["mse", "mae"], "lr": [0.001, 0.003, 0.01, 0.03]}
    LossSearchCV(net, grid, cv=KFold(5), stack_size=2).fit(*diabetes)
    assert len(finished) == 20
    first = next(i for i, numbers in enumerate(finished) if numbers)
    assert first == 4, "after as many stacks as there are splits"
    assert sum(len(numbers) for numbers in finished) == 8


def test_folders_of_killed_processes_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    host = platform.node()
    dead = tmp_path / f"sklloss-{host}-{int(killed.stdout)}-abc"
    others = [
        tmp_path / f"sklloss-{host}-{os.getpid()}-abc",
        tmp_path / f"sklloss-another-{host}-{int(killed.stdout)}-abc",
        tmp_path / f"sklloss-{host}-mine",
    ]
    for folder in (dead, *others):
        folder.mkdir()
    with progress.temporary_folder() as made:
        assert made.is_dir()
        assert not dead.exists()
        assert all(folder.exists() for folder in others)
    assert not made.exists()
