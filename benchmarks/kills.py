"""Searches that are killed at random moments, and end as an undisturbed one.

Each round starts a search with a checkpoint in a process of its own, ends it with ``kill -9`` at a
moment drawn from the time that an undisturbed search takes, and calls the same search again.  Every
result has to equal the undisturbed one to the last bit, and no process or file may be left.

    python benchmarks/kills.py --kills 30 --jobs 1 2 --halving
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Half-finished stacks are kept as often, in seconds, so that kills meet all kinds of moments.
SECONDS = 0.1
BEGUN = "begun"
SECONDS_OF_LEAVING = 5.0
# An environment variable by which all processes of this program are known.
MARK = "SKLLOSS_KILLS"


class Case(NamedTuple):
    """How a search runs."""

    n_jobs: int
    halving: bool = False
    backend: str = "loky"

    def __str__(self) -> str:
        of_halving = ", halving" if self.halving else ""
        return f"{self.backend}, n_jobs={self.n_jobs}{of_halving}"


def searched(case: Case, path: str | None) -> dict[str, Any]:
    """Return what a search finds; all but times, which differ between runs."""
    import joblib
    from sklearn.datasets import load_diabetes
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from sklloss import LossSearchCV, NeuralRegressor
    from sklloss.search.checkpoints import kept

    kept.seconds_between_states = SECONDS
    X, y = load_diabetes(return_X_y=True)
    net = NeuralRegressor(n_members=3, max_epochs=30, random_state=0)
    grid = {
        "neuralregressor__loss": ["mse", "mae", "gaussian_nll"],
        "neuralregressor__hidden_layer_sizes": [(32,), (16,)],
    }
    search = LossSearchCV(
        make_pipeline(StandardScaler(), net),
        grid,
        cv=3,
        n_jobs=case.n_jobs,
        stack_size=4,
        halving=3 if case.halving else None,
        checkpoint=path,
    )
    print(BEGUN, flush=True)
    with backend_of(case, joblib):
        search.fit(X, y)
    table = {k: v for k, v in search.cv_results_.items() if not k.endswith("_time")}
    return {"table": table, "predictions": search.predict(X), "histories": search.histories_}


def backend_of(case: Case, joblib: Any) -> Any:
    """Return the context in which a search runs."""
    if case.backend == "dask":
        from distributed import Client, LocalCluster

        cluster = LocalCluster(n_workers=case.n_jobs, threads_per_worker=1, dashboard_address=None)
        Client(cluster)
    return joblib.parallel_config(backend=case.backend)


def start(case: Case, path: str | None, result: Path) -> subprocess.Popen[str]:
    """Start a search in a process of its own, which writes what it finds."""
    command = [sys.executable, "-W", "ignore", __file__, "--child", str(result)]
    command += ["--jobs", str(case.n_jobs), "--backend", case.backend]
    command += ["--halving"] if case.halving else []
    command += ["--path", path] if path else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=subprocess.PIPE)
    assert process.stdout is not None
    if process.stdout.readline().strip() != BEGUN:
        raise RuntimeError(process.communicate()[1])
    return process


def finished(process: subprocess.Popen[str], result: Path) -> Any:
    """Return what a process finds in the end."""
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(errors)
    # Written by this program itself.
    return pickle.loads(result.read_bytes())


def same(found: Any, expected: Any) -> bool:
    """Return whether everything is equal to the last bit."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[k], expected[k]) for k in found)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, np.ndarray):
        found, expected = np.ma.getdata(found), np.ma.getdata(expected)
        return np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f")
    return bool(found == expected)


def processes_left() -> int:
    """Return how many processes this program has left behind."""
    mark = f"{MARK}={os.getpid()}".encode()
    found = 0
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found += mark in (each / "environ").read_bytes()
    return found


def run(case: Case, n_kills: int, seed: int) -> tuple[int, float]:
    """Return how many results are equal after a kill, and the seconds that kills have cost."""
    draw, n_equal, cost = random.Random(seed), 0, []
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result"
        process, begin = start(case, None, result), time.perf_counter()
        expected, duration = finished(process, result), time.perf_counter() - begin
        for number in range(n_kills):
            path = Path(folder) / f"{number}.db"
            moment = draw.uniform(0, duration)
            killed, begin = start(case, str(path), result), time.perf_counter()
            time.sleep(moment)
            killed.send_signal(signal.SIGKILL)
            killed.communicate()
            used = time.perf_counter() - begin
            again, begin = start(case, str(path), result), time.perf_counter()
            found = finished(again, result)
            cost.append(used + time.perf_counter() - begin - duration)
            left = [each.name for each in Path(folder).iterdir()]
            is_clean = sorted(left) == sorted(["result", path.name])
            n_equal += same(found, expected) and is_clean
            print(f"  kill after {moment:5.2f} s: equal {same(found, expected)}, left {left}")
            path.unlink()
    return n_equal, float(np.mean(cost))


def main() -> None:
    """Print a line per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--backend", default="loky")
    parser.add_argument("--halving", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", type=Path)
    parser.add_argument("--path")
    given = parser.parse_args()
    if given.child is not None:
        found = searched(Case(given.jobs[0], given.halving, given.backend), given.path)
        given.child.write_bytes(pickle.dumps(found))
        return
    os.environ[MARK] = str(os.getpid())
    for n_jobs in given.jobs:
        case = Case(n_jobs, given.halving, given.backend)
        n_equal, cost = run(case, given.kills, given.seed)
        print(f"{case}: {n_equal} of {given.kills} equal (threshold: all), {cost:.1f} s per kill")
    # Workers look every second whether anybody waits for them.
    time.sleep(SECONDS_OF_LEAVING)
    print(f"processes left: {processes_left()} (threshold: 0)")


if __name__ == "__main__":
    main()
