"""Queries whose hits a ranker puts in order."""

from collections import Counter

import numpy as np

from sklloss import NeuralRanker


def queries(n_groups=60, seed=0, sizes=(2, 9)):
    """Return features, grades 0 to 4 that follow two of them, and ids; the other two say how good a
    query's hits are at all."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(*sizes, size=n_groups)
    ids = np.repeat([f"q{k}" for k in range(n_groups)], counts)
    X = rng.normal(size=(len(ids), 4))
    level = np.repeat(rng.normal(size=n_groups), counts)
    X[:, 2] = level + 0.1 * X[:, 2]
    wanted = 2 * X[:, 0] - X[:, 1] + level + 0.2 * rng.normal(size=len(ids))
    return X, np.digitize(wanted, [-2, -0.5, 0.5, 2]), ids


def counts_of(ids):
    return np.array(list(Counter(ids.tolist()).values()))


def small(loss="lambdarank", **params):
    settings = {"hidden_layer_sizes": (16,), "lr": 0.02, "max_epochs": 25, "random_state": 0}
    return NeuralRanker(loss, **{**settings, **params})


def quick(loss="lambdarank", **params):
    """Return one that is not asked to be good."""
    return small(loss, **{"max_epochs": 3, **params})
