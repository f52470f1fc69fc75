"""Time the prediction of one row: onnxruntime, `to_module`, `predict`, and scikit-learn's MLP.

A default fit has eight networks and encodes its columns; a plain one is a single network on
standardised numbers, as the MLP behind a StandardScaler is. --write puts the tables into
``docs/guide/serving.md``. Run it with nothing else on the machine:

    python benchmarks/serving.py --write
    python benchmarks/serving.py --rounds 1 --calls 20
"""

import argparse
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from rivals import at_most_cells, machine, markdown_table, medians, number
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import NeuralRegressor
from sklloss.persistence.onnx import to_onnx

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "serving.md"
START, END = "<!-- latencies -->", "<!-- end of latencies -->"
MLP = "scikit-learn: StandardScaler and MLP, `predict`"
KINDS: dict[str, dict[str, Any]] = {
    "one network": {"n_members": 1, "early_stopping": False, "numeric_encoding": "standard"},
    "default, eight networks": {},
}
# Milliseconds of one row.
BAR = 0.2


def contenders(folder: Path) -> dict[str, Callable[[], object]]:
    """Return calls that predict one row."""
    X, y = load_diabetes(return_X_y=True)
    how = {"max_epochs": 2, "hidden_layer_sizes": (128, 128), "random_state": 0}
    mlp = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(128, 128), max_iter=2)
    ).fit(X, y)
    row = X[:1]
    found: dict[str, Callable[[], object]] = {}
    for name, params in KINDS.items():
        model = NeuralRegressor("huber", **how, **params).fit(X, y)
        found[f"onnxruntime, {name}"] = by_onnxruntime(model, row, folder / f"{len(found)}.onnx")
        found[f"`to_module`, {name}"] = by_module(model, row)
        found[f"`predict`, {name}"] = lambda model=model: model.predict(row)
    of_mlp = lambda: mlp.predict(row)  # noqa: E731
    return {**found, MLP: of_mlp}


def by_onnxruntime(model: Any, row: np.ndarray, path: Path) -> Callable[[], object]:
    """Return the call of a session on one thread, as servers run them."""
    file = to_onnx(model, path, outputs=["predict"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = file.feed(row)
    return lambda: session.run(None, feed)


def by_module(model: Any, row: np.ndarray) -> Callable[[], object]:
    """Return the call of a plain module."""
    module, tensor = model.to_module(), torch.from_numpy(row)

    def call() -> torch.Tensor:
        with torch.inference_mode():
            return module(tensor)

    return call


def table(rounds: int, calls: int) -> str:
    """Return the table of latencies."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        single = contenders(Path(folder))
        many = {name: repeated(call, calls) for name, call in single.items()}
        medians(many, 1)
        seconds = medians(many, rounds)
    rows = []
    for name, value in seconds.items():
        milliseconds = 1000 * value / calls
        bar = BAR if name.startswith("onnxruntime") else None
        _, *cells = at_most_cells(milliseconds, bar)
        rows.append((name, number(milliseconds), number(value / seconds[MLP]), *cells))
    return markdown_table(("one row", "ms", "times the MLP's", "bar, ms", ""), rows)


def repeated(call: Callable[[], object], calls: int) -> Callable[[], None]:
    """Return what makes a call many times."""

    def many() -> None:
        for _ in range(calls):
            call()

    return many


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=500, help="of each round")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.name}")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    how = f"{machine()}\nmedians of {given.rounds} interleaved rounds of {given.calls} calls"
    found = f"{how}\n\n{table(given.rounds, given.calls)}"
    print(found)
    if given.write:
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(START)
        _, after = rest.split(END)
        PAGE.write_text(f"{before}{START}\n\n{found}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
