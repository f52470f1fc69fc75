"""What is alike, and what is recommended among some items or without some."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from sklloss import Recommender
from sklloss.estimators.recommendation import similarity

from .small_interactions import N_ITEMS, quick, ratings, small, tastes


@pytest.fixture(scope="module")
def fitted():
    return small().fit(tastes()[0])


def cosines(table):
    factors = table.detach().numpy()[:, :-1].astype(np.float64)
    factors /= np.linalg.norm(factors, axis=1, keepdims=True)
    return factors @ factors.T


@pytest.mark.parametrize("loss", ["bpr", "mse", "cross_entropy"])
@pytest.mark.parametrize("noun", ["item", "user"])
def test_similarity_is_the_cosine_of_vectors_a_mean_over_members(loss, noun):
    X, y = ratings()
    model = quick(loss, n_members=2).fit(X[:300], None if loss == "bpr" else y[:300])
    tables = [getattr(net.module_, f"{noun}_table") for net in model.members_]
    expected = np.mean([cosines(table) for table in tables], 0)
    labels = getattr(model, f"{noun}s_")
    table = getattr(model, f"similar_{noun}s")([labels[5], labels[2]], n=4)
    assert list(table.columns) == [noun, f"similar_{noun}", "score", "rank"]
    assert table[noun].tolist() == [labels[5]] * 4 + [labels[2]] * 4
    assert table["rank"].tolist() == [1, 2, 3, 4] * 2
    for label, row in ((labels[5], 5), (labels[2], 2)):
        order = np.argsort(-expected[row])[:4]
        found = table[table[noun] == label]
        assert found[f"similar_{noun}"].tolist() == labels[order].tolist()
        np.testing.assert_allclose(found.score, expected[row, order], atol=1e-6)
        assert found[f"similar_{noun}"].iloc[0] == label


def test_items_of_one_group_are_alike(fitted):
    table = fitted.similar_items(fitted.items_, n=4)
    assert ((table.item - table.similar_item) % 3 == 0).mean() > 0.9
    users = fitted.similar_users(["user 4"], n=4).similar_user
    assert all(int(user[5:]) % 3 == 1 for user in users)


def test_filtered_items_are_not_found_and_all_others_are(fitted):
    table = fitted.similar_items([101, 107], n=1000, filter_items=[101, 104])
    for item in (101, 107):
        found = table[table.item == item].similar_item
        assert sorted(found) == sorted(set(fitted.items_) - {101, 104})
    assert fitted.similar_items([]).shape == (0, 4)
    assert fitted.similar_items(iter([101]), n=1).item.tolist() == [101]


def test_never_all_with_all_at_once(fitted, monkeypatch):
    whole = fitted.similar_items(fitted.items_, n=3)
    asked, best_of = [], similarity.best_of

    def watched(scores, n):
        asked.append(scores.shape)
        return best_of(scores, n)

    monkeypatch.setattr(similarity, "best_of", watched)
    monkeypatch.setattr(similarity, "NUMBERS_AT_ONCE", 7 * N_ITEMS)
    pd.testing.assert_frame_equal(fitted.similar_items(fitted.items_, n=3), whole)
    assert asked == [(7, N_ITEMS)] * 3 + [(3, N_ITEMS)]


def test_a_vector_without_direction_is_like_nothing():
    model = quick().fit(tastes()[0])
    model.net_.module_.item_table.data[3] = 0
    table = model.similar_items([model.items_[3]], n=2)
    assert table.score.tolist() == [0, 0]


# ---------------------------------------------------------------------- among some items


def test_recommendations_among_some_items_or_without_some(fitted):
    every = fitted.recommend(["user 2", "user 3"], n=1000)
    only, without = [102, 105, 108, 100], [105, 123]
    for given, left in (
        ({"items": only}, set(only)),
        ({"filter_items": without}, set(fitted.items_) - set(without)),
        ({"items": np.array(only), "filter_items": pd.Series(without)}, set(only) - {105}),
        ({"items": []}, set()),
        ({"items": only, "exclude_seen": False}, set(only)),
    ):
        expected = every
        if "exclude_seen" in given:
            expected = fitted.recommend(["user 2", "user 3"], n=1000, exclude_seen=False)
        expected = expected[expected.item.isin(left)].drop(columns="rank")
        table = fitted.recommend(["user 2", "user 3"], n=1000, **given)
        pd.testing.assert_frame_equal(
            table.drop(columns="rank"), expected.reset_index(drop=True), check_dtype=False
        )
        assert table["rank"].tolist() == [
            *range(1, (table.user == "user 2").sum() + 1),
            *range(1, (table.user == "user 3").sum() + 1),
        ]
    popular = fitted.recommend(["nobody"], n=9, items=only)
    assert sorted(popular.item) == sorted(only)


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("method", "given", "message"),
    [
        ("similar_items", {"items": [101, 999]}, "1 of 2 are others: 999. Leave them out"),
        ("similar_items", {"items": [101], "filter_items": [7, 8]}, "others: 7, 8. .* items_"),
        ("similar_items", {"items": range(50, 57)}, "50, 51, 52, 53, 54 and 2 more"),
        ("similar_items", {"items": ["a film"]}, "None of the 1 items is known: they are text"),
        ("similar_items", {"items": [101], "n": 0}, "similar_items needs n >= 1"),
        ("similar_users", {"users": ["nobody"]}, "similar_users knows the users of fit alone"),
        ("recommend", {"items": [100, 5]}, "recommend knows the items of fit alone, .*: 5. "),
        ("recommend", {"filter_items": [5]}, "recommend knows the items of fit alone, .*: 5. "),
    ],
)
def test_unknown_labels_are_named(method, given, message, fitted):
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(**given)


def test_one_label_is_no_sequence(fitted):
    with pytest.raises(TypeError, match=r"similar_items needs a sequence of items; got 101. For"):
        fitted.similar_items(101)
    with pytest.raises(TypeError, match=r"For one item give \['a'\]"):
        fitted.recommend(items="a")


@pytest.mark.parametrize("method", ["similar_items", "similar_users"])
def test_nothing_is_alike_before_fit(method):
    with pytest.raises(NotFittedError):
        getattr(Recommender(), method)([1])
