"""NeuralRanker names what it cannot take, before any training."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from sklloss.losses import LambdaRank
from sklloss.losses.ranking.ranking import has_order

from .small_queries import queries, quick

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
            "id 'q0' of row 0 comes back in row 11, after others.*argsort",
        ),
        ("query", ValueError, "an id per row, not the name 'query' of a column. Rename .* 'qid'"),
        ([3, 3, 3], ValueError, "group has 3 sizes that add up to 9, and X has 12 rows"),
        ([3, 3, 3, 4], ValueError, "add up to 13, and X has 12 rows"),
        ([12, 0], ValueError, "sizes >= 1; the size of group 1 is 0"),
        ([14, -2], ValueError, "sizes >= 1; the size of group 1 is -2"),
        ([6.5, 5.5], ValueError, "group has 2 values and X has 12 rows. Give one id per row"),
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
            "y needs relevance >= 0; 1 of 12 rows has less, for example row 4: -1. Shift y",
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
        y, message = changed(1.0 * Y, 4, -0.5), "for example row 4: -0.5"
    with pytest.raises(ValueError, match=message):
        quick(loss).fit(X, y, group=IDS)


def test_large_relevance_is_taken_where_no_gain_is_a_power_of_it():
    assert quick("ranknet").fit(X, 1000 * Y, group=IDS).predict(X).shape == (12,)
    quick("lambdarank").fit(X, changed(Y, 7, 31), group=IDS)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (changed(X, (3, 2), np.inf), ValueError, "X contains infinity"),
        (X[0], ValueError, "Expected 2D array"),
        (X[:, :0], ValueError, "0 feature"),
        (X[:0], ValueError, "0 sample|inconsistent"),
        (X[None], ValueError, "dim 3"),
        (
            pd.DataFrame(X).astype(object).replace(X[0, 0], "film"),
            ValueError,
            "Column 0 of X holds numbers and text, for example .* and 'film'",
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
        ({"module": "cnn"}, "network for other data .* Choose 'mlp', or give your own network"),
        ({"batch_size": 0}, "batch_size"),
        ({"loss": "huber"}, "Huber .'huber'. is a regression loss, and this needs one for ranking"),
        ({"loss": "lamdarank"}, "Did you mean 'lambdarank'"),
        ({"loss": nn.MarginRankingLoss()}, "Your own loss for ranking needs to be a Loss"),
        ({"loss": lambda scores, y: scores}, "Your own loss for ranking needs to be a Loss"),
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
