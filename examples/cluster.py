"""Run one search on a cluster of dask: the same scores, wherever the models are trained.

Run it with

    python examples/cluster.py

It needs the `cluster` extra: pip install -c constraints.txt -e ".[cluster]".

Look at `LocalCluster`, which stands for your cluster: with the address of a scheduler, the `Client`
is all that changes; at `joblib.parallel_config("dask")`, which sends the search there; and at the
worker that is killed while it trains: its stacks run again, and the scores stay the same to the last
bit.
"""

import logging
import os
import signal
import threading
import time

import joblib
import numpy as np
import torch
from distributed import Client, LocalCluster
from sklearn.datasets import load_diabetes

from sklloss import LossSearchCV, NeuralRegressor

GRID = {"loss": ["mse", "mae", "huber", "log_cosh"], "lr": [0.003, 0.01, 0.03]}
QUIET = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}


def search() -> LossSearchCV:
    """Return a search of 60 models."""
    net = NeuralRegressor(n_members=1, hidden_layer_sizes=(32,), max_epochs=100, random_state=0)
    return LossSearchCV(net, GRID, scoring="neg_mean_absolute_error", cv=5, stack_size=6)


def kill_after(seconds: float, pid: int) -> threading.Thread:
    """Return a thread that kills a process after some seconds."""

    def kill() -> None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def main() -> None:
    X, y = load_diabetes(return_X_y=True)
    torch.set_num_threads(1)  # as workers do, so that not even the last bits differ
    here = search().fit(X, y)
    print(f"in this process:     {here.best_params_}, {here.best_score_:.6f}")

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, **QUIET) as cluster,
        Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        there = search().fit(X, y)
        print(f"two workers of dask: {there.best_params_}, {there.best_score_:.6f}")
        victim = kill_after(0.3, next(iter(client.run(os.getpid).values())))
        disturbed = search().fit(X, y)
        victim.join()
        print(f"one of them killed:  {disturbed.best_params_}, {disturbed.best_score_:.6f}")

    for other in (there, disturbed):
        scores = [each.cv_results_["mean_test_score"] for each in (here, other)]
        print("scores equal to the last bit:", np.array_equal(*scores))


if __name__ == "__main__":
    main()
