"""What the speed and memory benchmarks share: data, contenders, timing and tables.

Every contender trains the same network, 20 features to its hidden layers to 1 with ReLU, with Adam
and squared error, without early stopping. In every round all contenders run in turn, and the median
over rounds counts, so a busy machine slows all of them alike.
"""

import functools
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
import skorch
import torch
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits
from torch import nn

from sklloss import NeuralRegressor

FEATURES = 20
OURS, SKORCH, MLP = "sklloss", "plain skorch", "scikit-learn MLP"
LOOP, FUSED = "torch loop", "torch loop, fused Adam"
RATIO_COLUMNS = ("times as long", "bar", "")

Rows = tuple[np.ndarray, np.ndarray]


@functools.lru_cache(maxsize=2)
def make_data(rows: int) -> Rows:
    """Return float32 features and a target that is not linear in them."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, FEATURES), dtype=np.float32)
    y = np.sin(X[:, :5].sum(1)) + 0.1 * rng.standard_normal(rows, dtype=np.float32)
    return X, y


# Contenders.


@dataclass(frozen=True)
class Job:
    """What every contender trains: a network, and for how long."""

    hidden: tuple[int, ...] = (64, 64)
    batch: int = 128
    epochs: int = 20
    lr: float = 0.001

    def __str__(self) -> str:
        layers = "-".join(map(str, self.hidden))
        return f"hidden {layers}, batch {self.batch}, Adam, {self.epochs} epochs"

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Input and output width of every layer."""
        return list(pairwise((FEATURES, *self.hidden, 1)))

    def steps(self, rows: int) -> int:
        """Return the number of steps of a fit."""
        return self.epochs * -(-rows // self.batch)


def network(hidden: Sequence[int]) -> nn.Sequential:
    widths = (FEATURES, *hidden)
    layers = [layer for n, m in pairwise(widths) for layer in (nn.Linear(n, m), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 1))


def our_regressor(job: Job, seed: int = 0) -> NeuralRegressor:
    """Return one plain network, as every rival trains it."""
    return NeuralRegressor(
        module_params={"linear_path": False, "init": "glorot"},
        numeric_encoding="standard",
        optimizer="adam",
        weight_decay=0.0,
        n_members=1,
        early_stopping=False,
        hidden_layer_sizes=job.hidden,
        lr=job.lr,
        batch_size=job.batch,
        max_epochs=job.epochs,
        n_iter_no_change=float("inf"),
        random_state=seed,
    )


class FlatSkorch(skorch.NeuralNetRegressor):
    """skorch's regressor for a target vector, which the other contenders take, too."""

    def fit(self, X: np.ndarray, y: np.ndarray, **params: object) -> "FlatSkorch":
        """Fit on a column."""
        return super().fit(X, y[:, None], **params)


def skorch_regressor(job: Job) -> FlatSkorch:
    return FlatSkorch(
        network,
        module__hidden=job.hidden,
        optimizer=torch.optim.Adam,
        lr=job.lr,
        batch_size=job.batch,
        max_epochs=job.epochs,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )


class QuietMLP(MLPRegressor):
    """scikit-learn's MLP without its warning that it has not converged, also in workers."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> "QuietMLP":
        """Fit without warnings."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return super().fit(X, y)


def scikit_learn_regressor(job: Job) -> QuietMLP:
    return QuietMLP(
        hidden_layer_sizes=job.hidden,
        learning_rate_init=job.lr,
        batch_size=job.batch,
        max_iter=job.epochs,
        n_iter_no_change=job.epochs + 1,
        alpha=0.0,
    )


class TorchLoop:
    """The training loop of a tutorial, wrapped as an estimator."""

    def __init__(self, job: Job, fused: bool = False) -> None:
        self.job = job
        self.fused = fused

    def fit(self, X: np.ndarray, y: np.ndarray) -> "TorchLoop":
        """Train a new module."""
        self.module_ = module = network(self.job.hidden)
        optimizer = torch.optim.Adam(module.parameters(), lr=self.job.lr, fused=self.fused)
        features, targets = torch.from_numpy(X), torch.from_numpy(y)[:, None]
        criterion = nn.MSELoss()
        for _ in range(self.job.epochs):
            for index in torch.randperm(len(features)).split(self.job.batch):
                optimizer.zero_grad()
                criterion(module(features[index]), targets[index]).backward()
                optimizer.step()
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return a column of predictions."""
        with torch.inference_mode():
            return self.module_(torch.from_numpy(X)).numpy()


CONTENDERS: dict[str, Callable[[Job], object]] = {
    OURS: our_regressor,
    SKORCH: skorch_regressor,
    MLP: scikit_learn_regressor,
    LOOP: TorchLoop,
    FUSED: functools.partial(TorchLoop, fused=True),
}


def fits_of(job: Job, X: np.ndarray, y: np.ndarray) -> dict[str, Callable[[], object]]:
    """Return a function per contender that fits a new estimator."""
    return {name: functools.partial(_fit, make, job, X, y) for name, make in CONTENDERS.items()}


def _fit(make: Callable[[Job], object], job: Job, X: np.ndarray, y: np.ndarray) -> object:
    return make(job).fit(X, y)


# Times.


def medians(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of every call over rounds; each round calls all of them in turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Limit torch and NumPy's linear algebra to a number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        with threadpool_limits(number):
            yield
    finally:
        torch.set_num_threads(before)


# Tables.


def number(value: float) -> str:
    """Return a number with at least three digits, without powers of ten."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ratio_cells(value: float, ours: float, at_least: float | None) -> tuple[str, str, str]:
    """Return the cells under RATIO_COLUMNS: a value over ours, the bar, and whether it is met."""
    ratio = value / ours
    if at_least is None:
        return f"{ratio:.2f}", "", ""
    return f"{ratio:.2f}", f">= {at_least:.3g}", "met" if ratio >= at_least else "missed"


def at_most_cells(ratio: float, at_most: float | None) -> tuple[str, str, str]:
    """Return the same cells for a ratio that should be small."""
    if at_most is None:
        return f"{ratio:.2f}", "", ""
    return f"{ratio:.2f}", f"<= {at_most:.3g}", "met" if ratio <= at_most else "missed"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an aligned Markdown table; all columns but the first are numbers."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    rule = ["-" * widths[0], *("-" * (max(width, 2) - 1) + ":" for width in widths[1:])]
    padded = [_padded(line, widths) for line in [lines[0], rule, *lines[1:]]]
    return "\n".join("| " + " | ".join(line) + " |" for line in padded)


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *rest = line
    numbers = (cell.rjust(max(width, 2)) for cell, width in zip(rest, widths[1:], strict=True))
    return [first.ljust(widths[0]), *numbers]


def machine() -> str:
    """Return the processor and versions that the figures were measured with."""
    packages = ("torch", "skorch", "scikit-learn", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{_processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
