"""Measure what a training step costs with each loss, beside the usual loss of the task.

After a change of a loss that may cost time, run

    python docs/loss_costs.py

It writes ``docs/loss_costs.csv``, which ``docs/make_losses.py`` reads, in about ten minutes.  Each
loss trains the default network of its task, one member, on random data.  The time is that of the
processor, of one thread, so that other programs matter little: of a long fit less that of a short
one, which leaves the steps alone.  Every round measures all losses of a task, and the ratio is one
of medians over rounds.  Memory is the largest sum of torch's tensors at any moment of a short fit,
as its profiler counts them.
"""

from __future__ import annotations

import csv
import statistics
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch.profiler import ProfilerActivity, profile

import sklloss
from sklloss.losses import Loss
from sklloss.losses.catalogue import CATALOGUE

COSTS = Path(__file__).parent / "loss_costs.csv"
COLUMNS = ("task", "name", "relative_to", "seconds_per_epoch", "time", "memory")
ROUNDS = 5
# Epochs of the short and of the long fit.
SHORT, LONG = 1, 5
# The loss that every loss of a task is compared with.
USUAL = {
    "regression": "squared_error",
    "classification": "cross_entropy",
    "segmentation": "cross_entropy",
    "boxes": "smooth_l1",
    "transcription": "ctc",
    "ranking": "squared_error",
    "recommendation": "bpr",
    "embedding": "infonce",
}
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(5120, 20))
IMAGES = RNG.normal(size=(128, 24, 24))
CORNERS = RNG.integers(0, 12, (128, 2))
FRAMES = RNG.normal(size=(96, 60, 13)).astype("float32")
TEXTS = ["".join(RNG.choice(list("abcdefgh"), 8)) for _ in FRAMES]
PAIRS = np.argwhere(RNG.random((200, 100)) < 0.3)

Data = tuple[type, dict[str, Any], Callable[[type[Loss]], tuple[Any, ...]]]
TABLE = {"n_members": 1, "early_stopping": False, "batch_size": 256}


def labels_for(cls: type[Loss]) -> tuple[Any, ...]:
    """Return rows of five classes, or of two for a loss that takes no more."""
    n_classes = 5 if cls().multi_class else 2
    return ROWS, np.arange(len(ROWS)) % n_classes


DATA: dict[str, Data] = {
    # Whole numbers above 0 suit every loss for regression.
    "regression": (
        sklloss.NeuralRegressor,
        TABLE,
        lambda cls: (ROWS, 1.0 + np.arange(len(ROWS)) % 20),
    ),
    "classification": (sklloss.NeuralClassifier, TABLE, labels_for),
    "segmentation": (
        sklloss.NeuralSegmenter,
        {"batch_size": 16},
        lambda cls: (IMAGES, (IMAGES > 1).astype(int)),
    ),
    "boxes": (
        sklloss.NeuralBoxRegressor,
        {"batch_size": 16},
        lambda cls: (IMAGES, np.hstack((CORNERS, CORNERS + 8))),
    ),
    "transcription": (
        sklloss.SequenceTranscriber,
        {"batch_size": 16},
        lambda cls: (list(FRAMES), TEXTS),
    ),
    "ranking": (
        sklloss.NeuralRanker,
        {"batch_size": 16},
        lambda cls: (ROWS, np.arange(len(ROWS)) % 5, np.full(len(ROWS) // 20, 20)),
    ),
    "recommendation": (sklloss.Recommender, {"batch_size": 256}, lambda cls: (PAIRS,)),
    "embedding": (
        sklloss.MetricEmbedder,
        {"batch_size": 128},
        lambda cls: (ROWS, np.arange(len(ROWS)) % 16),
    ),
}


def fit(task: str, loss: str, cls: type[Loss], epochs: int, **more: Any) -> None:
    """Train for some epochs."""
    estimator, settings, data = DATA[task]
    settings = {**settings, "max_epochs": epochs, "n_iter_no_change": LONG, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        estimator(loss, **settings, **more).fit(*data(cls))


def seconds_per_epoch(task: str, loss: str, cls: type[Loss]) -> float:
    """Return the seconds of the processor that an epoch takes."""
    took: list[float] = []
    for epochs in (SHORT, LONG):
        start = time.process_time()
        fit(task, loss, cls, epochs)
        took.append(time.process_time() - start)
    return (took[1] - took[0]) / (LONG - SHORT)


def peak_memory(task: str, loss: str, cls: type[Loss]) -> int:
    """Return the largest number of bytes that torch's tensors hold at once in a fit."""
    # Encoded columns would hide what a step needs.
    is_table = "numeric_encoding" in DATA[task][0].__dataclass_fields__
    plain = {"numeric_encoding": "standard"} if is_table else {}
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        fit(task, loss, cls, SHORT, **plain)
    events = profiled.profiler.kineto_results.events()
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    return int(np.cumsum([size for _, size in changes]).max())


def contenders(task: str) -> dict[tuple[str, bool], type[Loss]]:
    """Return what is measured: losses by name, and whether their data have two classes only."""
    own = [cls for cls in CATALOGUE if cls.task == task]
    found = {(cls.name, has_two_classes(cls)): cls for cls in own}
    return {(USUAL[task], is_binary): cls for (_, is_binary), cls in found.items()} | found


def has_two_classes(cls: type[Loss]) -> bool:
    """Return whether a loss takes two classes and no more."""
    return cls.task == "classification" and not cls().multi_class


def measured(task: str) -> Iterable[Sequence[Any]]:
    """Return the rows of the file for a task."""
    found, usual = contenders(task), USUAL[task]
    times: dict[tuple[str, bool], list[float]] = {key: [] for key in found}
    # The first round only warms up.
    for round_ in range(ROUNDS + 1):
        for key, cls in found.items():
            seconds = seconds_per_epoch(task, key[0], cls)
            times[key] += [seconds] if round_ else []
    bytes_of = {key: peak_memory(task, key[0], cls) for key, cls in found.items()}
    for cls in (cls for cls in CATALOGUE if cls.task == task):
        key, other = (cls.name, has_two_classes(cls)), (usual, has_two_classes(cls))
        own = statistics.median(times[key])
        ratio = own / statistics.median(times[other])
        memory = bytes_of[key] / bytes_of[other]
        yield task, cls.name, usual, f"{own:.5f}", f"{ratio:.2f}", f"{memory:.2f}"


def main() -> None:
    """Write the file."""
    torch.set_num_threads(1)
    with COSTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for task in DATA:
            for row in measured(task):
                writer.writerow(row)
                print(*row, flush=True)


if __name__ == "__main__":
    main()
