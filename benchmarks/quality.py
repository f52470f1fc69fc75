"""Compare the quality of default fits on raw tables with that of boosted trees and other networks.

Every contender sees the same splits and seeds, with the objective that matches the metric, and its
own treatment of categories.  Each result is a line of a CSV file, so that a run may be stopped and
started again; lines that are there are not computed again:

    python benchmarks/quality.py                        # all that is missing in docs/quality.csv
    python benchmarks/quality.py --tasks penguins wine  # of some tables
    python benchmarks/quality.py --write                # docs/quality.md, its picture, docs/index.md

CatBoost and pytabkit come with the extra "quality".  Install it in an environment of its own:

    python3 -m venv quality && quality/bin/pip install -c constraints.txt -e ".[quality]"

All tables are split five times, those of more than 50,000 rows twice.  Rivals that take long, and
boosted trees that are tuned a little, are compared on two splits of 5,000 training rows at most;
TabM_D, a fit of which takes minutes, on one.
"""

import argparse
import csv
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pandas as pd
from quality_report import page, ranked, with_front_table
from quality_rivals import BALANCED, CONTENDERS, OURS, SLOW, SLOWEST
from quality_sets import FEW_ROWS, FEW_SPLITS, MACRO_F1, TASKS, Task

DOCS = Path(__file__).parents[1] / "docs"
RESULTS, PAGE, PICTURE = (DOCS / f"quality.{end}" for end in ("csv", "md", "svg"))
FRONT = DOCS / "index.md"
SPLITS = 5


@dataclass(frozen=True)
class Job:
    """One fit: a contender on a split of a task, and how many rows train."""

    task: str
    contender: str
    split: int
    rows: int


@dataclass(frozen=True)
class Result:
    """What a fit has come to: the error on test rows, and the seconds of fit and prediction."""

    task: str
    contender: str
    split: int
    rows: int
    test_rows: int
    metric: str
    error: float
    seconds: float


def jobs(tasks: Sequence[str], contenders: Sequence[str], splits: int) -> Iterator[Job]:
    """Yield all fits, so that contenders take turns on each split."""
    for task in map(TASKS.__getitem__, tasks):
        n_rows = len(task.split(0)[0][0])
        few = min(n_rows, FEW_ROWS)
        for split in range(min(splits, FEW_SPLITS) if task.is_large else splits):
            yield from _of_split(task, contenders, split, n_rows, few)


def _of_split(
    task: Task, contenders: Sequence[str], split: int, n_rows: int, few: int
) -> Iterator[Job]:
    is_compared = split < FEW_SPLITS and not task.is_large
    for name in contenders:
        if (name == BALANCED and task.metric != MACRO_F1) or (name in SLOWEST and split):
            continue
        sizes = {few} if is_compared else set()
        sizes |= set() if name in SLOW else {n_rows}
        yield from (Job(task.name, name, split, size) for size in sorted(sizes))


def run(job: Job) -> Result:
    """Fit, predict and judge."""
    task = TASKS[job.task]
    (X, y), (X_test, y_test) = task.split(job.split, job.rows)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predicted = CONTENDERS[job.contender](task, X, y, X_test, job.split)
    seconds = time.perf_counter() - start
    error = task.error(y_test, predicted)
    own = job.task, job.contender, job.split, job.rows
    return Result(*own, len(X_test), task.metric, error, round(seconds, 3))


def known(path: Path) -> pd.DataFrame:
    """Return the results so far."""
    if path.exists():
        return pd.read_csv(path)
    return pd.DataFrame(columns=[field.name for field in fields(Result)])


def run_missing(wanted: Iterator[Job], path: Path) -> None:
    """Run the jobs without a result, and add a line for each."""
    columns = [field.name for field in fields(Job)]
    done = {tuple(row) for row in known(path)[columns].itertuples(index=False)}
    for job in wanted:
        if astuple(job) in done:
            continue
        result = run(job)
        is_new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(field.name for field in fields(Result))
            writer.writerow(astuple(result))
        print(f"{job.task}, {job.contender}, split {job.split}, {job.rows:,} rows:", end=" ")
        print(f"{result.metric} {result.error:.4g} in {result.seconds:.1f} s", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=TASKS)
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--write", action="store_true", help="write the pages, run nothing")
    given = parser.parse_args(arguments)
    if given.write:
        from quality_drawing import svg_of_ranks

        results = known(given.results)
        PICTURE.write_text(svg_of_ranks(ranked(results)), encoding="utf-8")
        PAGE.write_text(page(results), encoding="utf-8")
        front = FRONT.read_text(encoding="utf-8")
        FRONT.write_text(with_front_table(front, results), encoding="utf-8")
        return
    print(f"{os.cpu_count()} cores")
    run_missing(jobs(given.tasks, given.contenders, given.splits), given.results)
    if OURS in given.contenders:
        print(page(known(given.results)))


if __name__ == "__main__":
    main()
