"""The estimators, with small settings and data that suit them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import sklloss
from sklloss import NeuralRegressor

Data = tuple[Any, Any]

SMALL = {"max_epochs": 2, "random_state": 0}
SMALL_TABLE = {**SMALL, "hidden_layer_sizes": (4,)}


class Family(NamedTuple):
    """An estimator and what suits it.

    Attributes
    ----------
    estimator : callable
        The class, or what takes its place.
    task : str or None
        Whose losses it takes.
    params : dict
        Settings with which a fit takes little time.
    data : callable
        From a generator, a number of rows and one of columns to X and y.
    weights : str or None
        The argument of `fit` that takes weights.
    is_array : bool
        Whether X is one array, so that its values, dtype and container can be changed.
    """

    estimator: Any
    task: str | None
    params: dict[str, Any]
    data: Callable[[np.random.Generator, int, int], Data]
    weights: str | None = "sample_weight"
    is_array: bool = True


def _numbers(rng: np.random.Generator, n: int, k: int) -> Data:
    X = rng.normal(size=(n, k))
    return X, np.abs(X[:, 0]) + 0.1 * rng.random(n) + 0.1


def _classes(rng: np.random.Generator, n: int, k: int) -> Data:
    X = rng.normal(size=(n, k))
    labels = (X[:, 0] > 0).astype(int)
    labels[:2] = 0, 1
    return X, labels


def _relevance(rng: np.random.Generator, n: int, k: int) -> Data:
    X = rng.normal(size=(n, k))
    return X, np.digitize(X[:, 0], [-0.5, 0.5])


def _tasks(rng: np.random.Generator, n: int, k: int) -> Data:
    X = rng.normal(size=(n, k))
    return X, np.column_stack([np.abs(X[:, 0]) + 0.1, X[:, -1] ** 2 + 0.1])


def _images(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.random((n, 6, 5))


def _boxes(rng: np.random.Generator, n: int, k: int) -> Data:
    corner = rng.integers(0, 2, (n, 2))
    return _images(rng, n), np.column_stack([corner, corner + rng.integers(1, 4, (n, 2))])


def _masks(rng: np.random.Generator, n: int, k: int) -> Data:
    X = _images(rng, n)
    return X, (X > 0.5).astype(int)


def _pairs(rng: np.random.Generator, n: int, k: int) -> Data:
    return rng.integers(0, k + 1, (n, 2)), rng.random(n) + 0.5


def _utterances(rng: np.random.Generator, n: int, k: int) -> Data:
    X = [rng.normal(size=(length, k)) for length in rng.integers(8, 13, n)]
    return X, ["".join(rng.choice(list("ab"), size=2)) for _ in X]


def _documents(rng: np.random.Generator, n: int, k: int) -> Data:
    return [" ".join(rng.choice(["sea", "sky", "the", "a"], size=k)) for _ in range(n)], None


def search(param_grid: Any = None, loss: Any = "mse", **params: Any) -> sklloss.LossSearchCV:
    """Return a search over a small regressor."""
    net = NeuralRegressor(loss, **SMALL_TABLE, early_stopping=False, n_members=1)
    grid = {"lr": [0.01, 0.1]} if param_grid is None else param_grid
    return sklloss.LossSearchCV(net, grid, **{"cv": 2, "random_state": 0, **params})


FAMILIES: dict[str, Family] = {
    "NeuralRegressor": Family(sklloss.NeuralRegressor, "regression", SMALL_TABLE, _numbers),
    "NeuralClassifier": Family(sklloss.NeuralClassifier, "classification", SMALL_TABLE, _classes),
    "NeuralRanker": Family(
        sklloss.NeuralRanker, "ranking", SMALL_TABLE, _relevance, "group_weight"
    ),
    "MetricEmbedder": Family(
        sklloss.MetricEmbedder, "embedding", {**SMALL_TABLE, "n_components": 3}, _classes
    ),
    "NeuralMultiTask": Family(sklloss.NeuralMultiTask, "regression", SMALL_TABLE, _tasks),
    "NeuralBoxRegressor": Family(
        sklloss.NeuralBoxRegressor, "boxes", {**SMALL, "module_params": {"channels": (2,)}}, _boxes
    ),
    "NeuralSegmenter": Family(
        sklloss.NeuralSegmenter,
        "segmentation",
        {**SMALL, "module_params": {"channels": (2,)}},
        _masks,
    ),
    "Recommender": Family(sklloss.Recommender, "recommendation", {**SMALL, "n_factors": 2}, _pairs),
    "SequenceTranscriber": Family(
        sklloss.SequenceTranscriber,
        "transcription",
        {**SMALL, "module_params": {"widths": (3,)}},
        _utterances,
        is_array=False,
    ),
    "TokenVectorizer": Family(sklloss.TokenVectorizer, None, {}, _documents, None, False),
    "LossSearchCV": Family(search, "regression", {}, _numbers),
}

# Containers of data that are no array: lists of utterances or documents.
LISTS: dict[str, Callable[[list[Any]], Any]] = {
    "array": lambda X: X,
    "tuple": tuple,
    "series": pd.Series,
    "objects of rows": lambda X: pd.Series(X).to_numpy(),
    "generator": iter,
    "dict": lambda X: dict(enumerate(X)),
    "set": lambda X: set(map(str, X)),
    "None": lambda X: None,
    "text": lambda X: "text",
    "class": lambda X: object,
    "frame": lambda X: pd.DataFrame({"a": X}),
    "list of lists": lambda X: [x if isinstance(x, str) else x.tolist() for x in X],
    "with None": lambda X: [None, *X[1:]],
    "with text": lambda X: ["one two", *X[1:]],
    "with a number": lambda X: [3, *X[1:]],
    "with NaN": lambda X: [X[0] if isinstance(X[0], str) else X[0] * np.nan, *X[1:]],
    "with inf": lambda X: [X[0] if isinstance(X[0], str) else X[0] + np.inf, *X[1:]],
    "with 1e300": lambda X: [X[0] if isinstance(X[0], str) else X[0] * 1e300, *X[1:]],
    "an empty one": lambda X: [X[0][:0], *X[1:]],
    "only empty ones": lambda X: [x[:0] for x in X],
    "one of one": lambda X: [X[0][:1], *X[1:]],
    "no rows": lambda X: X[:0],
    "one row": lambda X: X[:1],
}
