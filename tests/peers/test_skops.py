"""Peer: skops, which saves estimators to files that hold no code.

Its users rely on these promises:

- every fitted estimator is written, a search and a Pipeline as well
- the types that a file names are listed before it is loaded, and none is a function of a user
- what is loaded predicts the same bits, trains on, and can be saved again
- an estimator that was not fitted stays so
"""

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor

from ..laws.test_same_bits import CASES, CLASSES, NUMBERS, TABLE, assert_same, each, fitted

SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 0}


def saved_and_loaded(model):
    """Return a model after a round trip through a file of skops, all of whose types are trusted."""
    written = skops.io.dumps(model)
    return skops.io.loads(written, trusted=skops.io.get_untrusted_types(data=written))


@each
def test_a_fitted_estimator(case):
    model = fitted(case)
    assert_same(saved_and_loaded(model), model, case)
    assert_same(saved_and_loaded(saved_and_loaded(model)), model, case)


@pytest.mark.parametrize("codes", [False, True])
def test_a_model_of_a_raw_table(codes):
    n = len(TABLE)
    kinds = pd.Series(np.arange(n) % 4)
    kinds = kinds.astype("category") if codes else kinds.map({0: "a", 1: "b", 2: "c"})
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n), "D")
    table = pd.DataFrame({"kind": kinds, "day": day, "number": TABLE[:, 0]})
    model = NeuralClassifier(**SMALL).fit(table, CLASSES)
    loaded = saved_and_loaded(saved_and_loaded(model))
    np.testing.assert_array_equal(loaded.predict_proba(table), model.predict_proba(table))


@pytest.mark.parametrize("inside_pipeline", [False, True])
def test_a_search(inside_pipeline):
    net, prefix = NeuralRegressor(**SMALL), ""
    if inside_pipeline:
        net, prefix = make_pipeline(StandardScaler(), net), "neuralregressor__"
    search = LossSearchCV(net, {f"{prefix}loss": ["mse", "mae"]}, cv=2).fit(TABLE, NUMBERS)
    loaded = saved_and_loaded(search)
    np.testing.assert_array_equal(loaded.predict(TABLE), search.predict(TABLE))
    assert loaded.best_params_ == search.best_params_
    np.testing.assert_array_equal(
        loaded.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_training_goes_on():
    model = NeuralClassifier("focal", **SMALL, n_members=1).partial_fit(
        TABLE, CLASSES, classes=[0, 1, 2]
    )
    loaded = saved_and_loaded(model)
    for each_model in (model, loaded):
        each_model.partial_fit(TABLE, CLASSES)
    np.testing.assert_array_equal(loaded.predict_proba(TABLE), model.predict_proba(TABLE))
    assert len(loaded.history_) == 2


def test_answers_are_those_of_the_fit_whatever_was_set_since():
    model = NeuralClassifier("coral", **SMALL).fit(TABLE, CLASSES).set_params(decision="mode")
    loaded = saved_and_loaded(model)
    np.testing.assert_array_equal(loaded.predict(TABLE), model.predict(TABLE))


def test_types_are_those_of_the_libraries_in_use():
    for name in ("bagged", "classifier"):
        written = skops.io.dumps(fitted(CASES[name]))
        roots = {each.split(".")[0] for each in skops.io.get_untrusted_types(data=written)}
        assert roots <= {"sklloss", "skorch", "torch", "functools", "builtins"}


def test_an_unfitted_estimator_stays_so():
    loaded = saved_and_loaded(NeuralRegressor("huber", **SMALL).set_params(loss__delta=2.0))
    assert loaded.get_params()["loss__delta"] == 2.0
    with pytest.raises(NotFittedError):
        loaded.predict(TABLE)
    assert clone(loaded).fit(TABLE, NUMBERS).n_iter_ == 3
