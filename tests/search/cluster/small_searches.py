"""Small searches, scorers that kill their process, and what is left behind."""

import os
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralRegressor

GRID = {"loss": ["mse", "mae", "huber"], "lr": [0.01, 0.003]}


def regressor(**params):
    small = {"n_members": 1, "hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0}
    return NeuralRegressor(**{**small, **params})


def search(estimator=None, grid=GRID, **params):
    made = LossSearchCV(estimator or regressor(), grid, cv=3, stack_size=3)
    return made.set_params(**params)


def pipeline_search(**params):
    # Without a random_state, but the solver for so few columns draws no numbers.
    pipeline = make_pipeline(StandardScaler(), PCA(3), regressor())
    grid = {f"neuralregressor__{name}": values for name, values in GRID.items()}
    return search(pipeline, grid, **params)


def assert_same(one, other):
    """Assert that all of two searches but times is equal to the last bit."""
    assert one.cv_results_.keys() == other.cv_results_.keys()
    for name, column in one.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(column, other.cv_results_[name], err_msg=name)
    assert one.best_params_ == other.best_params_


class Killed:
    """A scorer that kills its process, and others before, when it first scores a loss.

    Parameters
    ----------
    flag : path or None
        Made by the first that scores the loss, and kept for good; None kills every time.
    others : sequence of int
        Processes that are killed, too.
    """

    def __init__(self, flag=None, others=(), loss="mae"):
        self.flag, self.others, self.loss = flag and Path(flag), others, loss

    def __call__(self, estimator, X, y):
        if estimator.loss == self.loss and self._is_first():
            for pid in (*self.others, os.getpid()):
                if psutil.pid_exists(pid):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(60)  # Until the signal has come.
        return estimator.score(X, y)

    def _is_first(self):
        if self.flag is None:
            return True
        if self.flag.exists():
            return False
        self.flag.touch()
        return True


class KillsTheSearch:
    """A scorer that kills the process that searches, and notes its own in a folder before."""

    def __init__(self, folder):
        self.folder, self.search = folder, os.getpid()

    def __call__(self, estimator, X, y):
        (Path(self.folder) / str(os.getpid())).touch()
        os.kill(self.search, signal.SIGKILL)
        return estimator.score(X, y)


def pid(estimator, X, y):
    """Score the process that scores."""
    return float(os.getpid())


def raising(estimator, X, y):
    raise KeyError("from a worker")


def own_processes():
    """Return the processes below this one, but for Python's own, which ends with it."""
    return {
        each.pid
        for each in psutil.Process().children(recursive=True)
        if not any("resource_tracker" in part for part in _command(each))
    }


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def own_files():
    return {path.name for path in Path(tempfile.gettempdir()).glob("sklloss-*")}


def gone(before, seconds=20.0):
    """Return the processes that are left after some seconds at most, beside those of before."""
    end = time.monotonic() + seconds
    while (left := own_processes() - before) and time.monotonic() < end:
        time.sleep(0.1)
    return left
