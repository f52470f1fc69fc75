"""random_state is what scikit-learn takes: an int, a RandomState or None."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold

from sklloss import LossSearchCV, NeuralRegressor

from ..search.equal_searches import assert_equal_searches
from .small_models import FEATURES, ONE_NETWORK
from .test_declared_parameters import ESTIMATORS
from .test_same_bits import CASES, assert_same, fitted

OF_EACH = {type(case.model): case for case in CASES.values()}
each = pytest.mark.parametrize("case", OF_EACH.values(), ids=lambda case: type(case.model).__name__)
X, Y = FEATURES[:60, :5], FEATURES[:60, 0]


def regressor(**params):
    settings = {**ONE_NETWORK, "hidden_layer_sizes": (4,), "max_epochs": 2, **params}
    return NeuralRegressor(**settings)


def test_every_estimator_has_a_case():
    assert set(OF_EACH) == set(ESTIMATORS)


@each
def test_a_random_state_is_advanced_once_and_gives_the_seed(case):
    state = np.random.RandomState(5)
    seed = int(np.random.RandomState(5).randint(2**32, dtype=np.uint64))
    drawn = fitted(case, random_state=state)
    assert_same(drawn, fitted(case, random_state=seed), case)
    assert drawn.net_.seed == seed
    drawn.fit(case.X, case.y)
    assert drawn.net_.seed != seed


@each
@pytest.mark.parametrize("seed", [np.int64(3), np.uint8(3)])
def test_whole_numbers_of_numpy_are_ints(case, seed):
    assert_same(fitted(case, random_state=seed), fitted(case, random_state=3), case)


@each
def test_none_takes_fresh_entropy_and_leaves_the_global_generators(case):
    before = np.random.get_state()[1].tobytes()
    seeds = {fitted(case, random_state=None, max_epochs=1).net_.seed for _ in range(2)}
    assert len(seeds) == 2
    assert np.random.get_state()[1].tobytes() == before


@each
@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (np.random.default_rng(0), r"random_state must be None, an int .*int\(generator.integers"),
        (-1, "random_state must be None, an int in .*; got -1"),
        (2**32, "got 4294967296"),
        (1.5, "got 1.5"),
        ("0", "got '0'"),
    ],
)
def test_anything_else_is_refused(case, seed, message):
    with pytest.raises(ValueError, match=message):
        fitted(case, random_state=seed)


# ---------------------------------------------------------------------- searches

GRID = {"loss": ["mse", "mae"], "lr": [0.01, 0.02]}


@pytest.mark.parametrize("seed", [3, np.random.RandomState(5)], ids=["int", "RandomState"])
def test_searches_give_every_fit_the_seed_that_a_grid_search_gives(seed):
    assert_equal_searches(regressor(random_state=seed), GRID, X, Y, cv=KFold(3))
    states = {"random_state": [np.random.RandomState(1), np.random.RandomState(2)]}
    ours, known = (
        search(regressor(), states, cv=KFold(3)).fit(X, Y)
        for search in (LossSearchCV, GridSearchCV)
    )
    for name in ("split0_test_score", "split2_test_score", "mean_test_score"):
        np.testing.assert_array_equal(ours.cv_results_[name], known.cv_results_[name])


def test_searches_report_a_generator_as_a_grid_search_does():
    for search in (LossSearchCV, GridSearchCV):
        with pytest.raises(ValueError, match="All the 12 fits failed|random_state must be None"):
            search(regressor(random_state=np.random.default_rng(0)), GRID, cv=3).fit(X, Y)


def test_several_seeds_follow_one_drawn_of_a_random_state():
    state = np.random.RandomState(5)
    first = int(np.random.RandomState(5).randint(2**32, dtype=np.uint64))
    drawn = LossSearchCV(regressor(random_state=state), GRID, cv=2, n_seeds=2).fit(X, Y)
    given = LossSearchCV(regressor(random_state=first), GRID, cv=2, n_seeds=2).fit(X, Y)
    np.testing.assert_array_equal(
        drawn.cv_results_["mean_test_score"], given.cv_results_["mean_test_score"]
    )
