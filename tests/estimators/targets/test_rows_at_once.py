"""Networks with wide raw output answer a part of the rows at a time, with the same bits."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.estimators.targets import answers
from sklloss.training import LossNet

rng = np.random.default_rng(0)
X = rng.normal(size=(250, 3))


@pytest.mark.parametrize("rows", [X, sparse.csr_array(X), X.astype(np.float32)])
def test_parts_say_what_all_rows_say(rows, monkeypatch):
    y = X @ rng.normal(size=(3, 4))
    how = {"n_members": 1, "max_epochs": 2, "numeric_encoding": "standard", "random_state": 0}
    model = NeuralRegressor("cross_entropy", **how).fit(rows, y)
    whole, seen, raw = model.predict(rows), [], LossNet.raw

    def noted(net, part):
        seen.append(part.shape[0] if hasattr(part, "shape") else len(part))
        return raw(net, part)

    monkeypatch.setattr(LossNet, "raw", noted)
    monkeypatch.setattr(answers, "MOST_NUMBERS", 100 * 4 * 57)
    np.testing.assert_array_equal(model.predict(rows), whole)
    assert seen == [100, 100, 50]


@pytest.mark.parametrize(
    ("estimator", "call"),
    [
        (NeuralRegressor(numeric_encoding="standard", activation="identity"), "predict"),
        (NeuralClassifier(numeric_encoding="standard", activation="identity"), "predict_proba"),
        (NeuralClassifier(numeric_encoding="standard", n_members=2), "predict"),
    ],
)
def test_networks_that_overflow_say_so(estimator, call):
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = clone(estimator).set_params(max_epochs=2, dtype="float32", random_state=0)
    model.fit(X, X[:, 0] > 0)
    X[[4, 7]] = 3e38 * model._learned.input_scaler.scale
    with pytest.raises(ValueError, match="network overflows.* for 2 of 30 rows.* row 4"):
        getattr(model, call)(X)
