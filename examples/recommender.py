"""Recommend films: from who watched what, and from how they rated it.

Run it with

    python examples/recommender.py
    python examples/recommender.py --splits 3    prints means over three random splits

It needs the `examples` extra: pip install -c constraints.txt -e ".[examples]".

MovieLens (small) has 100,004 ratings. One in five of each user's ratings is held out: once at
random, as papers do, and once the latest ones, as in practice, which is far harder.

The first question ignores the ratings: which films are watched next? A list of 20 is scored by the
share of watched films that it contains (recall) and by how high they are in it (NDCG). "most
popular" recommends what everybody watches; implicit's BPR is the same loss and kind of model, in a
package made for it, at its defaults.

The second question is the rating. "biases alone" is a number per user plus a number per film,
shrunk as validation rows liked best (alpha=5); they also chose the numbers of epochs. Everything
else is at its defaults.
"""

import argparse
import time
from collections.abc import Callable
from itertools import islice

import numpy as np
import pandas as pd
from data import movielens
from implicit.bpr import BayesianPersonalizedRanking
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits

from sklloss import Recommender, ndcg_at, recall_at

PAIR = ["userId", "movieId"]
# Length of the recommended lists.
LENGTH = 20
ORDER_LOSSES = ("bpr", "hinge", "warp", "infonce")
RATING_EPOCHS = {"mse": 6, "huber": 9, "absolute_error": 7, "cross_entropy": 5}
# Films by user, best first.
Lists = dict[int, list[int]]


def held_out(ratings: pd.DataFrame, order: pd.Series) -> pd.Series:
    """Return which ratings are in the last fifth of each user's, in a given order."""
    return order.groupby(ratings.userId).rank(method="first", pct=True) > 0.8


def popular(train: pd.DataFrame) -> Lists:
    """Return the films that most people have watched, without those that the user has."""
    films = train.movieId.value_counts().index.tolist()
    seen = train.groupby("userId").movieId.agg(set)
    unseen = {user: (film for film in films if film not in seen[user]) for user in seen.index}
    return {user: list(islice(left, LENGTH)) for user, left in unseen.items()}


def by_implicit(train: pd.DataFrame, seed: int) -> Lists:
    """Return the lists of implicit's BPR."""
    user, film = (train[name].astype("category") for name in PAIR)
    watched = sparse.csr_array((np.ones(len(train), np.float32), (user.cat.codes, film.cat.codes)))
    watched = sparse.csr_matrix(watched)
    with threadpool_limits(1, "blas"):  # implicit asks for this
        model = BayesianPersonalizedRanking(random_state=seed)
        model.fit(watched, show_progress=False)
        found, _ = model.recommend(np.arange(watched.shape[0]), watched, N=LENGTH)
    names = film.cat.categories.to_numpy()
    return dict(zip(user.cat.categories, names[found].tolist(), strict=True))


def by_loss(loss: str, train: pd.DataFrame, seed: int) -> Lists:
    """Return the lists of a Recommender."""
    model = Recommender(loss, random_state=seed).fit(train[PAIR])
    return model.recommend(n=LENGTH).groupby("user").item.agg(list).to_dict()


def watching(
    train: pd.DataFrame, test: pd.DataFrame, seed: int, losses: tuple[str, ...]
) -> pd.DataFrame:
    """Return recall, NDCG and seconds of every method to recommend films."""
    ways: dict[str, Callable[[], Lists]] = {
        "most popular": lambda: popular(train),
        "implicit's BPR": lambda: by_implicit(train, seed),
        **{
            f"Recommender({each!r})": lambda each=each: by_loss(each, train, seed)
            for each in losses
        },
    }
    wanted = test.groupby("userId").movieId.agg(set)
    rows = {}
    for name, way in ways.items():
        start = time.perf_counter()
        lists = way()
        seconds = time.perf_counter() - start
        mine = [lists[user] for user in wanted.index]
        scores = [metric(wanted.tolist(), mine, LENGTH) for metric in (recall_at, ndcg_at)]
        rows[name] = [*scores, seconds]
    return pd.DataFrame.from_dict(rows, "index", columns=["Recall@20", "NDCG@20", "seconds"])


def rating(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the errors of predicted ratings."""
    biases = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=5))
    models = {
        "biases alone": biases,
        **{
            f"Recommender({loss!r})": Recommender(loss, max_epochs=epochs, random_state=seed)
            for loss, epochs in RATING_EPOCHS.items()
        },
    }
    rows = {}
    for name, model in models.items():
        said = model.fit(train[PAIR], train.rating).predict(test[PAIR])
        metrics = (root_mean_squared_error, mean_absolute_error)
        rows[name] = [metric(test.rating, said) for metric in metrics]
    return pd.DataFrame.from_dict(rows, "index", columns=["RMSE", "MAE"])


def mean(tables: list[pd.DataFrame]) -> str:
    """Return the mean of some tables, as text."""
    return (sum(tables) / len(tables)).round(4).to_string()


def main(n_splits: int) -> None:
    ratings = movielens()
    orders, errors = [], []
    for seed in range(n_splits):
        chance = pd.Series(np.random.default_rng(seed).random(len(ratings)))
        is_test = held_out(ratings, chance)
        orders.append(watching(ratings[~is_test], ratings[is_test], seed, ORDER_LOSSES))
        errors.append(rating(ratings[~is_test], ratings[is_test], seed))
    print(f"Films watched next, a random fifth of each user's held out:\n\n{mean(orders)}\n")
    is_test = held_out(ratings, ratings.timestamp)
    table = watching(ratings[~is_test], ratings[is_test], 0, ("bpr", "infonce"))
    print(f"Films watched next, the latest fifth of each user's held out:\n\n{mean([table])}\n")
    print(f"Ratings, a random fifth of each user's held out:\n\n{mean(errors)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=1, help="random splits to average over")
    main(parser.parse_args().splits)
