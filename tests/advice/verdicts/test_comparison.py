"""compare_losses on searches of every kind, beside scikit-learn's published example."""

import pickle
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_moons
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    RepeatedStratifiedKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklloss import LossSearchCV, NeuralRegressor, compare_losses

from ...laws.small_models import ONE_NETWORK
from .tables import table_of

X, Y = load_diabetes(return_X_y=True)
GRID = {"alpha": [0.01, 0.1, 1000.0]}
RNG = np.random.default_rng(0)
SCORES = RNG.normal([[0.9], [0.88], [0.5]], 0.05, size=(3, 10))


@pytest.fixture(scope="module")
def kernels():
    """Return the search of scikit-learn's example "Statistical comparison of models using grid
    search".
    """
    data = make_moons(noise=0.352, random_state=1, n_samples=100)
    grid = [{"kernel": ["linear"]}, {"kernel": ["poly"], "degree": [2, 3]}, {"kernel": ["rbf"]}]
    cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    return GridSearchCV(SVC(random_state=0), grid, scoring="roc_auc", cv=cv).fit(*data)


def test_figures_are_those_of_scikit_learns_example(kernels):
    """Its p is one-sided, and its probabilities are those of the best, rbf."""
    compared = compare_losses(kernels, rope=0.01)
    frame = compared.to_frame()
    others = frame.iloc[1:]
    kernel = ["kernel=rbf", "kernel=linear", "kernel=poly degree=3", "kernel=poly degree=2"]
    assert frame["candidate"].tolist() == kernel
    np.testing.assert_allclose(frame["mean"], [0.94, 0.93, 0.9044, 0.6852], atol=5e-5)
    np.testing.assert_allclose(-others["t"], [0.750, 1.657, 4.565], atol=5e-4)
    np.testing.assert_allclose(others["p"].iloc[:2] / 2, [0.227, 0.302 / 6], atol=5e-4)
    np.testing.assert_allclose(others["better"], [0.068, 0.018, 0.0], atol=5e-4)
    np.testing.assert_allclose(others["worse"], [0.500, 0.882, 1.0], atol=5e-4)
    np.testing.assert_allclose(others["equivalent"], [0.432, 0.100, 0.0], atol=5e-4)
    assert compared.tied == kernel[1:3]
    # Of the six pairs only those with poly of degree 2 differ, as on that page.
    assert frame["tied"].tolist() == [False, True, True, False]


def test_table_says_what_cv_results_says():
    search = GridSearchCV(Ridge(), GRID, cv=KFold(6)).fit(X, Y)
    frame, table = compare_losses(search).to_frame(), pd.DataFrame(search.cv_results_)
    assert frame.index.tolist() == table["mean_test_score"].argsort()[::-1].tolist()
    table = table.loc[frame.index]
    np.testing.assert_allclose(frame["mean"], table["mean_test_score"])
    np.testing.assert_allclose(frame["std"], table["std_test_score"])
    splits = table[[f"split{i}_test_score" for i in range(6)]]
    assert frame["ahead"].tolist() == (splits < splits.iloc[0]).sum(axis=1).tolist()
    assert frame["params"].tolist() == table["params"].tolist()
    assert frame.iloc[0][["t", "p", "p_holm", "worse", "equivalent", "better"]].isna().all()


@pytest.mark.parametrize("container", [dict, pd.DataFrame])
def test_tables_stand_for_searches(container):
    search = GridSearchCV(Ridge(), GRID, cv=5).fit(X, Y)
    expected = compare_losses(search)
    found = compare_losses(container(search.cv_results_), test_size=0.2)
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())
    assert found.verdict == expected.verdict


def test_searches_of_other_kinds():
    randomised = RandomizedSearchCV(Ridge(), GRID, n_iter=2, random_state=0, cv=5).fit(X, Y)
    assert len(compare_losses(randomised).to_frame()) == 2
    inside = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [1, 9]}, cv=5)
    assert compare_losses(inside.fit(X, Y)).best.startswith("alpha=")


def test_of_halving_the_last_iteration_is_compared():
    grid = {"alpha": [0.01, 0.02, 0.03, 0.1, 1.0, 10.0, 100.0, 1000.0]}
    search = HalvingGridSearchCV(Ridge(), grid, factor=2, min_resources=110, random_state=0).fit(
        X, Y
    )
    table = search.cv_results_
    last = np.flatnonzero(table["iter"] == table["iter"].max())
    assert 1 < len(last) < len(grid["alpha"])
    frame = compare_losses(search).to_frame()
    assert sorted(frame.index) == last.tolist()
    assert frame.index[0] == search.best_index_


def test_our_search_over_seeds_compares_means_of_seeds():
    net = NeuralRegressor(**ONE_NETWORK, max_epochs=3, hidden_layer_sizes=(4,), random_state=0)
    grid = [{"loss": ["mse"]}, {"loss": ["huber"], "loss__delta": [0.5, 2]}]
    scoring = ["r2", "neg_mean_absolute_error"]
    search = LossSearchCV(net, grid, n_seeds=2, scoring=scoring, refit="r2", cv=5).fit(
        X[:200], Y[:200]
    )
    assert compare_losses(search).metric == "r2"
    compared = compare_losses(search, metric="mean_absolute_error")
    frame = compared.to_frame()
    assert set(frame["candidate"]) == {"mse", "huber(delta=0.5)", "huber(delta=2)"}
    assert set(frame["loss"]) == {"mse", "huber"}
    column = search.cv_results_["split3_test_neg_mean_absolute_error"]
    again = compare_losses(
        {**search.cv_results_, "split3_test_neg_mean_absolute_error": column - [9, 0, 0]},
        metric="neg_mean_absolute_error",
        test_size=0.2,
    )
    assert again.to_frame().loc[0, "mean"] == pytest.approx(frame.loc[0, "mean"] + 9 / 5)


def test_rope_is_one_percent_of_the_best_unless_given():
    table = table_of(SCORES, metric="neg_max_error")
    assert compare_losses(table, test_size=0.1).rope == pytest.approx(
        0.01 * abs(SCORES.mean(axis=1).max())
    )
    none = compare_losses(table_of(SCORES), test_size=0.1, rope=0).to_frame().iloc[1:]
    assert (none["equivalent"].abs() < 1e-12).all()
    wide = compare_losses(table_of(SCORES), test_size=0.1, rope=10).to_frame().iloc[1:]
    assert (wide["equivalent"] > 0.999).all()


def test_alpha_decides_what_is_tied():
    table = table_of(SCORES)
    p = compare_losses(table, test_size=0.1).to_frame()["p_holm"].iloc[1]
    assert compare_losses(table, test_size=0.1, alpha=p + 1e-9).tied == []
    assert compare_losses(table, test_size=0.1, alpha=p - 1e-9).tied == ["b"]


def test_more_overlap_is_less_evidence():
    tests = [compare_losses(table_of(SCORES), test_size=size).to_frame() for size in (0.1, 0.5)]
    assert (tests[1]["p"].iloc[1:] > tests[0]["p"].iloc[1:]).all()


def test_failed_candidates_are_listed_apart():
    scores = SCORES.copy()
    scores[0, 3] = np.nan
    compared = compare_losses(table_of(scores), test_size=0.1)
    assert compared.failed == ["a"]
    assert compared.best == "b"
    assert "Failed and left out: a." in repr(compared)
    expected = compare_losses(table_of(SCORES[1:]), test_size=0.1).to_frame()
    np.testing.assert_array_equal(compared.to_frame()["p_holm"], expected["p_holm"])


def test_failed_candidates_of_a_search():
    search = GridSearchCV(Ridge(), {"alpha": [1.0, -1.0, 2.0]}, cv=5)
    with pytest.warns((FitFailedWarning, UserWarning)):
        search.fit(X, Y)
    assert compare_losses(search).failed == ["alpha=-1"]


def test_when_all_have_failed_nothing_is_compared():
    with pytest.raises(ValueError, match="all 2 have failed.*error_score='raise'"):
        compare_losses(table_of(np.full((2, 3), np.nan)), test_size=0.1)


def test_one_candidate_and_one_split_need_no_test_size():
    assert compare_losses(table_of(SCORES[:1])).tied == []
    single = compare_losses(table_of(SCORES[:, :1]))
    assert len(single.tied) == 2
    assert "tied" not in repr(single).splitlines()[1]


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 2, np.nan])
def test_alpha_is_a_level(alpha):
    with pytest.raises(ValueError, match="0 < alpha < 1; got"):
        compare_losses(table_of(SCORES), alpha=alpha)


@pytest.mark.parametrize("rope", [-0.1, np.inf, np.nan, "wide"])
def test_rope_is_a_width(rope):
    with pytest.raises(ValueError, match="rope >= 0, in units of the metric, or 'auto'; got"):
        compare_losses(table_of(SCORES), rope=rope)


def test_what_is_not_fitted_is_refused():
    search = GridSearchCV(Ridge(), GRID)
    with pytest.raises(NotFittedError, match="this GridSearchCV has none. Call fit first."):
        compare_losses(search)
    with pytest.raises(NotFittedError, match="this Ridge has none. Give a search"):
        compare_losses(Ridge().fit(X, Y))
    with pytest.raises(
        TypeError, match="needs a fitted search, or its cv_results_; got the class GridSearchCV"
    ):
        compare_losses(GridSearchCV)
    ended = clone(LossSearchCV(DummyRegressor(), {}))
    ended.partial_results_ = table_of(SCORES)
    with pytest.raises(NotFittedError, match="give its partial_results_, with test_size"):
        compare_losses(ended)


def test_tables_that_lack_a_column_are_refused():
    table = table_of(SCORES)
    with pytest.raises(ValueError, match="needs the column params of cv_results_"):
        compare_losses({name: each for name, each in table.items() if name != "params"})
    with pytest.raises(ValueError, match="no column split0_test_score: give the scores of every"):
        compare_losses({name: each for name, each in table.items() if "split" not in name})


class Cells(HTMLParser):
    """Collects the text of table cells, and checks that tags are closed."""

    def __init__(self):
        super().__init__()
        self.open, self.cells = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in {"td", "th"}:
            self.cells.append(data)


def test_prints_as_text_and_as_html():
    names = [{"loss": name} for name in ("a<b", "b", "c")]
    compared = compare_losses(table_of(SCORES, names), test_size=0.1)
    lines = repr(compared).splitlines()
    assert lines[0] == "score on 10 splits; equivalent within 0.009"
    assert lines[2].split()[:2] == ["a<b", f"{SCORES[0].mean():.4f}"]
    start = lines.index("") + 1
    assert " ".join(lines[start:]) == compared.verdict
    assert max(map(len, lines[start:])) <= 88
    parser = Cells()
    parser.feed(compared._repr_html_())
    assert parser.open == []
    assert parser.cells[:2] == ["candidate", "mean"]
    assert "a<b" in parser.cells


def test_long_tables_are_cut():
    scores = RNG.normal(size=(26, 4))
    compared = compare_losses(table_of(scores), test_size=0.1)
    assert "... and 6 more: to_frame() has all." in repr(compared)
    assert len(compared.to_frame()) == 26


def test_pickles():
    compared = compare_losses(table_of(SCORES), test_size=0.1)
    again = pickle.loads(pickle.dumps(compared))
    assert repr(again) == repr(compared)


def test_its_table_is_a_copy():
    compared = compare_losses(table_of(SCORES), test_size=0.1)
    frame = compared.to_frame()
    frame.loc[:, "candidate"] = "x"
    assert compared.best == "a"


@pytest.mark.parametrize(
    ("argument", "value", "needed"),
    [
        *(("alpha", value, "0 < alpha < 1") for value in (0, "0.05", None, True)),
        *(("rope", value, "rope >= 0, in units") for value in (-1, "big", None, [1.0], np.nan)),
        *(("test_size", value, "0 < test_size < 1") for value in (0, 5, "0.2", [0.2])),
    ],
    ids=str,
)
def test_a_wrong_argument_of_any_type_is_named(argument, value, needed):
    """A comparison with a text or None must not fail inside."""
    with pytest.raises(ValueError, match=needed):
        compare_losses(table_of(SCORES), **{"test_size": 0.1, argument: value})


def test_scores_that_are_no_numbers_are_named():
    table = {**table_of(SCORES), "split1_test_score": ["a", "b", "c"]}
    with pytest.raises(ValueError, match=r"split0_test_score \.\.\. of cv_results_ must hold"):
        compare_losses(table, test_size=0.1)


def test_scores_whose_squares_overflow_are_compared():
    """R² of a candidate that went astray; its tests do not depend on the unit."""
    table = table_of(SCORES)
    scores = {name: column * 2.0**1000 for name, column in table.items() if "test_score" in name}
    plain, huge = (compare_losses(each, test_size=0.1) for each in (table, {**table, **scores}))
    for name in ("t", "p", "p_holm", "worse", "better"):
        np.testing.assert_array_equal(plain.to_frame()[name], huge.to_frame()[name])
    np.testing.assert_array_equal(plain.to_frame()["std"] * 2.0**1000, huge.to_frame()["std"])
    assert "e+299" in huge.verdict
    assert len(huge.verdict) < 400
