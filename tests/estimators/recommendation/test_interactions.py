"""Pairs of users and items, ratings and weights: what is none of them is named, and no odd form is
taken for another."""

import numpy as np
import pandas as pd
import pytest

from sklloss import Recommender, ndcg_at, recall_at

PAIRS = [(user, item) for user in range(6) for item in range(5) if (user + item) % 2]
RATINGS = np.random.default_rng(0).normal(size=len(PAIRS)) + 3
USERS, ITEMS = zip(*PAIRS, strict=True)
ONES = [1.0] * len(PAIRS)


def quick(loss="bpr", **params):
    return Recommender(loss, **{"n_factors": 4, "max_epochs": 2, "random_state": 0, **params})


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(PAIRS)


@pytest.mark.parametrize(
    "make",
    [
        lambda: zip(USERS, ITEMS, strict=True),
        lambda: (pair for pair in PAIRS),
        lambda: pd.DataFrame(PAIRS).itertuples(index=False),
        lambda: set(PAIRS),
        lambda: dict.fromkeys(PAIRS, 5.0),
    ],
)
def test_what_cannot_be_read_twice_in_one_order_is_refused(make, fitted):
    for use in (quick().fit, quick().partial_fit, fitted.predict, fitted.score):
        with pytest.raises(TypeError, match=r"interactions are a \w+; .* Give list\(...\)"):
            use(make())


@pytest.mark.parametrize("row", [b"ab", bytearray(b"ab"), "ab"])
def test_two_letters_are_no_pair(row):
    with pytest.raises(ValueError, match="1 of 2 rows is something else, for example row 1"):
        quick().fit([(1, 2), row])


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (RATINGS * 1j, "Complex data not supported: ratings"),
        (np.array(["2020"] * len(PAIRS), dtype="datetime64[s]"), "holds dates or times"),
        (pd.Series(pd.to_datetime(["2020"] * len(PAIRS))), "ratings holds dates or times"),
        ([10**400] * len(PAIRS), "ratings must be numbers, .*too large"),
        ([*ONES[1:], None], "ratings must be finite; .* 1 of 15 rows, for example row 14"),
        (["good"] * len(PAIRS), "ratings must be numbers, .*'good'"),
    ],
)
@pytest.mark.parametrize("loss", ["bpr", "mse"])
def test_ratings_that_are_none_are_named_in_fit_and_score(loss, ratings, message):
    with pytest.raises(ValueError, match=message):
        quick(loss).fit(PAIRS, ratings)
    with pytest.raises(ValueError, match=message):
        quick(loss).fit(PAIRS, ONES).score(PAIRS, ratings)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([-1.0, *ONES[1:]], "sample_weight needs values >= 0"),
        ([np.nan, *ONES[1:]], "sample_weight must be finite; .* 1 of 15 rows, for example row 0"),
        (["a"] * 15, "sample_weight must be numbers, one per row"),
        ([[1], [1, 2]] + [1] * 13, "sample_weight must be numbers, one per row"),
        (np.array(["2020"] * 15, dtype="datetime64[D]"), "sample_weight holds dates or times"),
    ],
)
@pytest.mark.parametrize("loss", ["bpr", "mse"])
def test_weights_that_are_none_are_named_in_fit_and_score(loss, weights, message):
    with pytest.raises(ValueError, match=message):
        quick(loss).fit(PAIRS, ONES, sample_weight=weights)
    with pytest.raises(ValueError, match=message):
        quick(loss).fit(PAIRS, ONES).score(PAIRS, RATINGS + 10, sample_weight=weights)


@pytest.mark.parametrize(
    ("users", "message"),
    [
        (b"ab", r"For one user give \[b'ab'\]"),
        (np.array(1), "a ndarray of 0 dimensions. Give one column"),
        (np.array([[1, 2]]), "a ndarray of 2 dimensions"),
        (pd.DataFrame({"user": [1, 2]}), "a DataFrame of 1 columns"),
        ([[1], [2]], r"users need labels that hash, .* row 0 has \[1\]"),
    ],
)
def test_users_that_are_no_sequence_are_named(users, message, fitted):
    with pytest.raises(TypeError, match=message):
        fitted.recommend(users)


@pytest.mark.parametrize("users", [range(2), {0: "a", 1: "b"}, np.array([0, 1]), pd.Index([0, 1])])
def test_users_in_any_form_get_the_same(users, fitted):
    pd.testing.assert_frame_equal(fitted.recommend(users, n=2), fitted.recommend([0, 1], n=2))
    twice = fitted.recommend([0, 0], n=2)
    assert twice.item[:2].tolist() == twice.item[2:].tolist()


@pytest.mark.parametrize("value", [None, "False", 0, [], object()])
def test_exclude_seen_is_true_or_false(value, fitted):
    with pytest.raises(ValueError, match="recommend needs exclude_seen to be one of True, False"):
        fitted.recommend([1], exclude_seen=value)
    assert len(fitted.recommend([1], exclude_seen=np.False_)) == 5


# ---------------------------------------------------------------------- metrics of lists


@pytest.mark.parametrize("metric", [recall_at, ndcg_at])
def test_an_item_that_is_recommended_twice_is_found_once(metric):
    assert metric([{1}], [[1, 1, 1]], k=3) == 1
    assert metric([{1, 2}], [[1, 1]], k=2) == metric([{1, 2}], [[1, 9]], k=2) < 1
    assert metric([{1}], [[9, 1, 1]], k=3) == metric([{1}], [[9, 1, 8]], k=3)


@pytest.mark.parametrize("metric", [recall_at, ndcg_at])
@pytest.mark.parametrize("k", [0, -1, 1.5, None, "a", True, float("inf"), float("nan"), []])
def test_k_is_a_whole_number(metric, k):
    with pytest.raises(ValueError, match=rf"{metric.__name__} needs k >= 1 .*The default is k=20"):
        metric([{1}], [[1]], k=k)


@pytest.mark.parametrize("metric", [recall_at, ndcg_at])
def test_lists_shorter_than_k_cost_no_memory(metric):
    assert metric([{1}, {2}], [[1], [2]], k=10**30) == 1
    assert metric([{1}, {2, 3}], [[], [2, 3]], k=np.int64(5)) == 0.5


@pytest.mark.parametrize("metric", [recall_at, ndcg_at])
@pytest.mark.parametrize(
    ("relevant", "recommended", "message"),
    [
        (["apple"], [["apple"]], "relevant needs a collection .*; user 0 has 'apple'. .*give"),
        ([["apple"]], ["apple"], "recommended needs a collection .*; user 0 has 'apple'"),
        ([[1], 2], [[1], [2]], "relevant needs a collection of items for each user; user 1 has 2"),
        ([[1], None], [[1], [2]], "relevant needs a collection .* user 1 has None"),
        ("apple", [["apple"]], "relevant needs a sequence of collections .* got a str"),
        (None, [[1]], "relevant needs a sequence of collections .* got a NoneType"),
        ({"u": [1]}, [[1]], "relevant needs a sequence of collections .* got a dict"),
        ([[1]], [{1}], "recommended needs the items .* in order, best first; user 0 has a set"),
        ([[[1]]], [[1]], "relevant of user 0: items need labels that hash"),
        ([[1]], pd.DataFrame({"item": [1]}), "recommended needs a collection .* 'item'"),
    ],
)
def test_lists_that_are_none_are_named(metric, relevant, recommended, message):
    with pytest.raises(TypeError, match=message):
        metric(relevant, recommended)


@pytest.mark.parametrize("metric", [recall_at, ndcg_at])
def test_lists_in_any_form_count_the_same(metric):
    relevant, recommended = [[1, 2], [5]], [[2, 7], [4, 5]]
    expected = metric(relevant, recommended)
    for form in (np.array, pd.Series, tuple, iter):
        assert metric([{2, 1}, {5}], form(recommended)) == expected
    assert metric([np.array([1, 2]), pd.Series([5])], recommended) == expected


# ---------------------------------------------------------------------- labels named beside pairs


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"users": "abc"}, r"partial_fit needs a sequence of users; got 'abc'. For one user give"),
        ({"items": 5}, r"partial_fit needs a sequence of items; got 5. For one item give \[5\]"),
        ({"users": pd.DataFrame({"u": [1]})}, "Give the column of users alone"),
        ({"items": np.eye(2)}, "sequence of items; got a ndarray of 2 dimensions"),
        ({"items": [[1]]}, r"items need labels that hash, .* row 0 has \[1\]"),
    ],
)
def test_names_that_are_no_sequence_are_refused(named, message):
    model = quick()
    for _ in range(2):
        with pytest.raises(TypeError, match=message):
            model.partial_fit(PAIRS, **named)
        model.partial_fit(PAIRS)


def test_names_that_come_too_late_are_refused():
    model = quick().partial_fit(PAIRS, users=[77])
    model.partial_fit(PAIRS, users=[77, 0], items=range(5))
    before = model.predict(PAIRS)
    with pytest.raises(ValueError, match="users that it did not bring, for example row 1: 78"):
        model.partial_fit(PAIRS, users=[77, 78])
    np.testing.assert_array_equal(model.predict(PAIRS), before)
    assert model.n_iter_ == 2


@pytest.mark.parametrize("loss", ["bpr", "warp", "hinge", "infonce"])
def test_pairs_that_are_set_aside_teach_nothing(loss):
    """Whichever items these pairs have, what is learnt of their users' others is the same."""
    aside = np.array([0, 3, 8])
    parts = (np.setdiff1d(np.arange(len(PAIRS)), aside), aside)
    settings = {"early_stopping": True, "validation_fraction": parts, "n_iter_no_change": 99}
    losses = []
    for moved in (0, 1):
        pairs = np.array(PAIRS)
        pairs[aside, 1] += moved
        assert set(pairs[parts[0], 1]) == set(range(5))
        model = quick(loss, batch_size=4, max_epochs=5, **settings).fit(pairs)
        losses.append(model.history_[:, "train_loss"])
    assert losses[0] == losses[1]
