"""Time how long a recommender takes to become as good as implicit's BPR, on MovieLens.

implicit's BPR is fitted at its defaults, and its lists of 20 are scored by NDCG on a random fifth
of each user's films. Then sklloss, at its defaults except for the number of epochs, is fitted for
as many epochs as it needs to reach that NDCG. The time of that fit counts; "times as long" is its
ratio to implicit's fit. For comparison there are hand-written loops for the same model, loss,
batches and number of epochs as `Recommender("bpr")`: with dense Adam, which updates all rows of the
embedding tables in every step, and with torch's SparseAdam. Run it with nothing else on the
machine:

    python benchmarks/recommender_speed.py
    python benchmarks/recommender_speed.py --splits 1 --rounds 3 --threads 1
"""

import argparse
import functools
import statistics
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from implicit.bpr import BayesianPersonalizedRanking
from rivals import at_most_cells, machine, markdown_table, medians, number, threads
from scipy import sparse
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional

from sklloss import Recommender, ndcg_at

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from data import movielens

PAIR = ["userId", "movieId"]
LENGTH, MAX_EPOCHS = 20, 30
IMPLICIT, BPR, INFONCE = "implicit's BPR", "sklloss, bpr", "sklloss, infonce"
DENSE, SPARSE = "torch loop, dense Adam", "torch loop, SparseAdam"
BARS = {BPR: 4.0, INFONCE: 4.0}
# The settings of Recommender("bpr").
FACTORS, LR, BATCH, NEGATIVES, DECAY = 64, 0.005, 1024, 4, 0.01


@dataclass(frozen=True)
class Split:
    """Training and test pairs of users and films."""

    train: pd.DataFrame
    test: pd.DataFrame

    @classmethod
    def at_random(cls, seed: int) -> "Split":
        """Hold out a fifth of each user's films."""
        ratings = movielens()
        chance = pd.Series(np.random.default_rng(seed).random(len(ratings)))
        is_test = chance.groupby(ratings.userId).rank(pct=True) > 0.8
        return cls(ratings.loc[~is_test, PAIR], ratings.loc[is_test, PAIR])

    def ndcg(self, lists: pd.Series) -> float:
        """Return the NDCG of lists of films by user."""
        wanted = self.test.groupby("userId").movieId.agg(set)
        return ndcg_at(wanted.tolist(), lists[wanted.index].tolist(), LENGTH)


# Fits of implicit.


def implicit_fit(
    split: Split, seed: int, n_threads: int
) -> tuple[BayesianPersonalizedRanking, sparse.csr_matrix]:
    user, film = (split.train[name].astype("category").cat.codes for name in PAIR)
    watched = sparse.csr_matrix((np.ones(len(user), np.float32), (user, film)))
    model = BayesianPersonalizedRanking(random_state=seed, num_threads=n_threads)
    with threadpool_limits(1, "blas"):  # implicit asks for this
        model.fit(watched, show_progress=False)
    return model, watched


def implicit_ndcg(split: Split, seed: int, n_threads: int) -> float:
    model, watched = implicit_fit(split, seed, n_threads)
    found, _ = model.recommend(np.arange(watched.shape[0]), watched, N=LENGTH)
    films = split.train.movieId.astype("category").cat.categories.to_numpy()
    users = split.train.userId.astype("category").cat.categories
    return split.ndcg(pd.Series(films[found].tolist(), users))


# Fits of sklloss.


def our_fit(split: Split, loss: str, seed: int, epochs: int) -> Recommender:
    return Recommender(loss, max_epochs=epochs, random_state=seed).fit(split.train)


def our_ndcg(split: Split, model: Recommender) -> float:
    return split.ndcg(model.recommend(n=LENGTH).groupby("user").item.agg(list))


def epochs_to(split: Split, loss: str, seed: int, goal: float) -> int:
    """Return how many epochs a fit needs to reach a goal."""
    model = Recommender(loss, max_epochs=1, warm_start=True, random_state=seed)
    for epoch in range(1, MAX_EPOCHS + 1):
        if our_ndcg(split, model.fit(split.train)) >= goal:
            return epoch
    raise RuntimeError(f"{loss} does not reach {goal:.4f} in {MAX_EPOCHS} epochs.")


# Hand-written loops.


class TorchFactors(nn.Module):
    """Matrix factorisation as a tutorial would write it."""

    def __init__(self, n_users: int, n_items: int, is_sparse: bool) -> None:
        super().__init__()
        self.user = nn.Embedding(n_users, FACTORS, sparse=is_sparse)
        self.item = nn.Embedding(n_items, FACTORS, sparse=is_sparse)
        self.item_bias = nn.Embedding(n_items, 1, sparse=is_sparse)
        for table in (self.user, self.item):
            nn.init.normal_(table.weight, std=0.01)
        nn.init.zeros_(self.item_bias.weight)

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Return the loss for users (n,) and items (n, 1 + negatives), the watched item first."""
        user, item = self.user(users), self.item(items)
        scores = (user.unsqueeze(1) * item).sum(-1) + self.item_bias(items).squeeze(-1)
        penalty = 0.5 * DECAY * (user.square().sum() + item.square().sum()) / len(users)
        return functional.softplus(scores[:, 1:] - scores[:, :1]).mean() + penalty


def loop_fit(split: Split, seed: int, epochs: int, is_sparse: bool) -> nn.Module:
    """Train with negatives drawn from all films."""
    torch.manual_seed(seed)
    codes = [split.train[name].astype("category").cat.codes.to_numpy(np.int64) for name in PAIR]
    users, items = (torch.from_numpy(column.copy()) for column in codes)
    n_users, n_items = int(users.max()) + 1, int(items.max()) + 1
    net = TorchFactors(n_users, n_items, is_sparse)
    optimizer = (torch.optim.SparseAdam if is_sparse else torch.optim.Adam)(net.parameters(), lr=LR)
    for _ in range(epochs):
        for rows in torch.randperm(len(users)).split(BATCH):
            optimizer.zero_grad()
            drawn = torch.randint(n_items, (len(rows), NEGATIVES))
            net(users[rows], torch.cat((items[rows, None], drawn), 1)).backward()
            optimizer.step()
    return net


# Tables.


def times_of(split: Split, seed: int, rounds: int, n_threads: int) -> dict[str, tuple[float, ...]]:
    """Return the epochs, the seconds and the ratio to implicit's fit of every contender."""
    goal = implicit_ndcg(split, seed, n_threads)
    epochs = {name: epochs_to(split, name.split()[-1], seed, goal) for name in (BPR, INFONCE)}
    calls: dict[str, Callable[[], object]] = {
        IMPLICIT: functools.partial(implicit_fit, split, seed, n_threads),
        **{
            name: functools.partial(our_fit, split, name.split()[-1], seed, k)
            for name, k in epochs.items()
        },
        DENSE: functools.partial(loop_fit, split, seed, epochs[BPR], False),
        SPARSE: functools.partial(loop_fit, split, seed, epochs[BPR], True),
    }
    seconds = medians(calls, rounds)
    n_epochs = {IMPLICIT: 100, **epochs, DENSE: epochs[BPR], SPARSE: epochs[BPR]}
    return {name: (n_epochs[name], s, s / seconds[IMPLICIT]) for name, s in seconds.items()}


def table_of(results: Sequence[dict[str, tuple[float, ...]]]) -> str:
    """Return a table of means over splits, and of the median ratio."""
    rows = []
    for name in results[0]:
        epochs, seconds, ratios = zip(*(result[name] for result in results), strict=True)
        cells = at_most_cells(statistics.median(ratios), BARS.get(name))
        rows.append(
            (name, number(statistics.mean(epochs)), number(statistics.mean(seconds)), *cells)
        )
    return markdown_table(("", "epochs", "seconds", "times as long", "bar", ""), rows)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = options(arguments)
    warnings.filterwarnings("ignore", message="Sparse invariant checks")
    print(
        f"{machine()}\n{given.splits} random split(s) of MovieLens small,"
        f" medians of {given.rounds} interleaved rounds; seconds to reach the"
        f" NDCG@{LENGTH} of implicit's BPR at its defaults"
    )
    for n_threads in given.threads:
        with threads(n_threads):
            seeds = range(given.splits)
            results = [
                times_of(Split.at_random(seed), seed, given.rounds, n_threads) for seed in seeds
            ]
        print(f"\n{n_threads} thread(s)\n\n{table_of(results)}", flush=True)


if __name__ == "__main__":
    main()
