"""NeuralRanker in scikit-learn's searches, pipelines and checks."""

import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from sklloss import LossSearchCV, NeuralRanker

from ...loss_instances import catalogue_of
from .small_queries import quick

LOSSES = catalogue_of("ranking")


GRID = [
    {"loss": ["listnet", "mse"]},
    {"loss": ["lambdarank"], "loss__truncation": [2, 30]},
    {"loss": ["hinge"], "loss__margin": [0.5]},
]


def test_searches_take_the_groups_from_the_column_qid(data):
    X, y, ids = data
    table = pd.DataFrame(X, columns=list("abcd")).assign(qid=ids)
    both = [
        search(quick(), GRID, cv=GroupKFold(3), error_score="raise").fit(table, y, groups=table.qid)
        for search in (GridSearchCV, LossSearchCV)
    ]
    first, second = (each.cv_results_["mean_test_score"] for each in both)
    assert len(first) == 5
    assert len(set(first)) > 2
    np.testing.assert_array_equal(first, second)
    assert both[0].score(table, y) == both[0].best_estimator_.score(table, y)
    by_hand = []
    for train, test in GroupKFold(3).split(table, y, table.qid):
        model = clone(both[0].estimator).set_params(**both[0].best_params_)
        by_hand.append(model.fit(table.iloc[train], y[train]).score(table.iloc[test], y[test]))
    assert both[0].best_score_ == pytest.approx(np.mean(by_hand))


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_searches_route_the_groups(data):
    X, y, ids = data
    asks = quick().set_fit_request(group=True).set_score_request(group=True)
    grid = {"loss": ["ranknet", "listmle", "approx_ndcg"]}
    scores = [
        search(asks, grid, cv=GroupKFold(3), error_score="raise")
        .fit(X, y, groups=ids, group=ids)
        .cv_results_["mean_test_score"]
        for search in (GridSearchCV, LossSearchCV)
    ]
    np.testing.assert_array_equal(*scores)
    table = pd.DataFrame(X).rename(columns=str).assign(qid=ids)
    found = GridSearchCV(quick(), grid, cv=GroupKFold(3)).fit(table, y, groups=ids)
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], scores[0], rtol=1e-6)
    through = make_pipeline(StandardScaler(), asks)
    params = {"groups": ids, "group": ids}
    splits = GroupShuffleSplit(2, random_state=0)
    assert cross_val_score(through, X, y, cv=splits, params=params).min() > 0.5


def test_without_routing_a_search_says_what_to_do(data):
    X, y, ids = data
    search = GridSearchCV(quick(), {"loss": ["listnet"]}, cv=GroupKFold(2), error_score="raise")
    with pytest.raises(ValueError, match="enable_metadata_routing=True.*set_score_request"):
        search.fit(X, y, groups=ids, group=ids)


def test_a_pipeline_keeps_the_column_of_groups_or_says_that_it_is_lost(data):
    X, y, ids = data
    table = pd.DataFrame(X, columns=list("abcd")).assign(qid=np.unique(ids, return_inverse=True)[1])
    with pytest.warns(UserWarning, match=r"got no groups.*set_output\(transform='pandas'\)"):
        make_pipeline(StandardScaler(), quick()).fit(table, y)
    frames = {"remainder": "passthrough", "verbose_feature_names_out": False}
    scaled = make_column_transformer((StandardScaler(), list("abcd")), **frames)
    scaled.set_output(transform="pandas")
    through = make_pipeline(scaled, quick()).fit(table, y)
    alone = quick().fit(scaled.transform(table), y)
    assert through[-1].feature_names_in_.tolist() == list("abcd")
    assert through.score(table, y) == alone.score(scaled.transform(table), y)
    scaled.set_params(verbose_feature_names_out=True)
    with pytest.raises(ValueError, match="'remainder__qid'.*verbose_feature_names_out=False"):
        make_pipeline(scaled, quick()).fit(table, y)


def test_splits_may_cut_groups(data):
    X, y, ids = data
    table = pd.DataFrame(X, columns=list("abcd")).assign(qid=ids)
    assert cross_val_score(quick(), table, y, cv=KFold(3), error_score="raise").min() > 0.5


def test_score_needs_the_groups_that_fit_had(fitted, data):
    X, y, ids = data
    with pytest.raises(ValueError, match="fitted with groups, and score got none.*column 'qid'"):
        fitted.score(X, y)
    with pytest.raises(TypeError, match="score takes no sample_weight.*Give group_weight"):
        fitted.score(X, y, group=ids, sample_weight=np.ones(len(y)))
    with pytest.warns(UserWarning, match="got no groups"):
        alone = quick().fit(X, y)
    assert alone.score(X, y, group=ids) != alone.score(X, y)


@pytest.mark.parametrize("loss", LOSSES)
def test_check_estimator_passes(loss):
    settings = {} if loss == "lambdarank" else {"max_epochs": 10, "hidden_layer_sizes": (8,)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke scikit-learn's own warnings
        results = check_estimator(NeuralRanker(loss, **settings), on_fail=None, on_skip=None)
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert not failed
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
    assert Counter(r["status"] for r in results)["passed"] >= 40


def test_tags_tell_the_truth():
    tags = get_tags(NeuralRanker())
    assert tags.estimator_type is None
    assert tags.input_tags.sparse
    assert (tags.target_tags.required, tags.target_tags.positive_only) == (True, True)


@pytest.mark.parametrize("method", ["predict", "score", "to_module"])
def test_before_a_fit_it_says_so(method, data):
    arguments = {"predict": data[:1], "score": data[:2], "to_module": ()}[method]
    with pytest.raises(NotFittedError, match="NeuralRanker instance is not fitted"):
        getattr(NeuralRanker(), method)(*arguments)
