"""A table with three tasks, some labels of which are missing, and a small estimator of them."""

import numpy as np
import pandas as pd

from sklloss import NeuralMultiTask

SMALL = {"hidden_layer_sizes": (6,), "max_epochs": 5, "random_state": 0}


# The settings of an estimator of one task that trains the same network in the same way.
ALONE = {
    **SMALL,
    "early_stopping": False,
    "numeric_encoding": "standard",
    "module_params": {"linear_path": False, "init": "glorot"},
    "weight_decay": 0.0,
    "lr": 0.001,
}


LOSSES = {"size": "huber", "count": "poisson", "kind": "cross_entropy"}


WEIGHTINGS = ["equal", {"size": 2.0}, "uncertainty", "dwa", "random"]


def table(n=60, missing=0.2, seed=0):
    """Return features and three tasks that they tell, some labels missing."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    y = pd.DataFrame(
        {
            "size": 100 * X[:, 0] + rng.normal(size=n),
            "count": rng.poisson(np.exp(X[:, 1])),
            "kind": np.array(["ash", "oak", "yew"])[np.digitize(X[:, 2] + X[:, 0], [-0.5, 0.5])],
        }
    )
    return X, y.mask(rng.random(y.shape) < missing)


def model(losses=LOSSES, **params):
    return NeuralMultiTask(losses, **{**SMALL, **params})


def assert_same(one, other, X):
    pd.testing.assert_frame_equal(one.predict(X), other.predict(X), check_exact=True)
    for task, probabilities in one.predict_proba(X).items():
        np.testing.assert_array_equal(probabilities, other.predict_proba(X)[task])
