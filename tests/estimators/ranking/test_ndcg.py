"""NDCG of groups is that of scikit-learn, and is the score of a ranker."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from sklloss import mean_ndcg

from .small_queries import counts_of


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
            "y needs relevance >= 0; 1 of 4 rows has less, for example row 1: -1. Shift y",
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
