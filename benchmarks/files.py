"""Measure files of fitted estimators: their size, and the time of writing and reading one.

The estimator is the default NeuralRegressor, eight networks, on 10,000 x 30 numbers; its weights are
4.4 MiB.  joblib and skops write the same estimator, with everything that it holds.  Imports are
done before.  Run it with nothing else on the machine:

    python benchmarks/files.py
    python benchmarks/files.py --rows 300 --rounds 1
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import skops.io
from rivals import at_most_cells, machine, markdown_table, medians, number

from sklloss import NeuralRegressor
from sklloss.persistence import load, save

FEATURES, MIB = 30, 2**20
OURS, WITH_ROWS, TO_GO_ON = "sklloss, oof=False", "sklloss", "sklloss, training=True"
JOBLIB, SKOPS = "joblib", "skops"
# Bytes of a file, as a multiple of those of the weights.
SIZE_BARS = {OURS: 1.2}
# Seconds of writing and reading.
MOST_SECONDS = {OURS: 0.1}


class Format(NamedTuple):
    """How an estimator is written to a path, and read from it."""

    write: Callable[[Any, Path], object]
    read: Callable[[Path], Any]


def read_skops(path: Path) -> Any:
    """Read a file of skops and trust all that it names."""
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


FORMATS = {
    OURS: Format(lambda model, path: save(model, path, oof=False), load),
    WITH_ROWS: Format(save, load),
    TO_GO_ON: Format(lambda model, path: save(model, path, training=True), load),
    JOBLIB: Format(joblib.dump, joblib.load),
    SKOPS: Format(skops.io.dump, read_skops),
}


def fitted(rows: int, epochs: int) -> tuple[NeuralRegressor, np.ndarray]:
    """Return a fitted estimator and its rows."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, FEATURES))
    y = X[:, 0] + rng.standard_normal(rows)
    return NeuralRegressor(max_epochs=epochs, random_state=0).fit(X, y), X


def weights_of(model: NeuralRegressor) -> int:
    """Return the bytes of all weights."""
    modules = (net.module_ for net in model.members_)
    return sum(p.numel() * p.element_size() for module in modules for p in module.parameters())


def sizes(model: NeuralRegressor, folder: Path) -> str:
    """Return the table of the files' sizes."""
    rows = []
    for name, each in FORMATS.items():
        path = folder / "model"
        each.write(model, path)
        size, bar = path.stat().st_size, SIZE_BARS.get(name)
        rows.append((name, f"{size / MIB:.2f}", *at_most_cells(size / weights_of(model), bar)))
    return markdown_table(("a file of", "MiB", "times the weights", "bar", ""), rows)


def times(model: NeuralRegressor, folder: Path, rounds: int) -> str:
    """Return the table of the times of writing and reading."""
    paths = {name: folder / f"model {k}" for k, name in enumerate(FORMATS)}

    def calls(step: str) -> Mapping[str, Callable[[], object]]:
        if step == "write":
            return {n: lambda n=n: FORMATS[n].write(model, paths[n]) for n in FORMATS}
        return {n: lambda n=n: FORMATS[n].read(paths[n]) for n in FORMATS}

    for step in ("write", "read"):
        medians(calls(step), 1)  # Warm up.
    written, read = (medians(calls(step), rounds) for step in ("write", "read"))
    both = {name: written[name] + read[name] for name in FORMATS}
    rows = []
    for name in FORMATS:
        bar = MOST_SECONDS.get(name)
        ratio, _, verdict = at_most_cells(both[name] / both[OURS], bar and bar / both[OURS])
        of_steps = (number(1e3 * seconds[name]) for seconds in (written, read, both))
        allowed = f"<= {1e3 * bar:.0f}" if bar else ""
        rows.append((name, *of_steps, ratio, allowed, verdict))
    header = ("a file of", "write, ms", "read, ms", "both, ms", "times as long", "bar, ms", "")
    return markdown_table(header, rows)


def check_answers(model: NeuralRegressor, X: np.ndarray, folder: Path) -> None:
    """Raise where a file gives other bits than the estimator."""
    for name, each in FORMATS.items():
        each.write(model, folder / "model")
        if not np.array_equal(each.read(folder / "model").predict(X), model.predict(X)):
            raise RuntimeError(f"{name} predicts other bits")


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=11)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = options(arguments)
    print(f"{machine()}\n")
    model, X = fitted(given.rows, given.epochs)
    print(f"{given.rows:,} x {FEATURES}, {len(model.members_)} networks:"
          f" {weights_of(model) / MIB:.2f} MiB of weights\n")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        check_answers(model, X[:100], Path(folder))
        print(sizes(model, Path(folder)))
        print()
        print(times(model, Path(folder), given.rounds))


if __name__ == "__main__":
    main()
