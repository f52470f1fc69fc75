"""The rows of a fit, taken for a fold."""

import numpy as np
import pytest

from sklloss import NeuralRegressor
from sklloss.estimators.fit.cache import Cache
from sklloss.estimators.fit.prepare import Preparation
from sklloss.estimators.inputs.data import FitData
from sklloss.estimators.inputs.sample import Sample

ROWS = np.array([4, 0, 3], dtype=np.int32)
DIFFERENT, EQUAL = np.arange(1.0, 6.0), np.full(5, 2.0)


def sample(row_weight, sample_weight):
    numbers = np.arange(5.0)[:, None]
    return Sample(numbers, 10 * numbers, row_weight, sample_weight, np.arange(5), 5)


@pytest.mark.parametrize("row_weight", [DIFFERENT, EQUAL])
@pytest.mark.parametrize("of_class", [1.0, np.array([1.0, 2, 1, 2, 1]), 1 / DIFFERENT])
@pytest.mark.parametrize("take", [Sample.of_rows, Sample.targets_of_rows])
def test_weights_go_with_their_rows(take, row_weight, of_class):
    whole = sample(row_weight, row_weight * of_class)
    taken = take(whole, ROWS)
    for name in ("y", "row_weight", "sample_weight", "kept"):
        np.testing.assert_array_equal(getattr(taken, name), getattr(whole, name)[ROWS])


def test_equal_weights_are_not_copied():
    whole = sample(EQUAL, EQUAL)
    taken = whole.targets_of_rows(ROWS)
    assert np.shares_memory(taken.row_weight, EQUAL)
    assert taken.sample_weight is taken.row_weight


def test_rows_may_repeat_and_be_chosen_by_a_mask():
    whole = sample(EQUAL, EQUAL)
    assert len(whole.of_rows(np.zeros(9, dtype=int)).row_weight) == 9
    assert len(whole.of_rows(DIFFERENT > 3).row_weight) == 2


@pytest.mark.parametrize("weight", [None, 0.1, 3.0])
def test_equal_weights_of_a_training_set_take_the_memory_of_one(weight):
    X = np.random.default_rng(0).normal(size=(300, 2))
    weights = None if weight is None else np.full(300, weight)
    prepared = Preparation(NeuralRegressor(random_state=0), Cache()).of(
        FitData(X, X[:, 0], weights)
    )
    for each in prepared.data:
        assert each.sample_weight.untyped_storage().nbytes() == each.sample_weight.itemsize
        np.testing.assert_array_equal(each.sample_weight, np.ones(300))
