"""Change one rule of the default network at a time, and print what it does to the error.

The tables are those of the quality benchmark that have between 200 and 50,000 rows, cut to 3,000.
Printed is the geometric mean over tables of the error divided by that of the default, with its
standard error, beside the median of the same for the time.  Each fit is a line of a CSV file, as in
`quality.py`:

    python benchmarks/ablations.py --results ablations.csv --splits 2
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from quality import Job, known, run_missing
from quality_rivals import CONTENDERS, OURS, ours
from quality_sets import TASKS
from rivals import markdown_table

LEAST_ROWS, MOST_ROWS = 200, 3_000

CHANGES: dict[str, dict[str, Any]] = {
    "rate 0.0015": {"lr": 0.0015},
    "rate 0.006": {"lr": 0.006},
    "no decay": {"weight_decay": 0.0},
    "decay 0.1": {"weight_decay": 0.1},
    "width 64": {"hidden_layer_sizes": (64, 64)},
    "width 256": {"hidden_layer_sizes": (256, 256)},
    "one hidden layer": {"hidden_layer_sizes": (128,)},
    "three hidden layers": {"hidden_layer_sizes": (128, 128, 128)},
    "no linear path": {"module_params": {"linear_path": False}},
    "half the patience": {"n_iter_no_change": 4},
    "twice the patience": {"n_iter_no_change": 16},
    "SiLU": {"activation": "silu"},
    "dropout 0.1": {"dropout": 0.1},
    "no piecewise-linear codes": {"numeric_encoding": "standard"},
    "4 members": {"n_members": 4},
    "1 network": {"n_members": 1},
}


def jobs(changes: list[str], splits: int) -> Iterator[Job]:
    """Yield all fits, so that changes take turns on each split."""
    for split in range(splits):
        for task in (task for task in TASKS.values() if not task.is_large):
            n_rows = len(task.split(0)[0][0])
            if n_rows >= LEAST_ROWS:
                for name in (OURS, *changes):
                    yield Job(task.name, name, split, min(n_rows, MOST_ROWS))


def table(results: pd.DataFrame) -> str:
    """Return the mean ratios of all changes."""
    shown = results.pivot_table(
        index=["task", "split"], columns="contender", values=["error", "seconds"]
    )
    rows = []
    for name in (name for name in CHANGES if name in shown["error"]):
        both = shown.loc[:, (slice(None), [name, OURS])].dropna().groupby("task").mean()
        errors = np.log(both["error"][name] / both["error"][OURS])
        seconds = both["seconds"][name] / both["seconds"][OURS]
        spread = errors.std() / len(errors) ** 0.5
        figures = f"{np.exp(errors.mean()):.3f} ± {spread:.3f}", f"{seconds.median():.2f}"
        splits = results[results["contender"] == name]["split"].nunique()
        rows.append([name, *figures, f"{len(errors)}, {splits}"])
    return markdown_table(["changed", "error", "time", "tables, splits"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--changes", nargs="+", default=list(CHANGES), choices=CHANGES)
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("ablations.csv"))
    given = parser.parse_args()
    CONTENDERS.update({name: ours(**params) for name, params in CHANGES.items()})
    run_missing(jobs(given.changes, given.splits), given.results)
    print(table(known(given.results)))


if __name__ == "__main__":
    main()
