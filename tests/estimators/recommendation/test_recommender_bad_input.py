"""Recommender names what it cannot take, before any training."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklloss import NeuralMultiTask
from sklloss.losses import BPR

from .small_interactions import bits_of, quick, ratings, small, tastes


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


PAIRS = [("a", 1), ("b", 2), ("a", 2)]


@pytest.mark.parametrize(
    ("X", "error", "said"),
    [
        ([], ValueError, "0 rows"),
        (None, ValueError, "row 0: None"),
        ("ab", ValueError, "2 of 2 rows are something else"),
        ([("a", 1), ("b",)], ValueError, "row 1"),
        ([("a", 1, 5.0)], ValueError, "row 0"),
        (["ab", "cd"], ValueError, "row 0: 'ab'"),
        (np.zeros((3, 3)), ValueError, r"\(3, 3\). Ratings or counts are an argument of their own"),
        (np.zeros(4), ValueError, r"two columns, a user and an item; got the shape \(4,\)"),
        (pd.DataFrame({"a": [1]}), ValueError, r"\(1, 1\)"),
        (sparse.csr_array(np.eye(3)), TypeError, r"X.nonzero\(\)"),
        (
            [("a", 1), (None, 2)],
            ValueError,
            "users need labels; 1 of 2 rows has none, .* row 1: None",
        ),
        ([("a", 1), ("b", float("nan"))], ValueError, "items need labels; .* row 1: nan"),
        (pd.DataFrame({"u": ["a", pd.NA], "i": [1, 2]}), ValueError, "users need labels; .* row 1"),
        (np.array([[1.0, np.nan]]), ValueError, "items need labels"),
        ([("a", 1), (["b"], 2)], TypeError, r"users need labels that hash, .* row 1 has \['b'\]"),
        ([("a", {}), ("b", 2)], TypeError, "items need labels that hash"),
    ],
)
def test_what_is_no_pair(X, error, said):
    with pytest.raises(error, match=said):
        quick().fit(X)


@pytest.mark.parametrize(
    ("ratings", "said"),
    [
        (None, "Loss 'squared_error' learns ratings, and ratings are None|learns ratings"),
        ([1, 2], r"shape \(3,\); got \(2,\)"),
        ([[1, 2]] * 3, r"got \(3, 2\)"),
        ([1, np.nan, 2], "NaN or infinity in 1 of 3 rows, for example row 1"),
        ([1, None, 2], "NaN|numbers"),
        ([1, np.inf, 2], "row 1"),
        (["good", "bad", "good"], "ratings must be numbers, one per row"),
    ],
)
def test_ratings_that_are_none(ratings, said):
    with pytest.raises(ValueError, match=said):
        quick("mse").fit(PAIRS, ratings)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (
            [1, -1, 2],
            "counts or confidences >= 0 .* 1 of 3 rows is negative, for example row 1: -1",
        ),
        ([1, np.nan, 2], "NaN"),
        ([0, 0, 0], "counts of all 3 pairs are 0"),
        ([1, 2], r"got \(2,\)"),
    ],
)
def test_counts_that_are_none(counts, said):
    with pytest.raises(ValueError, match=said):
        quick("bpr").fit(PAIRS, counts)


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ({"loss": "ctc"}, ValueError, "recommendation"),
        ({"loss": "hinges"}, ValueError, "Did you mean 'hinge'"),
        ({"loss": BPR(n_negatives=0)}, ValueError, "n_negatives >= 1|n_negatives"),
        ({"n_factors": 0}, ValueError, "n_factors"),
        ({"n_factors": 2.5}, ValueError, "n_factors"),
        ({"weight_decay": -1}, ValueError, "weight_decay"),
        ({"weight_decay": "much"}, ValueError, "weight_decay"),
        ({"score_at": 0}, ValueError, "score_at"),
        ({"lr": 0}, ValueError, "lr"),
        ({"random_state": -1}, ValueError, "random_state"),
        ({"device": "nowhere"}, ValueError, "cannot be used here"),
    ],
)
def test_parameters_outside_their_domain(params, error, said):
    with pytest.raises(error, match=said):
        quick(**params).fit(PAIRS)


def test_estimators_whose_weight_decay_has_no_automatic_value():
    with pytest.raises(ValueError, match="weight_decay"):
        NeuralMultiTask(weight_decay="auto").fit(np.eye(3), np.array([[1.0], [2.0], [3.0]]))


def test_weights_that_are_none():
    for weights, said in [
        ([1, -1, 1], "negative"),
        ([0, 0, 0], "nothing to learn|at least one non-zero"),
        ([1, 1], "shape|inconsistent"),
    ]:
        with pytest.raises(ValueError, match=said):
            quick().fit(PAIRS, sample_weight=weights)
        with pytest.raises(ValueError, match=said):
            quick().fit(PAIRS, [1, 2, 3], sample_weight=weights)


def test_what_predict_and_recommend_do_not_take(fitted, fitted_to_ratings, rated):
    with pytest.raises(
        ValueError, match=r"None of the 2 users is known: they are numbers, .* text"
    ):
        fitted.predict([(1, 100), (2, 101)])
    with pytest.raises(ValueError, match="np.array turns numbers beside text"):
        fitted.predict(np.array([("user 1", 100)]))
    with pytest.raises(TypeError, match=r"For one user give \['user 1'\]"):
        fitted.recommend("user 1")
    with pytest.raises(TypeError, match="sequence of users; got 5"):
        fitted.recommend(5)
    with pytest.raises(TypeError, match=r"got a DataFrame of 2 columns.*X\['person'\]\.unique"):
        fitted.recommend(pd.DataFrame({"person": ["user 1"], "film": [100]}))
    for n in (0, 1.5, -1):
        with pytest.raises(ValueError, match="recommend needs n"):
            fitted.recommend(n=n)
    with pytest.raises(ValueError, match="learns ratings"):
        fitted_to_ratings.score(rated[0])


def test_swapped_columns_of_a_frame_are_named():
    frame = pd.DataFrame({"who": [1, 2, 1], "what": [5, 5, 6]})
    model = quick().fit(frame)
    with pytest.raises(
        ValueError, match=r"columns \['what', 'who'\], and those of fit were \['who', 'what'\]"
    ):
        model.predict(frame[["what", "who"]])
    model.predict(frame.to_numpy())


def test_a_fit_that_fails_leaves_the_model_as_it_was(data):
    model = quick().fit(data[0])
    before = bits_of(model, data[1])
    with pytest.raises(ValueError, match="users need labels"):
        model.fit([(None, 1)])
    assert bits_of(model, data[1]) == before


def test_ratings_that_cannot_be_written_are_read():
    pairs, y = ratings()
    y.flags.writeable = False  # as those of a column of a DataFrame
    assert np.isfinite(quick("mse").fit(pairs, y).predict(pairs[:3])).all()
