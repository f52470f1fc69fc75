"""Halving gives the rows of HalvingGridSearchCV, though no rung starts again."""

import joblib
import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch.callbacks import LRScheduler

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor
from sklloss.training.engine import Engine

from ...laws.small_models import ONE_NETWORK
from ..interrupting import Interrupting

# A few epochs are too few for some candidates, which is the point.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ONE = {**ONE_NETWORK, "hidden_layer_sizes": (8,), "max_epochs": 9, "random_state": 0}
GRID = {"loss": ["mse", "mae", "huber"], "lr": [0.001, 0.01, 0.1]}
RUNGS = {"factor": 3, "min_epochs": 1}
CV = KFold(3)


def regressor(**params):
    return NeuralRegressor(**{**ONE, **params})


def classifier(**params):
    return NeuralClassifier(**{**ONE, **params})


def inside(prefix, grid):
    return {f"{prefix}__{name}": values for name, values in grid.items()}


def halved(estimator, grid, X, y, fit_params=None, **params):
    given = {"halving": RUNGS, "cv": CV, **params}
    return LossSearchCV(estimator, grid, **given).fit(X, y, **(fit_params or {}))


def assert_same_rows(ours, known):
    """Assert that two tables agree in what both can have."""
    for name, column in known.items():
        if not name.endswith(("_time", "params", "max_epochs")):
            np.testing.assert_array_equal(ours[name], column, err_msg=name)
    for params, expected in zip(ours["params"], known["params"], strict=True):
        without = {name: v for name, v in expected.items() if not name.endswith("max_epochs")}
        assert params == without


PATIENT = {"early_stopping": True, "n_iter_no_change": 2, "batch_size": 50}
CASES = {
    "training loss": (regressor(), GRID),
    "validation rows": (regressor(**PATIENT), GRID),
    "members": (regressor(**PATIENT, n_members=2), GRID),
    "defaults": (NeuralRegressor(hidden_layer_sizes=(8,), max_epochs=9, random_state=0), GRID),
    "dropout and penalties": (
        regressor(dropout=0.3, l1=1e-3, batch_size=64),
        {"loss": ["mse", "crps", "gaussian_nll"], "lr": [0.001, 0.01], "random_state": [0, 7]},
    ),
    "trained losses": (
        regressor(batch_size=64),
        {"loss": ["adaptive", "mse", "barron"], "lr": [0.001, 0.01, 0.1]},
    ),
    "optimisers": (
        regressor(batch_size=64),
        {"optimizer": ["sgd", "rmsprop", "nadam", "adagrad"], "lr": [0.001, 0.01, 0.03]},
    ),
    "widths": (regressor(), {"hidden_layer_sizes": [(), (4,), (8, 8)], "lr": [0.001, 0.01, 0.1]}),
    "not stacked": (regressor(), {"optimizer": ["lbfgs", "sgd", "adam"], "lr": [0.1, 0.5, 1.0]}),
    "pipeline": (
        Pipeline([("scale", StandardScaler()), ("net", regressor(**PATIENT))]),
        {**inside("net", GRID), "scale__with_mean": [True, False]},
    ),
    "target transformer": (
        TransformedTargetRegressor(regressor(), transformer=StandardScaler()),
        inside("regressor", GRID),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rows_are_those_of_halving_grid_search(name, diabetes):
    estimator, grid = CASES[name]
    key = next(key for key in estimator.get_params() if key.endswith("max_epochs"))
    ours = halved(estimator, grid, *diabetes, return_train_score=True)
    steps = {"resource": key, "min_resources": 1, "max_resources": 9, "factor": 3}
    known = HalvingGridSearchCV(estimator, grid, cv=CV, error_score="raise", **steps).fit(*diabetes)
    assert_same_rows(ours.cv_results_, known.cv_results_)
    for attribute in ("n_candidates_", "n_resources_", "n_remaining_candidates_", "best_index_",
                      "best_score_", "min_resources_", "max_resources_"):  # fmt: skip
        assert getattr(ours, attribute) == getattr(known, attribute), attribute
    np.testing.assert_array_equal(ours.predict(diabetes[0]), known.predict(diabetes[0]))


def test_classifiers_with_rules_of_their_own(breast_cancer):
    net = NeuralClassifier(hidden_layer_sizes=(8,), max_epochs=9, random_state=0)
    grid = {
        "decision": ["argmax", "macro_f1"],
        "loss": ["cross_entropy", "focal", "mse", "mae", "huber"],
    }
    ours = halved(net, grid, *breast_cancer, scoring="f1_macro")
    steps = {
        "resource": "max_epochs",
        "min_resources": 1,
        "max_resources": 9,
        "scoring": "f1_macro",
        "return_train_score": False,
    }
    known = HalvingGridSearchCV(net, grid, cv=CV, **steps).fit(*breast_cancer)
    assert_same_rows(ours.cv_results_, known.cv_results_)


def test_draws_are_those_of_halving_random_search(diabetes):
    grid = {"loss": ["mse", "mae"], "lr": loguniform(1e-3, 1e-1)}
    ours = halved(regressor(), grid, *diabetes, n_iter=9, random_state=1)
    steps = {
        "resource": "max_epochs",
        "min_resources": 1,
        "max_resources": 9,
        "n_candidates": 9,
        "return_train_score": False,
    }
    known = HalvingRandomSearchCV(regressor(), grid, cv=CV, random_state=1, **steps).fit(*diabetes)
    assert_same_rows(ours.cv_results_, known.cv_results_)


@pytest.mark.parametrize("params", [{"n_jobs": 2}, {"stack_size": 1}, {"stack_size": 5}])
def test_workers_and_stacks_change_nothing(params, diabetes):
    estimator, grid = CASES["members"]
    expected = halved(estimator, grid, *diabetes, n_seeds=2)
    with joblib.parallel_config(backend="loky"):
        ours = halved(estimator, grid, *diabetes, n_seeds=2, **params)
    for name, column in expected.cv_results_.items():
        if not name.endswith("_time"):
            np.testing.assert_array_equal(ours.cv_results_[name], column, err_msg=name)


def last_rung(search):
    table = search.cv_results_
    return np.flatnonzero(table["iter"] == table["iter"].max())


@pytest.mark.parametrize("name", ["validation rows", "members", "pipeline"])
def test_those_of_the_last_rung_score_as_in_a_full_search(name, diabetes):
    estimator, grid = CASES[name]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(diabetes[1]))
    given = {"net__sample_weight" if name == "pipeline" else "sample_weight": weight}
    search = halved(estimator, grid, *diabetes, given, halving={"factor": 1.5, "min_epochs": 2})
    full = LossSearchCV(estimator, grid, cv=CV).fit(*diabetes, **given)
    rows = last_rung(search)
    assert len(rows) > 1
    for i in rows:
        k = full.cv_results_["params"].index(search.cv_results_["params"][i])
        for column in ("split0_test_score", "mean_test_score", "mean_n_iter", "split1_stopped_by"):
            assert search.cv_results_[column][i] == full.cv_results_[column][k]
        for history, expected in zip(search.histories_[i], full.histories_[k], strict=True):
            for key, value in expected.items():
                np.testing.assert_array_equal(history[key], value)


def test_no_epoch_is_trained_twice(diabetes, monkeypatch):
    trained = []

    def epoch(engine, run=Engine._epoch):
        trained.append((engine._n_epochs + 1, len(engine._nets)))
        run(engine)

    monkeypatch.setattr(Engine, "_epoch", epoch)
    halved(regressor(), GRID, *diabetes, refit=False)
    assert sum(n for _, n in trained) == 3 * (9 * 1 + 3 * 2 + 1 * 6)
    of_epochs = np.bincount([e for e, _ in trained], [n for _, n in trained])[1:]
    assert of_epochs.tolist() == [27, 9, 9, 3, 3, 3, 3, 3, 3]


def test_trainings_that_are_over_are_not_touched_again(diabetes):
    # What never falls by enough stops after three epochs.
    grid = [{"loss": ["mse", "mae", "huber"], "tol": [10.0]}, {"loss": ["mse", "mae"]}]
    net = regressor(n_iter_no_change=1, lr=0.001)
    search = halved(net, grid, *diabetes, halving={"factor": 1.3, "min_epochs": 4})
    table = search.cv_results_
    again = [i for i, rung in enumerate(table["iter"]) if rung and "tol" in table["params"][i]]
    assert again
    for i in again:
        first = table["params"].index(table["params"][i])
        assert table["mean_test_score"][i] == table["mean_test_score"][first]
        assert table["split2_stopped_by"][i] == "patience"
        assert table["mean_n_iter"][i] == 3
        assert table["mean_fit_time"][i] == 0 < table["mean_fit_time"][first]


def test_without_random_state_candidates_share_a_drawn_one(diabetes):
    net = regressor(random_state=None)
    search = halved(net, {"loss": ["mse", "MSELoss", "mae"]}, *diabetes)
    table = search.cv_results_
    assert table["mean_test_score"][0] == table["mean_test_score"][1]
    assert "random_state" not in table["params"][0]
    assert "param_random_state" not in table


def test_candidates_may_have_numbers_of_epochs_of_their_own(diabetes):
    search = halved(regressor(), {"max_epochs": [1, 2, 9], "lr": [0.003, 0.03]}, *diabetes)
    full = LossSearchCV(regressor(), search.param_grid, cv=CV).fit(*diabetes)
    assert search.max_resources_ == 9
    for i in last_rung(search):
        k = full.cv_results_["params"].index(search.cv_results_["params"][i])
        assert search.cv_results_["mean_test_score"][i] == full.cv_results_["mean_test_score"][k]


def test_callbacks_begin_each_rung_anew(diabetes):
    schedule = LRScheduler("StepLR", step_size=2, gamma=0.1)
    grid = {"lr": [0.01, 0.1, 0.5], "callbacks": [[schedule]]}
    search = halved(regressor(), grid, *diabetes)
    full = LossSearchCV(regressor(), grid, cv=CV).fit(*diabetes)
    (row,) = last_rung(search)
    k = full.cv_results_["params"].index(search.cv_results_["params"][row])
    assert search.cv_results_["mean_test_score"][row] == full.cv_results_["mean_test_score"][k]
    assert search.cv_results_["split0_stopped_by"].tolist() == ["halving"] * 3 + ["max_epochs"]


def test_the_best_is_one_of_the_last_rung(diabetes):
    seen = []

    def last(table):
        seen.append(table)
        return len(table["params"]) - 1

    search = halved(
        regressor(), GRID, *diabetes, refit=last, halving={"factor": 2, "min_epochs": 2}
    )
    rows = last_rung(search)
    assert search.best_index_ == rows[-1]
    assert set(seen[0]["iter"]) == {search.n_iterations_ - 1}
    np.testing.assert_array_equal(
        seen[0]["mean_test_score"], search.cv_results_["mean_test_score"][rows]
    )


def test_several_metrics_need_one_that_decides(diabetes):
    scoring = ["r2", "neg_max_error"]
    search = halved(regressor(), GRID, *diabetes, scoring=scoring, refit="neg_max_error")
    known = HalvingGridSearchCV(
        regressor(), GRID, cv=CV, scoring="neg_max_error", resource="max_epochs", max_resources=9
    ).fit(*diabetes)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_neg_max_error"], known.cv_results_["mean_test_score"]
    )
    for refit in (False, last_rung):
        with pytest.raises(ValueError, match="ranks candidates by one metric.*refit"):
            halved(regressor(), GRID, *diabetes, scoring=scoring, refit=refit)
    with pytest.raises(ValueError, match="ranks candidates by one metric.*refit"):
        halved(regressor(), GRID, *diabetes, scoring=lambda *_: {"a": 1.0, "b": 2.0}, refit=False)


@pytest.mark.parametrize("estimator", [Ridge(), OneVsRestClassifier(classifier())])
@pytest.mark.filterwarnings("ignore:OneVsRestClassifier fits the network inside")
def test_estimators_without_epochs_are_refused(estimator, diabetes):
    X, y = diabetes
    pipeline = Pipeline([("model", regressor())])
    with pytest.raises(ValueError, match=rf"(?s){type(estimator).__name__}\(.*does not have"):
        halved(pipeline, {"model": [regressor(), estimator]}, X, y > 140)


@pytest.mark.parametrize(
    ("halving", "error", "message"),
    [
        (1, ValueError, "factor of halving > 1; got 1. The default is halving=3"),
        (-2.0, ValueError, "factor of halving > 1"),
        ({"min_epochs": 0}, ValueError, "min_epochs of halving"),
        ({"factor": "3"}, ValueError, "factor of halving"),
        ({"min_epoch": 2}, ValueError, "Did you mean 'min_epochs'"),
        ("yes", TypeError, "halving to be None, True, a factor, or a dict"),
    ],
)
def test_bad_settings(halving, error, message, diabetes):
    with pytest.raises(error, match=message):
        halved(regressor(), GRID, *diabetes, halving=halving)


def test_candidates_that_fail_leave_first(diabetes):
    X, y = diabetes
    broken = FunctionTransformer(lambda X: X[:, :0])
    estimator = Pipeline([("scale", StandardScaler()), ("net", regressor())])
    grid = [
        inside("net", {"loss": ["poisson"], "lr": [0.01, 0.1]}),
        {"scale": [broken], "net__lr": [0.01, 0.1]},
        inside("net", {"loss": ["mse", "mae"]}),
        inside("net", {"lr": [1e25], "optimizer": ["sgd"]}),
    ]
    with pytest.warns(FitFailedWarning) as caught, pytest.warns(UserWarning, match="non-finite"):
        search = halved(estimator, grid, X, y - 100, halving={"factor": 2, "min_epochs": 1})
    assert len([w for w in caught if w.category is FitFailedWarning]) >= 1
    assert search.n_candidates_ == [7, 4, 2]
    assert np.isfinite(search.cv_results_["mean_test_score"][last_rung(search)]).all()
    assert search.best_params_["net__loss"] in ("mse", "mae")
    assert [h is None for h in search.histories_[0]] == [True] * 3


def test_all_candidates_fail(diabetes):
    with pytest.raises(ValueError, match="fits failed"):
        halved(regressor(), {"lr": [-1, -2, -3]}, *diabetes)


def test_an_interrupted_search_keeps_the_rungs_so_far(diabetes):
    search = LossSearchCV(regressor(), GRID, cv=CV, halving=RUNGS, scoring=Interrupting(30))
    with pytest.raises(KeyboardInterrupt):
        search.fit(*diabetes)
    table = search.partial_results_
    assert table["iter"].tolist() == [0] * 9 + [1] * 3
    assert table["interrupted"][:9].tolist() == [False] * 9
    assert [name for name in vars(search) if name.endswith("_")] == ["partial_results_"]


def test_few_epochs_are_told_of_the_last_rung_alone(diabetes):
    with pytest.warns(ConvergenceWarning, match="for 1 of 9 candidates"):
        halved(regressor(lr=0.001), GRID, *diabetes)


def test_weights_are_let_go(diabetes, monkeypatch):
    kept = []
    monkeypatch.setattr(
        LossSearchCV, "_choose",
        lambda search, scores, choose=LossSearchCV._choose: (kept.append(search), choose(search, scores)),
    )  # fmt: skip
    search = halved(regressor(), GRID, *diabetes)
    assert kept == [search]
    assert not hasattr(search.best_estimator_.net_, "pauses")
    assert search.best_estimator_.net_.interrupted_ is None


def test_one_candidate_is_trained_to_its_end(diabetes):
    search = halved(regressor(), {"loss": ["mse"]}, *diabetes, halving=True)
    expected = GridSearchCV(regressor(), {"loss": ["mse"]}, cv=CV).fit(*diabetes)
    assert search.n_resources_ == [9]
    assert search.best_score_ == expected.best_score_


def test_the_best_weights_of_before_a_pause_are_kept_after_it():
    """An epoch of one step keeps the best weights, also those of an earlier rung."""
    x = np.random.default_rng(0).normal(size=(90, 1))
    net = NeuralRegressor(
        n_members=1,
        early_stopping=False,
        numeric_encoding="standard",
        hidden_layer_sizes=(),
        optimizer="adam",
        lr=1.0,
        max_epochs=12,
        random_state=0,
    )
    grid, y = {"l1": [0.0, 1e-4, 1e-3]}, 0.5 * x[:, 0]
    whole = LossSearchCV(net, grid, cv=2).fit(x, y)
    halved = LossSearchCV(net, grid, cv=2, halving={"factor": 3, "min_epochs": 4}).fit(x, y)
    last = halved.cv_results_["iter"] == halved.n_iterations_ - 1
    for params, score in zip(
        np.array(halved.cv_results_["params"])[last],
        halved.cv_results_["mean_test_score"][last],
        strict=True,
    ):
        of_whole = whole.cv_results_["params"].index(params)
        assert score == whole.cv_results_["mean_test_score"][of_whole]
        assert score > 0.999
