"""Which models share a stack, and how many."""

from itertools import pairwise

import numpy as np
import pytest
import sklearn
import torch
from sklearn.model_selection import ParameterGrid
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EpochScoring

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.estimators.fit.together import fit_data, fit_together, sharing_key
from sklloss.search import scikit_learn
from sklloss.search.candidates import candidates_of
from sklloss.search.grids import settings_of
from sklloss.search.stacks import Fit, Shape, automatic_size, sizes, stack_size, stacks_of
from sklloss.search.threads import here, one_thread, threads_of_search, threads_of_task

from ..laws.small_models import ONE_NETWORK
from .equal_searches import assert_equal_searches


def test_private_names_were_checked_with_the_installed_scikit_learn():
    assert sklearn.__version__ == scikit_learn.CHECKED_WITH, (
        "Look through search/scikit_learn.py beside the installed scikit-learn's _search.py, "
        "then set CHECKED_WITH."
    )


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "huber", "loss__delta": 3.0},
        {"loss": "quantile"},
        {"lr": 0.1},
        {"weight_decay": 0.1, "l1": 0.1},
        {"dropout": 0.5},
        {"max_epochs": 7, "n_iter_no_change": 3, "tol": 0.1},
        {"random_state": 4},
        {"scale_target": False, "scale_inputs": False},
        {"hidden_layer_sizes": [100]},
    ],
)
def test_what_may_differ_in_a_stack(params):
    key = sharing_key(NeuralRegressor(hidden_layer_sizes=(100,)))
    assert key is not None
    assert sharing_key(NeuralRegressor(hidden_layer_sizes=(100,)).set_params(**params)) == key


@pytest.mark.parametrize(
    "params",
    [
        {"hidden_layer_sizes": (3,)},
        {"activation": "tanh"},
        {"optimizer": "sgd"},
        {"optimizer__betas": [0.8, 0.9]},
        {"module__dropout": 0.2},
        {"batch_size": 17},
        {"early_stopping": True},
        {"validation_fraction": 0.2},
        {"dtype": "float64"},
        {"loss": "gaussian_nll"},
    ],
)
def test_what_makes_another_stack(params):
    key = sharing_key(NeuralRegressor().set_params(**params))
    assert key not in (None, sharing_key(NeuralRegressor()))


class Own(NeuralRegressor):
    """A subclass that learns from other targets than its `fit` is given."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, -y, sample_weight)


@pytest.mark.parametrize(
    "estimator",
    [
        NeuralRegressor(module=torch.nn.Linear),
        NeuralRegressor(callbacks=[EpochScoring("r2")]),
        NeuralRegressor(warm_start=True),
        NeuralRegressor(validation_fraction=([0], [1])),
        NeuralRegressor(device="auto"),
        NeuralRegressor(optimizer="lbfgs"),
        NeuralRegressor(verbose=1),
        NeuralRegressor(lr=-1),
        NeuralRegressor(optimizer="none such"),
        NeuralRegressor("huber").set_params(loss__delta=-1),
        Own(),
        StandardScaler(),
    ],
)
def test_what_is_fitted_alone(estimator):
    (fit,) = fits_of({}, 1, estimator)
    assert fit.candidate.sharing is None
    assert [stack.alone for stack in stacks_of([fit], "auto", 1, 2**33)] == [True]


def test_a_subclass_with_a_fit_of_its_own_is_searched_as_there(diabetes):
    estimator = Own(**ONE_NETWORK, hidden_layer_sizes=(8,), max_epochs=3, random_state=0)
    assert_equal_searches(estimator, {"loss": ["mse", "mae"]}, *diabetes, cv=2)


def fits_of(grid, n_splits, estimator=None, shape=lambda split: Shape(100, 5, False)):
    estimator = NeuralRegressor() if estimator is None else estimator
    candidates = candidates_of(estimator, settings_of(estimator, grid, "Search"), 1, 0, 0)
    return [
        Fit(candidate, split, shape(split)) for candidate in candidates for split in range(n_splits)
    ]


def test_stacks_cover_few_splits_and_keep_losses_together():
    grid = {"lr": [0.1, 0.2], "loss": ["mae", "mse", "huber"]}
    fits = fits_of(grid, 4)
    stacks = stacks_of(fits, 6, 1, 2**33)
    assert [{fit.split for fit in stack.fits} for stack in stacks] == [{0}, {1}, {2}, {3}]
    for stack in stacks_of(fits, 9, 1, 2**33):
        losses = [fit.candidate.params["loss"] for fit in stack.fits]
        changes = sum(a != b for a, b in pairwise(losses))
        assert changes == len(set(losses)) - 1
        assert len({fit.split for fit in stack.fits}) <= 2
    stacked = [fit for stack in stacks for fit in stack.fits]
    assert len(stacked) == len(fits)
    assert set(stacked) == set(fits)


def test_rows_columns_and_widths_make_stacks_of_their_own():
    grid = {"loss": ["mse", "gaussian_nll"], "optimizer": ["adam", "lbfgs"]}
    fits = fits_of(grid, 3, shape=lambda split: Shape(100 + (split == 0), 5, False))
    stacks = stacks_of(fits, 50, 1, 2**33)
    assert sorted(len(stack.fits) for stack in stacks if not stack.alone) == [1, 1, 2, 2]
    assert sum(stack.alone for stack in stacks) == 6


def test_automatic_size_follows_the_net():
    def size(n_rows=5000, n_workers=1, **params):
        shape, net = Shape(n_rows, 20, False), NeuralRegressor(**{**ONE_NETWORK, **params})
        (fit,) = fits_of({}, 1, net, lambda split: shape)
        return automatic_size(fit, n_workers, 2**33)

    typical = size(hidden_layer_sizes=(64, 64), batch_size=128)
    assert 16 <= typical <= 32
    assert size(hidden_layer_sizes=(8,), batch_size=128) > typical
    assert size(hidden_layer_sizes=(512, 512), batch_size=1024) < 4
    assert size(hidden_layer_sizes=(64, 64), batch_size=128, dtype="float64") < typical
    assert size(hidden_layer_sizes=32) > 1
    assert size(hidden_layer_sizes=(64, 64), batch_size=128, n_members=4) == typical // 4
    assert fits_of({}, 1, NeuralClassifier())[0].candidate.sharing is not None


def test_memory_bounds_a_stack():
    few = stack_size((1000, 8, 1), 200, 10**6, memory=8 * 2**30)
    assert stack_size((1000, 8, 1), 200, 10**4, memory=8 * 2**30) > few
    assert few * 1000 * 10**6 * 4 <= 2 * 2**30 or few == 1
    assert stack_size((10, 8, 1), 200, 10**6, memory=2**30, n_workers=4) <= 2


@pytest.mark.parametrize("n_workers", [1, 2, 3])
@pytest.mark.parametrize("n_models", [1, 2, 7, 100])
def test_sizes_are_balanced(n_models, n_workers):
    found = sizes(n_models, 16, n_workers)
    assert sum(found) == n_models
    assert max(found) - min(found) <= 1
    assert max(found) <= 16
    assert len(found) % n_workers == 0 or len(found) == n_models


def test_one_fit_that_fails_does_not_touch_the_others(diabetes):
    X, y = diabetes
    epochs = []
    params = {
        **ONE_NETWORK, "hidden_layer_sizes": (8,), "max_epochs": 5, "random_state": 0,
        "n_iter_no_change": 1, "tol": 10.0,
    }  # fmt: skip
    nets = [NeuralRegressor(loss, **params) for loss in ("mse", "gamma", "mae")]
    weights = {"sample_weight": np.ones(len(y))}
    data = [fit_data(net, X, y - y.mean(), weights) for net in nets]
    errors = fit_together(nets, data, epochs.append)
    assert [type(error) for error in errors] == [type(None), ValueError, type(None)]
    assert sum(epochs) == 15
    assert nets[2].n_iter_ < 5
    alone = NeuralRegressor("mae", **params).fit(X, y - y.mean())
    np.testing.assert_array_equal(nets[2].predict(X), alone.predict(X))


def test_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threads_of_search(False), threads_of_task(here()):
            assert torch.get_num_threads() == 2
        with threads_of_search(True):
            assert torch.get_num_threads() == 1
        for elsewhere in ((-1, *here()[1:]), (here()[0], -1, here()[2]), (*here()[:2], "other")):
            with threads_of_task(elsewhere):
                assert torch.get_num_threads() == 1
        with pytest.raises(KeyError), one_thread():
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_candidates_are_in_the_order_of_parameter_grid():
    grid = [{"lr": [0.1, 0.2], "loss": ["mse", "mae"]}, {"loss": ["huber"]}]
    found = candidates_of(
        NeuralRegressor(), settings_of(NeuralRegressor(), grid, "Search"), 1, 0, 3
    )
    assert [candidate.params for candidate in found] == list(ParameterGrid(grid))
    assert [candidate.number for candidate in found] == [3, 4, 5, 6, 7]
