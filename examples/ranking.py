"""How do I put films into a person's order?
=========================================

What counts is the order of the films, not the stars of each. A person of MovieLens is a group, and
``NeuralRanker`` learns from the order within groups, here with seven losses, beside LightGBM's
lambdarank on the same features. Look at NDCG at the first ten places, and at how close the losses
are to each other.

Run it with ``python examples/ranking.py``, or with ``--splits 5`` for means over five splits; it
needs the ``examples`` extra.
"""

# %%
# The ratings
# -----------
# 671 people gave 100,004 ratings. Four fifths of a person's ratings are for training; the films of
# the others are to be put in order. Half a star to five stars become grades from 0 to 4, because
# LightGBM takes integers.
import argparse

import lightgbm
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from data import movielens
from sklearn.model_selection import KFold, StratifiedShuffleSplit

from sklloss import NeuralRanker, mean_ndcg

parser = argparse.ArgumentParser(description="Rank films for a person.")
parser.add_argument("--splits", type=int, default=1, help="number of splits to average over")
n_splits = parser.parse_args().splits

ratings = movielens()
genres = ratings["genres"].str.get_dummies("|")
ratings["grade"] = np.ceil(ratings["rating"]).astype(int) - 1
print(ratings[["userId", "title", "rating", "grade"]].head(4).to_string(index=False))

# %%
# Features
# --------
# All that is known of a film or a person comes from training ratings: means, pulled towards 0 where
# there are few ratings, and how much a person likes each genre. The features of a training rating
# come from the other nine tenths of them, so that no rating is among its own features.


def shrunk(residuals, by):
    """Return the mean residual of each key, as if five residuals of 0 were added."""
    sums = residuals.groupby(by).agg(["sum", "count"])
    return sums["sum"] / (sums["count"] + 5)


def known(seen, rows):
    """Return features of the films and people of some rows, from the ratings in `seen`."""
    stars = seen["rating"] - seen["rating"].mean()
    film = shrunk(stars, seen["movieId"])
    surprise = stars - seen["movieId"].map(film)
    person = shrunk(surprise, seen["userId"])
    rest = surprise - seen["userId"].map(person)
    of_person = genres.loc[seen.index].groupby(seen["userId"]).sum() + 5
    taste = genres.loc[seen.index].mul(rest, axis=0).groupby(seen["userId"]).sum() / of_person
    of_rows = genres.loc[rows.index]
    liked = taste.reindex(rows["userId"]).fillna(0.0).to_numpy() * of_rows.to_numpy()
    facts = {
        "film": rows["movieId"].map(film).fillna(0.0),
        "film_ratings": np.log1p(rows["movieId"].map(seen["movieId"].value_counts()).fillna(0)),
        "film_spread": rows["movieId"].map(seen.groupby("movieId")["rating"].std()).fillna(1.0),
        "person": rows["userId"].map(person).fillna(0.0),
        "person_ratings": np.log1p(rows["userId"].map(seen["userId"].value_counts()).fillna(0)),
        "year": rows["year"].fillna(seen["year"].median()).clip(lower=1950),
        "taste": liked.sum(1) / of_rows.sum(axis=1).clip(lower=1),
        "best_taste": liked.max(1),
        "worst_taste": liked.min(1),
    }
    return pd.concat([pd.DataFrame(facts, index=rows.index), of_rows], axis=1).astype(float)


def split_with_features(seed):
    """Return training and test ratings, sorted by person, and the features of both."""
    splitter = StratifiedShuffleSplit(1, test_size=0.2, random_state=seed)
    parts = next(splitter.split(ratings, ratings["userId"]))
    train, test = (ratings.iloc[np.sort(part)] for part in parts)
    folds = KFold(10, shuffle=True, random_state=0).split(train)
    own = [known(train.iloc[others], train.iloc[part]) for others, part in folds]
    return train, test, pd.concat(own).loc[train.index], known(train, test)


# %%
# Models
# ------
# ``group`` names the person of each row. LightGBM is at its defaults and takes the sizes of the
# groups; the number of epochs of the networks was chosen on a part of the training ratings.
LOSSES = ("mse", "hinge", "ranknet", "lambdarank", "listnet", "listmle", "approx_ndcg")


def by_mean(train, X, X_new):
    """Return the mean rating of each film."""
    return X_new["film"]


def by_lightgbm(train, X, X_new):
    """Return the scores of LightGBM."""
    sizes = train.groupby("userId").size()
    model = lightgbm.LGBMRanker(objective="lambdarank", random_state=0, n_jobs=1, verbosity=-1)
    return model.fit(X, train["grade"], group=sizes).predict(X_new)


def by_network(loss):
    """Return a function that returns the scores of a network trained with a loss."""

    def scores(train, X, X_new):
        model = NeuralRanker(loss, max_epochs=10, random_state=0)
        return model.fit(X, train["grade"], group=train["userId"]).predict(X_new)

    return scores


MEAN, BOOSTED = "film's mean rating", "LightGBM lambdarank"
models = {MEAN: by_mean, BOOSTED: by_lightgbm}
models |= {f"NeuralRanker({loss!r})": by_network(loss) for loss in LOSSES}

tables = []
for seed in range(n_splits):
    train, test, X, X_new = split_with_features(seed)
    rows = {}
    for name, model in models.items():
        scores = np.asarray(model(train, X, X_new))
        given = test["grade"], scores, test["userId"]
        doubling = mean_ndcg(*given, k=10, gain="exponential")
        rows[name] = [mean_ndcg(*given, k=10), doubling]
    columns = ["NDCG@10", "NDCG@10, gain 2^y - 1"]
    tables.append(pd.DataFrame.from_dict(rows, orient="index", columns=columns))
table = sum(tables) / n_splits
table["of LightGBM's"] = table["NDCG@10"] / table.loc[BOOSTED, "NDCG@10"]
print(f"Test ratings of {ratings['userId'].nunique()} people, means over {n_splits} split(s):\n")
print(table.to_string(float_format="{:.4g}".format))

# %%
# NDCG by loss
# ------------
ordered = table["NDCG@10"].sort_values()
colours = ["tab:blue" if "Neural" in name else "tab:gray" for name in ordered.index]
figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
axis.scatter(ordered, ordered.index, s=60, color=colours)
for place, value in enumerate(ordered):
    axis.annotate(f"{value:.4f}", (value, place), (9, -4), textcoords="offset points")
axis.set_xlabel("NDCG@10")
axis.margins(x=0.2)
axis.grid(axis="y", alpha=0.3)

# %%
# What was learnt
# ---------------
networks = ordered[ordered.index.str.startswith("Neural")]
print(
    f"The losses reach an NDCG@10 of {networks.min():.4f} to {networks.max():.4f},",
    f"LightGBM {ordered[BOOSTED]:.4f}, the films' mean rating alone {ordered[MEAN]:.4f}.",
    "Between losses for order the differences are small; the features matter more.",
    sep="\n",
)
