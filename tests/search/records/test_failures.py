"""Fits that fail are told in one short table."""

import warnings
from traceback import format_exception

import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklloss import LossSearchCV, NeuralRegressor
from sklloss.search.records.failures import MOST_LINES, WIDEST, cause_of, named, table_of

from ...laws.small_models import ONE_NETWORK

SMALL = {**ONE_NETWORK, "hidden_layer_sizes": (8,), "max_epochs": 2, "random_state": 0}


def raise_anew():
    try:
        raise KeyError("first")
    except KeyError as error:
        raise ValueError("second") from error


def told(grid, X, y, **params):
    net = Pipeline([("scale", StandardScaler()), ("net", NeuralRegressor(**SMALL))])
    search = LossSearchCV(net, grid, cv=3, **params)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, y)
    (warning,) = [w for w in caught if w.category is FitFailedWarning]
    assert warning.filename == __file__
    return str(warning.message).splitlines()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_line_for_each_candidate(n_jobs, diabetes):
    X, y = diabetes
    broken = FunctionTransformer(lambda X: X[:, :0])
    grid = [
        {"net__loss": ["mse", "poisson"]},
        {"net__loss": ["mae"], "net__lr": [0.01, -1.0]},
        {"scale": [broken]},
    ]
    lines = told(grid, X, y - 100, n_jobs=n_jobs)
    assert lines[1] == "9 fits failed out of a total of 15."
    table = lines[-4:]
    assert table[0].split() == ["candidate", "fits", "cause"]
    assert [line.split()[0] for line in table[1:]] == ["1", "3", "4"]
    assert "net__loss='poisson'" in table[1]
    assert "ValueError: Poisson needs y >= 0" in table[1]
    assert "3  ValueError: " in table[2]
    assert "or lr > 0; got -1.0" in table[2]
    assert not any("Traceback" in line for line in lines)


def test_halving_tells_of_each_failure_once(diabetes):
    X, y = diabetes
    grid = {"net__loss": ["mse", "poisson", "mae"], "net__max_epochs": [9]}
    lines = told(grid, X, y - 100, halving={"factor": 1.2, "min_epochs": 1})
    assert lines[1].startswith("3 fits failed out of a total of 9")


def test_all_fits_fail(diabetes):
    search = LossSearchCV(NeuralRegressor(**SMALL), {"lr": [-1, -2]}, cv=2)
    with pytest.raises(ValueError, match="(?s)All the 4 fits failed.*lr=-1 .*lr=-2 ") as caught:
        search.fit(*diabetes)
    assert "Traceback" not in str(caught.value)


def test_fits_of_one_candidate_may_fail_for_several_reasons():
    traces = ["Traceback\n  f()\nValueError: a", "Traceback\n  f()\nTypeError: b\nAdvice."]
    lines = table_of([(0, traces[0]), (0, traces[1]), (0, traces[0])], [{}]).splitlines()
    assert [line.rsplit(maxsplit=3)[-3:] for line in lines[1:]] == [
        ["2", "ValueError:", "a"],
        ["1", "TypeError:", "b"],
    ]


def test_many_failures_are_cut_short():
    settings = [{"loss": f"loss{i}"} for i in range(MOST_LINES + 3)]
    table = table_of([(i, "Traceback\n  f()\nE: e") for i in range(len(settings))], settings)
    assert len(table.splitlines()) == MOST_LINES + 2
    assert table.endswith("and 3 more")


def test_long_parameters_are_cut_short():
    assert len(named({"scale": StandardScaler(), "weights": np.arange(1000)})) == WIDEST
    assert named({"loss": "mse", "lr": np.float64(0.1)}) == "loss='mse', lr=0.1"


def test_causes():
    with pytest.raises(ValueError, match="second") as caught:
        raise_anew()
    assert cause_of("".join(format_exception(caught.value))) == "ValueError: second"
    assert cause_of("no traceback at all") == "no traceback at all"
