"""Whoever else is in a stack, stops early or fails: each model is what its own fit gives."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import KFold
from skorch.callbacks import Checkpoint
from skorch.history import History
from torch import nn

from sklloss import LossSearchCV, NeuralRegressor
from sklloss.estimators.fit.together import sharing_key

from ..stacked_and_alone import (
    Fit,
    assert_same,
    assert_stacked_is_alone,
    errors_of,
    fitted_alone,
    fitted_together,
    heights,
)
from .small_models import BAGGED, CLASSES, ONE_NETWORK, POSITIVE, X, classifiers, regressors, varied

pytestmark = pytest.mark.filterwarnings(  # three epochs of dropout and penalties learn little
    "ignore:.*worse than the best constant:sklearn.exceptions.ConvergenceWarning"
)


# ---------------------------------------------------------------------- models that leave


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_early_stopping_in_different_epochs(task):
    """Weights of the best epoch, optimiser of the last: also of models whose stack went on without
    them."""
    many = {"max_epochs": 30, "early_stopping": True, "hidden_layer_sizes": (64, 64)}
    make, y = (regressors, POSITIVE) if task == "regression" else (classifiers, CLASSES)
    models = varied(make(8, **many), n_iter_no_change=[1, 3, 2, 5], lr=[0.003, 0.01, 0.001])
    stacked = assert_stacked_is_alone(models, X, y, goes_on=True)
    assert len({model.n_iter_ for model in stacked}) > 3


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "nadam"])
def test_different_numbers_of_epochs(optimizer):
    """Few leave at once, so that the others go on in a stack with them, and in smaller ones
    later."""
    epochs = [3, 9, 9, 1, 9, 6, 9, 9, 2, 9]
    models = varied(regressors(10, optimizer=optimizer), max_epochs=epochs)
    stacked = assert_stacked_is_alone(models, X, POSITIVE, goes_on=True)
    assert [model.n_iter_ for model in stacked] == [n + 1 for n in epochs]


def test_who_else_is_there_does_not_matter():
    models = regressors(7)
    whole = fitted_together(models, X, POSITIVE)
    for chosen in ([0, 1], [6, 3, 0], [5, 4, 3, 2, 1]):
        part = fitted_together([models[k] for k in chosen], X, POSITIVE)
        assert_same(part, [whole[k] for k in chosen], X)


@pytest.mark.parametrize(
    "culprit",
    [
        NeuralRegressor(optimizer="sgd", lr=1e6),
        NeuralRegressor("huber", optimizer="sgd", lr=1e38),
        NeuralRegressor("barron", optimizer="sgd", lr=1e38),
        NeuralRegressor("squared_error", optimizer="sgd", lr=0.01, weight_decay=1e30),
    ],
    ids=str,
)
@pytest.mark.parametrize("place", [0, 3])
def test_a_model_that_turns_nan_leaves_the_others_alone(culprit, place):
    params = {"max_epochs": 12, "batch_size": 50, "hidden_layer_sizes": (32,), "random_state": 0}
    models = regressors(5, max_epochs=12, optimizer="sgd")
    without = fitted_together(models, X, POSITIVE)
    lost = clone(culprit).set_params(**ONE_NETWORK, **params)
    fits = [Fit(clone(model), X, POSITIVE) for model in models]
    fits.insert(place, Fit(lost, X, POSITIVE))
    with heights() as seen:
        errors = errors_of(fits)
    assert seen == [6]
    assert isinstance(errors.pop(place), FloatingPointError)
    assert errors == [None] * 5
    assert not hasattr(lost, "net_")
    fits.pop(place)
    assert_same([fit.estimator for fit in fits], without, X)


def test_folds_in_one_call():
    """Splits with as many rows share a stack; one with fewer has its own."""
    cut = [*KFold(4).split(X[:228]), *KFold(3).split(X)]
    parts = [(X[train], POSITIVE[train]) for train, _ in cut]
    fits = [Fit(model, *part) for part in parts for model in regressors(3)]
    with heights() as seen:
        errors = errors_of(fits)
    rows = [len(part[0]) for part in parts for _ in range(3)]
    assert sorted(seen) == sorted(rows.count(n) for n in set(rows))
    assert errors == [None] * len(fits)
    alone = [model.fit(*part) for part in parts for model in regressors(3)]
    assert_same([fit.estimator for fit in fits], alone, X)


def test_folds_of_classes_with_their_own_weights():
    parts = [(X[train], CLASSES[train]) for train, _ in KFold(4).split(X[:228])]
    models = varied(classifiers(4), class_weight=["balanced", None])
    fits = [Fit(clone(m), *part) for m, part in zip(models, parts, strict=True)]
    with heights() as seen:
        errors_of(fits)
    assert seen == [4]
    alone = [clone(m).fit(*part) for m, part in zip(models, parts, strict=True)]
    assert_same([fit.estimator for fit in fits], alone, X)


def test_a_fit_that_cannot_begin_does_not_touch_the_others():
    fits = [Fit(model, X, POSITIVE) for model in regressors(3)]
    fits.insert(1, Fit(NeuralRegressor("poisson"), X, -POSITIVE))
    fits.insert(2, Fit(NeuralRegressor(max_epochs=0), X, POSITIVE))
    errors = errors_of(fits)
    assert [type(error).__name__ for error in errors] == [
        "NoneType", "ValueError", "ValueError", "NoneType", "NoneType",
    ]  # fmt: skip
    chosen = [fits[k].estimator for k in (0, 3, 4)]
    assert_same(chosen, fitted_alone(regressors(3), X, POSITIVE), X)


# ---------------------------------------------------------------------- what a stack leaves behind


def test_fitted_models_share_nothing():
    """Training one of them on, or loading weights into it, moves no other."""
    first, second, third = fitted_together(regressors(3), X, POSITIVE)
    before = [model.predict(X) for model in (second, third)]
    first.partial_fit(X, POSITIVE)
    first.net_.module_.load_state_dict(second.net_.module_.state_dict())
    with torch.no_grad():
        for parameter in first.net_.module_.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(second.predict(X), before[0])
    np.testing.assert_array_equal(third.predict(X), before[1])
    assert (first.predict(X) == first.predict(X)[0]).all()
    storages = {
        tensor.untyped_storage().data_ptr()
        for model in (first, second, third)
        for tensor in [
            *model.net_.module_.parameters(),
            *(v for s in model.net_.optimizer_.state.values() for v in s.values()),
        ]
    }
    assert len(storages) == 3 * (1 + 3)  # weights; step, mean and square of gradients


def test_pickles_of_stacked_models_train_on():
    models = fitted_together(regressors(3), X, POSITIVE)
    twins = pickle.loads(pickle.dumps(models))
    for model in (*models, *twins):
        model.partial_fit(X, POSITIVE)
    assert_same(models, twins, X)


def test_history_is_written_and_checkpoints_load_after_a_search(tmp_path):
    grid = {"lr": [0.001, 0.01], "loss": ["huber", "mse"]}
    search = LossSearchCV(regressors(1)[0], grid, cv=2).fit(X, POSITIVE)
    net = search.best_estimator_.net_
    net.history.to_file(tmp_path / "history.json")
    assert History.from_file(tmp_path / "history.json") == net.history
    for model in fitted_together(regressors(2), X, POSITIVE):
        model.net_.history.to_file(tmp_path / "history.json")
        assert History.from_file(tmp_path / "history.json") == model.history_
        assert all(row["dur"] > 0 for row in model.history_)
        names = {"f_params": str(tmp_path / "w.pt"), "f_optimizer": str(tmp_path / "o.pt")}
        before = model.predict(X)
        model.net_.save_params(**names)
        goes_on = clone(model).fit(X, POSITIVE).partial_fit(X, POSITIVE).predict(X)
        model.partial_fit(X, POSITIVE)
        np.testing.assert_array_equal(model.predict(X), goes_on)
        model.net_.load_params(**names)
        np.testing.assert_array_equal(model.predict(X), before)
        model.partial_fit(X, POSITIVE)
        assert len(model.history_) == 5


# ---------------------------------------------------------------------- what shares a stack


def test_estimators_that_are_fitted_alone():
    apart = [
        {"optimizer": "lbfgs"},
        {"module": nn.Linear},
        {"callbacks": [Checkpoint()]},
        {"warm_start": True},
        {"verbose": 1},
        {"early_stopping": True, "validation_fraction": KFold(3)},
        {"lr": -1.0},
        {"loss": "no such loss"},
    ]
    for params in apart:
        assert sharing_key(NeuralRegressor(**params)) is None, params
    for models in (regressors(7), regressors(7, **BAGGED), [NeuralRegressor()]):
        keys = {sharing_key(model) for model in models}
        assert len(keys) == 1
        assert None not in keys


def test_alone_or_not_the_models_are_the_same():
    """Whatever is given to `fit_together` comes out as from `fit`, also where nothing can be
    shared."""
    models = [
        *regressors(2, optimizer="lbfgs", max_epochs=2),
        *regressors(2, module=nn.Linear),
        *regressors(2, activation="tanh"),
        *regressors(2, module_params={"activation": "silu"}),
        *regressors(2, n_members=2),
        *regressors(2, early_stopping=True, validation_fraction=KFold(3)),
        *varied(regressors(2, early_stopping=True), validation_fraction=[0.1, 0.4]),
    ]
    stacked = fitted_together(models, X, POSITIVE)
    assert_same(stacked, fitted_alone(models, X, POSITIVE), X)
