"""The same search by LossSearchCV and by GridSearchCV over NeuralRegressor and its rivals."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from rivals import (
    MLP,
    RATIO_COLUMNS,
    SKORCH,
    Job,
    make_data,
    markdown_table,
    medians,
    number,
    our_regressor,
    ratio_cells,
    scikit_learn_regressor,
    skorch_regressor,
)
from sklearn.model_selection import GridSearchCV
from torch import Tensor, nn

from sklloss import LossSearchCV

FOLDS = 5
LOSS_SEARCH, NEURAL_GRID = "LossSearchCV", "GridSearchCV, NeuralRegressor"
SKORCH_GRID, MLP_GRID = f"GridSearchCV, {SKORCH}", f"GridSearchCV, {MLP}"
LEARNING_RATES = (0.0005, 0.0007, 0.001, 0.0014, 0.002, 0.0028, 0.004, 0.0056)


class LogCosh(nn.Module):
    """The log-cosh loss, which torch lacks."""

    def forward(self, prediction: Tensor, y: Tensor) -> Tensor:
        """Return the mean over the batch."""
        error = (prediction - y).abs()
        return (error + nn.functional.softplus(-2 * error)).mean()


class Pinball(nn.Module):
    """The loss of the quantile 0.5, which torch lacks: half the absolute error."""

    def forward(self, prediction: Tensor, y: Tensor) -> Tensor:
        """Return the mean over the batch."""
        error = y - prediction
        return (0.5 * error).maximum(-0.5 * error).mean()


# By the name of the same loss in sklloss.
CRITERIA = {
    "squared_error": nn.MSELoss,
    "absolute_error": nn.L1Loss,
    "huber": nn.HuberLoss,
    "smooth_l1": nn.SmoothL1Loss,
    "log_cosh": LogCosh,
    "quantile": Pinball,
}
LOSSES = list(CRITERIA)


@dataclass(frozen=True)
class Setting:
    """One search: a network, numbers of losses (or seeds) and learning rates, and bars."""

    job: Job
    n_losses: int
    n_rates: int
    bars: Mapping[str, float]

    @property
    def fits(self) -> int:
        """The number of fits."""
        return self.n_losses * self.n_rates * FOLDS

    @property
    def rates(self) -> list[float]:
        """The learning rates; a single one is that of the job."""
        return list(LEARNING_RATES[: self.n_rates]) if self.n_rates > 1 else [self.job.lr]

    def at_most_one_rate(self) -> Setting:
        """Return a search over six losses, or seeds, at one learning rate: 30 fits."""
        return replace(self, n_losses=len(LOSSES), n_rates=1) if self.n_rates > 1 else self

    def of_epochs(self, epochs: int) -> Setting:
        """Return the search with this many epochs per fit."""
        return replace(self, job=replace(self.job, epochs=epochs))

    def __str__(self) -> str:
        return f"{self.fits} fits; {self.job}"


SMALL = Job(hidden=(32, 32), batch=32)
SETTINGS = (
    Setting(Job(), 6, 1, {SKORCH_GRID: 12.0, MLP_GRID: 3.0}),
    Setting(SMALL, 6, 1, {SKORCH_GRID: 15.0, MLP_GRID: 3.0}),
    Setting(SMALL, 5, 8, {SKORCH_GRID: 30.0, MLP_GRID: 6.0}),
)


# Searches.


def loss_search(setting: Setting, n_jobs: int) -> LossSearchCV:
    grid = {"loss": LOSSES[: setting.n_losses], "lr": setting.rates}
    return LossSearchCV(our_regressor(setting.job), grid, **options_of_search(n_jobs))


def neural_grid(setting: Setting, n_jobs: int) -> GridSearchCV:
    grid = {"loss": LOSSES[: setting.n_losses], "lr": setting.rates}
    return GridSearchCV(our_regressor(setting.job), grid, **options_of_search(n_jobs))


def skorch_grid(setting: Setting, n_jobs: int) -> GridSearchCV:
    criteria = [CRITERIA[loss] for loss in LOSSES[: setting.n_losses]]
    grid = {"criterion": criteria, "lr": setting.rates}
    return GridSearchCV(skorch_regressor(setting.job), grid, **options_of_search(n_jobs))


def scikit_learn_grid(setting: Setting, n_jobs: int) -> GridSearchCV:
    grid = {"random_state": list(range(setting.n_losses)), "learning_rate_init": setting.rates}
    return GridSearchCV(scikit_learn_regressor(setting.job), grid, **options_of_search(n_jobs))


def options_of_search(n_jobs: int) -> dict[str, object]:
    return {
        "scoring": "neg_mean_absolute_error",
        "cv": FOLDS,
        "n_jobs": n_jobs,
        "refit": False,
        "error_score": "raise",
    }


SEARCHES: dict[str, Callable[[Setting, int], GridSearchCV]] = {
    LOSS_SEARCH: loss_search,
    SKORCH_GRID: skorch_grid,
    MLP_GRID: scikit_learn_grid,
    NEURAL_GRID: neural_grid,
}


@dataclass(frozen=True)
class Timed:
    """A setting as measured for a contender: perhaps on fewer fits, and then scaled."""

    search: Callable[[Setting, int], GridSearchCV]
    asked: Setting
    run: Setting

    @property
    def scale(self) -> float:
        """The factor by which the seconds are multiplied."""
        return self.asked.fits / self.run.fits

    @property
    def remark(self) -> str:
        """The number of fits that were run."""
        return str(self.run.fits) if self.scale == 1 else f"{self.run.fits}, scaled"


def timed_searches(setting: Setting, full: bool) -> dict[str, Timed]:
    """Return all searches by name; LossSearchCV always runs all fits."""
    fewer = setting if full else setting.at_most_one_rate()
    return {
        name: Timed(search, setting, setting if name == LOSS_SEARCH else fewer)
        for name, search in SEARCHES.items()
    }


def search_seconds(
    timed: Mapping[str, Timed], rows: int, rounds: int, n_jobs: int
) -> dict[str, float]:
    """Return the median seconds of every search, scaled."""
    X, y = make_data(rows)
    calls = {
        name: functools.partial(_run, each.search, each.run, n_jobs, X, y)
        for name, each in timed.items()
    }
    seconds = medians(calls, rounds)
    return {name: value * timed[name].scale for name, value in seconds.items()}


def _run(
    search: Callable[[Setting, int], GridSearchCV],
    setting: Setting,
    n_jobs: int,
    X: np.ndarray,
    y: np.ndarray,
) -> None:
    search(setting, n_jobs).fit(X, y)


def search_table(setting: Setting, rows: int, rounds: int, n_jobs: int, full: bool) -> str:
    """Return the table of one setting."""
    timed = timed_searches(setting, full)
    seconds = search_seconds(timed, rows, rounds, n_jobs)
    lines = [
        (
            name,
            timed[name].remark,
            number(value),
            *ratio_cells(value, seconds[LOSS_SEARCH], setting.bars.get(name)),
        )
        for name, value in seconds.items()
    ]
    return markdown_table(("", "fits run", "seconds", *RATIO_COLUMNS), lines)


def warm_up(n_jobs: int) -> None:
    """Run a small search with every contender, so that workers are up and have their imports."""
    tiny = Setting(Job(epochs=1), 2, 1, {})
    search_seconds(timed_searches(tiny, full=True), 200, 1, n_jobs)
