"""Rows and pairs of rows of a few classes, and a small embedder."""

import numpy as np

from sklloss import MetricEmbedder
from sklloss.losses import list_losses

LOSSES = list_losses("embedding").name.tolist()


SMALL = {"n_components": 4, "hidden_layer_sizes": (12,), "max_epochs": 4, "random_state": 0}


def embedder(loss="infonce", **params):
    return MetricEmbedder(loss, **{**SMALL, **params})


def table(n=60, n_classes=3, seed=0):
    """Return rows of classes that differ in two columns, beside two of large noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    signal = np.eye(n_classes)[y][:, :2] + rng.normal(0, 0.2, (n, 2))
    return np.column_stack((signal, 3 * rng.normal(size=(n, 2)))), np.array(list("abcdefgh"))[y]


def pairs_of(X, y, n=80, seed=0):
    """Return pairs of rows, half of them alike."""
    rng = np.random.default_rng(seed)
    left = rng.integers(len(X), size=n)
    right = rng.integers(len(X), size=n)
    for i in range(0, n, 2):
        right[i] = rng.choice(np.flatnonzero(y == y[left[i]]))
    return np.stack((X[left], X[right]), 1), (y[left] == y[right]).astype(int)


def assert_same(one, other, X):
    np.testing.assert_array_equal(one.transform(X), other.transform(X))
