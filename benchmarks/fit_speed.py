"""Time a fit, a prediction and an import beside plain skorch, scikit-learn's MLP and torch loops.

Fits are on 8,000 rows, two hidden layers of 64 and batches of 128, first with one thread, then with
two. "times as long" is a rival's time over that of sklloss, and the bars are for this ratio: a
prediction of one row may take sklloss as long as scikit-learn, its probabilities 1.2 times as long
(a ratio of 0.833 and more), a continued `partial_fit` of 50 rows with default networks twice as
long (0.5 and more), and its import 15 % longer than those of its dependencies (0.87 and more). Run
it with nothing else on the machine:

    python benchmarks/fit_speed.py
    python benchmarks/fit_speed.py --threads 1 --rounds 3 --epochs 5 --many 10000 --imports 1
"""

import argparse
import functools
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from rivals import (
    CONTENDERS,
    FUSED,
    LOOP,
    MLP,
    OURS,
    RATIO_COLUMNS,
    SKORCH,
    Job,
    fits_of,
    machine,
    make_data,
    markdown_table,
    medians,
    number,
    ratio_cells,
    threads,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklloss import NeuralClassifier, NeuralRegressor

ROWS = 8_000
FIT_BARS = {SKORCH: 6.0, MLP: 1.8, FUSED: 1.0}
ONE_ROW_BARS = {MLP: 1.0}
# sklloss may take 1.2 times as long.
PROBABILITY_BARS = {MLP: 1 / 1.2}
# sklloss may take twice as long.
PARTIAL_FIT_BARS = {MLP: 1 / 2}
PARTIAL_FIT_ROWS = 50
MANY_ROWS_BARS = {MLP: 1.0}
IMPORTS = {
    OURS: "from sklloss import LossSearchCV, NeuralClassifier",
    "sklloss alone, nothing of it used": "import sklloss",
    "torch, skorch, scikit-learn": (
        "import torch, skorch, sklearn.model_selection, sklearn.neural_network"
    ),
}
# sklloss may take 15 % longer.
IMPORT_BARS = {"torch, skorch, scikit-learn": 1 / 1.15}
# Predictions of one row per measurement.
CALLS = 50
# The two torch loops have the same module, so one of them predicts.
PREDICTING = {name: make for name, make in CONTENDERS.items() if name != LOOP}


def compared(
    unit: str, seconds: Mapping[str, float], scale: float, bars: Mapping[str, float]
) -> str:
    """Return the table of contenders, sklloss first; times are multiplied by `scale`."""
    rows = [
        (name, number(scale * value), *ratio_cells(value, seconds[OURS], bars.get(name)))
        for name, value in seconds.items()
    ]
    return markdown_table(("", unit, *RATIO_COLUMNS), rows)


def fit_table(epochs: int, rounds: int, rows: int) -> str:
    X, y = make_data(rows)
    job = Job(epochs=epochs)
    # Warm up.
    medians(fits_of(Job(epochs=2), X, y), 1)
    seconds = medians(fits_of(job, X, y), rounds)
    return compared("us / step", seconds, 1e6 / job.steps(rows), FIT_BARS)


def predict_tables(many: int, rounds: int, rows: int) -> dict[str, str]:
    """Return the tables of predicting one row and many rows."""
    X, y = make_data(rows)
    fitted = {name: make(Job(epochs=1)).fit(X, y) for name, make in PREDICTING.items()}
    X_many, _ = make_data(many)
    one_row = {name: functools.partial(many_times, e.predict, X[:1]) for name, e in fitted.items()}
    all_rows = {name: functools.partial(e.predict, X_many) for name, e in fitted.items()}
    # Warm up.
    medians(one_row | all_rows, 1)
    of_one, of_many = medians(one_row, 5 * rounds), medians(all_rows, rounds)
    return {
        "predict, 1 row": compared("us", of_one, 1e6 / CALLS, ONE_ROW_BARS),
        f"predict, {many:,} rows": compared("ms", of_many, 1e3, MANY_ROWS_BARS),
    }


def many_times(call: Callable[..., object], *arguments: object) -> None:
    for _ in range(CALLS):
        call(*arguments)


def probability_tables(rounds: int, rows: int) -> dict[str, str]:
    """Return the tables of the class probabilities of one row, of an array and a DataFrame."""
    X, y = make_data(rows)
    labels, tables = y > 0, {}
    for kind, table in (("array", X), ("DataFrame", pd.DataFrame(X).add_prefix("x"))):
        fitted = {
            OURS: NeuralClassifier(n_members=1, numeric_encoding="standard", max_epochs=1),
            MLP: MLPClassifier(max_iter=1),
        }
        calls = {
            name: functools.partial(many_times, quietly_fitted(e, table, labels).predict_proba)
            for name, e in fitted.items()
        }
        one_row = {name: functools.partial(call, table[:1]) for name, call in calls.items()}
        # Warm up.
        medians(one_row, 1)
        seconds = medians(one_row, 5 * rounds)
        title = f"predict_proba, 1 row of {kind}"
        tables[title] = compared("us", seconds, 1e6 / CALLS, PROBABILITY_BARS)
    return tables


def partial_fit_table(rounds: int) -> str:
    """Return the table of epochs over a few rows, by estimators as they are by default."""
    X, y = make_data(PARTIAL_FIT_ROWS)
    fitted = {
        OURS: NeuralRegressor(n_members=1, numeric_encoding="standard"),
        MLP: MLPRegressor(),
    }
    calls = {
        name: functools.partial(many_times, estimator.partial_fit, X, y)
        for name, estimator in fitted.items()
    }
    # Warm up.
    medians(calls, 1)
    return compared("us", medians(calls, rounds), 1e6 / CALLS, PARTIAL_FIT_BARS)


def quietly_fitted(estimator: Any, X: object, y: object) -> Any:
    """Return a fitted estimator, without the warning that it has not converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


def import_table(rounds: int) -> str:
    """Return the table of imports, each in a fresh process."""
    calls = {
        name: functools.partial(subprocess.run, [sys.executable, "-c", code], check=True)
        for name, code in IMPORTS.items()
    }
    # Read the files into the system's cache.
    medians(calls, 1)
    return compared("s", medians(calls, rounds), 1, IMPORT_BARS)


def show(title: str, table: str) -> None:
    print(f"\n{title}\n\n{table}", flush=True)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rows", type=int, default=ROWS, help="of a fit")
    parser.add_argument("--many", type=int, default=1_000_000, help="rows of a prediction")
    parser.add_argument("--imports", type=int, default=15, help="rounds of imports")
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[1, 2], help="of torch and of linear algebra"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = options(arguments)
    print(f"{machine()}\nmedians of {given.rounds} interleaved rounds; {Job(epochs=given.epochs)}")
    for n_threads in given.threads:
        with threads(n_threads):
            show(
                f"fit of {given.rows:,} rows, {n_threads} thread(s)",
                fit_table(given.epochs, given.rounds, given.rows),
            )
            tables = predict_tables(given.many, given.rounds, given.rows)
            tables |= probability_tables(given.rounds, given.rows)
            tables[f"partial_fit, {PARTIAL_FIT_ROWS} rows"] = partial_fit_table(given.rounds)
            for title, table in tables.items():
                show(f"{title}, {n_threads} thread(s)", table)
    show(f"import in a fresh process, {given.imports} rounds", import_table(given.imports))


if __name__ == "__main__":
    main()
