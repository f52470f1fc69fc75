"""Peer: implicit, its models for implicit feedback.

Its users rely on these promises:

- ``similar_items`` and ``similar_users`` rank by the cosine of the factors, the item itself first;
  ``filter_items`` are left out
- ``recommend`` ranks items by the scores of their factors, leaves out what a user has taken, or
  does not, ranks the given ``items`` alone, or all but ``filter_items``
- a batch of users gets what each of them gets alone
- what was taken more often counts more
- items that are like what a user took come before others
- unknown labels are refused
- the same seed gives the same model, and a copy of a model answers as the model does
"""

import pickle

import numpy as np
import pytest
from implicit.bpr import BayesianPersonalizedRanking
from scipy import sparse

from sklloss import Recommender

N_USERS, N_ITEMS = 30, 12
PAIRS = np.array([(u, i) for u in range(N_USERS) for i in range(N_ITEMS) if (u + i) % 3 == 0])
KEPT = np.random.default_rng(0).random(len(PAIRS)) < 0.8
USER_ITEMS = sparse.csr_matrix(
    (np.ones(KEPT.sum(), np.float32), PAIRS[KEPT].T), shape=(N_USERS, N_ITEMS)
)


@pytest.fixture(scope="module")
def model():
    settings = {"n_factors": 6, "max_epochs": 40, "batch_size": 20, "lr": 0.02, "random_state": 0}
    return Recommender("bpr", **settings).fit(PAIRS[KEPT])


@pytest.fixture(scope="module")
def theirs(model):
    """Return a model of implicit with the same factors."""
    module = model.net_.module_
    twin = BayesianPersonalizedRanking(factors=6, use_gpu=False, num_threads=1)
    twin.item_factors = module.item_table.detach().numpy()[:, :-1].copy()
    twin.user_factors = module.user_table.detach().numpy()[:, :-1].copy()
    return twin


@pytest.fixture(scope="module")
def biased(model):
    """Return a model of implicit with the same factors, biases among them."""
    module = model.net_.module_
    item, user = (t.detach().numpy() for t in (module.item_table, module.user_table))
    twin = BayesianPersonalizedRanking(factors=6, use_gpu=False, num_threads=1)
    twin.item_factors = np.column_stack((item, np.ones(len(item), np.float32)))
    constant = user[:, -1:] + module.output_bias.item()
    ones = np.ones((len(user), 1), np.float32)
    twin.user_factors = np.column_stack((user[:, :-1], ones, constant))
    return twin


def columns_of(table, name, n):
    """Return what was found and its scores, (n_asked, n) each."""
    return (table[column].to_numpy().reshape(-1, n) for column in (name, "score"))


# ---------------------------------------------------------------------- what is alike


@pytest.mark.parametrize("left_out", [None, [3, 7]])
def test_similar_items_are_those_of_implicit(left_out, model, theirs):
    asked = np.array([0, 5, 3])
    table = model.similar_items(asked, n=4, filter_items=left_out)
    ids, scores = theirs.similar_items(asked, N=4, filter_items=left_out)
    mine, cosines = columns_of(table, "similar_item", 4)
    np.testing.assert_allclose(cosines, scores, atol=1e-6)
    np.testing.assert_array_equal(mine, ids)
    assert table["rank"].tolist() == [1, 2, 3, 4] * 3


def test_similar_users_are_those_of_implicit(model, theirs):
    asked = np.array([0, 29])
    ids, scores = theirs.similar_users(asked, N=5)
    mine, cosines = columns_of(model.similar_users(asked, n=5), "similar_user", 5)
    np.testing.assert_allclose(cosines, scores, atol=1e-6)
    np.testing.assert_array_equal(mine, ids)


def test_an_item_is_most_similar_to_itself_and_then_to_its_kind(model):
    table = model.similar_items(range(N_ITEMS), n=3)
    first = table[table["rank"] == 1]
    assert first.item.tolist() == first.similar_item.tolist()
    np.testing.assert_allclose(first.score, 1, atol=1e-6)
    assert ((table.item - table.similar_item) % 3 == 0).mean() > 0.8


# ---------------------------------------------------------------------- recommend


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize(
    "among", [{}, {"filter_items": [0, 4, 9]}, {"items": [1, 2, 3, 6, 8, 10]}], ids=str
)
def test_recommendations_are_those_of_implicit(exclude_seen, among, model, biased):
    users = np.array([4, 0, 17])
    ids, scores = biased.recommend(
        users, USER_ITEMS[users], N=2, filter_already_liked_items=exclude_seen, **among
    )
    table = model.recommend(users, n=2, exclude_seen=exclude_seen, **among)
    mine, mine_scores = columns_of(table, "item", 2)
    np.testing.assert_allclose(mine_scores, scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(mine, ids)


def test_a_batch_of_users_gets_what_each_gets_alone(model):
    together = model.recommend([3, 8], n=3)
    for user in (3, 8):
        alone = model.recommend([user], n=3)
        own = together[together.user == user].reset_index(drop=True)
        assert own.item.tolist() == alone.item.tolist()
        np.testing.assert_allclose(own.score, alone.score, rtol=1e-6)


def test_what_a_user_has_taken_is_left_out_or_comes_first(model):
    taken = {u: set(PAIRS[KEPT][PAIRS[KEPT][:, 0] == u, 1].tolist()) for u in range(N_USERS)}
    without = model.recommend(n=4)
    assert not any(row.item in taken[row.user] for row in without.itertuples())
    everything = model.recommend(n=3, exclude_seen=False)
    assert np.mean([(row.user + row.item) % 3 == 0 for row in everything.itertuples()]) > 0.9


def test_held_out_items_are_recommended_first(model):
    assert model.score(PAIRS[~KEPT]) > 0.9


def test_what_was_taken_more_often_counts_more():
    pairs = [(u, i) for u in range(20) for i in range(4)]
    counts = [5 if item == 2 else 1 for _, item in pairs]
    model = Recommender("bpr", n_factors=2, max_epochs=2, random_state=0).fit(pairs, counts)
    assert model.popularity_.tolist() == [20, 20, 100, 20]
    assert model.recommend([99], n=1).item.tolist() == [2]


# ---------------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.similar_items([99]),
        lambda model: model.similar_users([99]),
        lambda model: model.recommend([1], items=[99]),
        lambda model: model.recommend([1], filter_items=[99]),
    ],
)
def test_unknown_labels_are_refused(call, model):
    with pytest.raises(ValueError, match="99"):
        call(model)


def test_a_seed_and_a_copy_give_the_same_factors(model):
    copy = pickle.loads(pickle.dumps(model))
    again = Recommender(**model.get_params(deep=False)).fit(PAIRS[KEPT])
    for other in (copy, again):
        for name in ("user_table", "item_table"):
            mine, others = (getattr(m.net_.module_, name) for m in (model, other))
            np.testing.assert_array_equal(mine.detach().numpy(), others.detach().numpy())
