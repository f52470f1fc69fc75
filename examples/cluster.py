"""How do I run a search on a cluster?
===================================

``LossSearchCV`` trains on a cluster of dask or ray once joblib's backend says so. Here two local
workers of dask stand for a cluster, and one of them is killed while it trains. Look at the scores:
they are the same everywhere, to the last bit.

Run it with ``python examples/cluster.py``; it needs the ``cluster`` and ``plot`` extras.
"""

# %%
# In this process
# ---------------
# A search over losses and learning rates trains 60 models. Workers compute with one thread each;
# with one thread here, too, not even the last bits differ. Processes of dask import this file
# again, so what they shall not run is below ``if __name__ == "__main__"``.
import logging
import os
import signal
import threading
import time

import joblib
import matplotlib.pyplot as plt
import numpy as np
import torch
from distributed import Client, LocalCluster
from sklearn.datasets import load_diabetes

from sklloss import LossSearchCV, NeuralRegressor

X, y = load_diabetes(return_X_y=True)
net = NeuralRegressor(n_members=1, hidden_layer_sizes=(32,), max_epochs=50, random_state=0)
grid = {"loss": ["mse", "mae", "huber", "log_cosh"], "lr": [0.003, 0.01, 0.03]}
search = LossSearchCV(net, grid, scoring="neg_mean_absolute_error", cv=5, stack_size=6)
found = {}

if __name__ == "__main__":
    torch.set_num_threads(1)
    search.fit(X, y)
    found["in this process"] = search.cv_results_["mean_test_score"]
    print(search.best_params_, f"{search.best_score_:.6f}")

# %%
# On two workers
# --------------
# With the address of your scheduler, ``Client("address:8786")`` is all that changes.
if __name__ == "__main__":
    quiet = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, **quiet)
    client = Client(cluster)
    with joblib.parallel_config("dask"):
        search.fit(X, y)
    found["on two workers"] = search.cv_results_["mean_test_score"]
    print(search.best_params_, f"{search.best_score_:.6f}")

# %%
# A worker dies
# -------------
# A thread waits until each worker has a stack, and kills the process of one of them. Its stacks run
# again on the other one, and on the worker that dask starts in its stead.
if __name__ == "__main__":
    process_of = client.run(os.getpid)

    def kill_one():
        """Kill a worker once both are busy."""
        while not all(client.processing().values()):
            time.sleep(0.02)
        os.kill(next(iter(process_of.values())), signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    with joblib.parallel_config("dask"):
        search.fit(X, y)
    killer.join()
    found["one worker killed"] = search.cv_results_["mean_test_score"]
    print(search.best_params_, f"{search.best_score_:.6f}")
    client.close()
    cluster.close()

# %%
# The scores beside each other
# ----------------------------
if __name__ == "__main__":
    figure, axis = plt.subplots(figsize=(9, 4), layout="constrained")
    for (name, scores), marker, size in zip(found.items(), "osx", (14, 8, 8), strict=True):
        axis.plot(-scores, marker, markersize=size, fillstyle="none", label=name)
    names = [f"{each['loss']}\nlr {each['lr']}" for each in search.cv_results_["params"]]
    axis.set_xticks(range(len(names)), names, fontsize=8)
    axis.set_ylabel("mean absolute error over 5 splits")
    axis.legend()

# %%
# What was learnt
# ---------------
if __name__ == "__main__":
    here = found["in this process"]
    equal = sum(np.array_equal(here, scores) for scores in found.values())
    print(
        f"{len(here)} candidates on 5 splits, in {len(found)} ways: {equal} of"
        f" {len(found)} tables of",
        "scores are equal to the last bit, even where a worker was killed.",
        sep="\n",
    )
