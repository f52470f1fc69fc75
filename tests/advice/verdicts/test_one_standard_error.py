"""one_standard_error picks the simplest candidate that is as good as the best."""

import functools
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralRegressor, one_standard_error

from ...laws.small_models import ONE_NETWORK
from .tables import table_of

X, Y = load_diabetes(return_X_y=True)
# The standard error of the best mean is 0.05.
OFFSETS = np.array([0.1, -0.1, 0.1, -0.1, 0.0]) * np.sqrt(5) / 2
SCORES = np.array([0.8, 0.8500001, 0.87, 0.9])[:, None] + OFFSETS


def test_its_error_is_the_plain_one():
    assert OFFSETS.std(ddof=1) / np.sqrt(5) == pytest.approx(0.05)


def test_without_sizes_the_first_within_the_error_is_chosen():
    assert one_standard_error(table_of(SCORES)) == 1
    assert one_standard_error(table_of(SCORES - [[0], [2e-7], [0], [0]])) == 2


def test_the_fewest_parameters_decide():
    assert one_standard_error(table_of(SCORES, n_parameters=[1, 30, 20, 10])) == 3
    assert one_standard_error(table_of(SCORES, n_parameters=[1, 20, 10, 10])) == 2


def test_unknown_sizes_come_last():
    assert one_standard_error(table_of(SCORES, n_parameters=[1, np.nan, np.nan, 99])) == 3
    assert one_standard_error(table_of(SCORES, n_parameters=4 * [np.nan])) == 1


def test_failed_candidates_are_never_chosen():
    scores = SCORES.copy()
    scores[1, 2] = np.nan
    assert one_standard_error(table_of(scores, n_parameters=[4, 1, 2, 3])) == 2
    with pytest.raises(ValueError, match="all 2 have failed"):
        one_standard_error(table_of(np.full((2, 3), np.nan)))


def test_of_halving_the_last_iteration_counts():
    table = table_of(SCORES, iter=np.array([1, 0, 1, 1]), n_parameters=[9, 1, 4, 5])
    assert one_standard_error(table) == 2


def test_on_one_split_the_best_is_chosen():
    assert one_standard_error(table_of(SCORES[:, :1])) == 3


def test_several_metrics_need_the_name_of_one():
    table = {**table_of(SCORES, metric="r2"), **table_of(-SCORES, metric="neg_max_error")}
    with pytest.raises(ValueError, match=r"refit=functools.partial\(one_standard_error, metric="):
        one_standard_error(table)
    assert one_standard_error(table, metric="r2") == 1
    assert one_standard_error(table, metric="neg_max_error") == 0
    with pytest.raises(ValueError, match="Did you mean 'r2'"):
        one_standard_error(table, metric="r3")


def test_scikit_learns_searches_take_it():
    data = load_breast_cancer(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    grid = {"logisticregression__C": [0.0001, 0.1, 0.3, 1.0, 1.5]}
    search = GridSearchCV(pipeline, grid, refit=one_standard_error, cv=5).fit(*data)
    scores = np.array([search.cv_results_[f"split{i}_test_score"] for i in range(5)]).T
    best = scores.mean(axis=1).argmax()
    least = scores[best].mean() - scores[best].std(ddof=1) / np.sqrt(5)
    assert search.best_index_ == np.flatnonzero(scores.mean(axis=1) >= least)[0] < best
    assert search.predict(data[0]).shape == data[1].shape


@pytest.mark.parametrize(
    "refit", [one_standard_error, functools.partial(one_standard_error, metric="r2")], ids=type
)
def test_it_pickles_and_clones_within_a_search(refit):
    scoring = "r2" if refit is one_standard_error else ["r2", "neg_max_error"]
    search = GridSearchCV(Ridge(), {"alpha": [1000.0, 0.1]}, scoring=scoring, refit=refit, cv=5)
    for twin in (clone(search), pickle.loads(pickle.dumps(search))):
        assert twin.fit(X, Y).best_index_ == 1


def test_our_search_counts_what_is_trained():
    shared = {**ONE_NETWORK, "max_epochs": 2, "random_state": 0}
    sizes = {"hidden_layer_sizes": [(8,), (), (2,)], "n_members": [2]}
    grid = [sizes, {"hidden_layer_sizes": [(2,)], "loss": ["adaptive"]}]
    search = LossSearchCV(NeuralRegressor(**shared), grid, n_seeds=2, cv=2).fit(X, Y)
    counts = search.cv_results_["n_parameters"]
    n = X.shape[1]
    # Two networks each, with a linear path beside the hidden layer.
    assert counts[:3].tolist() == [2 * (9 * n + 17), 2 * (n + 1), 2 * (3 * n + 5)]
    # The adaptive loss trains its shape and its scale.
    assert counts[3] == 3 * n + 5 + 2


def test_our_search_refits_the_smallest():
    net = NeuralRegressor(**ONE_NETWORK, max_epochs=20, lr=0.01, random_state=0)
    grid = {"hidden_layer_sizes": [(16,), (4,)]}
    search = LossSearchCV(net, grid, cv=5, refit=one_standard_error).fit(X, Y)
    reversed_ = clone(search).set_params(param_grid={"hidden_layer_sizes": [(4,), (16,)]})
    assert abs(np.diff(search.cv_results_["mean_test_score"])) < 0.05
    for each in (search, reversed_.fit(X, Y)):
        assert each.best_params_ == {"hidden_layer_sizes": (4,)}
        assert each.best_estimator_.hidden_layer_sizes == (4,)


def test_other_estimators_have_no_count():
    search = LossSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2).fit(X, Y)
    assert "n_parameters" not in search.cv_results_


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_scores_have_failed(value):
    table = table_of(SCORES.copy())
    table["split0_test_score"][3] = value
    # The best of the others is the third, whose standard error is 0.05.
    assert one_standard_error(table) == 1


@pytest.mark.parametrize("given", [None, 3, SCORES, Ridge()], ids=lambda each: type(each).__name__)
def test_what_is_no_table_is_refused(given):
    with pytest.raises(TypeError, match=r"refit=one_standard_error, or call it with search\.cv_"):
        one_standard_error(given)
