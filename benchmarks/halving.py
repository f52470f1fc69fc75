"""Time halving beside the full search, scikit-learn's halving search and Optuna with pruning.

Seconds are of the processor, in one process. All search over the same 100 and 200 candidates
(losses, learning rates, weight decay and dropout) of one network with early stopping, with three
folds, on R's data about concrete and the times that checks of R packages take. Optuna tries the
same candidates, each fold after fold, and prunes by successive halving in the first fold.

"regret" is by how much the chosen candidate's score in the full search is worse than the best one,
as a share of the best. Bars are for these and for the time as a share of the full search's.
Optuna is left out where it is not installed. Run it on an idle core:

    python benchmarks/halving.py
    python benchmarks/halving.py --candidates 20 --sets concrete
"""

import argparse
import importlib.util
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import HalvingGridSearchCV, KFold, ParameterSampler
from skorch.callbacks import Callback

from sklloss import LossSearchCV, NeuralRegressor

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from data import check_times, from_r

EPOCHS = 40
FOLDS = KFold(3, shuffle=True, random_state=0)
ROWS = 4_000
TIME_BAR, REGRET_BAR = 0.35, 0.005
SPACE = [
    {
        "loss": ["mse", "mae", "log_cosh", "cauchy", "fair", "welsch"],
        "lr": loguniform(3e-4, 3e-2),
        "weight_decay": loguniform(1e-5, 1e-1),
        "dropout": [0.0, 0.1, 0.3],
    },
    {
        "loss": ["huber"],
        "loss__delta": loguniform(0.2, 5),
        "lr": loguniform(3e-4, 3e-2),
        "weight_decay": loguniform(1e-5, 1e-1),
        "dropout": [0.0, 0.1, 0.3],
    },
]
HEADER = ("search", "seconds", "of the full search", "bar", "", "regret", "bar", "")

Params = dict[str, Any]
Metric = Callable[[np.ndarray, np.ndarray], float]
Rows = tuple[pd.DataFrame, np.ndarray]


@dataclass(frozen=True)
class Problem:
    """Data, and the score that decides, which is a metric's negative."""

    load: Callable[[], Rows]
    scoring: str
    metric: Metric


def concrete() -> Rows:
    """Return 8 features of 1,030 kinds of concrete and their compressive strength."""
    table = from_r("modeldata", "concrete")
    return table.drop(columns="compressive_strength"), table["compressive_strength"].to_numpy(float)


def some_check_times() -> Rows:
    """Return 22 features of some R packages and the seconds that a check of each takes."""
    X, y = check_times()
    rows = np.random.default_rng(0).choice(len(X), ROWS, replace=False)
    return X.iloc[rows].reset_index(drop=True), y.to_numpy(float)[rows]


PROBLEMS = {
    "concrete": Problem(concrete, "neg_root_mean_squared_error", root_mean_squared_error),
    "check times": Problem(some_check_times, "neg_mean_absolute_error", mean_absolute_error),
}


def network(**params: Any) -> NeuralRegressor:
    net = NeuralRegressor(n_members=1, early_stopping=True, max_epochs=EPOCHS, random_state=0)
    return net.set_params(**params)


@dataclass(frozen=True)
class Task:
    """What every contender searches: rows, the score and its metric, and the candidates."""

    X: pd.DataFrame
    y: np.ndarray
    scoring: str
    metric: Metric
    candidates: list[Params]

    @property
    def grids(self) -> list[dict[str, list[Any]]]:
        """The candidates as a list of grids."""
        return [{name: [value] for name, value in each.items()} for each in self.candidates]

    @property
    def options(self) -> dict[str, Any]:
        """The arguments that all searches of scikit-learn's form share."""
        return {"scoring": self.scoring, "cv": FOLDS, "refit": False}


def full_search(task: Task) -> LossSearchCV:
    return LossSearchCV(network(), task.grids, **task.options).fit(task.X, task.y)


def halving(task: Task) -> Params:
    search = LossSearchCV(network(), task.grids, halving=True, **task.options)
    return search.fit(task.X, task.y).best_params_


def halving_grid_search(task: Task) -> Params:
    resource = {"resource": "max_epochs", "max_resources": EPOCHS}
    search = HalvingGridSearchCV(network(), task.grids, **task.options, **resource)
    best = search.fit(task.X, task.y).best_params_
    return {name: value for name, value in best.items() if name != "max_epochs"}


class Reporting(Callback):
    """Reports the error on the validation rows to Optuna, which may end the training."""

    def __init__(self, trial: Any, metric: Metric) -> None:
        self.trial, self.metric = trial, metric

    def on_epoch_end(self, net: Any, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Report the error; raise `TrialPruned` if the trial is behind."""
        import optuna

        error = self.metric(dataset_valid.y, net.predict(dataset_valid.X))
        self.trial.report(error, net.history[-1, "epoch"])
        if self.trial.should_prune():
            raise optuna.TrialPruned


def mean_error(trial: Any, net: NeuralRegressor, task: Task) -> float:
    """Return the mean error over the folds, unless Optuna prunes the trial in the first."""
    errors = []
    for fold, (train, test) in enumerate(FOLDS.split(task.X)):
        callbacks = None if fold else [Reporting(trial, task.metric)]
        fitted = clone(net).set_params(callbacks=callbacks)
        fitted.fit(task.X.iloc[train], task.y[train])
        errors.append(task.metric(task.y[test], fitted.predict(task.X.iloc[test])))
    return float(np.mean(errors))


def optuna_with_pruning(task: Task) -> Params:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial: Any) -> float:
        params = task.candidates[trial.suggest_int("candidate", 0, len(task.candidates) - 1)]
        return mean_error(trial, network(**params), task)

    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=4, reduction_factor=3)
    study = optuna.create_study(pruner=pruner)
    for number in range(len(task.candidates)):
        study.enqueue_trial({"candidate": number})
    study.optimize(objective, n_trials=len(task.candidates))
    return task.candidates[study.best_params["candidate"]]


CONTENDERS: dict[str, Callable[[Task], Params]] = {
    "LossSearchCV(halving=True)": halving,
    "HalvingGridSearchCV": halving_grid_search,
    "Optuna with pruning": optuna_with_pruning,
}


def timed(run: Callable[[Task], Any], task: Task) -> tuple[float, Any]:
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = run(task)
    return time.process_time() - start, found


def met(value: float, bar: float) -> str:
    return "met" if value <= bar else "missed"


def table_of(task: Task) -> str:
    """Return a table of all contenders, with the full search in the first row."""
    seconds, search = timed(full_search, task)
    scores, best = (
        search.cv_results_["mean_test_score"],
        np.nanmax(search.cv_results_["mean_test_score"]),
    )
    lines = [
        HEADER,
        ("---",) * len(HEADER),
        ("full", f"{seconds:.1f}", "100 %", "", "", "0 %", "", ""),
    ]
    for name, run in CONTENDERS.items():
        if run is optuna_with_pruning and importlib.util.find_spec("optuna") is None:
            continue
        taken, params = timed(run, task)
        regret = (best - scores[task.candidates.index(params)]) / abs(best)
        share = taken / seconds
        ours = name.startswith("LossSearchCV")
        of_time = (f"{TIME_BAR:.0%}", met(share, TIME_BAR)) if ours else ("", "")
        of_regret = (f"{REGRET_BAR:.1%}", met(regret, REGRET_BAR)) if ours else ("", "")
        lines.append((name, f"{taken:.1f}", f"{share:.0%}", *of_time, f"{regret:.2%}", *of_regret))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, nargs="+", default=[100, 200])
    parser.add_argument("--sets", nargs="+", choices=list(PROBLEMS), default=list(PROBLEMS))
    parser.add_argument("--seed", type=int, default=0, help="of the candidates")
    given = parser.parse_args(arguments)
    for name in given.sets:
        problem = PROBLEMS[name]
        X, y = problem.load()
        for n in given.candidates:
            drawn = list(ParameterSampler(SPACE, n, random_state=given.seed))
            task = Task(X, y, problem.scoring, problem.metric, drawn)
            print(f"### {name}: {len(X):,} rows, {n} candidates\n\n{table_of(task)}\n", flush=True)


if __name__ == "__main__":
    main()
