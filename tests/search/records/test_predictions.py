"""What candidates predict for the test rows, kept where the user asks for it."""

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import (
    KFold,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    cross_val_predict,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralClassifier, NeuralMultiTask, NeuralRegressor
from sklloss.search.records.predictions import Piece, combined

from ...laws.small_models import ONE_NETWORK

SMALL = {**ONE_NETWORK, "hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0}


def kept(estimator, grid, X, y, **params):
    return LossSearchCV(estimator, grid, keep_predictions=True, **params).fit(X, y)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("stack_size", [1, "auto"])
def test_predictions_are_those_of_cross_val_predict(n_jobs, stack_size, diabetes):
    X, y = diabetes
    net = Pipeline([("scale", StandardScaler()), ("net", NeuralRegressor(**SMALL))])
    search = kept(
        net, {"net__loss": ["mse", "mae"]}, X, y, cv=3, n_jobs=n_jobs, stack_size=stack_size
    )
    assert search.best_score_ > -9
    for loss, said in zip(["mse", "mae"], search.predictions_, strict=True):
        expected = cross_val_predict(net.set_params(net__loss=loss), X, y, cv=3)
        np.testing.assert_array_equal(said["predict"], expected)
        assert list(said) == ["predict"]


def test_labels_and_probabilities(breast_cancer):
    X, y = breast_cancer
    net = NeuralClassifier(**SMALL)
    search = kept(net, {"loss": ["cross_entropy", "hinge"]}, X, y, cv=KFold(3))
    said, of_hinge = search.predictions_
    expected = cross_val_predict(net, X, y, cv=KFold(3), method="predict_proba")
    np.testing.assert_array_equal(said["predict_proba"], expected)
    np.testing.assert_array_equal(said["predict"], cross_val_predict(net, X, y, cv=KFold(3)))
    assert list(of_hinge) == ["predict"]


def test_intervals_of_losses_with_a_distribution(diabetes):
    X, y = diabetes
    grid = [
        {"loss": ["mse", "gaussian_nll"]},
        {"loss": ["multi_quantile"], "loss__quantiles": [(0.2, 0.5)]},
    ]
    search = kept(NeuralRegressor(**SMALL), grid, X, y, cv=KFold(2))
    assert [sorted(said) for said in search.predictions_] == [
        ["predict"],
        ["predict", "predict_interval"],
        ["predict"],
    ]
    low, high = search.predictions_[1]["predict_interval"].T
    net = NeuralRegressor("gaussian_nll", **SMALL).fit(X[221:], y[221:])
    np.testing.assert_array_equal(np.stack([low, high], 1)[:221], net.predict_interval(X[:221]))
    assert (low < high).all()


def test_repeats_and_seeds_are_averaged(diabetes):
    X, y = diabetes
    cv = RepeatedKFold(n_splits=2, n_repeats=3, random_state=0)
    (said,) = kept(NeuralRegressor(**SMALL), {"loss": ["mse"]}, X, y, cv=cv, n_seeds=2).predictions_
    total = np.zeros(len(y))
    for train, test in cv.split(X):
        for seed in (0, 1):
            net = NeuralRegressor("mse", **{**SMALL, "random_state": seed})
            total[test] += net.fit(X[train], y[train]).predict(X[test])
    np.testing.assert_allclose(said["predict"], total / 6, rtol=1e-6)


def test_rows_that_are_never_tested(breast_cancer):
    X, y = breast_cancer
    cv = ShuffleSplit(2, test_size=0.2, random_state=0)
    (said,) = kept(NeuralClassifier(**SMALL), {"loss": ["mse"]}, X, y, cv=cv).predictions_
    tested = np.zeros(len(y), dtype=bool)
    for _, test in cv.split(X):
        tested[test] = True
    assert not tested.all()
    np.testing.assert_array_equal(np.isnan(said["predict_proba"][:, 0]), ~tested)
    assert set(said["predict"][tested]) == {"benign", "malignant"}
    assert all(label is None for label in said["predict"][~tested])


def test_classes_that_a_fold_lacks():
    X, y = load_wine(return_X_y=True)
    (said,) = kept(
        NeuralClassifier(**SMALL), {"loss": ["cross_entropy"]}, X, y, cv=PredefinedSplit(y)
    ).predictions_
    assert said["predict_proba"].shape == (len(y), 3)
    np.testing.assert_allclose(said["predict_proba"].sum(1), 1, rtol=1e-5)
    assert (said["predict_proba"][np.arange(len(y)), y] == 0).all()


def test_fits_that_fail(diabetes):
    X, y = diabetes
    y = np.where(np.arange(len(y)) < 221, y, -y)
    cv = [(np.arange(150), np.arange(150, 221)), (np.arange(221, 442), np.arange(150))]
    search = LossSearchCV(NeuralRegressor(**SMALL), {"loss": ["mse", "poisson"], "lr": [0.01, -1]},
                          cv=cv, keep_predictions=True)  # fmt: skip
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search.fit(X, y)
    mse, none, poisson, also_none = search.predictions_
    assert none is also_none is None
    assert np.isfinite(mse["predict"][:221]).all()
    assert np.isnan(poisson["predict"][:150]).all()
    assert np.isfinite(poisson["predict"][150:221]).all()
    assert np.isnan(mse["predict"][221:]).all()


def test_several_targets_of_labels_and_numbers(diabetes):
    X, y = diabetes
    both = np.stack([y.astype(object), np.where(y > 140, "high", "low")], axis=1)
    net = NeuralMultiTask(
        {0: "mse", 1: "cross_entropy"}, max_epochs=2, hidden_layer_sizes=(8,), random_state=0
    )
    cv = RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)
    (said,) = kept(net, {"lr": [0.01]}, X, both, cv=cv, scoring=lambda *_: 1.0).predictions_
    assert said["predict"].shape == both.shape
    assert set(said["predict"][:, 1]) <= {"high", "low"}


def test_votes():
    pieces = [
        Piece(np.array([0, 1]), {"predict": np.array(["a", "b"])}),
        Piece(np.array([0, 1]), {"predict": np.array(["b", "b"])}),
        Piece(np.array([0, 1]), {"predict": np.array(["b", "a"])}),
    ]
    assert combined(pieces, 2, are_labels=True)["predict"].tolist() == ["b", "b"]
    numbers = [Piece(np.array([1]), {"predict": np.array([3])})]
    np.testing.assert_array_equal(combined(numbers, 2, True)["predict"], [np.nan, 3])


def test_nothing_is_kept_unless_asked(diabetes):
    search = LossSearchCV(NeuralRegressor(**SMALL), {"loss": ["mse"]}, cv=2)
    assert not hasattr(search.fit(*diabetes), "predictions_")
    with pytest.raises(ValueError, match="LossSearchCV needs keep_predictions"):
        search.set_params(keep_predictions="yes").fit(*diabetes)
