"""Tables as searches fill them, from scores that tests choose."""

import numpy as np


def table_of(scores, params=None, metric="score", **columns):
    """Return ``cv_results_`` of scores, (candidates, splits)."""
    scores = np.asarray(scores, dtype=float)
    names = [{"loss": name} for name in "abcdefghijklmnopqrstuvwxyz"]
    return {
        "params": names[: len(scores)] if params is None else params,
        f"mean_test_{metric}": scores.mean(axis=1),
        f"std_test_{metric}": scores.std(axis=1),
        **{f"split{i}_test_{metric}": column for i, column in enumerate(scores.T)},
        **columns,
    }
