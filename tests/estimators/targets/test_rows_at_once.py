"""Networks with wide raw output answer a part of the rows at a time, with the same bits."""

import numpy as np
import pytest
from scipy import sparse

from sklloss import NeuralRegressor
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
