"""Peer: MLflow, which tracks the parameters, metrics and models of runs.

Its users rely on these promises:

- the parameters of every estimator can be logged: names that MLflow takes, values that it can hold
- the history has a loss per epoch, a search the parameters and the score of each candidate
- a model is written in the format that MLflow takes by default, that of skops
- autologging logs fits and searches, and changes none of their bits

The recipes of the guide run here.
"""

import json
import os
import re
import subprocess
import sys
import textwrap
from unittest.mock import patch

import mlflow
import numpy as np
import onnx
import pytest
import skops.io
from sklearn.pipeline import make_pipeline

from sklloss import LossSearchCV, NeuralRegressor
from sklloss.persistence import mlflow as ours
from sklloss.persistence.onnx import to_onnx

from ..laws.test_same_bits import NUMBERS, TABLE, each
from ..test_readme import ROOT

pytestmark = pytest.mark.filterwarnings("ignore")

RECIPES = [
    recipe
    for recipe in re.findall(
        r"```py\n(.*?)```", (ROOT / "docs" / "guide" / "search.md").read_text(), flags=re.DOTALL
    )
    if "mlflow.start_run" in recipe
]
SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 3, "n_members": 1, "random_state": 0}


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    """A store of runs, whose tables take seconds to make."""
    folder = tmp_path_factory.mktemp("mlflow")
    # MLflow keeps what is set in variables of the environment.
    with patch.dict(os.environ):
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        made = mlflow.create_experiment("tests", artifact_location=(folder / "models").as_uri())
        mlflow.set_experiment(experiment_id=made)
        yield
        mlflow.set_tracking_uri(None)


def last_run():
    return mlflow.search_runs(max_results=1, output_format="list")[0]


def children(run):
    found = mlflow.search_runs(
        filter_string=f"tags.`mlflow.parentRunId` = '{run.info.run_id}'", output_format="list"
    )
    return found[::-1]


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_the_recipe_of_a_search(in_pipeline):
    net, name = NeuralRegressor(**SMALL), "loss"
    if in_pipeline:
        net, name = make_pipeline(net), "neuralregressor__loss"
    search = LossSearchCV(net, {name: ["mse", "mae", "huber"]}, cv=2)
    exec(RECIPES[0], {"search": search, "X": TABLE, "y": NUMBERS})
    candidates = children(mlflow.last_active_run())
    assert [run.data.params[name] for run in candidates] == ["mse", "mae", "huber"]
    scores = [run.data.metrics["mean_test_score"] for run in candidates]
    np.testing.assert_array_equal(scores, search.cv_results_["mean_test_score"])
    best = mlflow.get_run(candidates[0].data.tags["mlflow.parentRunId"])
    assert best.data.params == search.best_params_
    assert best.data.metrics["best_score"] == max(scores)
    (logged,) = mlflow.search_logged_models(max_results=1, output_format="list")
    model = mlflow.sklearn.load_model(logged.model_uri)
    np.testing.assert_array_equal(model.predict(TABLE), search.predict(TABLE))


def test_the_recipe_of_a_fit():
    model = NeuralRegressor("huber", **SMALL).set_params(loss__delta=2.0)
    exec(RECIPES[1], {"mlflow": mlflow, "model": model, "X": TABLE, "y": NUMBERS})
    run = last_run()
    assert run.data.params["loss__delta"] == "2.0"
    assert len(run.data.params) == len(model.get_params()) >= 29
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "train_loss")
    assert [each.step for each in history] == [1, 2, 3]
    assert [each.value for each in history] == list(model.history_[:, "train_loss"])


@each
def test_parameters_of_every_estimator_can_be_logged(case):
    with mlflow.start_run():
        mlflow.log_params(make_pipeline(case.model).get_params())
    own = {name.split("__", 1)[-1] for name in last_run().data.params if "__" in name}
    assert own >= set(case.model.get_params())


def test_a_model_and_its_onnx_file_are_logged_and_loaded(tmp_path):
    model = NeuralRegressor("crps", **SMALL).fit(TABLE, NUMBERS)
    types = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(model, name="model", skops_trusted_types=types)
    loaded = mlflow.sklearn.load_model(logged.model_uri)
    np.testing.assert_array_equal(loaded.predict(TABLE), model.predict(TABLE))
    file = to_onnx(model, tmp_path / "model.onnx")
    with mlflow.start_run():
        how = {"name": "model", "save_as_external_data": False}
        logged = mlflow.onnx.log_model(onnx.load(file.path), **how)
    served = mlflow.pyfunc.load_model(logged.model_uri).predict(file.feed(TABLE))
    np.testing.assert_allclose(served["predict"], model.predict(TABLE), rtol=1e-5)


# autolog changes the classes of its process for good.
AUTOLOGGED = textwrap.dedent(
    """
    import json, sys, warnings
    warnings.simplefilter("ignore")
    import mlflow, numpy as np
    from sklearn.datasets import load_diabetes
    from sklloss import LossSearchCV, NeuralRegressor
    from sklloss.persistence.mlflow import autolog

    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    X, y = load_diabetes(return_X_y=True)
    net = NeuralRegressor("huber", **json.loads(sys.argv[1]))
    search = LossSearchCV(net, {"loss": ["mse", "mae"]}, cv=2)
    plain = net.fit(X, y).predict(X), search.fit(X, y).cv_results_["mean_test_score"]
    autolog(silent=True)
    logged = net.fit(X, y).predict(X), search.fit(X, y).cv_results_["mean_test_score"]
    autolog(disable=True)
    net.fit(X, y)
    models = mlflow.search_logged_models(output_format="list")
    loaded = [mlflow.sklearn.load_model(each.model_uri).predict(X) for each in models]
    runs = mlflow.search_runs(output_format="list")
    print(json.dumps({
        "same bits": bool(all(np.array_equal(a, b) for a, b in zip(plain, logged))),
        "runs": [[run.data.tags.get("estimator_name"), run.data.params.get("loss"),
                  "mlflow.parentRunId" in run.data.tags, sorted(run.data.metrics)]
                 for run in runs],
        "loaded": sum(np.array_equal(net.predict(X), each) for each in loaded),
        "search loaded": sum(np.array_equal(search.predict(X), each) for each in loaded),
    }))
    """
)


def test_autologging_logs_fits_and_searches(tmp_path):
    command = [sys.executable, "-c", AUTOLOGGED, json.dumps(SMALL)]
    others = {name: value for name, value in os.environ.items() if "MLFLOW" not in name}
    how = {"cwd": tmp_path, "env": others, "capture_output": True, "text": True, "check": False}
    done = subprocess.run(command, **how)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["same bits"]
    # Candidates start at the very time of their search, so the store may return them in any order.
    metrics = {(kind, loss, is_child): names for kind, loss, is_child, names in found["runs"]}
    fit, search = ("NeuralRegressor", "huber", False), ("LossSearchCV", None, False)
    candidates = {("NeuralRegressor", loss, True) for loss in ("mse", "mae")}
    assert set(metrics) == {fit, search, *candidates}
    assert len(found["runs"]) == 4
    assert "training_r2_score" in metrics[fit]
    assert "best_cv_score" in metrics[search]
    assert found["loaded"] == 1
    # Its file, and that of its best estimator.
    assert found["search loaded"] == 2


def test_another_mlflow_that_does_not_ask_scikit_learn_is_an_error(monkeypatch):
    monkeypatch.setattr(mlflow.sklearn, "autolog", lambda **options: None)
    with pytest.raises(RuntimeError, match="does not ask scikit-learn for its estimators"):
        ours.autolog()
    ours.autolog(disable=True)


def test_autologging_without_mlflow_is_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow.sklearn", None)
    with pytest.raises(ImportError, match=r"sklloss\[mlflow\]"):
        ours.autolog()
