"""Values of parameters as plain Python."""

import numpy as np
import pandas as pd
import pytest
import torch

from sklloss.parameters.plain import frozen, hashes, plain


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.0, 2.0]),
        torch.tensor([1.0, 2.0]),
        [1.0, 2.0],
        pd.Series([1.0, 2.0]),
        [np.float64(1.0), torch.tensor(2.0)],
    ],
    ids=lambda value: type(value).__name__,
)
def test_sequences_of_any_kind_become_tuples_of_plain_numbers(value):
    assert plain(value) == (1.0, 2.0)
    assert all(type(number) is float for number in plain(value))


def test_everything_else_stays_what_it_is():
    for value in (None, "adam", {"a": [1]}, np.ndarray, torch.nn.Linear(1, 1)):
        assert plain(value) is value


def test_equal_values_freeze_to_equal_keys_that_hash():
    assert frozen({"a": [1, 2]}) == frozen({"a": np.array([1, 2])})
    assert hashes(frozen({"a": [1, 2], "b": {"c": (1,)}}))
    assert frozen({"a": 1}) != frozen({"a": 2})
    assert not hashes({"a": 1})
