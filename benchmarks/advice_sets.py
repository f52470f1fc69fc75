"""Data of the advice benchmark: real tables, and distributions to draw rows from.

A case is a set with the metric that a user would watch.  Real tables are split
again for each split, and rows of a distribution are drawn again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from quality_sets import (
    LOG_LOSS,
    MACRO_F1,
    MAE,
    OF_NUMBERS,
    PINBALL,
    POISSON,
    RMSE,
    TASKS,
    file_of,
)
from scipy.special import expit, softmax
from sklearn.model_selection import train_test_split

AUC, ERROR_RATE, RANKS = "1 - AUC", "error rate", "MAE of ranks"
# How many rows train and are predicted at most.
TRAIN_ROWS, TEST_ROWS = 1_000, 3_000
FEATURES = 5

Rows = tuple[pd.DataFrame, pd.Series | pd.DataFrame]


@dataclass(frozen=True)
class Case:
    """A set of data, and the metrics by which a user may judge predictions of it.

    Attributes
    ----------
    name : str
    metrics : tuple of str
        The first is the one that suits best.
    rows : callable
        From the number of the split to training rows and test rows.
    is_law : bool
        Whether rows are drawn from a distribution.
    """

    name: str
    metrics: tuple[str, ...]
    rows: Callable[[int], tuple[Rows, Rows]]
    is_law: bool = False

    @property
    def is_regression(self) -> bool:
        """Whether targets are numbers."""
        return self.metrics[0] in OF_NUMBERS


def _cut(train: Rows, test: Rows) -> tuple[Rows, Rows]:
    most = TRAIN_ROWS, TEST_ROWS
    train, test = (
        tuple(part.iloc[:n].reset_index(drop=True) for part in rows)
        for rows, n in zip((train, test), most, strict=True)
    )
    return train, test


def _of_task(name: str, split: int) -> tuple[Rows, Rows]:
    return _cut(*TASKS[name].split(split, TRAIN_ROWS))


# ---------------------------------------------------------------------- more real tables


def _ranked(name: str, order: tuple[str, ...], split: int) -> tuple[Rows, Rows]:
    """Return a table whose classes are whole numbers, as an ordered categorical."""
    ranks = pd.CategoricalDtype(range(len(order)), ordered=True)
    places = {label: place for place, label in enumerate(order)}
    train, test = _of_task(name, split)
    return tuple((X, y.map(places).astype(ranks)) for X, y in (train, test))


@cache
def _yeast() -> pd.DataFrame:
    return pd.read_csv(file_of("river", "river", "datasets/yeast.csv.gz"))


def _genes(split: int) -> tuple[Rows, Rows]:
    table = _yeast()
    labels = [name for name in table if name.startswith("Class")]
    y = (table[labels].astype(str).isin(["True", "1", "1.0"])).astype(int)
    X, X_test, y, y_test = train_test_split(
        table.drop(columns=labels), y, test_size=0.2, random_state=split
    )
    return _cut((X, y), (X_test, y_test))


# ---------------------------------------------------------------------- laws


def _signal(X: np.ndarray) -> np.ndarray:
    """Return a smooth function of X with mean about 0 and standard deviation about 1."""
    return np.sin(1.5 * X[:, 0]) + 0.5 * X[:, 1] + 0.4 * X[:, 2] * X[:, 3]


def _drawn(law: Callable[..., np.ndarray], split: int, clean: bool = False) -> tuple[Rows, Rows]:
    """Draw rows of a law; where `clean`, the law takes whether targets are disturbed."""
    rng = np.random.default_rng(1_000 + split)
    parts = []
    for n, disturbed in ((TRAIN_ROWS, True), (TEST_ROWS, False)):
        X = rng.standard_normal((n, FEATURES))
        y = law(rng, X, disturbed) if clean else law(rng, X)
        parts.append((pd.DataFrame(X).add_prefix("x"), pd.Series(y, name="y")))
    return parts[0], parts[1]


def _gaussian(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    return _signal(X) + rng.standard_normal(len(X))


def _laplace(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    return _signal(X) + rng.laplace(size=len(X))


def _student_t(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    return _signal(X) + 0.7 * rng.standard_t(2.5, size=len(X))


def _gamma(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    return rng.gamma(1.5, np.exp(0.8 * _signal(X)) / 1.5)


def _lognormal(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    return np.exp(0.7 * _signal(X) + 0.8 * rng.standard_normal(len(X)))


def _poisson(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    return rng.poisson(np.exp(0.8 * _signal(X))).astype(float)


def _negative_binomial(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    return rng.poisson(rng.gamma(0.8, np.exp(1 + 0.8 * _signal(X)) / 0.8)).astype(float)


def _zero_inflated(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    occurs = rng.random(len(X)) < expit(X[:, 0] - 0.5)
    return occurs * rng.gamma(2, np.exp(3 + 0.6 * _signal(X)) / 2)


def _heteroscedastic(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    return 20 + _signal(X) + np.exp(0.9 * X[:, 0]) * rng.standard_normal(len(X))


def _contaminated(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    wild = rng.random(len(X)) < 0.1
    return _signal(X) + np.where(wild, 10 + 10 * rng.random(len(X)), rng.standard_normal(len(X)))


def _wrong_labels(rng: np.random.Generator, X: np.ndarray, disturbed: bool) -> np.ndarray:
    """Return three classes; 30 % of the labels that train are drawn at random."""
    scores = 2.5 * np.stack([_signal(X), X[:, 1] - X[:, 4], X[:, 2] ** 2 - 1], 1)
    y = (rng.random((len(X), 1)) > softmax(scores, 1).cumsum(1)[:, :-1]).sum(1)
    wrong = disturbed & (rng.random(len(X)) < 0.3)
    return np.where(wrong, rng.integers(0, 3, len(X)), y)


def _imbalanced(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    return (rng.random(len(X)) < expit(1.5 * _signal(X) - 4)).astype(int)


def _ordered(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    latent = 1.5 * _signal(X) + rng.logistic(size=len(X))
    ranks = np.searchsorted([-2, -0.5, 0.5, 2.5], latent)
    return pd.Categorical(ranks, categories=range(5), ordered=True)


OF_CLASSES = (ERROR_RATE, MACRO_F1, LOG_LOSS)
_METRICS = {
    MAE: (MAE, RMSE),
    RMSE: (RMSE, MAE),
    PINBALL: (PINBALL,),
    POISSON: (POISSON, MAE, RMSE),
    LOG_LOSS: (LOG_LOSS, ERROR_RATE, MACRO_F1),
    MACRO_F1: (MACRO_F1, AUC, LOG_LOSS),
}
_BINARY = ("taxi tips", "penguins", "breast cancer")
_RUN_TIMES, _CUTS = (
    ("VF", "F", "M", "L"),
    ("Fair", "Good", "Very Good", "Premium", "Ideal"),
)


def _real(name: str) -> Case:
    metrics = _METRICS[TASKS[name].metric]
    if name == "diamond cut":
        metrics = (MACRO_F1, ERROR_RATE, LOG_LOSS)
    return Case(name, metrics, partial(_of_task, name))


def _law(name: str, metrics: tuple[str, ...], law: Callable[..., Any], clean: bool = False) -> Case:
    return Case(name, metrics, partial(_drawn, law, clean=clean), is_law=True)


CASES = {
    case.name: case
    for case in (
        *map(_real, TASKS),
        Case(
            "job run time, ordered",
            (RANKS, ERROR_RATE),
            partial(_ranked, "job run time", _RUN_TIMES),
        ),
        Case("diamond cut, ordered", (RANKS, ERROR_RATE), partial(_ranked, "diamond cut", _CUTS)),
        Case("yeast", (MACRO_F1, AUC), _genes),
        _law("gaussian", (RMSE, MAE), _gaussian),
        _law("laplace", (MAE, RMSE), _laplace),
        _law("student-t", (MAE, RMSE), _student_t),
        _law("gamma", (RMSE, MAE), _gamma),
        _law("lognormal", (MAE, RMSE), _lognormal),
        _law("poisson", (POISSON, MAE, RMSE), _poisson),
        _law("negative binomial", (POISSON, MAE, RMSE), _negative_binomial),
        _law("zero-inflated", (RMSE, MAE), _zero_inflated),
        _law("heteroscedastic", (RMSE, MAE), _heteroscedastic),
        _law("contaminated", (MAE, RMSE), _contaminated),
        _law("wrong labels", (ERROR_RATE, LOG_LOSS, MACRO_F1), _wrong_labels, clean=True),
        _law("imbalanced", (MACRO_F1, AUC, LOG_LOSS), _imbalanced),
        _law("ordered", (RANKS, ERROR_RATE), _ordered),
    )
}

# The sets by which the rules behind the suggestions were chosen.
CHOSEN_ON = (
    *("gaussian", "check times", "Caravan", "gamma", "Lending Club", "poisson", "Covid tests"),
    *("concrete", "wrong labels", "flights", "job run time", "negative binomial", "imbalanced"),
    *("health spending", "patents", "STAR maths", "contaminated", "ordered", "doctor visits"),
    *("laplace", "lognormal", "diabetes"),
)
