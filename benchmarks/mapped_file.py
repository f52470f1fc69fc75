"""Measure how much memory a fit and a prediction on a memory-mapped table take.

X is a file of float32 numbers, 10,000,000 x 20 by default (800 MB), that NumPy maps into memory;
y is another. Each contender runs in a fresh process, which samples its anonymous memory (RssAnon
of ``/proc/self/status``) every 20 ms. Pages of the file do not count: the system takes them back
when it needs them. The imports do count. It runs on Linux only; the file lies in a temporary
folder, which is removed. An epoch of the default network takes half an hour on two cores:

    python benchmarks/mapped_file.py
    python benchmarks/mapped_file.py --rows 1000000 --contenders "classifier, small network"
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rivals import at_most_cells, machine, markdown_table

from sklloss import NeuralClassifier, NeuralRegressor

MIB = 2**20
FEATURES, CHUNK, FEW = 20, 250_000, 20_000
SAMPLED_EVERY = 0.02
# Bytes of anonymous memory allowed at 10,000,000 rows, whatever X takes.
BAR = 1536 * MIB
SMALL: dict[str, Any] = {"hidden_layer_sizes": (16,), "numeric_encoding": "standard"}
CONTENDERS: dict[str, tuple[type, dict[str, Any]]] = {
    "regressor, defaults": (NeuralRegressor, {}),
    "classifier, defaults": (NeuralClassifier, {}),
    "regressor, small network": (NeuralRegressor, SMALL),
    "classifier, small network": (NeuralClassifier, SMALL),
    "regressor, codes, linear": (
        NeuralRegressor,
        {"hidden_layer_sizes": (), "numeric_encoding": "piecewise_linear", "batch_size": 4096},
    ),
}


# In the measured process.


def target_of(path: Path) -> Path:
    return path.with_suffix(".y")


def table_of(path: Path, rows: int) -> np.memmap:
    return np.memmap(path, dtype=np.float32, mode="r", shape=(rows, FEATURES))


def anonymous() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("This system does not say how much memory is anonymous.")


@contextmanager
def sampled() -> Iterator[list[int]]:
    """Yield a list with the largest sample so far."""
    most, done = [anonymous()], threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLED_EVERY):
            most[0] = max(most[0], anonymous())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def measure(name: str, path: Path, rows: int, epochs: int) -> None:
    """Print peaks of a fit and of a prediction, and their seconds."""
    X, (kind, parameters) = table_of(path, rows), CONTENDERS[name]
    y = np.memmap(target_of(path), dtype=np.float32, mode="r", shape=rows)
    y = y > 0 if kind is NeuralClassifier else y
    model = kind(max_epochs=epochs, random_state=0, **parameters)
    began = time.perf_counter()
    with sampled() as of_fit:
        model.fit(X, y)
    fitted = time.perf_counter()
    method = model.predict_proba if kind is NeuralClassifier else model.predict
    with sampled() as of_predict:
        found = method(X)
    ended = time.perf_counter()
    assert len(found) == rows
    print(of_fit[0], of_predict[0], fitted - began, ended - fitted)


# In the measuring process.


def write_table(path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    with path.open("wb") as of_X, target_of(path).open("wb") as of_y:
        for start in range(0, rows, CHUNK):
            size = min(CHUNK, rows - start), FEATURES
            X = rng.standard_normal(size, dtype=np.float32)
            of_X.write(X.tobytes())
            of_y.write((np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]).astype(np.float32).tobytes())


def lines(name: str, path: Path, rows: int, epochs: int) -> list[tuple[str, ...]]:
    """Return two lines of the table: peaks in MiB, beside the bar."""
    command = [sys.executable, __file__, "--measure", name, "--file", str(path)]
    command += ["--rows", str(rows), "--epochs", str(epochs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr}")
    numbers = [float(each) for each in done.stdout.split()[-4:]]
    found = []
    for what, peak, seconds in zip(("fit", "predict"), numbers[:2], numbers[2:], strict=True):
        ratio, bar, verdict = at_most_cells(peak / BAR, 1.0)
        found.append((name, what, f"{peak / MIB:,.0f}", ratio, bar, verdict, f"{seconds:,.0f}"))
    return found


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--contenders", nargs="*", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--measure", help="measure one contender in this process")
    parser.add_argument("--file", type=Path, help="of X, for --measure")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = options(arguments)
    if given.measure:
        measure(given.measure, given.file, given.rows, given.epochs)
        return
    print(f"{machine()}\n{given.rows:,} x {FEATURES} float32, {given.epochs} epochs")
    print(f"bar: {BAR / MIB:,.0f} MiB of anonymous memory\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X.f32"
        write_table(path, given.rows)
        found = [
            line
            for name in given.contenders
            for line in lines(name, path, given.rows, given.epochs)
        ]
    head = ("", "", "MiB", "of the bar", "bar", "", "seconds")
    print(markdown_table(head, found))


if __name__ == "__main__":
    main()
