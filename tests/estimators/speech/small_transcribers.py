"""Noisy strings that a small transcriber learns to read."""

import numpy as np

from sklloss import SequenceTranscriber

SMALL = {"widths": (16,), "kernel_size": 3}


LETTERS = "abc"


def strings(n, seed=0, lengths=(1, 5)):
    """Return n noisy sequences, one column per letter and one between letters, and what they
    say."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        said = rng.integers(3, size=rng.integers(*lengths))
        parts = []
        for letter in said:
            parts += [np.eye(4)[[3] * rng.integers(1, 4)], np.eye(4)[[letter] * rng.integers(2, 6)]]
        X.append(np.concatenate(parts) + 0.1 * rng.normal(size=(sum(map(len, parts)), 4)))
        y.append("".join(LETTERS[k] for k in said))
    return X, y


def small(loss="ctc", **params):
    settings = {
        "module_params": SMALL,
        "dropout": 0.0,
        "lr": 0.02,
        "max_epochs": 12,
        "random_state": 0,
    }
    return SequenceTranscriber(loss, **{**settings, **params})


def quick(**params):
    """Return one that is not trained to the end, and is not asked to be good."""
    return small(max_epochs=2, **params)
