"""Check how often calibrated intervals hold y on real tables, each figure beside its bar.

Intervals of 80 % and of 90 %, with the default eight members and with `calibrate=True`, over 20
random splits of at most 1,000 rows of each table. The bar of a figure is its nominal coverage, give
or take .02 and two standard errors of the mean over splits. Beside it stands the coverage that the
loss gives without calibration, where it has quantiles. Results are appended to a file, so that a
run that was interrupted goes on where it ended:

    python benchmarks/calibration.py --results calibration.csv
    python benchmarks/calibration.py --results calibration.csv --write
"""

import argparse
import csv
import time
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from quality_sets import MAE, OF_NUMBERS, POISSON, RMSE, TASKS
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklloss import NeuralRegressor
from sklloss.estimators.distributions.of_members import distribution_of
from sklloss.losses import MultiQuantile
from sklloss.metrics import interval_coverage, interval_width

PAGE = Path(__file__).parents[1] / "docs" / "calibration.md"
SETS = [t for t in TASKS.values() if t.metric in OF_NUMBERS and t.metric in (MAE, POISSON, RMSE)]
LOSSES = {
    "squared_error": "squared_error",
    "absolute_error": "absolute_error",
    "gaussian_nll": "gaussian_nll",
    "multi_quantile": MultiQuantile(quantiles=(0.05, 0.1, 0.5, 0.9, 0.95)),
}
COVERAGES = (0.8, 0.9)
N_SPLITS, MOST_ROWS, TEST_SHARE, EPOCHS = 20, 1_000, 0.2, 15
# How far from its nominal value a coverage may be, beside two standard errors.
TOLERANCE = 0.02

COLUMNS = ("table", "loss", "split", "nominal", "coverage", "width", "of_loss", "rows", "seconds")


def split_of(task: object, seed: int) -> list:
    """Return training and test rows of X and y, drawn from at most MOST_ROWS rows."""
    X, y = (part.reset_index(drop=True) for part in task.load())
    rows = np.random.default_rng(seed).permutation(len(y))[:MOST_ROWS]
    return train_test_split(X.iloc[rows], y.iloc[rows], test_size=TEST_SHARE, random_state=seed)


def measured(name: str, loss: str, seed: int) -> Iterator[tuple]:
    """Yield a line of results per nominal coverage."""
    X, X_test, y, y_test = split_of(TASKS[name], seed)
    start = time.perf_counter()
    model = NeuralRegressor(
        LOSSES[loss],
        calibrate=True,
        n_members=8,
        early_stopping=True,
        max_epochs=EPOCHS,
        random_state=seed,
    ).fit(X, y)
    seconds = time.perf_counter() - start
    has_quantiles = hasattr(model.loss_, "predict_quantiles")
    for nominal in COVERAGES:
        interval = model.predict_interval(X_test, nominal)
        found = interval_coverage(y_test, interval), interval_width(y_test, interval)
        of_loss = np.nan
        if has_quantiles:
            plain = distribution_of(model._mixture(X_test), True).interval(nominal)
            of_loss = interval_coverage(y_test, plain)
        yield name, loss, seed, nominal, *found, of_loss, len(y_test), round(seconds, 2)


def run(path: Path) -> None:
    """Append what is not measured yet."""
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n")
    done = set(pd.read_csv(path)[["table", "loss", "split"]].itertuples(index=False, name=None))
    for seed, task, loss in product(range(N_SPLITS), SETS, LOSSES):
        if (task.name, loss, seed) not in done:
            with path.open("a", newline="") as file:
                csv.writer(file).writerows(measured(task.name, loss, seed))


def summary(path: Path) -> pd.DataFrame:
    """Return means over splits, standard errors, and whether the bar is met."""
    groups = pd.read_csv(path).groupby(["table", "loss", "nominal"], sort=False)
    found = groups[["coverage", "of_loss"]].mean()
    found["splits"] = groups.size()
    found["error"] = groups["coverage"].std() / np.sqrt(found["splits"])
    found = found.reset_index()
    off = (found["coverage"] - found["nominal"]).abs()
    found["is_met"] = off <= TOLERANCE + 2 * found["error"]
    return found


def table_of(found: pd.DataFrame, nominal: float) -> Iterator[str]:
    """Yield the lines of a table: one per data set, one column per loss."""
    yield "| | " + " | ".join(LOSSES) + " |"
    yield "|---|" + "---|" * len(LOSSES)
    of_level = found[found["nominal"] == nominal]
    for name in of_level["table"].unique():
        cells = [name]
        for loss in LOSSES:
            row = of_level[(of_level["table"] == name) & (of_level["loss"] == loss)].iloc[0]
            mark = "" if row["is_met"] else " *"
            plain = "" if np.isnan(row["of_loss"]) else f" ({row['of_loss']:.3f})"
            cells.append(f"{row['coverage']:.3f} ± {row['error']:.3f}{mark}{plain}")
        yield "| " + " | ".join(cells) + " |"


def page(found: pd.DataFrame) -> str:
    """Return the page of the documentation."""
    met, n_splits = found["is_met"], int(found["splits"].min())
    lines = [
        "# Coverage of calibrated intervals",
        "",
        "The share of test rows whose y lies inside `predict_interval` of `NeuralRegressor(calibrate=True)`: the mean over"
        f" {n_splits}",
        f"random splits of at most {MOST_ROWS:,} rows of each table, and its standard error. Brackets hold the share"
        " without `calibrate`;",
        "`squared_error` and `absolute_error` give no intervals without it. Of all figures,"
        f" {met.sum()} of {len(met)} are within .02 and",
        "two standard errors of their nominal value; a star marks the others. Eight members,"
        f" {EPOCHS} epochs at most, otherwise",
        "defaults. Written by `python benchmarks/calibration.py --write`.",
        "",
    ]
    for nominal in COVERAGES:
        lines += [
            f"## {nominal:.0%} intervals".replace("%", " %"),
            "",
            *table_of(found, nominal),
            "",
        ]
    lines += [
        "Each held-out row is predicted by one member, each new row by all eight, which err less. So intervals hold more",
        "than they promise where members disagree by much compared with the noise of y: most of all with `gaussian_nll` on",
        "skewed targets, whose members also disagree about the width. Even there they are closer to it than without",
        "`calibrate`.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("calibration.csv"))
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} from the results")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    warnings.filterwarnings("ignore", "Column 'industry'", UserWarning)
    if not given.write:
        run(given.results)
    found = summary(given.results)
    for row in found.itertuples():
        verdict = "met" if row.is_met else "MISSED"
        name = f"{row.table}, {row.loss}"
        print(
            f"  {name:<40} {row.coverage:6.3f}  bar {row.nominal} ± .02 + 2 · {row.error:.3f}  {verdict}"
        )
    if given.write:
        PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
