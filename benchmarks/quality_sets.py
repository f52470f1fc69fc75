"""Raw tables of the quality benchmark: what is predicted, and the metric that a user would watch.

Nothing is downloaded.  Columns stay as they are: text, categories, missing values.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.metrics import (
    f1_score,
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    root_mean_squared_error,
)
from sklearn.model_selection import train_test_split

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from data import (
    PATIENT_COLUMNS,
    PUPIL_COLUMNS,
    ames_houses,
    caravan_insurance,
    check_times,
    diamonds,
    file_of,
    flight_delays,
    from_r,
    lending_club,
    patents,
)

MAE, PINBALL, POISSON, RMSE = "MAE", "pinball .9", "Poisson deviance", "RMSE"
LOG_LOSS, MACRO_F1 = "log-loss", "1 - macro-F1"
OF_NUMBERS = (MAE, PINBALL, POISSON, RMSE)

# The share of rows that are predicted, and how many train at most where rivals are slow.
TEST_SHARE, FEW_ROWS = 0.2, 5_000
# On how many splits slow rivals and large tables are compared.
FEW_SPLITS = 2

Table = tuple[pd.DataFrame, pd.Series]


@dataclass(frozen=True)
class Task:
    """A table, its target and the metric by which predictions are judged; lower is better.

    Attributes
    ----------
    name : str
    metric : str
    load : callable
        Returns X and y.
    is_large : bool
        Whether there are more than 50,000 rows.
    """

    name: str
    metric: str
    load: Callable[[], Table]
    is_large: bool = False

    def split(self, seed: int, most: int | None = None) -> tuple[Table, Table]:
        """Return training rows, `most` of them at most, and test rows."""
        X, y = (part.reset_index(drop=True) for part in self.load())
        classes = None if self.metric in OF_NUMBERS else y
        X, X_test, y, y_test = train_test_split(
            X, y, test_size=TEST_SHARE, random_state=seed, stratify=classes
        )
        if most is not None and len(X) > most:
            classes = None if classes is None else y
            X, _, y, _ = train_test_split(
                X, y, train_size=most, random_state=seed, stratify=classes
            )
        return (X, y), (X_test, y_test)

    def error(self, y: pd.Series, predicted: np.ndarray) -> float:
        """Return how wrong predictions are: labels for macro-F1, probabilities for log-loss."""
        return float(ERRORS[self.metric](y, predicted))


def _log_loss(y: pd.Series, probability: np.ndarray) -> float:
    clipped = np.clip(probability, 1e-7, 1)
    return log_loss(y, clipped / clipped.sum(1, keepdims=True))


def _poisson(y: pd.Series, predicted: np.ndarray) -> float:
    return mean_poisson_deviance(y, np.maximum(predicted, 1e-9))


ERRORS: dict[str, Callable[..., float]] = {
    MAE: mean_absolute_error,
    PINBALL: partial(mean_pinball_loss, alpha=0.9),
    POISSON: _poisson,
    RMSE: root_mean_squared_error,
    LOG_LOSS: _log_loss,
    MACRO_F1: lambda y, labels: 1 - f1_score(y, labels, average="macro"),
}


def _target(table: pd.DataFrame, name: str, without: tuple[str, ...] = ()) -> Table:
    """Return features and target of a table; rows without a target are left out."""
    known = table.dropna(subset=[name]).reset_index(drop=True)
    return known.drop(columns=[name, *without]), known[name]


@cache
def _r(package: str, item: str, target: str, without: tuple[str, ...] = ()) -> Table:
    return _target(from_r(package, item), target, without)


@cache
def _columns(package: str, item: str, target: str, columns: tuple[str, ...]) -> Table:
    return _target(from_r(package, item)[[*columns, target]], target)


@cache
def _covid() -> Table:
    table = from_r("medicaldata", "covid_testing")
    columns = ["gender", "pan_day", "clinic_name", "demo_group", "age", "drive_thru_ind"]
    known = table[table["result"].isin(["positive", "negative"])]
    return _target(known[[*columns, "payor_group", "patient_class", "result"]], "result")


@cache
def _segments() -> Table:
    return _target(pd.read_csv(file_of("river", "river", "datasets/segment.csv.zip")), "category")


@cache
def _bundled(load: Callable[..., Any]) -> Table:
    found = load(as_frame=True)
    return found.data, found.target


_VISIT_COLUMNS = (
    *("coins", "black", "income", "xage", "female", "educdec"),
    *("disea", "physlm", "lfam", "hlthp"),
)
_PATIENTS = partial(_columns, "sampleSelection", "RandHIE")
_STAR = partial(_columns, "AER", "STAR", "mathk", tuple(PUPIL_COLUMNS))

TASKS = {
    task.name: task
    for task in (
        Task("concrete", RMSE, partial(_r, "modeldata", "concrete", "compressive_strength")),
        Task("Ames housing", MAE, ames_houses),
        Task("check times", MAE, check_times),
        Task("check times, high", PINBALL, check_times),
        Task("health spending", MAE, partial(_PATIENTS, "meddol", tuple(PATIENT_COLUMNS))),
        Task(
            "health spending, high", PINBALL, partial(_PATIENTS, "meddol", tuple(PATIENT_COLUMNS))
        ),
        Task("doctor visits", POISSON, partial(_PATIENTS, "mdvis", _VISIT_COLUMNS)),
        Task("patents", POISSON, lambda: patents()[:2]),
        Task("Tecator fat", MAE, partial(_r, "modeldata", "meats", "fat", ("water", "protein"))),
        Task("STAR maths", RMSE, _STAR),
        Task("diabetes", RMSE, partial(_bundled, datasets.load_diabetes)),
        Task("job run time", LOG_LOSS, partial(_r, "modeldata", "hpc_data", "class")),
        Task("image segments", LOG_LOSS, _segments),
        Task("taxi tips", LOG_LOSS, partial(_r, "modeldata", "taxi", "tip")),
        Task("penguins", LOG_LOSS, partial(_r, "modeldata", "penguins", "sex")),
        Task("breast cancer", LOG_LOSS, partial(_bundled, datasets.load_breast_cancer)),
        Task("digits", LOG_LOSS, partial(_bundled, datasets.load_digits)),
        Task("wine", LOG_LOSS, partial(_bundled, datasets.load_wine)),
        Task("Lending Club", MACRO_F1, lending_club),
        Task("Covid tests", MACRO_F1, _covid),
        Task("Caravan", MACRO_F1, caravan_insurance),
        Task("remote developers", MACRO_F1, partial(_r, "modeldata", "stackoverflow", "Remote")),
        Task("Titanic", MACRO_F1, partial(_r, "carData", "TitanicSurvival", "survived")),
        Task("diamonds", MAE, diamonds, is_large=True),
        Task("diamond cut", MACRO_F1, partial(_r, "ggplot2", "diamonds", "cut"), is_large=True),
        Task("flights", MAE, flight_delays, is_large=True),
    )
}
