"""Peers: fairlearn, shap and others that take any fitted scikit-learn model.

They rely on these promises:

- estimators are cloned, and fitted again and again with weights and with labels as a Series
- ``predict`` takes arrays, frames and lists of rows, of any number of rows, and is a pure function
- what is predicted of a row does not depend on its neighbours
- attributions add up to the prediction; features without influence have none
- a model is a differentiable module from X, of as many columns as ``predict_proba``
- predictions and residuals are kept by index in frames of the user
"""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.inspection import partial_dependence, permutation_importance

from sklloss import NeuralClassifier, NeuralRegressor

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(80, 4)), columns=list("abcd"), index=np.arange(80) * 3 + 5)
Y = FRAME.a - 2 * FRAME.b + 0.1 * RNG.normal(size=80)
LABELS = pd.Series(np.where(Y > 0, "yes", "no"), index=FRAME.index)
SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 10, "lr": 0.02, "random_state": 0}
either = pytest.mark.parametrize(
    ("kind", "y", "method"),
    [(NeuralRegressor, Y, "predict"), (NeuralClassifier, LABELS, "predict_proba")],
    ids=["regressor", "classifier"],
)


@pytest.fixture(scope="module")
def regressor():
    return NeuralRegressor(**SMALL).fit(FRAME, Y)


@pytest.fixture(scope="module")
def classifier():
    return NeuralClassifier(**SMALL).fit(FRAME, LABELS)


# ---------------------------------------------------------------------- fairness


def test_rounds_of_weights_reduce_the_disparity_of_groups():
    """Reweighs rows until both groups are selected alike, as reductions do."""
    group, y = (FRAME.a > 0).to_numpy(), (Y > 0).astype(int)
    base, multiplier, gaps = NeuralClassifier(**SMALL), 0.0, []
    for _ in range(4):
        signed = (2 * y - 1) + multiplier * np.where(group, -1, 1)
        model = clone(base).fit(FRAME, (signed > 0).astype(int), sample_weight=np.abs(signed))
        selected = model.predict(FRAME)
        assert set(np.unique(selected)) <= {0, 1}
        gaps.append(selected[group].mean() - selected[~group].mean())
        multiplier += gaps[-1]
    assert abs(gaps[-1]) < abs(gaps[0])


# ---------------------------------------------------------------------- predictions


@either
def test_predict_is_a_pure_function_of_each_row(kind, y, method):
    model = kind(**SMALL).fit(FRAME.to_numpy(), y.to_numpy())
    rows = FRAME.to_numpy()
    whole = getattr(model, method)(rows)
    before = rows.copy()
    for some in ([0], [5, 5, 2], np.arange(80)[::-1], np.arange(1000) % 80):
        found = getattr(model, method)(rows[some])
        np.testing.assert_allclose(found, whole[some], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(rows, before)
    np.testing.assert_array_equal(getattr(model, method)(rows.tolist()), whole)
    np.testing.assert_array_equal(getattr(model, method)(np.asfortranarray(rows)), whole)
    rows.flags.writeable = False
    np.testing.assert_array_equal(getattr(model, method)(rows), whole)


def test_arrays_beside_frames_are_reported_as_scikit_learn_reports_them(regressor):
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        found = regressor.predict(FRAME.to_numpy())
    np.testing.assert_array_equal(found, regressor.predict(FRAME))


# ---------------------------------------------------------------------- explanations


def shapley(predict, row, background):
    """Return the exact Shapley values of one row's features, in loops."""
    n = len(row)

    def worth(present):
        mixed = background.copy()
        mixed[:, list(present)] = row[list(present)]
        return predict(mixed).mean(0)

    values = []
    for k in range(n):
        others = [j for j in range(n) if j != k]
        value = 0.0
        for size in range(n):
            weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for some in combinations(others, size):
                value = value + weight * (worth((*some, k)) - worth(some))
        values.append(value)
    return np.array(values)


@either
def test_attributions_add_up(kind, y, method):
    rows = FRAME.to_numpy()
    model = kind(**SMALL).fit(rows, y.to_numpy())
    predict = getattr(model, method)
    values = shapley(predict, rows[3], rows[:20])
    total = predict(rows[3:4])[0] - predict(rows[:20]).mean(0)
    np.testing.assert_allclose(values.sum(0), total, rtol=1e-4, atol=1e-5)
    size = np.abs(values.reshape(4, -1)).max(1)
    assert size.argmax() < 2


def test_what_never_varied_has_no_attribution():
    rows = np.column_stack((FRAME.to_numpy()[:, :2], np.full(80, 7.0)))
    model = NeuralRegressor(**SMALL).fit(rows, Y.to_numpy())
    changed = rows.copy()
    changed[:, 2] = np.linspace(-1e3, 1e3, 80)
    np.testing.assert_array_equal(model.predict(changed), model.predict(rows))


def test_importance_and_dependence_of_scikit_learn(regressor):
    importance = permutation_importance(regressor, FRAME, Y, n_repeats=3, random_state=0)
    assert importance.importances_mean.argmax() == 1
    curve = partial_dependence(regressor, FRAME, ["b"], grid_resolution=5)["average"][0]
    assert (np.diff(curve) < 0).all()


def test_gradients_of_the_module_say_which_features_count(regressor, classifier):
    rows = torch.tensor(FRAME.to_numpy(), requires_grad=True)
    regressor.to_module()(rows).sum().backward()
    size = rows.grad.abs().mean(0)
    assert size.argmax() == 1
    assert size[2] < size[1] / 2
    probabilities = classifier.to_module()(torch.tensor(FRAME.to_numpy()))
    assert probabilities.shape == (80, 2)
    expected = classifier.predict_proba(FRAME)
    np.testing.assert_allclose(probabilities.numpy(), expected, rtol=1e-4, atol=1e-6)


@either
def test_results_are_kept_by_index_in_frames(kind, y, method):
    model = kind(**SMALL).fit(FRAME, y)
    table = FRAME.assign(found=model.predict(FRAME))
    assert table.index.equals(FRAME.index)
    shuffled = FRAME.sample(frac=1, random_state=0)
    again = pd.Series(model.predict(shuffled), index=shuffled.index)
    if kind is NeuralRegressor:
        np.testing.assert_allclose(again[FRAME.index], table.found, rtol=1e-5)
    else:
        assert (again[FRAME.index] == table.found).all()
