"""Which films shall I recommend to whom?
======================================

There are two questions. Which films will a person watch next? That is an order of films, learnt
from who watched what. And how will they rate a film? That is a number. ``Recommender`` answers
both, and its loss says which. Look at the difference between a random fifth of what a person
watched and the latest fifth, and at the films that it finds alike.

Run it with ``python examples/recommender.py``; it needs the ``examples`` extra.
"""

# %%
# The ratings
# -----------
# MovieLens (small) has 100,004 ratings. A fifth of each person's ratings is held out: once at
# random, as papers do, and once the latest ones, as in practice, which is far harder.
from itertools import islice

import matplotlib.pyplot as plt
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
ratings = movielens()
title_of = ratings.drop_duplicates("movieId").set_index("movieId")["title"]
orders = {
    "random fifth": pd.Series(np.random.default_rng(0).random(len(ratings))),
    "latest fifth": ratings["timestamp"],
}
is_test = {
    name: order.groupby(ratings["userId"]).rank(method="first", pct=True) > 0.8
    for name, order in orders.items()
}
print(ratings[["userId", "title", "rating"]].head(4).to_string(index=False))

# %%
# What will they watch next?
# --------------------------
# ``fit`` takes the pairs alone. "most popular" recommends what everybody watches. implicit's BPR is
# the same loss and kind of model in a package made for it, at its defaults. A list of 20 films is
# scored by the share of the held-out films in it (recall), and by how high they are (NDCG).


def popular(train):
    """Return the films that most people have watched, without those that the user has."""
    films = train["movieId"].value_counts().index.tolist()
    seen = train.groupby("userId")["movieId"].agg(set)
    return {
        user: list(islice((f for f in films if f not in seen[user]), 20)) for user in seen.index
    }


def by_implicit(train):
    """Return the lists of implicit's BPR."""
    user, film = (train[name].astype("category") for name in PAIR)
    cells = np.ones(len(train), np.float32), (user.cat.codes, film.cat.codes)
    watched = sparse.csr_matrix(sparse.csr_array(cells))
    with threadpool_limits(1, "blas"):  # implicit asks for this
        model = BayesianPersonalizedRanking(random_state=0)
        model.fit(watched, show_progress=False)
        found, _ = model.recommend(np.arange(watched.shape[0]), watched, N=20)
    names = film.cat.categories.to_numpy()
    return dict(zip(user.cat.categories, names[found].tolist(), strict=True))


fitted = {}


def by_loss(loss):
    """Return a function that returns the lists of a Recommender."""

    def lists(train):
        fitted[loss] = Recommender(loss, random_state=0).fit(train[PAIR])
        return fitted[loss].recommend(n=20).groupby("user")["item"].agg(list).to_dict()

    return lists


ways = {"most popular": popular, "implicit's BPR": by_implicit}
ways |= {f"Recommender({loss!r})": by_loss(loss) for loss in ("infonce", "bpr")}
scores = {}
for split, held_out in is_test.items():
    wanted = ratings[held_out].groupby("userId")["movieId"].agg(set)
    for name, way in ways.items():
        lists = way(ratings[~held_out])
        mine = [lists[user] for user in wanted.index]
        for metric in (recall_at, ndcg_at):
            column = (split, "Recall@20" if metric is recall_at else "NDCG@20")
            scores.setdefault(column, {})[name] = metric(wanted.tolist(), mine, 20)
table = pd.DataFrame(scores)
print(table.to_string(float_format="{:.3f}".format))

figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
table.xs("NDCG@20", axis=1, level=1).plot.barh(ax=axis)
axis.set_xlabel("NDCG@20")
axis.invert_yaxis()

# %%
# Which films are alike?
# ----------------------
# The vectors of films that the same people watch point in similar directions. ``similar_items``
# sorts by their cosine.
model = fitted["infonce"]
for film in ("Toy Story", "Alien", "Pulp Fiction"):
    key = title_of.index[title_of == film][0]
    alike = model.similar_items([key], n=6)["similar_item"].map(title_of).tolist()
    print(f"{film}: {', '.join(alike[1:])}")

# %%
# What does a recommendation look like?
# -------------------------------------
user = ratings["userId"].iloc[0]
liked = ratings[ratings["userId"] == user].nlargest(5, "rating")["title"]
print("Rated best:  ", ", ".join(liked))
print("Recommended: ", ", ".join(model.recommend([user], n=5)["item"].map(title_of)))

# %%
# How will they rate a film?
# --------------------------
# ``fit`` takes the ratings too, and the loss is one for regression. "biases alone" is a number per
# person plus a number per film. Validation rows chose the numbers of epochs and ``alpha``.
models = {
    "biases alone": make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(alpha=5)),
    "Recommender('mse')": Recommender("mse", max_epochs=6, random_state=0),
    "Recommender('absolute_error')": Recommender("absolute_error", max_epochs=7, random_state=0),
}
held_out = is_test["random fifth"]
train, test = ratings[~held_out], ratings[held_out]
errors = {}
for name, each in models.items():
    expected = each.fit(train[PAIR], train["rating"]).predict(test[PAIR])
    metrics = (root_mean_squared_error, mean_absolute_error)
    errors[name] = [metric(test["rating"], expected) for metric in metrics]
errors = pd.DataFrame.from_dict(errors, orient="index", columns=["RMSE", "MAE"])
print(errors.to_string(float_format="{:.3f}".format))

# %%
# What was learnt
# ---------------
ndcg = table["random fifth", "NDCG@20"]
latest = table["latest fifth", "NDCG@20"]
print(
    f"On a random fifth, infonce reaches an NDCG@20 of {ndcg.iloc[2]:.3f}, bpr {ndcg.iloc[3]:.3f},",
    f"implicit's BPR {ndcg.iloc[1]:.3f} and popularity {ndcg.iloc[0]:.3f}; on the latest fifth all",
    f"are between {latest.min():.3f} and {latest.max():.3f}. For ratings, choose the loss of your",
    f"metric: absolute_error has the lowest MAE, {errors['MAE'].min():.3f}, and mse an RMSE of",
    f"{errors['RMSE'].iloc[1]:.3f}.",
    sep="\n",
)
