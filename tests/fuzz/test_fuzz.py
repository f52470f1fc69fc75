"""A fixed share of the fuzzer's cases, and faults that it must find."""

import time
import warnings

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.estimators.targets.answers import Answer

from . import verdict
from .families import FAMILIES
from .recipe import Recipe
from .strategies import recipes
from .verdict import judged

N_CASES = 100


@pytest.mark.parametrize("family", FAMILIES)
def test_a_case_ends_right_or_is_refused_with_a_reason(family):
    @settings(
        max_examples=N_CASES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(recipes(family))
    def run(recipe):
        found = judged(recipe)
        assert found.kind != "finding", f"{found.key}\n{found.detail}\n{recipe}"

    run()


def test_a_recipe_reads_back_what_it_prints():
    recipe = Recipe("Recommender", loss="mse", params={"lr": 1e-300}, odd={"tol": "NaN"})
    assert Recipe.read(str(recipe)) == recipe
    assert str(Recipe("NeuralRanker")) == "{'family': 'NeuralRanker'}"


def not_finite(model, X):
    return np.full(len(X), np.nan)


def of_another_dtype(model, X):
    return np.zeros(len(X), dtype=np.float32)


def of_another_shape(model, X):
    return np.zeros((len(X), 2))[:-1]


def changing_X(model, X):
    X[0] = 7
    return np.zeros(len(X))


def at_random(model, X):
    return np.random.default_rng().random(len(X))


def raising_of_torch(model, X):
    return torch.zeros(3) @ torch.zeros(4)


def raising_of_numpy(model, X):
    return np.zeros(3) @ np.zeros(4)


def refusing(model, X):
    raise ValueError("X has something that cannot be said here. Give something else.")


def warning(model, X):
    warnings.warn("overflow", RuntimeWarning, stacklevel=2)
    return np.zeros(len(X))


def endless(model, X):
    while True:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("broken", "key"),
    [
        (not_finite, "not finite"),
        (of_another_dtype, "is float32"),
        (of_another_shape, "has 11 rows of 12"),
        (changing_X, "X was changed"),
        (at_random, "after pickling"),
        (raising_of_torch, "RuntimeError"),
        (raising_of_numpy, "refuses what it was fitted on"),
        (refusing, "refuses what it was fitted on"),
        (warning, "RuntimeWarning"),
        (endless, "takes longer"),
    ],
)
def test_faults_of_predictions_are_found(monkeypatch, broken, key):
    monkeypatch.setattr(NeuralRegressor, "predict", broken)
    monkeypatch.setattr(verdict, "SECONDS", 1)
    found = judged(Recipe("NeuralRegressor"))
    assert found.kind == "finding"
    assert key in found.key


def test_fits_that_differ_with_the_same_seed_are_found(monkeypatch):
    monkeypatch.setattr("sklloss.estimators.fit.prepare.seed_of", lambda _: np.random.randint(99))
    assert "with the same seed" in judged(Recipe("NeuralRegressor")).key


def test_raw_errors_of_a_fit_are_found(monkeypatch):
    monkeypatch.setattr(NeuralRegressor, "_train", lambda *args, **kwargs: float("text"))
    assert "could not convert" in judged(Recipe("NeuralRegressor")).key


def test_probabilities_that_do_not_sum_to_one_are_found(monkeypatch):
    shown = Answer.shown
    monkeypatch.setattr(Answer, "shown", lambda self, output: shown(self, output) * 0.5)
    monkeypatch.setattr(NeuralClassifier, "predict", lambda self, X: np.zeros(len(X), dtype=int))
    assert "does not sum to 1" in judged(Recipe("NeuralClassifier")).key
