"""What estimators return: its precision, and the shape of what a module gives."""

import numpy as np
import pandas as pd
import pytest
import torch

from sklloss import NeuralClassifier, NeuralRanker, NeuralRegressor

X = np.random.default_rng(0).normal(size=(240, 3))
Y = X[:, 0] + 0.1 * X[:, 1]
SHORT = {"max_epochs": 2, "random_state": 0}


@pytest.mark.parametrize(
    "rows", [X, X.astype(np.float32), pd.DataFrame(X, columns=["a", "b", "c"])]
)
@pytest.mark.parametrize("y", [Y > 0, np.digitize(Y, [-0.5, 0.5])])
@pytest.mark.parametrize("params", [{}, {"n_members": 1}, {"dtype": "float64"}])
def test_classifiers_answer_in_float64(rows, y, params):
    model = NeuralClassifier(**SHORT, **params).fit(rows, y)
    probability, decision = model.predict_proba(rows), model.decision_function(rows)
    assert probability.dtype == decision.dtype == np.float64
    # Of float32 they would add up to 1 within 1e-7 only, of which log_loss warns.
    np.testing.assert_allclose(probability.sum(1), 1, rtol=1e-13)
    assert (model.classes_[probability.argmax(1)] == model.predict(rows)).all()


@pytest.mark.parametrize("output", ["predict", "predict_proba", "decision_function"])
def test_a_module_may_give_a_single_number_per_row_as_a_column(output):
    if output == "predict":
        models = [NeuralRegressor(**SHORT).fit(X, Y)]
        models.append(NeuralRanker(**SHORT).fit(X, np.digitize(Y, [0]), group=[120, 120]))
    else:
        models = [NeuralClassifier(**SHORT).fit(X, Y > 0)]
    for model in models:
        plain = model.to_module(output)(torch.from_numpy(X))
        column = model.to_module(output, column=True)(torch.from_numpy(X))
        assert column.shape == (240, 2 if output == "predict_proba" else 1)
        assert torch.equal(column.view(plain.shape), plain)


def test_a_module_with_a_column_is_exported():
    module = NeuralRegressor(**SHORT).fit(X, Y).to_module(column=True)
    rows = torch.from_numpy(X)
    exported = torch.export.export(module, (rows,)).module()
    assert torch.equal(exported(rows), module(rows))
