"""Time a search on clusters of dask and ray of one machine, and count what goes over the wire.

The search has 200 models: 5 losses, 8 learning rates and 5 folds, with two hidden layers of 32 and
batches of 32, without refit. It runs with one and with two workers of dask and of ray, of one
thread each, beside joblib's own processes with ``n_jobs=1`` (here: one thread) and ``n_jobs=2``.
Everything is called once before it is timed, so that workers are up and have their imports. The bar
is for the time of a cluster over that of joblib with as many workers.

What goes over the wire is counted in the worker processes of dask, where tornado's streams read
from and write to sockets (``wire.py``), for an X of 8 MB and 20 models, with and without a Pipeline.
The figures are means over the workers, in multiples of X. ray's workers of one machine share one
copy in memory, so nothing is sent. --write puts both tables into ``docs/guide/clusters.md``. Run it
with nothing else on the machine; about five minutes:

    python benchmarks/cluster.py --write
    python benchmarks/cluster.py --quick --only dask
"""

import argparse
import logging
import os
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from unittest.mock import patch

import joblib
import numpy as np
from rivals import at_most_cells, machine, make_data, markdown_table, medians, number, threads
from searches import SETTINGS, Setting, loss_search
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from wire import begin_to_count, times_the_data

from sklloss import LossSearchCV, NeuralRegressor

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "clusters.md"
# What stands between these lines of the page is written by --write.
BEGIN, END = "<!-- measured by benchmarks/cluster.py -->", "<!-- end of what is measured -->"
OVERHEAD, TIMES_X = 1.15, 2.5
BACKENDS = ("dask", "ray")
# Columns of prose.
WIDTH = 120


@contextmanager
def dask_workers(n_workers: int) -> Iterator[object]:
    from distributed import Client, LocalCluster

    options = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL, "memory_limit": 0}
    with (
        # A nanny leaves the variables of its workers, some of which slow others down, in ours.
        patch.dict(os.environ),
        LocalCluster(n_workers=n_workers, threads_per_worker=1, **options) as cluster,
        Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        client.wait_for_workers(n_workers)
        yield client


@contextmanager
def ray_workers(n_workers: int) -> Iterator[None]:
    import ray
    from ray.util.joblib import register_ray

    register_ray()
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
    ray.init(num_cpus=n_workers, **quiet)
    try:
        with joblib.parallel_config("ray"):
            yield
    finally:
        ray.shutdown()


WORKERS = {"dask": dask_workers, "ray": ray_workers}


def search_table(setting: Setting, rows: int, rounds: int, backends: Sequence[str]) -> str:
    """Return the seconds of the search in every place."""
    X, y = make_data(rows)
    lines = []
    for n_workers in (1, 2):
        local = seconds("loky", n_workers, setting, (X, y), rounds)
        lines.append((f"joblib's own processes, n_jobs={n_workers}", number(local), "", "", ""))
        for backend in backends:
            found = seconds(backend, n_workers, setting, (X, y), rounds)
            workers = f"{n_workers} worker{'s' * (n_workers > 1)}"
            cells = at_most_cells(found / local, OVERHEAD)
            lines.append((f"{backend}, {workers}", number(found), *cells))
    return markdown_table(("", "seconds", "times as long", "bar", ""), lines)


def seconds(
    backend: str,
    n_workers: int,
    setting: Setting,
    data: tuple[np.ndarray, np.ndarray],
    rounds: int,
) -> float:
    """Return the median seconds of the search with workers that are up."""
    search = loss_search(setting, n_workers if backend == "loky" else None)
    alone = backend == "loky" and n_workers == 1
    place = nullcontext() if backend == "loky" else WORKERS[backend](n_workers)
    with place, threads(1) if alone else nullcontext():
        fit = partial(search.fit, *data)
        fit()
        return medians({backend: fit}, rounds)[backend]


def wire_table(rows: int) -> str:
    """Return what goes over the wire, in multiples of X."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, 100))
    net = NeuralRegressor(n_members=1, hidden_layer_sizes=(16,), max_epochs=2, random_state=0)
    grid = {"loss": ["mse", "mae", "huber", "log_cosh"]}
    inside = {f"neuralregressor__{name}": values for name, values in grid.items()}
    searches = {
        "a network": LossSearchCV(net, grid, refit=False, stack_size=2),
        "a Pipeline": LossSearchCV(
            make_pipeline(StandardScaler(), net), inside, refit=False, stack_size=2
        ),
    }
    lines = []
    with dask_workers(2) as client:
        for name, search in searches.items():
            client.run(begin_to_count)
            search.fit(X, X[:, 0])
            found = times_the_data(client, X.nbytes)
            total = sum(found.values())
            ways = (number(found["received"]), number(found["sent"]))
            lines.append((name, *ways, *at_most_cells(total, TIMES_X)))
    header = ("search over", "received / X", "sent / X", "both / X", "bar", "")
    return markdown_table(header, lines)


def written_into(page: str, measured: str) -> str:
    """Return a page with what is measured instead of what stood there."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{measured}\n\n{END}{after}"


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=BACKENDS, help="measure one of the backends")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=8_000, help="of the timed search")
    parser.add_argument("--epochs", type=int, default=10, help="of every fit of it")
    parser.add_argument("--quick", action="store_true", help="measure the least of everything")
    parser.add_argument("--write", action="store_true", help="write docs/guide/clusters.md")
    given = parser.parse_args(arguments)
    if given.write and given.only:
        parser.error("--write needs both backends: leave out --only")
    if given.quick:
        given.rounds, given.rows, given.epochs = 1, 200, 1
    return given


def main(arguments: Sequence[str] | None = None, page: Path = PAGE) -> None:
    given = options(arguments)
    warnings.filterwarnings("ignore", "max_epochs")  # Few epochs are enough to be timed.
    setting = SETTINGS[-1].of_epochs(given.epochs)
    backends = [given.only] if given.only else BACKENDS
    run = f"Medians of {given.rounds} rounds, {given.rows:,} rows, {setting}, on {machine()}."
    parts = [
        textwrap.fill(run, WIDTH),
        search_table(setting, given.rows, given.rounds, backends),
    ]
    if "dask" in backends:
        rows = 1_000 if given.quick else 10_000
        parts += [f"Bytes of each of two workers of dask; X has {rows:,} x 100 float64 numbers."]
        parts += [wire_table(rows)]
    measured = "\n\n".join(parts)
    print(measured)
    if given.write:
        text = written_into(page.read_text(encoding="utf-8"), measured)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
