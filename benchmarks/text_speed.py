"""Time a fit of the network for texts beside plain skorch, on film reviews.

Every contender trains the same network, embeddings of width 64, their mean and a hidden layer of
100, on the same token ids, with Adam and cross-entropy, without early stopping. Plain skorch trains
it as tutorials write it, with the embeddings of all tokens times a mask (the bar is for this one);
on ``nn.EmbeddingBag``, which few know; and with the module of sklloss. "times as long" is a rival's
time over that of sklloss. Convolutions and recurrent units, which spend nearly all their time in
torch's own kernels, are compared on request. Run it with nothing else on the machine:

    python benchmarks/text_speed.py
    python benchmarks/text_speed.py --poolings mean conv gru --rows 1000 --epochs 1 --rounds 3
"""

import argparse
import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skorch
import torch
from rivals import (
    OURS,
    RATIO_COLUMNS,
    SKORCH,
    machine,
    markdown_table,
    medians,
    number,
    ratio_cells,
    threads,
)
from torch import Tensor, nn

from sklloss import NeuralClassifier, TokenVectorizer
from sklloss.modules import MODULES

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from data import film_reviews

BAG, SAME = "plain skorch, EmbeddingBag", "plain skorch, module of sklloss"
BARS = {"mean": {SKORCH: 3.0}}
EMBEDDING, HIDDEN, FILTERS, STATE = 64, 100, 100, 64
KERNELS = (3, 4, 5)
LR = 0.001


@dataclass(frozen=True)
class Job:
    """What every contender trains on, and for how long."""

    ids: np.ndarray
    y: np.ndarray
    batch: int
    epochs: int

    @property
    def n_tokens(self) -> int:
        """The number of ids."""
        return int(self.ids.max()) + 1

    @property
    def steps(self) -> int:
        """Return the number of steps of a fit."""
        return self.epochs * -(-len(self.y) // self.batch)


def job_of(rows: int, batch: int, epochs: int) -> Job:
    texts, is_good = film_reviews(rows)
    ids = TokenVectorizer(max_features=20_000).fit_transform(texts)
    return Job(ids, is_good.to_numpy(), batch, epochs)


# Networks as users of plain skorch write them.


class Network(nn.Module):
    """Embeddings, pooled by a subclass, and a dense head with one logit."""

    def __init__(self, n_tokens: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, EMBEDDING, padding_idx=0)
        self.head = nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))

    def pooled(self, X: Tensor) -> Tensor:
        """Return one vector per document."""
        raise NotImplementedError

    def forward(self, X: Tensor) -> Tensor:
        """Return one logit per document."""
        return self.head(self.pooled(X)).squeeze(-1)


class MeanNetwork(Network):
    """The mean of the embeddings, without padding."""

    def __init__(self, n_tokens: int) -> None:
        super().__init__(n_tokens, EMBEDDING)

    def pooled(self, X: Tensor) -> Tensor:
        """Return means."""
        is_token = (X != 0).unsqueeze(-1)
        return (self.embedding(X) * is_token).sum(1) / is_token.sum(1).clamp(min=1)


class BagNetwork(Network):
    """The same mean by ``nn.EmbeddingBag``."""

    def __init__(self, n_tokens: int) -> None:
        super().__init__(n_tokens, EMBEDDING)
        self.embedding = nn.EmbeddingBag(n_tokens, EMBEDDING, mode="mean", padding_idx=0)

    def pooled(self, X: Tensor) -> Tensor:
        """Return means."""
        return self.embedding(X)


class ConvNetwork(Network):
    """Convolutions and their maxima over the document."""

    def __init__(self, n_tokens: int) -> None:
        super().__init__(n_tokens, FILTERS * len(KERNELS))
        self.convolutions = nn.ModuleList([nn.Conv1d(EMBEDDING, FILTERS, k) for k in KERNELS])

    def pooled(self, X: Tensor) -> Tensor:
        """Return maxima."""
        embedded = self.embedding(X).transpose(1, 2)
        return torch.cat([layer(embedded).relu().amax(2) for layer in self.convolutions], 1)


class GRUNetwork(Network):
    """The last states of a bidirectional recurrent unit, on packed sequences."""

    def __init__(self, n_tokens: int) -> None:
        super().__init__(n_tokens, 2 * STATE)
        self.unit = nn.GRU(EMBEDDING, STATE, batch_first=True, bidirectional=True)

    def pooled(self, X: Tensor) -> Tensor:
        """Return last states."""
        lengths = (X != 0).sum(1).clamp(min=1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(X), lengths, batch_first=True, enforce_sorted=False
        )
        return self.unit(packed)[1].transpose(0, 1).flatten(1)


def ours_in_skorch(n_tokens: int, pooling: str) -> nn.Module:
    return nn.Sequential(MODULES["text"]((1,), 1, n_tokens, pooling=pooling), nn.Flatten(0))


NETWORKS: dict[str, dict[str, Callable[[int], nn.Module]]] = {
    "mean": {SKORCH: MeanNetwork, BAG: BagNetwork},
    "conv": {SKORCH: ConvNetwork},
    "gru": {SKORCH: GRUNetwork},
}


# Contenders.


def our_fit(job: Job, pooling: str) -> NeuralClassifier:
    model = NeuralClassifier(
        module="text",
        module_params={"pooling": pooling},
        lr=LR,
        batch_size=job.batch,
        max_epochs=job.epochs,
        n_iter_no_change=float("inf"),
        random_state=0,
    )
    return model.fit(job.ids, job.y)


def skorch_fit(job: Job, network: Callable[[int], nn.Module]) -> skorch.NeuralNet:
    net = skorch.NeuralNetBinaryClassifier(
        network(job.n_tokens),
        optimizer=torch.optim.Adam,
        lr=LR,
        batch_size=job.batch,
        max_epochs=job.epochs,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    return net.fit(job.ids.astype(np.int64), job.y.astype(np.float32))


def fits_of(job: Job, pooling: str) -> dict[str, Callable[[], object]]:
    """Return a function per contender that fits a new network."""
    networks = {**NETWORKS[pooling], SAME: functools.partial(ours_in_skorch, pooling=pooling)}
    rivals = {name: functools.partial(skorch_fit, job, make) for name, make in networks.items()}
    return {OURS: functools.partial(our_fit, job, pooling), **rivals}


def fit_table(job: Job, pooling: str, rounds: int) -> str:
    calls = fits_of(job, pooling)
    # Warm up.
    medians(calls, 1)
    seconds = medians(calls, rounds)
    bars = BARS.get(pooling, {})
    rows = [
        (name, number(1e3 * s / job.steps), *ratio_cells(s, seconds[OURS], bars.get(name)))
        for name, s in seconds.items()
    ]
    return markdown_table(("", "ms / step", *RATIO_COLUMNS), rows)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--poolings", nargs="+", choices=NETWORKS, default=["mean"])
    parser.add_argument("--rows", type=int, default=4_000, help="film reviews")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = options(arguments)
    job = job_of(given.rows, given.batch, given.epochs)
    print(
        f"{machine()}\nmedians of {given.rounds} interleaved rounds;"
        f" {len(job.y):,} reviews of at most {job.ids.shape[1]} tokens,"
        f" {job.n_tokens:,} ids, batch {job.batch}, Adam, {job.epochs} epochs"
    )
    for n_threads in given.threads:
        with threads(n_threads):
            for pooling in given.poolings:
                table = fit_table(job, pooling, given.rounds)
                print(f"\n{pooling}, {n_threads} thread(s)\n\n{table}", flush=True)


if __name__ == "__main__":
    main()
