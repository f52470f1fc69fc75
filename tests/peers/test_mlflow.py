"""Peer: MLflow, which tracks the parameters, metrics and models of runs.

Its users rely on these promises:

- the parameters of every estimator can be logged: names that MLflow takes, values that it can hold
- a Pipeline around an estimator, which autologging sees, lists the estimator's parameters
- the history has a loss per epoch, a search the parameters and the score of each candidate
- a model is written in the format that MLflow takes by default, that of skops

The recipes of the guide run here against a stand-in that has the rules of MLflow 3.17; they were
run with MLflow itself, which brings thirty packages, when they were written.
"""

import re
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
import skops.io
from sklearn.pipeline import make_pipeline

from sklloss import LossSearchCV, NeuralRegressor
from sklloss.persistence.onnx import to_onnx

from ..laws.test_same_bits import NUMBERS, TABLE, each
from ..test_readme import ROOT

RECIPES = re.findall(
    r"```py\n(.*?)```", (ROOT / "docs" / "guide" / "search.md").read_text(), flags=re.DOTALL
)
SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 3, "n_members": 1, "random_state": 0}
# What MLflow takes as a name, and how long a value may be as text.
NAME = re.compile(r"[\w\-. :/]{1,250}")
LONGEST = 6000


class Runs(ModuleType):
    """A stand-in for the module mlflow, which holds runs to MLflow's rules."""

    models: ClassVar[list] = []

    def __init__(self):
        super().__init__("mlflow")
        self.runs, self.active, self.sklearn = [], [], self

    @contextmanager
    def start_run(self, nested=False):
        assert nested == bool(self.active), "a run is active"
        self.active.append({"params": {}, "metrics": {}})
        self.runs.append(self.active[-1])
        yield self.active[-1]
        self.active.pop()

    def log_params(self, params):
        for name, value in params.items():
            assert NAME.fullmatch(name)
            assert len(str(value)) <= LONGEST
            # A parameter keeps its first value.
            assert self.active[-1]["params"].setdefault(name, str(value)) == str(value)

    def log_metric(self, key, value, step=0):
        assert NAME.fullmatch(key)
        self.active[-1]["metrics"].setdefault(key, []).append((step, float(value)))

    def log_model(self, model, name, skops_trusted_types):
        written = skops.io.dumps(model)
        self.models.append((name, skops.io.loads(written, trusted=skops_trusted_types)))


@pytest.fixture
def mlflow(monkeypatch):
    stand_in = Runs()
    monkeypatch.setitem(sys.modules, "mlflow", stand_in)
    return stand_in


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_the_recipe_of_a_search(mlflow, in_pipeline):
    net, name = NeuralRegressor(**SMALL), "loss"
    if in_pipeline:
        net, name = make_pipeline(net), "neuralregressor__loss"
    search = LossSearchCV(net, {name: ["mse", "mae", "huber"]}, cv=2)
    exec(RECIPES[0], {"search": search, "X": TABLE, "y": NUMBERS})
    best, *candidates = mlflow.runs
    assert best["params"] == search.best_params_
    assert [run["params"][name] for run in candidates] == ["mse", "mae", "huber"]
    scores = [run["metrics"]["mean_test_score"][0][1] for run in candidates]
    np.testing.assert_array_equal(scores, search.cv_results_["mean_test_score"])
    assert best["metrics"]["best_score"] == [(0, max(scores))]
    _, model = mlflow.models[-1]
    np.testing.assert_array_equal(model.predict(TABLE), search.predict(TABLE))


def test_the_recipe_of_a_fit(mlflow):
    model = NeuralRegressor("huber", **SMALL).set_params(loss__delta=2.0)
    exec(RECIPES[1], {"mlflow": mlflow, "model": model, "X": TABLE, "y": NUMBERS})
    (run,) = mlflow.runs
    assert run["params"]["loss__delta"] == "2.0"
    assert len(run["params"]) == len(model.get_params()) >= 29
    steps, losses = zip(*run["metrics"]["train_loss"], strict=True)
    assert steps == (1, 2, 3)
    assert losses == tuple(model.history_[:, "train_loss"])


@each
def test_parameters_of_every_estimator_can_be_logged(mlflow, case):
    with mlflow.start_run():
        mlflow.log_params(make_pipeline(case.model).get_params())
    own = {name.split("__", 1)[-1] for name in mlflow.runs[0]["params"] if "__" in name}
    assert own >= set(case.model.get_params())


def test_mlflow_itself_logs_and_loads_models(tmp_path, monkeypatch):
    """Where it is installed: ``pip install mlflow-skinny==3.17.2`` was tried."""
    tracker = pytest.importorskip("mlflow")
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    tracker.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    model = NeuralRegressor("crps", **SMALL).fit(TABLE, NUMBERS)
    types = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    with tracker.start_run():
        logged = tracker.sklearn.log_model(model, name="model", skops_trusted_types=types)
    loaded = tracker.sklearn.load_model(logged.model_uri)
    np.testing.assert_array_equal(loaded.predict(TABLE), model.predict(TABLE))
    file = to_onnx(model, tmp_path / "model.onnx")
    with tracker.start_run():
        how = {"name": "model", "save_as_external_data": False}
        logged = tracker.onnx.log_model(onnx.load(file.path), **how)
    served = tracker.pyfunc.load_model(logged.model_uri).predict(file.feed(TABLE))
    np.testing.assert_allclose(served["predict"], model.predict(TABLE), rtol=1e-5)
