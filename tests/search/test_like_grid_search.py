"""LossSearchCV gives what GridSearchCV gives: scores, tables, refits, warnings and errors."""

import pickle
import warnings

import imblearn.pipeline
import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.over_sampling import RandomOverSampler
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_linnerud, load_wine
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning, NotFittedError
from sklearn.metrics import make_scorer, mean_absolute_error, recall_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, PredefinedSplit
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor
from sklloss.search.worker import Worker

from ..laws.small_models import ONE_NETWORK
from .equal_searches import assert_equal_searches

SMALL = {**ONE_NETWORK, "hidden_layer_sizes": (8,), "max_epochs": 4, "random_state": 0}
GRID = [{"loss": ["mse", "mae"], "lr": [0.001, 0.01]}, {"loss": ["huber"], "loss__delta": [0.5, 2]}]


def regressor(**params):
    return NeuralRegressor(**{**SMALL, **params})


def classifier(**params):
    return NeuralClassifier(**{**SMALL, **params})


def inside(prefix, grid):
    return [{f"{prefix}__{name}": values for name, values in part.items()} for part in grid]


def pipeline(**params):
    return Pipeline([("scale", QuantileTransformer(n_quantiles=50)), ("net", regressor(**params))])


SHELLS = {
    "net": (regressor(), GRID),
    "dropout, early stopping": (
        regressor(early_stopping=True, batch_size=50),
        {"dropout": [0.0, 0.5], "loss": ["crps", "mse"], "random_state": [0, 7]},
    ),
    "widths and optimisers": (
        regressor(),
        {"hidden_layer_sizes": [(), (4,)], "optimizer": ["adam", "sgd", "lbfgs"]},
    ),
    "pipeline": (
        pipeline(),
        {"net__loss": ["mse", "mae"], "scale": [MinMaxScaler(), "passthrough"]},
    ),
    "steps' parameters": (
        pipeline(),
        {"net__loss": ["huber"], "net__loss__delta": [1, 2], "scale__n_quantiles": [9, 60]},
    ),
    "the net itself": (pipeline(), {"net": [regressor(lr=0.01), regressor(loss="mae")]}),
    "target transformer": (
        TransformedTargetRegressor(regressor(), func=np.log, inverse_func=np.exp),
        inside("regressor", GRID),
    ),
    "pipeline in target transformer": (
        TransformedTargetRegressor(pipeline(), transformer=MinMaxScaler()),
        {"regressor__net__loss": ["mse", "mae"], "transformer": [MinMaxScaler(), None]},
    ),
    "target transformer in pipeline": (
        Pipeline([("scale", StandardScaler()), ("net", TransformedTargetRegressor(regressor()))]),
        inside("net__regressor", GRID),
    ),
    "members with folds of their own": (
        NeuralRegressor(hidden_layer_sizes=(8,), max_epochs=4, random_state=0),
        {"loss": ["mse", "mae"], "n_members": ["auto", 3]},
    ),
    "callbacks and warm starts": (
        regressor(),
        {"warm_start": [True, False], "loss": ["mse", "mae"]},
    ),
}


@pytest.mark.parametrize("name", SHELLS)
def test_scores_are_equal(name, diabetes):
    estimator, grid = SHELLS[name]
    assert_equal_searches(estimator, grid, *diabetes, cv=KFold(4), return_train_score=True)


@pytest.mark.parametrize("stack_size", [1, 2, 5])
def test_stack_size_changes_no_score(stack_size, diabetes):
    assert_equal_searches(regressor(), GRID, *diabetes, cv=3, own={"stack_size": stack_size})


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_workers_of_every_backend(backend, diabetes):
    estimator, grid = SHELLS["steps' parameters"]
    with joblib.parallel_config(backend=backend):
        assert_equal_searches(estimator, grid, *diabetes, cv=3, n_jobs=2)


@pytest.mark.parametrize(
    "refit", ["mae", False, lambda table: int(np.argmin(table["mean_test_r2"]))]
)
def test_several_metrics(refit, diabetes):
    scoring = {"r2": "r2", "mae": "neg_mean_absolute_error"}
    assert_equal_searches(regressor(), GRID, *diabetes, cv=3, scoring=scoring, refit=refit)


def two_scores(estimator, X, y):
    return {"mae": -mean_absolute_error(y, estimator.predict(X)), "r2": estimator.score(X, y)}


def test_a_function_that_gives_several_metrics(diabetes):
    assert_equal_searches(regressor(), GRID, *diabetes, cv=3, scoring=two_scores, refit="mae")
    search = LossSearchCV(regressor(), GRID, cv=3, scoring=two_scores)
    with pytest.raises(ValueError, match="multi-metric"):
        search.fit(*diabetes)


def test_string_labels_and_probabilities(breast_cancer):
    recall = make_scorer(recall_score, pos_label="malignant")
    scoring = {"recall": recall, "loss": "neg_log_loss", "auc": "roc_auc"}
    grid = {"loss": ["focal", "cross_entropy"], "class_weight": [None, "balanced"]}
    ours, known = assert_equal_searches(
        classifier(), grid, *breast_cancer, cv=3, scoring=scoring, refit="auc"
    )
    X = breast_cancer[0]
    np.testing.assert_array_equal(ours.predict_proba(X), known.predict_proba(X))
    np.testing.assert_array_equal(ours.decision_function(X), known.decision_function(X))
    assert ours.classes_.tolist() == ["benign", "malignant"]
    assert ours.feature_names_in_.tolist() == X.columns.tolist()
    assert ours.n_features_in_ == X.shape[1]


def test_other_kinds_of_data(diabetes, breast_cancer):
    X, y = diabetes
    frame = pd.DataFrame(X).add_prefix("column")
    named = pipeline().set_output(transform="pandas")
    ours, _ = assert_equal_searches(named, inside("net", GRID), frame, pd.Series(y), cv=3)
    assert ours.best_estimator_[-1].feature_names_in_.tolist() == frame.columns.tolist()
    assert_equal_searches(regressor(), GRID, sparse.csr_matrix(X), y, cv=3)
    assert_equal_searches(regressor(), GRID, X.tolist(), y.tolist(), cv=3)
    assert_equal_searches(regressor(), GRID, *load_linnerud(return_X_y=True), cv=3)
    X, y = breast_cancer
    labels = np.stack([y == "benign", X["mean radius"] > 14], axis=1).astype(int)
    assert_equal_searches(classifier(), {"loss": ["mse", "focal"]}, X, labels, cv=3)


def test_folds_that_lack_a_class():
    X, y = load_wine(return_X_y=True)
    grid = {"loss": ["cross_entropy", "hinge", "coral"]}
    assert_equal_searches(classifier(), grid, X, y, cv=PredefinedSplit(y))


def test_weights_and_groups(diabetes):
    X, y = diabetes
    weights, groups = np.random.default_rng(0).uniform(0, 3, len(y)), np.arange(len(y)) % 7
    weights[::5] = 0
    fit_params = {"sample_weight": weights, "groups": groups}
    ours, _ = assert_equal_searches(regressor(), GRID, X, y, fit_params, cv=GroupKFold(3))
    unweighted = LossSearchCV(regressor(), GRID, cv=GroupKFold(3)).fit(X, y, groups=groups)
    assert ours.best_score_ != unweighted.best_score_
    own = {"net__sample_weight": weights}
    assert_equal_searches(pipeline(), inside("net", GRID), X, y, own, cv=3)


@pytest.mark.parametrize("shell", [False, True])
def test_routed_metadata(shell, diabetes):
    X, y = diabetes
    weights = np.random.default_rng(0).uniform(0, 3, len(y))
    fit_params = {"sample_weight": weights, "groups": np.arange(len(y)) % 7}
    with sklearn.config_context(enable_metadata_routing=True):
        net = regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scale = StandardScaler().set_fit_request(sample_weight=True)
        estimator = Pipeline([("scale", scale), ("net", net)]) if shell else net
        grid = inside("net", GRID) if shell else GRID
        ours, _ = assert_equal_searches(estimator, grid, X, y, fit_params, cv=GroupKFold(3))
        plain = LossSearchCV(clone(estimator), grid, cv=GroupKFold(3))
        assert ours.best_score_ != plain.fit(X, y, groups=fit_params["groups"]).best_score_


def warnings_of(search, X, y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, y)
    return [w for w in caught if issubclass(w.category, UserWarning | FitFailedWarning)]


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (regressor(), {"loss": ["huber"], "loss__delta": [-1, 1]}),
        (regressor(), {"loss": ["mse", "poisson"]}),
        (regressor(), {"lr": [-1, 0.01], "n_iter_no_change": [5]}),
        (pipeline(), {"scale__n_quantiles": [-3, 20], "net__loss": ["mse", "mae"]}),
    ],
)
def test_fits_that_fail(estimator, grid, diabetes):
    X, y = diabetes
    y = y - y.mean()
    params = {"cv": 3, "error_score": -9.0, "return_train_score": True}
    ours, known = LossSearchCV(estimator, grid, **params), GridSearchCV(estimator, grid, **params)
    told, expected = (
        [w for w in warnings_of(search, X, y) if w.category is FitFailedWarning]
        for search in (ours, known)
    )
    assert len(told) == len(expected) == 1
    assert str(told[0].message).splitlines()[:5] == str(expected[0].message).splitlines()[:5]
    for name in ("mean_test_score", "split1_test_score", "rank_test_score", "mean_train_score"):
        np.testing.assert_array_equal(ours.cv_results_[name], known.cv_results_[name])
    failed = clone(ours).set_params(error_score="raise")
    with pytest.raises(ValueError, match=r"delta|y >= 0|lr|n_quantiles"):
        failed.fit(X, y)


def test_all_fits_fail(diabetes):
    X, y = diabetes
    with pytest.raises(ValueError, match="All the 3 fits failed"):
        LossSearchCV(regressor(), {"lr": [-1]}, cv=3).fit(X, y)


def test_a_scorer_that_fails(diabetes):
    for search in (LossSearchCV, GridSearchCV):
        told = warnings_of(search(regressor(), GRID, cv=2, scoring="roc_auc"), *diabetes)
        assert sum("Scoring failed" in str(w.message) for w in told) == 12
        assert sum("non-finite" in str(w.message) for w in told) == 1


def test_training_warns_as_there(diabetes):
    X, y = diabetes
    huge = {"lr": [1.0], "max_epochs": [2], "optimizer": ["sgd"], "loss": ["mae", "mse"]}
    told = [
        warnings_of(search(regressor(batch_size=200), huge, cv=2), X, y)
        for search in (LossSearchCV, GridSearchCV)
    ]
    # A search tells once of trainings that max_epochs ends.
    ours, known = (
        sorted(str(w.message) for w in warned if "max_epochs" not in str(w.message)[:70])
        for warned in told
    )
    assert ours == known
    assert ConvergenceWarning in [w.category for w in told[0]]


def test_what_is_no_net_is_searched_as_well_and_named(breast_cancer):
    estimator = OneVsRestClassifier(classifier())
    with pytest.warns(
        UserWarning, match="OneVsRestClassifier fits the network inside it by itself"
    ):
        assert_equal_searches(estimator, {"estimator__loss": ["mse", "mae"]}, *breast_cancer, cv=2)


def test_pipelines_that_resample_are_trained_together(breast_cancer, monkeypatch):
    estimator = imblearn.pipeline.Pipeline(
        [("more", RandomOverSampler(random_state=0)), ("net", classifier())]
    )
    grid = {"net__loss": ["mse", "mae"]}
    assert_equal_searches(estimator, grid, *breast_cancer, cv=2)
    monkeypatch.delattr(Worker, "_alone")
    LossSearchCV(estimator, grid, cv=2, error_score="raise").fit(*breast_cancer)


def test_clone_pickle_and_before_fit(diabetes):
    X, y = diabetes
    search = LossSearchCV(regressor(), GRID, cv=3, n_seeds=2, stack_size=3)
    with pytest.raises(NotFittedError):
        search.predict(X)
    twin = pickle.loads(pickle.dumps(clone(search).fit(X, y)))
    assert not hasattr(search, "cv_results_")
    assert twin.get_params()["n_seeds"] == 2
    assert twin.set_params(estimator__loss="mae").estimator.loss == "mae"
    np.testing.assert_array_equal(twin.predict(X), twin.best_estimator_.predict(X))


@pytest.mark.parametrize(
    "search",
    [
        LossSearchCV(regressor(max_epochs=40, lr=0.02), {"loss": ["mse"]}, cv=2),
        LossSearchCV(classifier(max_epochs=30, lr=0.001), {"loss": ["huber", "hinge"]}, cv=2),
    ],
    ids=["regressor", "classifier"],
)
def test_check_estimator_passes(search):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(search, on_fail=None, on_skip=None)
    assert not [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
