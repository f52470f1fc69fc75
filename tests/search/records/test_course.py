"""How many epochs candidates were trained, why that ended, and the curves of all of them."""

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EarlyStopping

from sklloss import LossSearchCV, NeuralRegressor

from ...laws.small_models import ONE_NETWORK

CV = KFold(3)
SMALL = {**ONE_NETWORK, "hidden_layer_sizes": (8,), "random_state": 0}


def regressor(**params):
    return NeuralRegressor(**{**SMALL, "max_epochs": 30, "lr": 0.02, **params})


def fits_alone(search, X, y):
    """Return what the estimator's own fit makes of every candidate on every split."""
    return [
        [clone(search.estimator).set_params(**params).fit(X[train], y[train])
         for train, _ in CV.split(X)]
        for params in search.cv_results_["params"]
    ]  # fmt: skip


def assert_equal_curves(history, net):
    assert history["epoch"].tolist() == list(range(1, len(net.history) + 1))
    for name in ("train_loss", "valid_loss"):
        assert (name in history) == (name in net.history[-1])
        if name in history:
            np.testing.assert_array_equal(history[name], net.history[:, name])


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    ("params", "grid"),
    [
        ({"early_stopping": True}, {"loss": ["mse", "mae"], "lr": [0.01, 0.1]}),
        ({"n_iter_no_change": 3, "tol": 0.01}, {"loss": ["mse"], "max_epochs": [2, 40]}),
        ({"n_members": 2, "early_stopping": True}, {"loss": ["mse", "huber"]}),
        ({"warm_start": True, "early_stopping": True}, {"loss": ["mse", "huber"]}),
        ({"optimizer": "lbfgs", "max_epochs": 3}, {"loss": ["mse", "mae"]}),
    ],
    ids=["held out", "training loss", "members", "not stacked", "lbfgs"],
)
def test_courses_are_those_of_single_fits(params, grid, n_jobs, diabetes):
    X, y = diabetes
    search = LossSearchCV(regressor(**params), grid, cv=CV, n_jobs=n_jobs, refit=False)
    with joblib.parallel_config(backend="threading"):
        search.fit(X, y)
    table, expected = search.cv_results_, fits_alone(search, X, y)
    n_iter = np.array([[fitted.n_iter_ for fitted in of_splits] for of_splits in expected])
    for split in range(3):
        np.testing.assert_array_equal(table[f"split{split}_n_iter"], n_iter[:, split])
    np.testing.assert_allclose(table["mean_n_iter"], n_iter.mean(1))
    for histories, of_splits in zip(search.histories_, expected, strict=True):
        for history, fitted in zip(histories, of_splits, strict=True):
            assert_equal_curves(history, fitted.net_)


def test_the_best_epoch_is_the_one_whose_weights_are_kept(diabetes):
    X, y = diabetes
    net = regressor(early_stopping=True, n_iter_no_change=4, lr=0.05)
    search = LossSearchCV(net, {"loss": ["mse", "mae"]}, cv=CV).fit(X, y)
    histories = [history for of_splits in search.histories_ for history in of_splits]
    best = [history["best_epoch"] for history in histories]
    assert best == [int(history["valid_loss"].argmin()) + 1 for history in histories]
    assert any(epoch < len(h["epoch"]) for epoch, h in zip(best, histories, strict=True))
    # Training to that epoch alone gives the same scores.
    (train, test), *_ = CV.split(X)
    short = net.set_params(loss="mse", max_epochs=best[0]).fit(X[train], y[train])
    assert short.score(X[test], y[test]) == search.cv_results_["split0_test_score"][0]
    assert short.net_.best_epoch_ == best[0]


def test_without_validation_rows_the_last_epoch_is_kept(diabetes):
    search = LossSearchCV(regressor(max_epochs=3), {"loss": ["mse"]}, cv=CV).fit(*diabetes)
    assert [history["best_epoch"] for history in search.histories_[0]] == [3, 3, 3]
    assert "valid_loss" not in search.histories_[0][0]


def reasons(search):
    return [search.cv_results_[f"split{split}_stopped_by"].tolist() for split in range(3)]


def test_why_training_ends(diabetes):
    X, y = diabetes
    y = y - 100
    ends = EarlyStopping("train_loss", patience=1, threshold=10.0)
    grid = [
        {"loss": ["mse", "poisson"]},
        {"max_epochs": [300], "n_iter_no_change": [2]},
        {"callbacks": [[ends]]},
    ]
    search = LossSearchCV(regressor(max_epochs=3), grid, cv=CV)
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search.fit(X, y)
    assert reasons(search) == [["max_epochs", "failed", "patience", "callback"]] * 3
    assert np.isnan(search.cv_results_["mean_n_iter"]).tolist() == [False, True, False, False]
    assert search.histories_[1] == [None] * 3
    assert set(search.cv_results_["split0_n_iter"][[0, 3]]) == {3.0, 2.0}


def test_one_member_that_max_epochs_ends_stands_for_all(diabetes):
    net = regressor(n_members=4, early_stopping=True, n_iter_no_change=3, lr=0.05)
    search = LossSearchCV(net, {"max_epochs": [9]}, cv=CV).fit(*diabetes)
    X, y = diabetes
    for split, (train, _) in enumerate(CV.split(X)):
        lengths = [
            len(m.history) for m in net.set_params(max_epochs=9).fit(X[train], y[train]).members_
        ]
        ended = {m.stopped_by_ for m in net.members_}
        assert search.cv_results_[f"split{split}_n_iter"][0] == max(lengths)
        expected = "max_epochs" if "max_epochs" in ended else "patience"
        assert reasons(search)[split] == [expected]


def test_epochs_are_means_over_seeds_and_curves_those_of_the_first(diabetes):
    net, grid = regressor(early_stopping=True, n_iter_no_change=2, lr=0.1), {"loss": ["mse"]}
    both = LossSearchCV(net, grid, cv=CV, n_seeds=2).fit(*diabetes)
    singles = [
        LossSearchCV(net.set_params(random_state=seed), grid, cv=CV).fit(*diabetes)
        for seed in (0, 1)
    ]
    for split in range(3):
        name = f"split{split}_n_iter"
        assert both.cv_results_[name] == np.mean([each.cv_results_[name] for each in singles])
        for key, curve in singles[0].histories_[0][split].items():
            np.testing.assert_array_equal(both.histories_[0][split][key], curve)


def test_other_estimators_have_no_course(diabetes):
    pipeline = Pipeline([("scale", StandardScaler()), ("model", regressor(max_epochs=2))])
    grid = {"model": [Ridge(), regressor(max_epochs=2)]}
    search = LossSearchCV(pipeline, grid, cv=CV).fit(*diabetes)
    assert reasons(search) == [[None, "max_epochs"]] * 3
    np.testing.assert_array_equal(search.cv_results_["mean_n_iter"], [np.nan, 2.0])
    assert search.histories_[0] == [None] * 3
    assert len(search.histories_[1][0]["train_loss"]) == 2
