"""Weights of classes, where some have none or are not there."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score

from sklloss import LossSearchCV, NeuralClassifier
from sklloss.losses.catalogue import CATALOGUE

OF_CLASSES = [cls for cls in CATALOGUE if cls.task == "classification"]
# All rows in one batch; numbers are not encoded, which would depend on what rows weigh.
FULL_BATCH = {
    "hidden_layer_sizes": (8,), "max_epochs": 8, "lr": 0.003, "numeric_encoding": "none",
    "n_members": 1, "random_state": 0,
}  # fmt: skip


def test_class_weights_may_name_a_class_that_a_fold_lacks():
    X, y = load_iris(return_X_y=True)
    model = NeuralClassifier(class_weight={0: 1, 1: 2, 2: 5}, max_epochs=3, random_state=0)
    folds = [(np.arange(75), np.arange(75, 150)), (np.arange(50, 150), np.arange(50))]
    scores = cross_val_score(model, X, y, cv=folds, error_score="raise")
    assert np.isfinite(scores).all()
    search = LossSearchCV(model, {"loss": ["mse", "cross_entropy"]}, cv=folds, error_score="raise")
    assert search.fit(X, y).cv_results_["split0_test_score"][1] == scores[0]
    y = np.array(["a", "b", "c"])[y]
    known = y != "c"
    weighted = clone(model).set_params(class_weight={"a": 1.0, "b": 2.0, "c": 5.0})
    same = clone(model).set_params(class_weight={"b": 2.0}).fit(X[known], y[known])
    np.testing.assert_array_equal(
        weighted.fit(X[known], y[known]).predict_proba(X), same.predict_proba(X)
    )


def test_a_class_of_weight_0_is_as_if_left_out():
    X, y = load_iris(return_X_y=True)
    known = y != 1
    model = NeuralClassifier(max_epochs=3, random_state=0)
    without = clone(model).fit(X[known], y[known])
    ignored = clone(model).set_params(class_weight={1: 0, 2: 1}).fit(X, y)
    assert ignored.classes_.tolist() == [0, 2]
    np.testing.assert_array_equal(ignored.predict_proba(X), without.predict_proba(X))


def weighted_both_ways(loss):
    """Return classifiers whose classes weigh 1, 4 and .5: by class, and by row."""
    X, y = load_iris(return_X_y=True)
    rows = np.r_[0:40, 50:90, 100:120]
    X, y = X[rows], y[rows] if loss.multi_class else y[rows] % 2
    factors = {0: 1.0, 1: 4.0, 2: 0.5}
    by_class = NeuralClassifier(loss(), class_weight=factors, **FULL_BATCH).fit(X, y)
    weights = [factors[label] for label in y.tolist()]
    by_row = NeuralClassifier(loss(), **FULL_BATCH).fit(X, y, sample_weight=weights)
    return by_class.decision_function(X), by_row.decision_function(X)


@pytest.mark.parametrize("loss", [c for c in OF_CLASSES if not c.balances], ids=lambda c: c.name)
def test_weights_of_classes_are_weights_of_their_rows(loss):
    np.testing.assert_array_equal(*weighted_both_ways(loss))


@pytest.mark.parametrize("loss", [c for c in OF_CLASSES if c.balances], ids=lambda c: c.name)
def test_weights_of_classes_come_on_top_of_a_loss_that_balances(loss):
    """Weights of rows change what is balanced: where they are all that differs, to nothing."""
    by_class, by_row = weighted_both_ways(loss)
    assert np.abs(by_class - by_row).max() > 0.01
