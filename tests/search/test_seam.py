"""A search is `_run_search`: it may evaluate candidates several times, as scikit-learn's do."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
)

from sklloss import NeuralRegressor
from sklloss.search.base import LossSearch

from ..laws.small_models import ONE_NETWORK
from .equal_searches import columns_of_grid_search
from .interrupting import Interrupting

GRID = {"loss": ["mse", "mae", "huber"], "lr": [0.001, 0.01, 0.1]}


def regressor():
    return NeuralRegressor(**ONE_NETWORK, hidden_layer_sizes=(8,), max_epochs=3, random_state=0)


@dataclass(kw_only=True, eq=False, repr=False)
class Randomized(LossSearch):
    param_distributions: Any = field(kw_only=False)
    n_iter: int = 4

    def _run_search(self, evaluate_candidates):
        evaluate_candidates(ParameterSampler(self.param_distributions, self.n_iter, random_state=0))


@dataclass(kw_only=True, eq=False, repr=False)
class Halving(LossSearch):
    """Successive halving over epochs: 1, 3 and 9 of them."""

    param_grid: Any = field(kw_only=False)

    def _run_search(self, evaluate_candidates):
        candidates = list(ParameterGrid(self.param_grid))
        for step, n_epochs in enumerate((1, 3, 9)):
            n = len(candidates)
            tried = [{**params, "max_epochs": n_epochs} for params in candidates]
            more = {"iter": [step] * n, "n_resources": [n_epochs] * n}
            table = evaluate_candidates(tried, more_results=more)
            last = np.flatnonzero(table["iter"] == step)
            best = last[np.argsort(table["mean_test_score"][last])[-(n // 3) :]]
            candidates = [table["params"][i] for i in best]


def assert_equal_tables(table, expected):
    assert columns_of_grid_search(table) == list(expected)
    for name, column in expected.items():
        if not name.endswith("_time"):
            np.testing.assert_array_equal(table[name], column, err_msg=name)


def test_a_random_search_needs_one_method(diabetes):
    search = Randomized(regressor(), GRID, cv=3, return_train_score=True).fit(*diabetes)
    expected = RandomizedSearchCV(
        regressor(), GRID, n_iter=4, random_state=0, cv=3, return_train_score=True
    ).fit(*diabetes)
    assert_equal_tables(search.cv_results_, expected.cv_results_)
    np.testing.assert_array_equal(search.predict(diabetes[0]), expected.predict(diabetes[0]))
    assert clone(search).get_params()["n_iter"] == 4


def test_a_halving_search_needs_one_method(diabetes, capsys):
    search = Halving(regressor(), GRID, cv=3, return_train_score=True, verbose=2).fit(*diabetes)
    steps = {"resource": "max_epochs", "min_resources": 1, "max_resources": 9, "factor": 3}
    expected = HalvingGridSearchCV(regressor(), GRID, cv=3, **steps).fit(*diabetes)
    assert_equal_tables(search.cv_results_, expected.cv_results_)
    assert search.cv_results_["n_resources"].tolist() == [1] * 9 + [3] * 3 + [9]
    assert "[Halving 13/13] " in capsys.readouterr().out


def test_calls_may_have_splits_of_their_own(diabetes):
    class Twice(Halving):
        def _run_search(self, evaluate_candidates):
            evaluate_candidates([{"loss": "mse"}])
            evaluate_candidates([{"loss": "mae"}], cv=KFold(3, shuffle=True, random_state=0))
            with pytest.raises(ValueError, match="Expected 3 splits, got 2"):
                evaluate_candidates([{"loss": "mae"}], cv=KFold(2))

    table = Twice(regressor(), None, cv=3).fit(*diabetes).cv_results_
    for i, (loss, cv) in enumerate([("mse", 3), ("mae", KFold(3, shuffle=True, random_state=0))]):
        expected = GridSearchCV(regressor(), {"loss": [loss]}, cv=cv).fit(*diabetes).cv_results_
        assert table["mean_test_score"][i] == expected["mean_test_score"][0]


def test_seeds_that_are_drawn_are_those_of_all_calls(diabetes):
    class Twice(Halving):
        def _run_search(self, evaluate_candidates):
            for _ in range(2):
                evaluate_candidates([{"loss": "mse"}])

    search = Twice(regressor().set_params(random_state=None), None, cv=3, n_seeds=2)
    table = search.fit(*diabetes).cv_results_
    assert len(set(table["mean_test_score"])) == 1
    assert table["std_over_seeds_test_score"].shape == (2,)


def test_an_interruption_keeps_the_results_of_earlier_calls(diabetes):
    search = Halving(regressor(), GRID, cv=2, stack_size=1, scoring=Interrupting(22))
    with pytest.raises(KeyboardInterrupt) as caught:
        search.fit(*diabetes)
    assert "Halving ended early, after 11 of 12 candidates" in caught.value.__notes__[0]
    table = search.partial_results_
    assert table["interrupted"].tolist() == [False] * 11 + [True]
    assert table["iter"].tolist() == [0] * 9 + [1] * 3
    assert np.isfinite(table["mean_test_score"][:11]).all()


@pytest.mark.parametrize("columns", [[{"n": [1]}], [{}, {"n": [1, 2]}], [{"n": [1, 2]}, {}]])
def test_columns_have_a_value_for_every_candidate(columns, diabetes):
    class Uneven(Halving):
        def _run_search(self, evaluate_candidates):
            for more in columns:
                evaluate_candidates([{"loss": "mse"}, {"loss": "mae"}], more_results=more)

    with pytest.raises(ValueError, match="more_results needs the same .* 'n' has . values for"):
        Uneven(regressor(), None, cv=2).fit(*diabetes)
