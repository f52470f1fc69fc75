"""Seconds per epoch of one fit: sklloss beside plain skorch, scikit-learn's MLP and hand-written torch loops.

All train the same network, 20 features to 64 to 64 to 1 with ReLU, on the same 8,000 rows with Adam, squared error and batches
of 128.  Every contender runs in every round, in turn, and the median over rounds counts, so that a busy machine
slows all of them alike.  Run with nothing else on the machine:

    python benchmarks/fit_speed.py
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import skorch
import torch
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits
from torch import nn

from sklloss import NeuralRegressor

ROWS, FEATURES, HIDDEN, BATCH, LR = 8_000, 20, (64, 64), 128, 0.001


def make_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, FEATURES), dtype=np.float32)
    y = np.sin(X[:, :5].sum(1)) + 0.1 * rng.standard_normal(ROWS)
    return X, y.astype(np.float32)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(FEATURES, HIDDEN[0]),
        nn.ReLU(),
        nn.Linear(HIDDEN[0], HIDDEN[1]),
        nn.ReLU(),
        nn.Linear(HIDDEN[1], 1),
    )


def fit_sklloss(X: np.ndarray, y: np.ndarray, epochs: int) -> None:
    NeuralRegressor(
        hidden_layer_sizes=HIDDEN,
        lr=LR,
        batch_size=BATCH,
        max_epochs=epochs,
        n_iter_no_change=float("inf"),
        random_state=0,
    ).fit(X, y)


def fit_skorch(X: np.ndarray, y: np.ndarray, epochs: int) -> None:
    skorch.NeuralNetRegressor(
        network(),
        optimizer=torch.optim.Adam,
        lr=LR,
        batch_size=BATCH,
        max_epochs=epochs,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    ).fit(X, y[:, None])


def fit_scikit_learn(X: np.ndarray, y: np.ndarray, epochs: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MLPRegressor(
            hidden_layer_sizes=HIDDEN,
            learning_rate_init=LR,
            batch_size=BATCH,
            max_iter=epochs,
            n_iter_no_change=epochs + 1,
            alpha=0.0,
        ).fit(X, y)


def fit_torch_loop(X: np.ndarray, y: np.ndarray, epochs: int, fused: bool = False) -> None:
    module = network()
    optimizer = torch.optim.Adam(module.parameters(), lr=LR, fused=fused)
    features, targets = torch.from_numpy(X), torch.from_numpy(y)[:, None]
    criterion = nn.MSELoss()
    for _ in range(epochs):
        order = torch.randperm(len(features))
        for start in range(0, len(features), BATCH):
            index = order[start : start + BATCH]
            optimizer.zero_grad()
            criterion(module(features[index]), targets[index]).backward()
            optimizer.step()


def fit_fused_torch_loop(X: np.ndarray, y: np.ndarray, epochs: int) -> None:
    fit_torch_loop(X, y, epochs, fused=True)


CONTENDERS: dict[str, Callable[[np.ndarray, np.ndarray, int], None]] = {
    "sklloss": fit_sklloss,
    "plain skorch": fit_skorch,
    "scikit-learn MLP": fit_scikit_learn,
    "torch loop": fit_torch_loop,
    "torch loop, fused Adam": fit_fused_torch_loop,
}


def seconds_per_epoch(rounds: int, epochs: int) -> dict[str, float]:
    """Return the median over rounds of each contender's seconds per epoch."""
    X, y = make_data()
    times: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, fit in CONTENDERS.items():
            start = time.perf_counter()
            fit(X, y, epochs)
            times[name].append((time.perf_counter() - start) / epochs)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument(
        "--threads", type=int, default=1, help="threads of torch and of numpy's linear algebra"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with threadpool_limits(options.threads):
        seconds_per_epoch(1, 2)  # warm up
        medians = seconds_per_epoch(options.rounds, options.epochs)
    steps = -(-ROWS // BATCH)
    print(
        f"{ROWS} x {FEATURES}, hidden {HIDDEN}, batch {BATCH}, Adam, {options.threads} thread(s);"
        f" median of {options.rounds} rounds of {options.epochs} epochs"
    )
    print(f"{'':24}{'ms / epoch':>12}{'us / step':>12}{'against sklloss':>18}")
    for name, value in medians.items():
        ratio = value / medians["sklloss"]
        print(f"{name:24}{1e3 * value:12.1f}{1e6 * value / steps:12.0f}{ratio:17.2f}x")


if __name__ == "__main__":
    main()
