"""The rows of a fit, taken for a fold."""

import numpy as np
import pytest

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
