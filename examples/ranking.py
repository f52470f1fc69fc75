"""Rank films for a person: what counts is the order of the films, not the stars of each.

Run it with

    python examples/ranking.py
    python examples/ranking.py --splits 5    prints means over five splits

It needs the `examples` extra: pip install -c constraints.txt -e ".[examples]".

MovieLens has 100,004 ratings by 671 people. A person is a group. Four fifths of a person's ratings
are for training, and the films of the others are to be put in that person's order, scored by NDCG
at the first ten places. All features of a film or a person, such as a film's mean rating, come from
training ratings; for a training rating, from the other nine tenths of them, so that no rating is
among its own features. LightGBM's lambdarank learns from the same features, at its defaults.
"""

import argparse
import time

import lightgbm
import numpy as np
import pandas as pd
from data import movielens
from sklearn.model_selection import KFold, StratifiedShuffleSplit

from sklloss import NeuralRanker, mean_ndcg

# Folds of the training ratings; the features of each come from the others.
FOLDS = 10
# Chosen on a part of the training ratings.
EPOCHS = 10
# Ratings of the mean that a film, a person or a taste starts with.
PRIOR = 5.0
# Earlier films count as of this year.
SINCE = 1950
# Places that NDCG looks at.
PLACES = 10
LOSSES = ("mse", "hinge", "ranknet", "lambdarank", "listnet", "listmle", "approx_ndcg")


def shrunk(residuals: pd.Series, by: pd.Series | list[pd.Series]) -> pd.Series:
    """Return the mean residual of each key, pulled towards 0 where there are few."""
    sums = residuals.groupby(by).agg(["sum", "count"])
    return sums["sum"] / (sums["count"] + PRIOR)


def known(seen: pd.DataFrame, rows: pd.DataFrame, genres: pd.DataFrame) -> pd.DataFrame:
    """Return features of the films and people of some rows, from the ratings in `seen`."""
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
        "taste": liked.sum(1) / of_rows.sum(axis=1).clip(lower=1),
        "best_taste": liked.max(1),
        "worst_taste": liked.min(1),
    }
    return pd.concat([pd.DataFrame(said, index=rows.index), of_rows], axis=1).astype(float)


def tastes(seen: pd.DataFrame, residuals: pd.Series, genres: pd.DataFrame) -> pd.DataFrame:
    """Return how much each person likes each genre, given the films and the person's mean."""
    of_seen = genres.loc[seen.index]
    sums = of_seen.mul(residuals, axis=0).groupby(seen["userId"]).sum()
    return sums / (of_seen.groupby(seen["userId"]).sum() + PRIOR)


def features(train: pd.DataFrame, test: pd.DataFrame, genres: pd.DataFrame) -> list[pd.DataFrame]:
    """Return features of training and test rows; those of a training row use the other folds."""
    folds = KFold(FOLDS, shuffle=True, random_state=0).split(train)
    parts = [known(train.iloc[others], train.iloc[own], genres) for others, own in folds]
    return [pd.concat(parts).loc[train.index], known(train, test, genres)]


def split(ratings: pd.DataFrame, seed: int) -> list[pd.DataFrame]:
    """Return four fifths of each person's ratings, and the others, sorted by person."""
    splitter = StratifiedShuffleSplit(1, test_size=0.2, random_state=seed)
    parts = next(splitter.split(ratings, ratings["userId"]))
    return [ratings.iloc[np.sort(part)] for part in parts]


def grades(ratings: pd.DataFrame) -> np.ndarray:
    """Return half a star to five stars as grades 0 to 4, because LightGBM takes integers."""
    return np.ceil(ratings["rating"]).to_numpy(dtype=int) - 1


def scores_of_lightgbm(X: pd.DataFrame, y: np.ndarray, group: pd.Series, X_new: pd.DataFrame):
    sizes = group.groupby(group, sort=False).size()
    model = lightgbm.LGBMRanker(objective="lambdarank", random_state=0, n_jobs=1, verbosity=-1)
    return model.fit(X, y, group=sizes).predict(X_new)


def scores_of_network(
    loss: str, X: pd.DataFrame, y: np.ndarray, group: pd.Series, X_new: pd.DataFrame
):
    model = NeuralRanker(loss, max_epochs=EPOCHS, random_state=0)
    return model.fit(X, y, group=group).predict(X_new)


def results(ratings: pd.DataFrame, genres: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the scores of each model on one split."""
    train, test = split(ratings, seed)
    X, X_new = features(train, test, genres)
    learning = (X, grades(train), train["userId"], X_new)
    table = {"film's mean rating": measured(lambda: X_new["film"], test)}
    table["LightGBM lambdarank"] = measured(lambda: scores_of_lightgbm(*learning), test)
    for loss in LOSSES:
        found = measured(lambda loss=loss: scores_of_network(loss, *learning), test)
        table[f"NeuralRanker({loss!r})"] = found
    return pd.DataFrame(table).T


def measured(scores_of, test: pd.DataFrame) -> dict[str, float]:
    """Return the NDCG of the scores that a function gives to test ratings, and its seconds."""
    start = time.perf_counter()
    scores = np.asarray(scores_of())
    seconds = time.perf_counter() - start
    y, group = grades(test), test["userId"]
    doubling = mean_ndcg(y, scores, group, k=PLACES, gain="exponential")
    at = f"NDCG@{PLACES}"
    return {
        at: mean_ndcg(y, scores, group, k=PLACES),
        f"{at}, gain 2^y - 1": doubling,
        "seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--splits", type=int, default=1, help="number of splits to average over")
    splits = parser.parse_args().splits
    ratings = movielens()
    genres = ratings["genres"].str.get_dummies("|")
    tables = [results(ratings, genres, seed) for seed in range(splits)]
    table = sum(tables) / splits
    table["of LightGBM's"] = table.iloc[:, 0] / table.iloc[1, 0]
    print(f"Test ratings of {ratings['userId'].nunique()} people, means over {splits} split(s):\n")
    print(table.round({"seconds": 1}).to_string(float_format=lambda value: f"{value:.4g}"))


if __name__ == "__main__":
    main()
