"""Scorers by name: values, searches, Pipelines, pickles, metadata routing, wrong names."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer as sklearn_scorer
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralRegressor
from sklloss.losses import Quantile
from sklloss.metrics import (
    crps,
    get_scorer,
    interval_coverage,
    interval_score,
    interval_width,
    log_likelihood,
)

QUICK = {
    "n_members": 1, "early_stopping": False, "numeric_encoding": "standard", "max_epochs": 5,
    "hidden_layer_sizes": (8,), "random_state": 0,
}  # fmt: skip
NAMES = [
    "neg_crps", "neg_log_likelihood", "neg_pinball_0.9", "interval_coverage_0.8",
    "neg_interval_width_0.8", "neg_interval_score_0.8",
]  # fmt: skip


@pytest.fixture(scope="module")
def normal():
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    return NeuralRegressor("gaussian_nll", **QUICK).fit(X, y), X, y


def test_they_are_the_functions_of_the_distribution(normal):
    model, X, y = normal
    weight = np.random.default_rng(0).uniform(0, 3, len(y))
    law, wide = model.predict_distribution(X), model.predict_interval(X, 0.6)
    expected = {
        "neg_crps": -crps(y, law, sample_weight=weight),
        "neg_log_likelihood": log_likelihood(y, law, sample_weight=weight),
        "neg_pinball_0.75": -mean_pinball_loss(y, law.ppf(0.75), alpha=0.75, sample_weight=weight),
        "interval_coverage_0.6": interval_coverage(y, wide, sample_weight=weight),
        "neg_interval_width_0.6": -interval_width(y, wide, sample_weight=weight),
        "neg_interval_score_0.6": -interval_score(y, wide, 0.6, sample_weight=weight),
    }
    for name, value in expected.items():
        found = get_scorer(name)(model, X, y, sample_weight=weight)
        assert isinstance(found, float)
        assert found == pytest.approx(value, rel=1e-12), name
        assert found != get_scorer(name)(model, X, y)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("log_likelihood", "neg_log_likelihood"),
        ("interval_score_0.8", "neg_interval_score"),
        ("interval_width_0.8", "neg_interval_width"),
        ("interval_coverage", "interval_coverage_0.80"),
        ("neg_pinball", "neg_pinball_0.5"),
    ],
)
def test_other_names_mean_the_same(name, other, normal):
    assert get_scorer(name)(*normal) == get_scorer(other)(*normal)
    assert repr(get_scorer(name)) == repr(get_scorer(other))


@pytest.mark.parametrize("name", NAMES)
def test_they_print_pickle_and_clone(name, normal):
    scorer = get_scorer(name)
    assert eval(repr(scorer), {"get_scorer": get_scorer})(*normal) == scorer(*normal)
    assert pickle.loads(pickle.dumps(scorer))(*normal) == scorer(*normal)
    assert clone(GridSearchCV(normal[0], {}, scoring=scorer)).scoring.kind == scorer.kind


def test_names_of_scikit_learn_are_its_scorers(normal):
    assert get_scorer("r2")(*normal) == sklearn_scorer("r2")(*normal)
    scorer = sklearn_scorer("neg_mean_absolute_error")
    assert get_scorer(scorer) is scorer


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("neg_crsp", "neg_crps"),
        ("crps", "neg_crps"),
        ("intervall_coverage_0.8", "interval_coverage"),
        ("r3", "r2"),
        ("mae", "neg_mean_absolute_error"),
        ("RMSE", "neg_root_mean_squared_error"),
        ("neg_mae", "neg_mean_absolute_error"),
        ("auc", "roc_auc"),
        ("logloss", "neg_log_loss"),
    ],
)
def test_unknown_names_list_the_nearest(name, hint):
    with pytest.raises(ValueError, match=rf"There is no scorer '{name}'\. Did you mean .*'{hint}"):
        get_scorer(name)
    with pytest.raises(ValueError, match=f"There is no scorer '{name}'"):
        LossSearchCV(NeuralRegressor(), {}, scoring=name).fit(np.zeros((9, 1)), np.arange(9.0))


@pytest.mark.parametrize("name", ["neg_pinball_1.5", "interval_coverage_0", "interval_score_80"])
def test_levels_outside_0_to_1_are_refused(name):
    with pytest.raises(ValueError, match=rf"get_scorer needs 0 < {name} < 1; got"):
        get_scorer(name)


@pytest.mark.parametrize("search", [GridSearchCV, LossSearchCV])
def test_any_search_takes_scorers(search, diabetes):
    X, y = diabetes
    net = NeuralRegressor(**QUICK)
    grid = {"loss": ["gaussian_nll", "crps"]}
    scoring = {name: get_scorer(name) for name in NAMES} | {"r2": "r2"}
    fitted = search(net, grid, scoring=scoring, refit="neg_crps", cv=2).fit(X, y)
    for name in scoring:
        assert np.isfinite(fitted.cv_results_[f"mean_test_{name}"]).all()
    apart = cross_val_score(net.set_params(loss="crps"), X, y, scoring=scoring["neg_crps"], cv=2)
    np.testing.assert_allclose(fitted.cv_results_["mean_test_neg_crps"][1], apart.mean(), rtol=1e-6)


@pytest.mark.parametrize(
    "scoring",
    ["neg_crps", ["neg_crps", "r2"], ("r2", "neg_crps"), {"neg_crps": "neg_crps", "second": "r2"}],
)
def test_a_loss_search_takes_names(scoring, diabetes):
    X, y = diabetes
    single = isinstance(scoring, str)
    search = LossSearchCV(
        NeuralRegressor(**QUICK),
        {"loss": ["gaussian_nll", "crps"]},
        scoring=scoring,
        refit=True if single else "neg_crps",
        cv=2,
    )
    fitted = clone(search).fit(X, y)
    expected = clone(search).set_params(scoring=get_scorer("neg_crps"), refit=True).fit(X, y)
    column = fitted.cv_results_[f"mean_test_{'score' if single else 'neg_crps'}"]
    np.testing.assert_array_equal(column, expected.cv_results_["mean_test_score"])
    assert fitted.scoring == scoring
    assert fitted.score(X, y) == pytest.approx(get_scorer("neg_crps")(fitted, X, y))


def test_they_walk_through_pipelines_and_transformed_targets(diabetes):
    X, y = diabetes
    net = NeuralRegressor("gaussian_nll", **QUICK)
    of_log = TransformedTargetRegressor(net, func=np.log, inverse_func=np.exp)
    scores = cross_validate(
        make_pipeline(StandardScaler(), of_log),
        X,
        y,
        scoring={name: get_scorer(name) for name in NAMES},
        cv=2,
        error_score="raise",
    )
    assert all(np.isfinite(scores[f"test_{name}"]).all() for name in NAMES)
    assert (scores["test_interval_coverage_0.8"] > 0.5).all()


def test_pinball_of_a_point_is_that_of_its_prediction(diabetes):
    X, y = diabetes
    model = NeuralRegressor(Quantile(0.9), **QUICK).fit(X, y)
    expected = -mean_pinball_loss(y, model.predict(X), alpha=0.9)
    assert get_scorer("neg_pinball_0.9")(model, X, y) == pytest.approx(expected)
    dummy = DummyRegressor(strategy="quantile", quantile=0.9).fit(X, y)
    assert get_scorer("neg_pinball_0.9")(dummy, X, y) < 0


@pytest.mark.parametrize("name", [name for name in NAMES if "pinball" not in name])
def test_a_point_has_no_score_of_a_distribution(name, diabetes):
    X, y = diabetes
    model = NeuralRegressor("mse", **QUICK).fit(X, y)
    with pytest.raises(ValueError, match=r"'squared_error' has no predictive .* student_t_nll"):
        get_scorer(name)(model, X, y)


@pytest.mark.parametrize("name", ["neg_crps", "neg_log_likelihood"])
def test_quantiles_alone_have_no_score_of_a_distribution(name, diabetes):
    X, y = diabetes
    model = NeuralRegressor("multi_quantile", **QUICK).fit(X, y)
    with pytest.raises(ValueError, match=r"from 0\.1 to 0\.9.*neg_pinball_0\.9"):
        get_scorer(name)(model, X, y)
    assert 0.6 < get_scorer("interval_coverage_0.8")(model, X, y) < 0.95


def test_weights_are_routed_as_by_scorers_of_scikit_learn(diabetes):
    X, y = diabetes
    weight = np.random.default_rng(0).uniform(0, 3, len(y))
    net = NeuralRegressor("gaussian_nll", **QUICK)
    with sklearn.config_context(enable_metadata_routing=True):
        net.set_fit_request(sample_weight=True)
        found = {}
        for requested in (True, False):
            scorer = get_scorer("neg_crps").set_score_request(sample_weight=requested)
            search = LossSearchCV(net, {"lr": [0.01]}, scoring=scorer, cv=2)
            search.fit(X, y, sample_weight=weight)
            found[requested] = search.cv_results_["mean_test_score"][0]
        assert found[True] != found[False]
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError):
            cross_val_score(
                net, X, y, scoring=get_scorer("neg_crps"), params={"sample_weight": weight}, cv=2
            )


def test_an_unfitted_estimator_is_reported_as_such():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        get_scorer("neg_crps")(NeuralRegressor("crps"), np.zeros((9, 1)), np.arange(9.0))
