"""Groups of rows: ids and sizes mean what they say, whatever type they have, and what is neither is
named."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import GroupKFold

from sklloss import NeuralRanker, mean_ndcg
from sklloss.estimators.ranking.row_groups import sizes_of

X = np.random.default_rng(0).normal(size=(12, 3))
Y = np.tile([0, 1, 2], 4)
IDS = np.repeat(np.arange(4), 3)


def quick(**params):
    settings = {"hidden_layer_sizes": (4,), "max_epochs": 2, "random_state": 0}
    return NeuralRanker("ranknet", **{**settings, **params})


def objects(values):
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


@pytest.mark.parametrize(
    ("group", "sizes"),
    [
        (IDS + 0.5, [3, 3, 3, 3]),
        (np.repeat([True, False], 6), [6, 6]),
        (pd.Categorical(list("aaabbbcccddd"), categories=list("zdcab")), [3, 3, 3, 3]),
        (pd.Series(pd.array(list("aaaaaabbbbbb"), dtype="string")), [6, 6]),
        (pd.array(IDS, dtype="Int64"), [3, 3, 3, 3]),
        (pd.to_datetime(["2020-01-02"] * 6 + ["2020-01-01"] * 6), [6, 6]),
        (objects([(1, 2)] * 4 + [(1, 3)] * 8), [4, 8]),
        ([1] * 6 + ["1"] * 6, [6, 6]),  # which an array would make one
        ([10**30] * 6 + [10**30 + 1] * 6, [6, 6]),
        (torch.tensor(IDS), [3, 3, 3, 3]),
        (np.array([3, 9], dtype=np.uint8), [3, 9]),
        (objects([np.int64(3), 9]), [3, 9]),
        (pd.Series(IDS).groupby(IDS).size(), [3, 3, 3, 3]),
    ],
)
def test_ids_and_sizes_of_any_type(group, sizes):
    assert sizes_of(group, 12).tolist() == sizes


@pytest.mark.parametrize(
    ("group", "error", "message"),
    [
        (["a"] * 6 + [float("nan")] * 6, ValueError, "6 missing ids, the first in row 6"),
        (pd.array(["a"] * 11 + [None], dtype="string"), ValueError, "1 missing id, .* row 11"),
        (
            np.array(["2020"] * 11 + ["NaT"], dtype="datetime64[ns]"),
            ValueError,
            "1 missing id, the first in row 11",
        ),
        ([[0], [1, 2]] + [[0]] * 10, TypeError, r"told apart, .*; row 0 has \[0\]"),
        (objects([np.array([1, 2])] * 12), TypeError, "row 0 has array"),
        (objects([1] * 6 + [{1}] * 6), TypeError, "row 6 has {1}"),
        (np.array([2**62] * 3 + [2**62 + 12]), ValueError, "add up to 18446744073709551628"),
        (np.array([2**63, 2**63 + 12], dtype=np.uint64), ValueError, "18446744073709551628"),
        ([10**30, 12], ValueError, "2 sizes that add up to 1000000000000000000000000000012"),
        ([True, False], ValueError, "group has 2 values and X has 12 rows"),
        (iter(IDS), ValueError, r"got shape \(\)"),
    ],
)
def test_groups_of_odd_types_are_named(group, error, message):
    with pytest.raises(error, match=message):
        sizes_of(group, 12)
    with pytest.raises(error, match=message):
        mean_ndcg(Y, X[:, 0], group)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (["a", "b", "c", "d"], "group_weight must be numbers, one per group; .* 'a'"),
        (["a", "b"] + ["a"] * 10, "group_weight must be numbers"),
        ([1.0] * 11 + [None], "group_weight must be finite; .* 1 of 12 rows, for example row 11"),
        (np.r_[np.nan, np.ones(11)], "group_weight must be finite; .* row 0"),
        ([1, np.nan, 1, 1], "group_weight must be finite; .* 1 of 4 groups, for example group 1"),
        ([[1], [1, 2], [1], [1]], "group_weight must be numbers"),
        (np.ones(4) * 1j, "Complex data not supported: group_weight"),
        (np.array(["2020"] * 4, dtype="datetime64[D]"), "group_weight holds dates or times"),
    ],
)
def test_weights_of_groups_that_are_none_are_named(weights, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(X, Y, group=IDS, group_weight=weights)
    with pytest.raises(ValueError, match=message):
        mean_ndcg(Y, X[:, 0], IDS, group_weight=weights)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["good"] * 12, "y must be numbers, one per row; .*'good'"),
        (Y * 1j, "Complex data not supported: y"),
        (np.array(["2020"] * 12, dtype="datetime64[D]"), "y holds dates or times"),
        ([[1], [1, 2]] + [[1]] * 10, "y must be numbers"),
        ([10**400] * 12, "y must be numbers, .*too large"),
    ],
)
def test_relevance_that_is_none_is_named_in_fit_and_score(y, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y, group=IDS)
    with pytest.raises(ValueError, match=message):
        quick().fit(X, Y, group=IDS).score(X, y, group=IDS)
    with pytest.raises(ValueError, match=message.replace("y ", "y_score ", 1)):
        mean_ndcg(Y, y, IDS)


@pytest.mark.parametrize(
    ("gain", "y"), [("exponential", [0, 2000, 4000]), ("linear", [0, 1.5e308, 1e308])]
)
def test_gains_that_leave_the_numbers_are_named(gain, y):
    with pytest.raises(ValueError, match=f"too large for gain='{gain}': its largest value is"):
        mean_ndcg(y, [1, 2, 3], gain=gain)
    assert 0 < mean_ndcg(np.array(y) / 8, [3, 2, 1], gain=gain) < 1


def test_columns_of_one_name_are_refused():
    table = pd.DataFrame(np.c_[IDS, IDS, X], columns=["qid", "qid", "a", "b", "c"])
    with pytest.raises(ValueError, match="X has 2 columns named 'qid'. Rename them"):
        quick().fit(table, Y)


def test_parts_that_are_set_aside_are_counted_in_groups():
    of_rows = (np.arange(6), np.arange(6, 12))
    with pytest.raises(ValueError, match="names group 5; X has 4 groups, counted from 0"):
        quick(early_stopping=True, validation_fraction=of_rows).fit(X, Y, group=IDS)
    with pytest.raises(ValueError, match="leave groups to train on; got 0.9 of 4 groups"):
        quick(early_stopping=True, validation_fraction=0.9).fit(X, Y, group=IDS)
    with pytest.raises(ValueError, match=r"GroupKFold.* cannot split 4 groups .*Use KFold"):
        quick(early_stopping=True, validation_fraction=GroupKFold(2)).fit(X, Y, group=IDS)


def test_batches_may_be_a_number_of_numpy():
    expected = quick(batch_size=2).fit(X, Y, group=IDS).predict(X)
    found = quick(batch_size=np.int64(2)).fit(X, Y, group=IDS).predict(X)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("loss", ["lambdarank", "ranknet", "listnet", "approx_ndcg", "hinge"])
def test_groups_that_are_set_aside_teach_nothing(loss):
    parts = (np.arange(3), np.arange(3, 4))
    settings = {"hidden_layer_sizes": (4,), "max_epochs": 3, "random_state": 0}
    model = NeuralRanker(loss, scale_inputs=False, **settings)
    alone = model.fit(X[:9], Y[:9], group=IDS[:9]).history_[:, "train_loss"]
    model.set_params(early_stopping=True, validation_fraction=parts, n_iter_no_change=99)
    for X_aside, y_aside in ((X[9:], Y[9:]), (5 - X[9:], Y[9:][::-1])):
        model.fit(np.r_[X[:9], X_aside], np.r_[Y[:9], y_aside], group=IDS)
        assert model.history_[:, "train_loss"] == alone
