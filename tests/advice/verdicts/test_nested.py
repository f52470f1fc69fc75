"""nested_score beside scikit-learn's own nested cross-validation."""

import functools
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklloss import LossSearchCV, NeuralRegressor, nested_score, one_standard_error

from ...laws.small_models import ONE_NETWORK

X, Y = load_diabetes(return_X_y=True, as_frame=True)
GRID = {"alpha": [0.01, 0.1, 1000.0]}
OUTER = KFold(4, shuffle=True, random_state=0)
MAE = "neg_mean_absolute_error"


def ridge_search(**params):
    return GridSearchCV(Ridge(), GRID, cv=3, **params)


@pytest.mark.parametrize("scoring", [None, "r2", MAE])
def test_scores_are_those_of_scikit_learn(scoring):
    search = ridge_search(scoring=scoring)
    nested = nested_score(search, X, Y, cv=OUTER)
    expected = cross_val_score(search, X, Y, cv=OUTER)
    sign = -1 if scoring == MAE else 1
    np.testing.assert_array_equal(sign * nested.scores, expected)
    assert nested.mean == pytest.approx(abs(expected.mean()))
    assert not hasattr(search, "best_params_")
    assert nested.metric == {None: "score", MAE: "mean_absolute_error"}.get(scoring, scoring)


def test_inner_scores_choices_and_optimism():
    search = ridge_search(scoring=MAE)
    nested = nested_score(search, X, Y, cv=OUTER)
    by_hand = [
        sklearn.clone(search).fit(X.iloc[train], Y.iloc[train]) for train, _ in OUTER.split(X)
    ]
    np.testing.assert_allclose(nested.inner_scores, [-each.best_score_ for each in by_hand])
    assert nested.params == [each.best_params_ for each in by_hand]
    # Too good is an error that is too low.
    np.testing.assert_allclose(nested.optimism, nested.scores - nested.inner_scores)


def test_standard_error_is_corrected_for_common_rows():
    nested = nested_score(ridge_search(), X, Y, cv=OUTER)
    expected = nested.scores.std(ddof=1) * np.sqrt(1 / 4 + 1 / 3)
    assert nested.standard_error == pytest.approx(expected, rel=1e-3)


def test_optimism_is_seen_where_candidates_are_noise():
    """The best of many equally bad candidates flatters itself, and the outer score does not."""

    class Guess(BaseEstimator):
        _estimator_type = "regressor"

        def __init__(self, seed=0):
            self.seed = seed

        def fit(self, X, y):
            return self

        def score(self, X, y):
            return np.random.default_rng([self.seed, len(X), int(X[0, 0] * 1e6)]).normal()

    rows = np.random.default_rng(0).uniform(size=(200, 1))
    search = GridSearchCV(Guess(), {"seed": list(range(50))}, cv=3)
    nested = nested_score(search, rows, rows[:, 0], cv=5)
    assert nested.optimism.mean() > 0.5
    assert "Its own best score is better by" in nested.verdict


def test_other_metrics_than_that_of_the_search():
    search = ridge_search(scoring=["r2", MAE], refit="r2")
    known = nested_score(search, X, Y, cv=OUTER, scoring=MAE)
    assert known.metric == "mean_absolute_error"
    assert np.isfinite(known.optimism).all()
    unknown = nested_score(search, X, Y, cv=OUTER, scoring="neg_max_error")
    assert unknown.metric == "max_error"
    assert (unknown.scores > 0).all()
    assert np.isnan(unknown.optimism).all()
    assert "Its own best score" not in unknown.verdict
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    function = nested_score(ridge_search(), X, Y, cv=OUTER, scoring=scorer)
    np.testing.assert_array_equal(function.scores, known.scores)
    assert function.metric == "mean_absolute_error"


def test_refit_by_a_function():
    single = nested_score(ridge_search(refit=one_standard_error), X, Y, cv=OUTER)
    assert np.isfinite(single.inner_scores).all()
    refit = functools.partial(one_standard_error, metric=MAE)
    several = nested_score(ridge_search(scoring=["r2", MAE], refit=refit), X, Y, cv=OUTER)
    assert several.metric == "mean_absolute_error"
    assert (several.scores > 0).all()
    named = ridge_search(scoring={"error": MAE, "fit": "r2"})
    named.set_params(refit=functools.partial(one_standard_error, metric="error"))
    found = nested_score(named, X, Y, cv=OUTER)
    np.testing.assert_array_equal(found.scores, several.scores)
    assert found.metric == "error"


def test_raw_tables_in_our_search():
    net = NeuralRegressor(**ONE_NETWORK, max_epochs=3, hidden_layer_sizes=(4,), random_state=0)
    raw = X.assign(sex=np.where(X["sex"] > 0, "f", "m"))
    search = LossSearchCV(net.set_params(numeric_encoding="auto"), {"loss": ["mse", "mae"]}, cv=2)
    nested = nested_score(search, raw, Y, cv=2)
    assert {each["loss"] for each in nested.params} <= {"mse", "mae"}
    np.testing.assert_array_equal(nested.scores, cross_val_score(search, raw, Y, cv=2))


def test_weights_reach_the_fits():
    weight = np.random.default_rng(0).uniform(0, 2, len(X))
    pipeline = make_pipeline(StandardScaler(), Ridge())
    search = GridSearchCV(pipeline, {"ridge__alpha": [1.0, 9.0]}, cv=3)
    found = nested_score(search, X, Y, cv=OUTER, ridge__sample_weight=weight)
    expected = cross_val_score(search, X, Y, cv=OUTER, params={"ridge__sample_weight": weight})
    np.testing.assert_array_equal(found.scores, expected)
    assert (found.scores != nested_score(search, X, Y, cv=OUTER).scores).all()


def test_groups_are_kept_together_within_and_without():
    groups = np.arange(len(X)) % 20
    seen = []

    class Watching(GroupKFold):
        def split(self, X, y=None, groups=None):
            for train, test in super().split(X, y, groups):
                seen.append(set(groups[train]) & set(groups[test]))
                yield train, test

    search = GridSearchCV(Ridge(), GRID, cv=Watching(2))
    nested = nested_score(search, X, Y, cv=Watching(3), groups=groups)
    assert len(seen) == 3 + 3 * 2
    assert not any(seen)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = nested_score(search, X, Y, cv=Watching(3), groups=groups)
    np.testing.assert_array_equal(routed.scores, nested.scores)


def test_prints_a_table_and_a_sentence():
    nested = nested_score(ridge_search(scoring=MAE), X, Y, cv=OUTER)
    lines = repr(nested).splitlines()
    assert lines[0] == "mean_absolute_error of the whole search on outer test rows"
    assert lines[1].split() == ["split", "chosen", "score", "inner", "score", "optimism"]
    assert lines[6] == ""
    assert " ".join(lines[7:]) == nested.verdict
    start = f"The search scores mean_absolute_error {nested.mean:.1f} on rows that it has not seen"
    assert nested.verdict.startswith(f"{start} (standard error")
    assert "4 splits). Its own best score is" in nested.verdict
    assert nested.verdict in pd.Series(nested._repr_html_()).str.replace("&lt;", "<")[0]
    assert repr(pickle.loads(pickle.dumps(nested))) == repr(nested)


def test_choices_are_counted():
    nested = nested_score(ridge_search(), X, Y, cv=OUTER)
    object.__setattr__(nested, "params", [{"loss": loss, "lr": i} for i, loss in enumerate("abaa")])
    assert nested.verdict.endswith("It chose a in 3 of 4 splits and b in 1.")
    assert nested.to_frame()["chosen"].tolist() == ["a(lr=0)", "b(lr=1)", "a(lr=2)", "a(lr=3)"]
    object.__setattr__(nested, "params", 4 * [{"loss": "mse"}])
    assert nested.verdict.endswith("It chose mse in every split.")


def test_one_split():
    nested = nested_score(ridge_search(), X, Y, cv=[(range(300), range(300, 442))])
    assert np.isnan(nested.standard_error)
    assert "on rows that it has not seen, measured on one split." in nested.verdict


def test_what_is_no_search_or_does_not_refit_is_refused():
    with pytest.raises(TypeError, match="needs a search.*got Ridge. Score other estimators with"):
        nested_score(Ridge(), X, Y, cv=2)
    with pytest.raises(ValueError, match="this GridSearchCV has refit=False"):
        nested_score(ridge_search(refit=False), X, Y, cv=2)
    with pytest.raises(TypeError, match="scores one metric; got scoring="):
        nested_score(ridge_search(), X, Y, cv=2, scoring=["r2", MAE])
    several = ridge_search(scoring=["r2", MAE], refit=lambda table: 0)
    with pytest.raises(ValueError, match="refit names none of them. Give scoring."):
        nested_score(several, X, Y, cv=2)
    found = nested_score(several, X, Y, cv=2, scoring="r2")
    assert found.metric == "r2"


def test_a_failing_fit_is_raised():
    search = GridSearchCV(Ridge(), {"alpha": [-1.0]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="alpha"):
        nested_score(search, X, Y, cv=2)


def test_names_of_sklloss_metrics_score_it():
    net = NeuralRegressor("gaussian_nll", **ONE_NETWORK, max_epochs=3, random_state=0)
    search = LossSearchCV(net, {"lr": [0.01]}, cv=2, scoring="neg_crps")
    inner = nested_score(search, X, Y, cv=2)
    assert (inner.metric, inner._sign) == ("crps", -1)
    outer = nested_score(search.set_params(scoring="r2"), X, Y, cv=2, scoring="neg_crps")
    np.testing.assert_array_equal(inner.scores, outer.scores)
    assert np.isnan(outer.inner_scores).all()
    with pytest.raises(ValueError, match="Did you mean 'r2'"):
        nested_score(ridge_search(), X, Y, cv=2, scoring="r3")


def test_a_class_is_named():
    with pytest.raises(TypeError, match="got the class LossSearchCV"):
        nested_score(LossSearchCV, X, Y, cv=2)


def test_the_estimators_own_score_has_no_name_in_the_verdict():
    verdict = nested_score(ridge_search(), X, Y, cv=OUTER).verdict
    assert verdict.startswith("The search scores 0.4")


def test_missing_labels_are_counted():
    labels = pd.Series(np.where(Y > 150, "high", "low"), dtype=object)
    labels[3] = np.nan
    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]})
    with pytest.raises(ValueError, match="1 of 442 rows has no label, for example row 3. Leave"):
        nested_score(search, X, labels, cv=3)
