"""What passes for a missing label, whatever the estimator."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklloss import NeuralRegressor
from sklloss.estimators.inputs.missing import is_missing, missing

MISSING = [None, np.nan, np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN")]
LABELS = [0, 0.0, "", "nan", False, (), (1, "a"), np.inf, np.array([1, 2])]


@pytest.mark.parametrize("label", MISSING, ids=repr)
def test_missing_labels(label):
    assert is_missing(label)


@pytest.mark.parametrize("label", LABELS, ids=repr)
def test_labels(label):
    assert not is_missing(label)


def test_of_arrays_of_any_kind_and_shape():
    objects = np.array([[None, "a"], [pd.NA, 0]], dtype=object)
    assert missing(objects).tolist() == [[True, False], [True, False]]
    assert missing(objects).dtype == bool
    assert missing(np.array([0.0, np.nan])).tolist() == [False, True]
    assert missing(np.array(["2020", "NaT"], dtype="datetime64[D]")).tolist() == [False, True]
    for kind in (int, str, bool):
        assert missing(np.zeros((2, 3), dtype=kind)).tolist() == [[False] * 3] * 2
    assert missing(np.empty((0, 2), dtype=object)).shape == (0, 2)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_the_sign_of_nan_makes_no_row_another(kind):
    X = np.column_stack((np.repeat(np.arange(150.0), 2), np.full(300, np.nan)))
    Z = X.copy()
    Z[1::2, 1] = -np.nan
    fits = [
        NeuralRegressor(max_epochs=2, random_state=0).fit(kind(each), X[:, 0]) for each in (X, Z)
    ]
    assert len(fits[0].members_) == len(fits[1].members_) == 1
    np.testing.assert_array_equal(fits[0].predict(X), fits[1].predict(X))
