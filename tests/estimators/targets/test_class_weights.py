"""Weights of classes, where some have none or are not there."""

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score

from sklloss import LossSearchCV, NeuralClassifier


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
