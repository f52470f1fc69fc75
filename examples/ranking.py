"""Which films to show first: the question is the order of a person's films, not how many stars each gets.

Run it with

    python examples/ranking.py

It needs the `examples` extra: pip install -c constraints.txt -e ".[examples]".  MovieLens has 100,004
ratings by 671 people.  A person is a group: four fifths of her ratings train, and the others, whose
films are to be put in her order, are scored by NDCG at the first ten places.  All that is known of a
film or a person, such as a film's mean rating, comes from the ratings that train; for these themselves,
from the other nine tenths of them, so that no rating is among what is known of it.  LightGBM's
lambdarank, at its defaults, learns from the same features.

    python examples/ranking.py --splits 5    prints means over five splits
"""

import argparse
import time
import warnings

import lightgbm
import numpy as np
import pandas as pd
from data import movielens
from sklearn.model_selection import KFold, StratifiedShuffleSplit

from sklloss import NeuralRanker, mean_ndcg

FOLDS = 10  # of the ratings that train, each described by the others
PRIOR = 5.0  # ratings of the mean that a film, a person or a taste begins with
SINCE = 1950  # films of the years before count as of this one
LOSSES = ("mse", "hinge", "ranknet", "lambdarank", "listnet", "listmle", "approx_ndcg")


def shrunk(residuals: pd.Series, by: pd.Series | list[pd.Series]) -> pd.Series:
    """Return the mean residual of each key, pulled towards 0 where there are few."""
    sums = residuals.groupby(by).agg(["sum", "count"])
    return sums["sum"] / (sums["count"] + PRIOR)


def known(seen: pd.DataFrame, rows: pd.DataFrame, genres: pd.DataFrame) -> pd.DataFrame:
    """Return what the ratings in `seen` say of the films and people of some rows."""
    centre = seen["rating"].mean()
    film = shrunk(seen["rating"] - centre, seen["movieId"])
    surprise = seen["rating"] - centre - seen["movieId"].map(film)
    person = shrunk(surprise, seen["userId"])
    taste = tastes(seen, surprise - seen["userId"].map(person), genres)
    of_rows = genres.loc[rows.index]
    liked = taste.reindex(rows["userId"]).fillna(0.0).to_numpy() * of_rows.to_numpy()
    said = {
        "film": rows["movieId"].map(film).fillna(0.0),
        "film_ratings": np.log1p(rows["movieId"].map(seen["movieId"].value_counts()).fillna(0)),
        "film_spread": rows["movieId"].map(seen.groupby("movieId")["rating"].std()).fillna(1.0),
        "person": rows["userId"].map(person).fillna(0.0),
        "person_ratings": np.log1p(rows["userId"].map(seen["userId"].value_counts()).fillna(0)),
        "year": rows["year"].fillna(seen["year"].median()).clip(lower=SINCE),
        "taste": liked.sum(1) / of_rows.sum(1).clip(lower=1),
        "best_taste": liked.max(1),
        "worst_taste": liked.min(1),
    }
    return pd.concat([pd.DataFrame(said, index=rows.index), of_rows], axis=1).astype(float)


def tastes(seen: pd.DataFrame, residuals: pd.Series, genres: pd.DataFrame) -> pd.DataFrame:
    """Return how much each person likes each genre beyond what the films and the person tell."""
    of_seen = genres.loc[seen.index]
    sums = of_seen.mul(residuals, axis=0).groupby(seen["userId"]).sum()
    return sums / (of_seen.groupby(seen["userId"]).sum() + PRIOR)


def features(train: pd.DataFrame, test: pd.DataFrame, genres: pd.DataFrame) -> list[pd.DataFrame]:
    """Return features of both parts; a row that trains is described by the other folds."""
    folds = KFold(FOLDS, shuffle=True, random_state=0).split(train)
    parts = [known(train.iloc[others], train.iloc[own], genres) for others, own in folds]
    return [pd.concat(parts).loc[train.index], known(train, test, genres)]


def grades(ratings: pd.DataFrame) -> np.ndarray:
    """Return half a star to five stars as 0 to 4: LightGBM takes whole numbers, whose gains double."""
    return np.ceil(ratings["rating"]).to_numpy(dtype=int) - 1
