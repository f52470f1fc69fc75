"""Which candidates a grid gives: all of them, or draws as RandomizedSearchCV makes them."""

import numpy as np
import pytest
from scipy.stats import loguniform, randint
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralRegressor

from ..laws.small_models import ONE_NETWORK
from .equal_searches import OWN

DISTRIBUTIONS = {
    "a distribution": {"loss": ["mse", "mae"], "lr": loguniform(1e-3, 1e-1)},
    "lists alone": {"loss": ["mse", "mae", "huber"], "lr": [0.01, 0.02]},
    "grids of their own": [
        {"loss": ["mse", "mae"], "max_epochs": randint(1, 5)},
        {"loss": ["huber"], "loss__delta": loguniform(0.1, 10)},
    ],
}


def regressor(**params):
    small = {**ONE_NETWORK, "hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0}
    return NeuralRegressor(**{**small, **params})


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("random_state", [3, np.random.RandomState])
def test_draws_are_those_of_randomized_search(name, random_state, diabetes):
    grid = DISTRIBUTIONS[name]
    searches = [
        search(
            regressor(),
            grid,
            n_iter=5,
            cv=2,
            random_state=random_state if random_state == 3 else random_state(7),
        ).fit(*diabetes)
        for search in (LossSearchCV, RandomizedSearchCV)
    ]
    ours, known = (search.cv_results_ for search in searches)
    assert [column for column in ours if not OWN.fullmatch(column)] == list(known)
    for column, expected in known.items():
        if not column.endswith("_time"):
            np.testing.assert_array_equal(ours[column], expected, err_msg=column)
    assert searches[0].best_params_ == searches[1].best_params_


def test_more_draws_than_there_are(diabetes):
    grid = {"loss": ["mse", "mae"]}
    with pytest.warns(UserWarning, match="total space of parameters 2 is smaller than n_iter=9"):
        search = LossSearchCV(regressor(), grid, n_iter=9, cv=2).fit(*diabetes)
    assert sorted(search.cv_results_["param_loss"]) == ["mae", "mse"]


@pytest.mark.parametrize("wrap", [lambda grid: grid, lambda grid: [{"loss": ["mae"]}, grid]])
def test_a_distribution_needs_n_iter(wrap, diabetes):
    search = LossSearchCV(regressor(), wrap(DISTRIBUTIONS["a distribution"]))
    with pytest.raises(TypeError, match="'lr' needs to be a list .*Set n_iter"):
        search.fit(*diabetes)


def test_draws_from_one_grid_for_losses_of_different_parameters(diabetes):
    estimator = Pipeline([("scale", StandardScaler()), ("net", regressor())])
    grid = {"net__loss": ["mse", "huber"], "net__loss__delta": loguniform(0.1, 10)}
    search = LossSearchCV(estimator, grid, n_iter=3)
    with pytest.raises(ValueError, match=r"list of grids: \[{'net__loss': \['mse'\]}, .*rv_"):
        search.fit(*diabetes)


@pytest.mark.parametrize("n_iter", [0, -1, 2.5, "all", True])
def test_bad_numbers_of_draws(n_iter, diabetes):
    search = LossSearchCV(regressor(), {"loss": ["mse"]}, n_iter=n_iter)
    with pytest.raises(ValueError, match="LossSearchCV needs n_iter .*None tries all candidates"):
        search.fit(*diabetes)


def test_a_value_that_is_neither_list_nor_distribution(diabetes):
    with pytest.raises(TypeError, match="'lr' is not iterable or a distribution"):
        LossSearchCV(regressor(), {"lr": 0.1}, n_iter=3).fit(*diabetes)


@pytest.mark.parametrize("n_iter", [None, 2])
@pytest.mark.parametrize("grid", [["mse", "mae"], [{"loss": ["mse"]}, ["loss"]], {5: ["mse"]}])
def test_a_grid_that_is_no_dict_of_names(grid, n_iter, diabetes):
    search = LossSearchCV(regressor(), grid, n_iter=n_iter)
    with pytest.raises(TypeError, match="needs grids that are dicts .* Give for example {'loss'"):
        search.fit(*diabetes)
