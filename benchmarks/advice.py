"""Compare suggested losses with exhaustive searches over all losses of the task.

On each set, every loss of the task at its defaults and every candidate that `suggest_losses` puts
among its first four are trained on at most 1,000 rows, with one network each, and scored in three
folds.  A search takes the candidate with the best mean over the folds; what counts is the error of
that candidate on test rows that neither search has seen, averaged over splits.  Advice is good
where the best of the first four is at most 1 % worse than the best of all.

Results are lines of CSV files, so that a run may be stopped and started again:

    python benchmarks/advice.py                     # all that is missing
    python benchmarks/advice.py --cases penguins    # of some sets
    python benchmarks/advice.py --write             # docs/advice.md

With two cores, a split of all sets takes about twenty minutes.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from advice_report import page
from advice_sets import AUC, CASES, ERROR_RATE, RANKS, Case
from quality_sets import ERRORS, LOG_LOSS, MACRO_F1, MAE, PINBALL, POISSON, RMSE
from sklearn.metrics import accuracy_score, make_scorer, mean_pinball_loss, roc_auc_score
from sklearn.model_selection import KFold, ParameterGrid, StratifiedKFold

from sklloss import (
    LossSearchCV,
    NeuralClassifier,
    NeuralRegressor,
    get_loss,
    list_losses,
    suggest_losses,
)

DOCS = Path(__file__).parents[1] / "docs"
RESULTS, PAGE = DOCS / "advice.csv", DOCS / "advice.md"
SUGGESTED = "advice_suggested.csv"
SPLITS, FOLDS, FIRST = 2, 3, 4
COLUMNS = ("case", "split", "metric", "candidate", "cv", "test", "seconds")
# At their defaults, these equal squared_error, huber and pseudo_huber.
EQUAL_TO_OTHERS = ("expectile", "smooth_l1", "barron")

Params = dict[str, Any]

# What a user gives as `metric`.
SCORERS: dict[str, Any] = {
    MAE: "neg_mean_absolute_error",
    RMSE: "neg_root_mean_squared_error",
    PINBALL: make_scorer(mean_pinball_loss, alpha=0.9, greater_is_better=False),
    POISSON: "neg_mean_poisson_deviance",
    LOG_LOSS: "neg_log_loss",
    MACRO_F1: "f1_macro",
    ERROR_RATE: "accuracy",
    AUC: "roc_auc",
    RANKS: "neg_mean_absolute_error",
}


def _ranks_of(y: Any) -> np.ndarray:
    return np.asarray(y, dtype=float)


def _log_loss(fitted: Any, X: Any, y: Any) -> float:
    return ERRORS[LOG_LOSS](y, fitted.predict_proba(X))


def _auc(fitted: Any, X: Any, y: Any) -> float:
    scores = fitted.decision_function(X)
    return 1 - roc_auc_score(y, scores)


def _error_rate(fitted: Any, X: Any, y: Any) -> float:
    return 1 - accuracy_score(np.asarray(y), fitted.predict(X))


def _of_ranks(fitted: Any, X: Any, y: Any) -> float:
    return float(np.abs(_ranks_of(y) - _ranks_of(fitted.predict(X))).mean())


def _of_predictions(metric: str) -> Callable[..., float]:
    return lambda fitted, X, y: float(ERRORS[metric](y, fitted.predict(X)))


MEASURED: dict[str, Callable[..., float]] = {
    **{metric: _of_predictions(metric) for metric in (MAE, RMSE, PINBALL, POISSON, MACRO_F1)},
    LOG_LOSS: _log_loss,
    ERROR_RATE: _error_rate,
    AUC: _auc,
    RANKS: _of_ranks,
}


def measured(metrics: Sequence[str]) -> Callable[..., dict[str, float]]:
    """Return a scorer of several errors, NaN where a loss has no probabilities."""

    def scores(fitted: Any, X: Any, y: Any) -> dict[str, float]:
        found = {}
        for metric in metrics:
            try:
                found[metric] = -MEASURED[metric](fitted, X, y)
            except AttributeError:
                found[metric] = np.nan
        return found

    return scores


def estimator_of(case: Case) -> Any:
    """Return one network of the defaults."""
    kind = NeuralRegressor if case.is_regression else NeuralClassifier
    return kind(n_members=1, early_stopping=True, random_state=0)


def defaults_of(case: Case, y: Any) -> list[Params]:
    """Return every loss of the task that takes y, at its defaults; a level is that of the metric."""
    task = "regression" if case.is_regression else "classification"
    names = [name for name in list_losses(task).name if name not in EQUAL_TO_OTHERS]
    candidates = [{"loss": name} for name in names if _takes(name, task, y)]
    if case.metrics[0] == PINBALL:
        candidates += [
            {"loss": "quantile", "loss__quantile": 0.9},
            {"loss": "expectile", "loss__expectile": 0.9},
            {"loss": "multi_quantile", "loss__quantiles": (0.8, 0.9, 0.95)},
        ]
    return candidates


def _takes(name: str, task: str, y: Any) -> bool:
    loss = get_loss(name, task=task)
    if task == "regression":
        return bool(loss.y_domain.inside(np.asarray(y, dtype=float)).all())
    if np.ndim(y) == 2:
        return loss.multi_label
    return loss.multi_class or len(np.unique(y)) == 2


def key_of(params: Params) -> str:
    """Return a candidate as text."""
    return json.dumps(params, sort_keys=True)


def suggested_of(X: Any, y: Any, metric: str) -> list[tuple[int, Params]]:
    """Return the candidates of the first four losses that are suggested, with their ranks."""
    grids = suggest_losses(X, y, metric=SCORERS[metric]).to_param_grid()[:FIRST]
    return [(rank, dict(one)) for rank, grid in enumerate(grids, 1) for one in ParameterGrid(grid)]


def searched(case: Case, split: int, candidates: list[Params]) -> pd.DataFrame:
    """Return the errors of candidates, in folds of the training rows and on test rows."""
    (X, y), (X_test, y_test) = case.rows(split)
    rows, test_rows = np.arange(len(X)), np.arange(len(X), len(X) + len(X_test))
    by_class = not case.is_regression and y.ndim == 1
    folds = (StratifiedKFold if by_class else KFold)(FOLDS, shuffle=True, random_state=split)
    together = [pd.concat(parts, ignore_index=True) for parts in ((X, X_test), (y, y_test))]
    cv = [*folds.split(X, y), (rows, test_rows)]
    grid = [{name: [value] for name, value in one.items()} for one in candidates]
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = LossSearchCV(
            estimator_of(case), grid, scoring=measured(case.metrics), cv=cv, refit=False
        ).fit(*together)
    seconds = (time.perf_counter() - start) / len(candidates)
    lines = []
    for metric in case.metrics:
        scores = [-search.cv_results_[f"split{i}_test_{metric}"] for i in range(FOLDS + 1)]
        for i, one in enumerate(candidates):
            cv_error, test = float(np.mean([s[i] for s in scores[:-1]])), float(scores[-1][i])
            key = key_of(one)
            lines.append((case.name, split, metric, key, cv_error, test, seconds))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def known(path: Path) -> pd.DataFrame:
    """Return the results so far."""
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=list(COLUMNS))


def add(lines: pd.DataFrame, path: Path) -> None:
    """Append lines to a file."""
    lines.to_csv(path, mode="a", header=not path.exists(), index=False)


def search_missing(case: Case, split: int, candidates: Sequence[Params], path: Path) -> None:
    """Train the candidates that have no result yet."""
    results = known(path)
    done = results[(results["case"] == case.name) & (results["split"] == split)]
    missing = [one for one in candidates if key_of(one) not in set(done["candidate"])]
    if missing:
        found = searched(case, split, missing)
        add(found, path)
        seconds = found["seconds"].iloc[0] * len(missing)
        print(f"{case.name}, split {split}: {len(missing)} losses in {seconds:.0f} s", flush=True)


def suggest_missing(case: Case, split: int, path: Path) -> None:
    """Note what is suggested for the first metric, and train what has not been trained."""
    (X, y), _ = case.rows(split)
    metric = case.metrics[0]
    ranked = suggested_of(X, y, metric)
    search_missing(case, split, [one for _, one in ranked], path)
    lines = [(case.name, split, metric, rank, key_of(one)) for rank, one in ranked]
    found = pd.DataFrame(lines, columns=["case", "split", "metric", "rank", "candidate"])
    file = path.with_name(SUGGESTED)
    if file.exists():
        before = pd.read_csv(file)
        is_old = (before["case"] == case.name) & (before["split"] == split)
        found = pd.concat([before[~is_old], found])
    found.to_csv(file, index=False)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--first-split", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--write", action="store_true", help="write the page, run nothing")
    given = parser.parse_args(arguments)
    suggested = given.results.with_name(SUGGESTED)
    if given.write:
        PAGE.write_text(page(known(given.results), pd.read_csv(suggested)), encoding="utf-8")
        return
    for split in range(given.first_split, given.first_split + given.splits):
        for name in given.cases:
            case = CASES[name]
            search_missing(case, split, defaults_of(case, case.rows(split)[0][1]), given.results)
            suggest_missing(case, split, given.results)


if __name__ == "__main__":
    main()
