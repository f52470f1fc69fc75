"""Compare every answer of an ONNX file with that of the estimator, for every loss of the catalogue.

For each loss that `NeuralRegressor` or `NeuralClassifier` takes, small fits with one network and
with eight are written by `to_onnx` and run by onnxruntime; the table has the largest difference of
the two files, relative
or absolute. Labels have to be equal. --write puts it into
``docs/onnx.md``.

    python benchmarks/onnx_answers.py --write
    python benchmarks/onnx_answers.py --losses huber crps
"""

import argparse
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from rivals import markdown_table
from sklearn.datasets import load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.losses.catalogue import CATALOGUE
from sklloss.persistence.onnx import to_onnx

PAGE = Path(__file__).parents[1] / "docs" / "onnx.md"
BAR = 1e-5
SMALL = {"max_epochs": 3, "hidden_layer_sizes": (16,), "random_state": 0}
MEMBERS: tuple[dict[str, Any], ...] = ({"n_members": 1, "early_stopping": False}, {})
NUMBERS = ("predict", "predict_quantiles", "predict_interval", "predict_std", "predict_mean")
LABELS = ("predict", "predict_proba", "decision_function")
TEXT = """\
# ONNX answers beside the estimator's

`to_onnx` writes every answer of an estimator into one graph. For each loss of the catalogue, the table has the largest
difference between what onnxruntime {version} computes and what the estimator's method returns, relative or absolute,
over a fit of one network and one of eight (diabetes for numbers, wine for labels). Differences are relative for answers
beyond 1. For labels they are the share of rows that differ. Quantiles of counts are whole numbers: 0 means that they
are equal.

The bar is {bar:g}: {met} of {of} figures meet it. Log-odds of probabilities near 0 amplify the rounding of single
precision, in which both torch and onnxruntime compute, but in a different order. With `dtype="float64"` the largest of
all figures is {wide:.1g}.

Written by `python benchmarks/onnx_answers.py --write`: run that instead of editing this page.
"""


def data_of(loss: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return rows that suit a loss: positive numbers, counts, text, or two labels."""
    if loss.task == "regression":
        X, y = load_diabetes(return_X_y=True)
        return X, np.floor(y / 10) if loss.is_discrete else y / 100
    X, y = load_wine(return_X_y=True)
    X, y = np.r_[X, X], np.r_[y, y]
    X = X + 0.01 * np.random.default_rng(0).standard_normal(X.shape)
    return X, np.array(["barolo", "grignolino", "barbera"])[y if loss.multi_class else y % 2]


def differences(loss: Any, folder: Path, dtype: str) -> dict[str, float]:
    """Return the largest difference of every output, over fits of one network and of eight."""
    X, y = data_of(loss)
    kind = NeuralRegressor if loss.task == "regression" else NeuralClassifier
    found: dict[str, float] = {}
    for members in MEMBERS:
        model = kind(loss, dtype=dtype, **SMALL, **members).fit(X, y)
        file = to_onnx(model, folder / "model.onnx")
        session = onnxruntime.InferenceSession(file.path, providers=["CPUExecutionProvider"])
        for port, mine in zip(file.outputs, session.run(None, file.feed(X)), strict=True):
            theirs = answer_of(model, port.name, X)
            found[port.name] = max(found.get(port.name, 0.0), difference(mine, theirs))
    return found


def answer_of(model: Any, name: str, X: np.ndarray) -> np.ndarray:
    """Return what the estimator says."""
    if name == "predict_mean":
        return model.predict_distribution(X).mean()
    return getattr(model, name)(X)


def difference(mine: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference, relative or absolute; of labels the share that differs."""
    if theirs.dtype.kind in "OU":
        return float((mine != theirs).mean())
    return float((np.abs(mine - theirs) / np.maximum(1, np.abs(theirs))).max())


def tables(names: Sequence[str] | None, dtype: str) -> dict[str, dict[str, dict[str, float]]]:
    """Return the differences by task, loss and output."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for task in ("regression", "classification"):
            losses = [cls for cls in CATALOGUE if cls.task == task]
            chosen = [cls for cls in losses if names is None or cls.name in names]
            found[task] = {cls.name: differences(cls(), Path(folder), dtype) for cls in chosen}
    return found


def figures(found: dict[str, dict[str, dict[str, float]]]) -> list[float]:
    """Return all differences."""
    return [v for of_losses in found.values() for row in of_losses.values() for v in row.values()]


def shown(task: str, found: dict[str, dict[str, float]]) -> str:
    """Return the table of a task."""
    columns = NUMBERS if task == "regression" else LABELS
    rows = [
        (f"`{name}`", *(f"{each[c]:.1g}" if c in each else "" for c in columns))
        for name, each in found.items()
    ]
    return f"## Losses for {task}\n\n" + markdown_table(("loss", *columns), rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--losses", nargs="+", help="only these")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    given = parser.parse_args(arguments)
    if given.write and given.losses:
        parser.error("--write needs all losses: leave out --losses")
    found, wide = (tables(given.losses, dtype) for dtype in ("auto", "float64"))
    all_figures = figures(found)
    facts = {"met": sum(f <= BAR for f in all_figures), "of": len(all_figures)}
    text = TEXT.format(version=onnxruntime.__version__, bar=BAR, wide=max(figures(wide)), **facts)
    page = "\n".join([text, *(shown(task, each) + "\n" for task, each in found.items())])
    print(page)
    if given.write:
        PAGE.write_text(page.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
