"""Who takes what, and how they rate it."""

import numpy as np

from sklloss import Recommender

N_USERS, N_ITEMS = 40, 24
OF_ORDER = ["bpr", "warp", "hinge", "infonce"]
OF_RATINGS = ["mse", "absolute_error", "huber", "cross_entropy", "gaussian_nll"]


def tastes(seed=0, share=0.8):
    """Return who took what: users of a group take items of the group, of which there are three;
    some pairs are held out."""
    rng = np.random.default_rng(seed)
    pairs = [(u, i) for u in range(N_USERS) for i in range(N_ITEMS) if u % 3 == i % 3]
    rng.shuffle(pairs)
    taken = int(share * len(pairs))
    named = [(f"user {u}", 100 + i) for u, i in pairs]
    return named[:taken], named[taken:]


def ratings(seed=0, noise=0.1):
    """Return pairs, and ratings that are sums of biases and a product."""
    rng = np.random.default_rng(seed)
    pairs = np.array([(u, i) for u in range(N_USERS) for i in range(N_ITEMS)])
    pairs = pairs[rng.permutation(len(pairs))]
    u, i = pairs.T
    user, item = rng.normal(size=(N_USERS, 2)), rng.normal(size=(N_ITEMS, 2))
    y = 3 + user[u, 0] / 2 + item[i, 0] / 2 + user[u, 1] * item[i, 1]
    return pairs, y + noise * rng.normal(size=len(y))


def small(loss="bpr", **params):
    settings = {"n_factors": 8, "lr": 0.02, "max_epochs": 40, "batch_size": 64, "random_state": 0}
    return Recommender(loss, **{**settings, **params})


def quick(loss="bpr", **params):
    """Return one that is not trained to the end, and is not asked to be good."""
    return small(loss, max_epochs=2, **params)


def bits_of(model, X):
    return model.predict(X).tobytes()
