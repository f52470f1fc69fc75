"""Measure how much memory a fit and a search add, beside plain skorch, an MLP and a torch loop.

Each is measured in a fresh process: the peak resident memory (``ru_maxrss``) after the fit minus
the peak before it, when the data are in place. The data are a million rows of 20 float32 numbers.
A default fit has eight members and codes of 640 numbers per row, which are made batch by batch.
The search is a LossSearchCV of 40 candidates on 5 folds, 200 models, one epoch each, with refit.
The peaks of two workers are added, so pages that they share count twice. It runs on Linux only.
Other work on the machine does not matter. About five minutes:

    python benchmarks/memory.py
    python benchmarks/memory.py --rows 20000 --candidates 2
"""

import argparse
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rivals import (
    CONTENDERS,
    FEATURES,
    LOOP,
    OURS,
    Job,
    at_most_cells,
    machine,
    make_data,
    markdown_table,
    our_regressor,
)

from sklloss import LossSearchCV, NeuralRegressor

MIB = 2**20
FIT_EPOCHS, FOLDS = 3, 5
LOSSES = ["squared_error", "absolute_error", "huber", "smooth_l1", "log_cosh"]
DEFAULT = "sklloss, defaults"
SEARCH, TWO_WORKERS = "LossSearchCV", "LossSearchCV, 2 workers"
# The fused loop takes as much memory as the plain one.
FITS = [*(name for name in CONTENDERS if name != LOOP), DEFAULT]
# The codes of a step: eight batches of 256 rows, in float32.
BATCH_OF_CODES = 4 * 8 * 256 * 33 * FEATURES
# Bytes allowed, given the bytes of X.
BARS: dict[str, Callable[[float], float]] = {
    OURS: lambda of_X: 1.5 * of_X + 300 * MIB,
    DEFAULT: lambda _: 3 * BATCH_OF_CODES + 500 * MIB,
    SEARCH: lambda of_X: 3 * of_X + 1024 * MIB,
}


# In the measured process.


def fit_alone(name: str, rows: int) -> object:
    if name == DEFAULT:
        return NeuralRegressor(max_epochs=1, random_state=0).fit(*make_data(rows))
    return CONTENDERS[name](Job(epochs=FIT_EPOCHS)).fit(*make_data(rows))


def search(rows: int, candidates: int, n_jobs: int | None) -> object:
    rates = [0.0005 * 1.2**i for i in range(-(-candidates // len(LOSSES)))]
    grid = [{"loss": [loss], "lr": [lr]} for lr in rates for loss in LOSSES][:candidates]
    model = our_regressor(Job(epochs=1))
    return LossSearchCV(model, grid, cv=FOLDS, n_jobs=n_jobs, error_score="raise").fit(
        *make_data(rows)
    )


def growth(name: str, rows: int, candidates: int) -> int:
    """Return by how many bytes the peaks of this process and of its workers grow."""
    make_data(rows)
    before = peak()
    if name in FITS:
        fitted = fit_alone(name, rows)
    else:
        fitted = search(rows, candidates, 2 if name == TWO_WORKERS else None)
    grown = peak() - before + sum(map(peak_of, children()))
    del fitted
    return grown


def peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def children() -> list[str]:
    """Return the ids of the running child processes."""
    lists = Path("/proc/self/task").glob("*/children")
    return [child for path in lists for child in path.read_text().split()]


def peak_of(process: str) -> int:
    """Return the peak resident memory of another process."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


# In the measuring process.


def growth_in_fresh_process(name: str, rows: int, candidates: int) -> int:
    command = [sys.executable, __file__, "--measure", name]
    command += ["--rows", str(rows), "--candidates", str(candidates)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr}")
    return int(done.stdout.split()[-1])


def line(name: str, rows: int, candidates: int) -> tuple[str, ...]:
    """Return the line of a contender: its growth in MiB, beside its bar."""
    of_X = 4 * FEATURES * rows
    grown = growth_in_fresh_process(name, rows, candidates)
    bar = BARS[name](of_X) if name in BARS else None
    ratio, _, verdict = at_most_cells(grown / of_X, bar and bar / of_X)
    return name, f"{grown / MIB:,.0f}", ratio, f"<= {bar / MIB:,.0f}" if bar else "", verdict


def table(names: Sequence[str], rows: int, candidates: int) -> str:
    lines = [line(name, rows, candidates) for name in names]
    return markdown_table(("", "MiB", "times X", "bar, MiB", ""), lines)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--candidates", type=int, default=40, help="of the search")
    parser.add_argument("--measure", help="print the growth of one contender in this process")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = options(arguments)
    if given.measure:
        print(growth(given.measure, given.rows, given.candidates))
        return
    rows, candidates = given.rows, given.candidates
    print(f"{machine()}\n{rows:,} x {FEATURES} float32: {4 * FEATURES * rows / MIB:,.0f} MiB")
    print(f"\none fit, {Job(epochs=FIT_EPOCHS)}\n\n{table(FITS, rows, candidates)}", flush=True)
    searches = table([SEARCH, TWO_WORKERS], rows, candidates)
    print(f"\na search of {candidates * FOLDS} models, {Job(epochs=1)}\n\n{searches}")


if __name__ == "__main__":
    main()
