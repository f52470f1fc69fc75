"""Fits in one stack beside the same fits one by one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import clone

from sklloss.estimators.fit.together import fit_data, fit_together
from sklloss.training import programs
from sklloss.training.steps.optimizers import parameter_of


class Fit(NamedTuple):
    """An estimator and the arguments of its `fit`."""

    estimator: Any
    X: Any
    y: Any
    params: Mapping[str, Any] = MappingProxyType({})


def errors_of(fits, on_epoch=None):
    """Do fits in one call of `fit_together`, and return what stopped each of them."""
    data = [fit_data(fit.estimator, fit.X, fit.y, dict(fit.params)) for fit in fits]
    return fit_together([fit.estimator for fit in fits], data, on_epoch)


def fitted_together(models, X, y, **params):
    """Fit clones of the models in one call of `fit_together`, and return them."""
    fits = [Fit(clone(model), X, y, params) for model in models]
    for error in errors_of(fits):
        if error is not None:
            raise error
    return [fit.estimator for fit in fits]


def fitted_alone(models, X, y, **params):
    return [clone(model).fit(X, y, **params) for model in models]


def assert_stacked_is_alone(models, X, y, goes_on=False, **params):
    """Assert that one stack of all models gives what each fit gives; `goes_on`: also after another
    epoch."""
    with heights() as seen:
        stacked = fitted_together(models, X, y, **params)
    n_nets = sum(len(model.members_) for model in stacked)
    assert seen == [n_nets], f"stacks of {seen} nets, not of {n_nets}"
    alone = fitted_alone(models, X, y, **params)
    assert_same(stacked, alone, X)
    if goes_on:
        for pair in zip(stacked, alone, strict=True):
            for model in pair:
                model.set_params(early_stopping=False).partial_fit(X, y)
        assert_same(stacked, alone, X)
    return stacked


class heights:  # noqa: N801
    """Notes how many nets each stack has that is trained inside the block."""

    def __enter__(self):
        self._engine, seen = programs.Engine, []

        def engine(nets, *args):
            if len(nets) > 1:
                seen.append(len(nets))
            return self._engine(nets, *args)

        programs.Engine = engine
        return seen

    def __exit__(self, *error):
        programs.Engine = self._engine


def assert_same(models, others, X):
    for mine, theirs in zip(models, others, strict=True):
        assert mine.n_iter_ == theirs.n_iter_
        for nets in zip(mine.members_, theirs.members_, strict=True):
            assert_same_nets(*nets)
        assert hasattr(mine, "oof_") == hasattr(theirs, "oof_")
        if hasattr(mine, "oof_"):
            np.testing.assert_array_equal(mine.oof_, theirs.oof_, err_msg=f"{mine}.oof_")
        for method in ("predict", "decision_function", "predict_proba"):
            if hasattr(mine, method):
                ours, lone = getattr(mine, method)(X), getattr(theirs, method)(X)
                np.testing.assert_array_equal(ours, lone, err_msg=f"{mine}.{method}")


def assert_same_nets(mine, theirs):
    """Assert equal bits of weights, trained parts of the loss, optimiser and history."""
    assert_equal_tensors(mine.module_.state_dict(), theirs.module_.state_dict(), mine.loss)
    assert_equal_tensors(mine.criterion_.state_dict(), theirs.criterion_.state_dict(), mine.loss)
    assert_equal_tensors(state_of(mine), state_of(theirs), mine.loss)
    groups = [net.optimizer_.state_dict()["param_groups"] for net in (mine, theirs)]
    assert groups[0] == groups[1]
    assert [list(row) for row in mine.history] == [list(row) for row in theirs.history]
    assert without_times(mine.history) == without_times(theirs.history)
    assert mine.lowest_ == theirs.lowest_


def state_of(net):
    """Return the state of a net's optimiser as tensors."""
    state = net.optimizer_.state.get(parameter_of(net.optimizer_), {})
    held = {name: value for name, value in state.items() if not isinstance(value, list)}
    lists = {name: value for name, value in state.items() if isinstance(value, list)}  # of L-BFGS
    held |= {f"{name}{i}": each for name, row in lists.items() for i, each in enumerate(row or [])}
    return {name: torch.as_tensor(v) for name, v in held.items() if v is not None}


def assert_equal_tensors(mine, theirs, what):
    assert list(mine) == list(theirs), what
    for name, value in mine.items():
        assert value.dtype == theirs[name].dtype, f"{what}: {name}"
        assert torch.equal(value, theirs[name]), f"{what}: {name}"


def without_times(history):
    return [{name: value for name, value in row.items() if name != "dur"} for row in history]
