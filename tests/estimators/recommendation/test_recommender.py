"""Recommender: finds what users take and how they rate."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import ndcg_score
from torch import nn

from sklloss import Recommender, ndcg_at, recall_at
from sklloss.estimators.recommendation import top_items
from sklloss.losses import BPR, WARP, RecommendationLoss, SampledHinge
from sklloss.modules.recommendation.factors import Factors
from sklloss.training import NegativeSampler
from sklloss.training.rows.batches import Batch

from .small_interactions import (
    N_ITEMS,
    N_USERS,
    OF_ORDER,
    OF_RATINGS,
    bits_of,
    quick,
    ratings,
    small,
    tastes,
)


@pytest.fixture(scope="module")
def data():
    return tastes()


@pytest.fixture(scope="module")
def rated():
    return ratings()


@pytest.fixture(scope="module")
def fitted(data):
    return small().fit(data[0])


@pytest.fixture(scope="module")
def fitted_to_ratings(rated):
    X, y = rated
    return small("mse", weight_decay=0.01).fit(X[:700], y[:700])


# ---------------------------------------------------------------------- learning


@pytest.mark.parametrize("loss", [*OF_ORDER, BPR, WARP(n_negatives=5), SampledHinge(margin=0.5)])
def test_every_loss_of_an_order_finds_what_is_held_out(loss, data):
    train, held_out = data
    model = small(loss).fit(train)
    assert model.score(held_out) > 0.85
    assert model.history_[-1, "train_loss"] < model.history_[0, "train_loss"]
    popular = np.argsort(-model.popularity_)
    relevant = [{i for v, i in held_out if v == u} for u in model.users_]
    assert ndcg_at(relevant, [model.items_[popular]] * N_USERS) < 0.7


@pytest.mark.parametrize("loss", OF_RATINGS)
def test_every_loss_of_ratings_beats_biases(loss, rated):
    X, y = rated
    model = small(loss, weight_decay=0.01, max_epochs=60).fit(X[:700], y[:700])
    one_hot = np.concatenate((np.eye(N_USERS)[X[:, 0]], np.eye(N_ITEMS)[X[:, 1]]), 1)
    coefficients = np.linalg.lstsq(one_hot[:700], y[:700], rcond=None)[0]
    of_biases = np.mean((one_hot[700:] @ coefficients - y[700:]) ** 2)
    assert np.mean((model.predict(X[700:]) - y[700:]) ** 2) < of_biases / 2
    assert model.score(X[700:], y[700:]) == pytest.approx(
        1 - np.mean((model.predict(X[700:]) - y[700:]) ** 2) / y[700:].var()
    )


def test_defaults_learn_from_little(data, rated):
    assert Recommender(random_state=0, lr=0.02).fit(data[0]).score(data[1]) > 0.9
    X, y = rated
    assert (
        Recommender("mse", random_state=0, lr=0.02).fit(X[:700], y[:700]).score(X[700:], y[700:])
        > 0.3
    )


def test_losses_of_ones_own(rated, data):
    X, y = rated

    def cubic(prediction, target):
        return (prediction - target).abs() ** 3

    assert small(cubic, weight_decay=0.01).fit(X[:700], y[:700]).score(X[700:], y[700:]) > 0.6
    assert (
        small(nn.SmoothL1Loss, weight_decay=0.01).fit(X[:700], y[:700]).score(X[700:], y[700:])
        > 0.6
    )

    class Squared(RecommendationLoss):
        def of_row(self, raw, y, state):
            return (1 - raw[..., 0, 0] + raw[..., 0, 1]) ** 2

    assert small(Squared()).fit(data[0]).score(data[1]) > 0.9


# ---------------------------------------------------------------------- recommend


def test_recommendations_are_the_best_pairs_that_were_not_seen(fitted, data):
    train, _ = data
    users = ["user 7", "user 3"]
    table = fitted.recommend(users, n=5)
    assert list(table.columns) == ["user", "item", "score", "rank"]
    assert table.user.tolist() == ["user 7"] * 5 + ["user 3"] * 5
    assert table["rank"].tolist() == [*range(1, 6)] * 2
    for user in users:
        seen = {item for who, item in train if who == user}
        free = [item for item in fitted.items_ if item not in seen]
        scores = fitted.predict([(user, item) for item in free])
        order = np.argsort(-scores)[:5]
        mine = table[table.user == user]
        assert mine.item.tolist() == [free[k] for k in order]
        np.testing.assert_allclose(mine.score, scores[order], rtol=1e-5)


def test_recommendations_for_all_users_and_of_what_was_seen(fitted, data):
    table = fitted.recommend(n=3)
    assert table.user.nunique() == N_USERS
    assert not set(zip(table.user, table.item, strict=True)) & set(data[0])
    every = fitted.recommend(["user 0"], n=1000, exclude_seen=False)
    assert sorted(every.item) == sorted(fitted.items_)
    assert every.score.is_monotonic_decreasing
    left = fitted.recommend(["user 0"], n=1000)
    assert len(left) == N_ITEMS - sum(user == "user 0" for user, _ in data[0])
    assert fitted.recommend([]).shape == (0, 4)


def test_recommendations_of_ratings_are_on_their_scale(fitted_to_ratings):
    table = fitted_to_ratings.recommend([3], n=4, exclude_seen=False)
    pairs = table[["user", "item"]].to_numpy()
    np.testing.assert_allclose(table.score, fitted_to_ratings.predict(pairs), rtol=1e-5)


@pytest.mark.parametrize("loss", ["gaussian_nll", "cross_entropy"])
def test_losses_of_several_numbers_recommend_as_they_predict(loss, rated):
    X, y = rated
    model = quick(loss, n_members=2).fit(X[:300], y[:300])
    table = model.recommend([3, 5], n=N_ITEMS, exclude_seen=False)
    np.testing.assert_allclose(
        table.score, model.predict(table[["user", "item"]].to_numpy()), rtol=1e-5
    )


def test_never_all_users_with_all_items_at_once(fitted, data, monkeypatch):
    whole, score = fitted.recommend(n=5), fitted.score(data[1])
    asked = []
    of_all_items = Factors.of_all_items

    def watched(self, users):
        asked.append(len(users))
        return of_all_items(self, users)

    monkeypatch.setattr(Factors, "of_all_items", watched)
    monkeypatch.setattr(top_items, "NUMBERS_AT_ONCE", 7 * N_ITEMS)
    pd.testing.assert_frame_equal(fitted.recommend(n=5), whole, check_exact=False)
    assert asked == [7] * 5 + [5]
    assert fitted.score(data[1]) == pytest.approx(score)


# ---------------------------------------------------------------------- who was never seen


def test_unseen_users_get_what_is_popular(data):
    train = [*data[0], *[(f"user {k}", 100) for k in range(30)]]
    model = quick().fit(train)
    table = model.recommend(["nobody", "user 1"], n=3)
    first = table[table.user == "nobody"]
    assert (
        first.item.tolist()
        == model.items_[np.argsort(-model.popularity_, kind="stable")[:3]].tolist()
    )
    assert first.item.iloc[0] == 100
    assert first.score.isna().all()
    assert table[table.user == "user 1"].score.notna().all()


def test_unseen_users_and_items_fall_back_on_the_other(fitted_to_ratings, rated):
    model = fitted_to_ratings
    module = model.net_.module_
    (scaler,) = model._learned.target_scalers
    base = module.output_bias.item()
    expected = [
        base + module.item_table[5, -1].item(),
        base + module.user_table[3, -1].item(),
        base,
    ]
    said = model.predict([(999, 5), (3, 999), (999, 998)])
    np.testing.assert_allclose(said, np.array(expected) * scaler.scale + scaler.centre, rtol=1e-5)
    assert said[2] == pytest.approx(rated[1].mean(), abs=0.3)


def test_score_takes_users_and_items_that_fit_has_not_seen(fitted, data):
    _, held_out = data
    user = held_out[0][0]
    wanted = [item for who, item in held_out if who == user]
    assert fitted.score([(user, item) for item in wanted]) > 0.9
    halved = fitted.score([(user, item) for item in [*wanted, *range(len(wanted))]])
    assert halved < fitted.score([(user, item) for item in wanted])
    assert 0 <= fitted.score([("nobody", item) for item in wanted]) <= 1
    assert fitted.score([("nobody", -5), ("no one", -5)]) == 0


# ---------------------------------------------------------------------- metrics


@pytest.mark.parametrize("k", [1, 3, 20])
def test_ndcg_is_that_of_scikit_learn(k):
    rng = np.random.default_rng(0)
    relevance = rng.random((9, 12)) < 0.3
    relevance[:, 0] = True
    scores = rng.normal(size=(9, 12))
    relevant = [set(np.flatnonzero(row)) for row in relevance]
    ranked = np.argsort(-scores, axis=1)
    assert ndcg_at(relevant, ranked, k) == pytest.approx(ndcg_score(relevance, scores, k=k))
    hits = [relevance[row, ranked[row, :k]].sum() / relevance[row].sum() for row in range(9)]
    assert recall_at(relevant, ranked, k) == pytest.approx(np.mean(hits))


def test_metrics_leave_out_users_without_anything_to_find():
    assert recall_at([{1}, set()], [[1], [2]]) == 1
    with pytest.raises(ValueError, match="No user has a relevant item"):
        ndcg_at([set()], [[1]])
    with pytest.raises(ValueError, match="one entry per user; got 1 and 2"):
        recall_at([{1}], [[1], [2]])


def test_score_is_ndcg_of_the_items_that_were_not_taken(fitted, data):
    train, held_out = data
    users = sorted({user for user, _ in held_out})
    rows, scores = [], []
    for user in users:
        taken = {item for who, item in train if who == user}
        rows.append([(user, item) in set(held_out) for item in fitted.items_])
        said = fitted.predict([(user, item) for item in fitted.items_])
        scores.append(np.where([item in taken for item in fitted.items_], -1e9, said))
    expected = ndcg_score(np.array(rows), np.array(scores), k=20)
    assert fitted.score(held_out) == pytest.approx(expected)
    assert fitted.score(held_out * 2, sample_weight=[1, 0] * len(held_out)) < 1.01
    assert fitted.score(held_out, np.ones(len(held_out))) == fitted.score(held_out)
    shorter = clone(fitted).set_params(score_at=1).fit(train).score(held_out)
    assert shorter == pytest.approx(ndcg_score(np.array(rows), np.array(scores), k=1))
    assert fitted.score(train) > 0.9  # what was taken may be ranked where it is asked for


# ---------------------------------------------------------------------- negatives


def batch_of(pairs):
    X = torch.tensor(pairs, dtype=torch.float32).unsqueeze(0)
    n = X.shape[1]
    return Batch(X, torch.ones(1, n, 1), torch.ones(1, n), n)


def test_negatives_are_drawn_evenly_from_what_was_not_taken():
    taken = torch.tensor([0 * 10 + 3, 1 * 10 + 0, 1 * 10 + 9])
    sampler = NegativeSampler(10, 400, taken, torch.cat((taken, torch.tensor([25]))))
    batch = batch_of([[0, 3], [1, 0], [1, 9], [2, 5]])
    drawn = sampler.of_batch(batch, 0, 1, 0)
    assert torch.equal(drawn.X[..., :2], batch.X)
    for row, free in enumerate([9, 8, 8, 10]):
        counts = torch.bincount(drawn.X[0, row, 2:].long(), minlength=10)
        assert (counts > 0).sum() == free
        assert counts[counts > 0].min() > 400 / free / 2
    seen = sampler.of_evaluation(batch, 0, 0).X
    assert not (seen[0, 3, 2:] == 5).any()


def test_negatives_are_a_function_of_seed_epoch_and_step():
    sampler = NegativeSampler(100, 5, *[torch.tensor([3])] * 2)
    batch = batch_of([[0, 3]] * 8)
    drawn = [
        sampler.of_batch(batch, *when).X
        for when in [(0, 1, 0), (0, 1, 0), (1, 1, 0), (0, 2, 0), (0, 1, 1)]
    ]
    assert torch.equal(drawn[0], drawn[1])
    assert not any(torch.equal(drawn[0], other) for other in drawn[2:])
    seen = [sampler.of_evaluation(batch, *when).X for when in [(0, 0), (0, 0), (1, 0), (0, 1)]]
    assert torch.equal(seen[0], seen[1])
    assert not any(torch.equal(seen[0], other) for other in seen[2:])


def test_a_user_who_took_everything_has_negatives_all_the_same(data):
    pairs = [*data[0], *[("user 0", 100 + k) for k in range(N_ITEMS)]]
    model = quick().fit(pairs)
    assert np.isfinite(model.history_[:, "train_loss"]).all()
    assert len(model.recommend(["user 0"])) == 0
    only = quick().fit([("a", 1), ("b", 1)])
    assert only.recommend(["a"]).empty
    assert only.recommend(["nobody"]).item.tolist() == [1]


def test_rows_set_aside_do_not_keep_their_items_from_being_negatives(data):
    half = np.arange(len(data[0])) < len(data[0]) // 2
    parts = (np.flatnonzero(half), np.flatnonzero(~half))
    model = quick(early_stopping=True, validation_fraction=parts).fit(data[0])
    sampler = model.net_.batch_change
    assert len(sampler.taken) == half.sum()
    assert len(sampler.taken_at_all) == len(data[0])
    twice = [*data[0], *data[0][:5]]  # also in training: still taken there
    parts = (parts[0], np.r_[parts[1], len(data[0]) : len(twice)])
    model = quick(early_stopping=True, validation_fraction=parts).fit(twice)
    assert torch.equal(model.net_.batch_change.taken, sampler.taken)


# ---------------------------------------------------------------------- weights and repeats


@pytest.mark.parametrize("loss", ["bpr", "mse"])
def test_weight_two_is_a_pair_twice_and_weight_zero_one_left_out(loss, rated):
    X, y = rated[0][:60], rated[1][:60]
    weights = np.ones(60)
    weights[:5], weights[5:9] = 2, 0
    rows = np.r_[np.arange(5), np.arange(5), 9:60]
    y = None if loss == "bpr" else y
    weighted = quick(loss).fit(X, y, weights)
    repeated = quick(loss).fit(X[rows], None if y is None else y[rows])
    kept = X[rows]
    np.testing.assert_allclose(weighted.predict(kept), repeated.predict(kept), rtol=1e-6)
    assert weighted.popularity_.tolist() == repeated.popularity_.tolist()


def test_counts_are_weights_and_a_count_of_zero_is_no_pair(data):
    train, _ = data
    counts = np.r_[2.0, 0.0, np.ones(len(train) - 2)]
    counted = quick().fit(train, counts)
    weighted = quick().fit(train, sample_weight=counts)
    assert bits_of(counted, train) == bits_of(weighted, train)
    left = quick().fit([train[0], *train[2:]])
    assert counted.popularity_.sum() == left.popularity_.sum() + 1
    both = quick().fit(train, counts, sample_weight=np.full(len(train), 3.0))
    np.testing.assert_allclose(both.predict(train), counted.predict(train), rtol=1e-5)


def test_contradicting_ratings_are_for_the_loss_to_settle():
    X = [(user, item) for user in range(6) for item in range(6)] * 3
    y = np.repeat([0.0, 0.0, 9.0], 36)
    settings = {"max_epochs": 200, "weight_decay": 0.0, "scale_target": False}
    assert small("mse", **settings).fit(X, y).predict([(2, 3)])[0] == pytest.approx(3, abs=0.3)
    assert small("absolute_error", **settings).fit(X, y).predict([(2, 3)])[0] == pytest.approx(
        0, abs=0.3
    )


def test_constant_ratings_are_learnt():
    model = small("mse").fit([(0, 0), (0, 1), (1, 0)], [4, 4, 4])
    np.testing.assert_allclose(model.predict([(0, 0), (1, 1), (7, 7)]), 4, atol=0.05)


# ---------------------------------------------------------------------- labels


class Key:
    """A label that hashes, and has no order."""

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return isinstance(other, Key) and self.name == other.name

    def __hash__(self):
        return hash(self.name)


@pytest.mark.parametrize(
    "label",
    [
        str,
        int,
        float,
        lambda k: (k, "x"),
        lambda k: k if k % 2 else str(k),
        Key,
        lambda k: pd.Timestamp(2020, 1, 1 + k),
    ],
)
def test_labels_of_any_type(label):
    pairs = [(label(u), label(i)) for u in range(6) for i in range(8) if (u + i) % 2]
    model = quick().fit(pairs)
    assert len(model.users_) == 6
    assert len(model.items_) == 8
    table = model.recommend([pairs[0][0]], n=2)
    assert all(item in [label(k) for k in range(8)] for item in table.item)
    assert np.isfinite(model.predict(pairs)).all()
    with_unseen = model.predict([(pairs[0][0], label(20) if label is not str else "no")])
    assert np.isfinite(with_unseen).all()


def test_pairs_may_be_given_in_any_form(data):
    train, _ = data
    users, items = zip(*train, strict=True)
    expected = quick().fit(train)
    frame = pd.DataFrame({"who": users, "what": items})
    array = np.empty((len(train), 2), dtype=object)
    array[:, 0], array[:, 1] = users, items
    for X in (
        frame,
        array,
        [list(pair) for pair in train],
        tuple(train),
        frame.set_index("who", drop=False),
    ):
        assert bits_of(quick().fit(X), X) == bits_of(expected, train)
    numbers = np.array([(int(u[5:]), i) for u, i in train])
    assert bits_of(quick().fit(torch.from_numpy(numbers)), numbers) == bits_of(
        quick().fit(numbers), numbers
    )


def test_the_order_of_the_rows_decides_nothing_where_all_are_in_one_batch(data):
    train, held_out = data
    settings = {"batch_size": 1000, "dtype": "float64"}
    assert bits_of(quick(**settings).fit(train), held_out) == bits_of(
        quick(**settings).fit(train[::-1]), held_out
    )
