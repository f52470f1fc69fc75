"""What to_onnx refuses, and that a file is written as a whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor, TokenVectorizer
from sklloss.persistence.onnx import to_onnx

from .agreement import ran

X = np.random.default_rng(0).standard_normal((30, 2))
MODEL = NeuralRegressor(max_epochs=1, random_state=0).fit(X, X[:, 0])
CRPS = NeuralRegressor("crps", max_epochs=1, random_state=0).fit(X, X[:, 0])
CLASSIFIER = NeuralClassifier(max_epochs=1, random_state=0).fit(X, X[:, 0] > 0)


@pytest.mark.parametrize(
    "unfitted",
    [NeuralRegressor(), make_pipeline(NeuralRegressor()), LossSearchCV(NeuralRegressor(), {})],
    ids=["estimator", "pipeline", "search"],
)
def test_what_is_not_fitted(unfitted, tmp_path):
    with pytest.raises(NotFittedError):
        to_onnx(unfitted, tmp_path / "model.onnx")


def test_labels_that_are_no_utf_8(tmp_path):
    model = NeuralClassifier(max_epochs=1).fit(X, np.array(["a", "\ud800"] * 15))
    with pytest.raises(
        ValueError, match=r"cannot be written to ONNX: .* UTF-8, in which '\\ud800'"
    ):
        to_onnx(model, tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (NeuralRegressor, "the class NeuralRegressor"),
        (Ridge().fit(X, X[:, 0]), "a Ridge"),
        (make_pipeline(Ridge()).fit(X, X[:, 0]), "a Ridge"),
        (TokenVectorizer(), "a TokenVectorizer"),
        (None, "a NoneType"),
    ],
    ids=["class", "ridge", "pipeline", "vectorizer", "none"],
)
def test_what_is_none_of_ours(given, named, tmp_path):
    with pytest.raises(TypeError, match=f"got {named}. For estimators of scikit-learn"):
        to_onnx(given, tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("step", "rows", "takes"),
    [
        (TfidfVectorizer(), ["a red car", "a blue car"] * 20, "'tfidfvectorizer', takes texts"),
        (HashingVectorizer(n_features=8), ["a red car", "a blue car"] * 20, "takes texts"),
        (DictVectorizer(), [{"red": 1}, {"blue": 2}] * 20, "'dictvectorizer', takes records"),
        (FeatureHasher(n_features=8), [{"red": 1}, {"blue": 2}] * 20, "takes records"),
    ],
    ids=["tfidf", "hashing", "dict", "hasher"],
)
def test_steps_that_take_no_table(step, rows, takes, tmp_path):
    model = make_pipeline(step, NeuralRegressor(max_epochs=1, random_state=0))
    model.fit(rows, np.arange(40.0))
    for given in (None, rows[:5]):
        with pytest.raises(ValueError, match=f"{takes} instead of .* last step alone"):
            to_onnx(model, tmp_path / "model.onnx", X=given)
    to_onnx(model[-1], tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (MODEL, {"opset": 11}, "writes the opsets 18 to 23; got opset=11"),
        (MODEL, {"opset": 99}, "got opset=99"),
        (MODEL, {"opset": True}, "got opset=True"),
        (MODEL, {"opset": "18"}, "got opset='18'"),
        (MODEL, {"outputs": ["predic"]}, "no output 'predic' .* Did you mean 'predict'"),
        (MODEL, {"outputs": []}, "outputs is empty"),
        (CLASSIFIER, {"outputs": ["predict_std"]}, "it has 'predict', 'decision_function'"),
        (MODEL, {"quantiles": [0.5]}, "'squared_error' has no predictive distribution"),
        (MODEL, {"coverage": 0.5}, "'squared_error' has no predictive distribution"),
        (CLASSIFIER, {"quantiles": [0.5]}, "for NeuralRegressor; got a NeuralClassifier"),
        (CRPS, {"quantiles": [0.5, 1.0]}, "to_onnx needs levels with 0 < quantile < 1"),
        (CRPS, {"coverage": 1.5}, "coverage"),
    ],
    ids=lambda value: None if isinstance(value, NeuralRegressor | NeuralClassifier) else str(value),
)
def test_bad_arguments(model, given, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        to_onnx(model, tmp_path / "model.onnx", **given)
    assert not list(tmp_path.iterdir())


def test_levels_that_multi_quantile_has_not_learned(tmp_path):
    model = NeuralRegressor("multi_quantile", max_epochs=1, random_state=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"levels from 0\.1 to 0\.9; 0\.99 lies outside"):
        to_onnx(model, tmp_path / "model.onnx", quantiles=[0.5, 0.99])
    with pytest.raises(ValueError, match="lies outside"):
        to_onnx(model, tmp_path / "model.onnx", coverage=0.95)


def test_calibration_without_held_out_rows(tmp_path):
    model = NeuralRegressor(calibrate=True, max_epochs=1, random_state=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="this fit held out none"):
        to_onnx(model, tmp_path / "model.onnx")
    to_onnx(model, tmp_path / "model.onnx", outputs=["predict"])


def test_a_loss_in_operations_that_onnx_lacks(tmp_path):
    class Odd(type(MODEL.loss_)):
        def inverse_link(self, raw, state):
            return super().inverse_link(raw, state).erfinv()

    model = NeuralRegressor(Odd(), max_epochs=1, random_state=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="torch's operation 'erfinv' has no translation"):
        to_onnx(model, tmp_path / "model.onnx")


# ---------------------------------------------------------------------- files


def test_a_column_of_a_pipeline_named_as_an_output(tmp_path):
    X = pd.DataFrame({"predict": np.arange(40.0), "x": np.ones(40)})
    scaled = ColumnTransformer([("scaled", StandardScaler(), ["predict", "x"])])
    model = make_pipeline(scaled, NeuralRegressor(n_members=1, max_epochs=1)).fit(X, X["predict"])
    with pytest.raises(ValueError, match="column 'predict' has the name of an output. Rename"):
        to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder. Give the path of a file in it"):
        to_onnx(MODEL, tmp_path)


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .* Make it first"):
        to_onnx(MODEL, tmp_path / "models" / "model.onnx")


@pytest.mark.parametrize("failing", ["write", "rename", "sync"])
def test_an_old_file_stays_whole(failing, tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    to_onnx(MODEL, path)
    old = path.read_bytes()

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    name = {"write": "tempfile.mkstemp", "rename": "pathlib.Path.replace"}
    monkeypatch.setattr(name.get(failing, "os.fsync"), refuse)
    with pytest.raises(PermissionError, match=r"model.onnx' cannot be written: There is no perm"):
        to_onnx(CRPS, path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_with_its_permissions(tmp_path):
    path = tmp_path / "model.onnx"
    to_onnx(MODEL, path)
    assert path.stat().st_mode & 0o777 == 0o666 & ~current_mask()
    path.chmod(0o600)
    file = to_onnx(CRPS, str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(ran(file, X)) == {
        "predict", "predict_quantiles", "predict_interval", "predict_std", "predict_mean",
    }  # fmt: skip


def current_mask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ---------------------------------------------------------------------- packages


@pytest.mark.parametrize("missing", ["onnx", "skl2onnx", "onnxruntime"])
def test_a_missing_package_names_the_extra(missing, tmp_path, monkeypatch):
    model = MODEL if missing == "onnx" else pipeline()
    # An entry of None is how Python marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, missing, None)
    message = rf'needs {missing}, which is not installed: pip install "sklloss\[onnx\]"'
    with pytest.raises(ImportError, match=message):
        to_onnx(model, tmp_path / "model.onnx")


def pipeline():
    model = NeuralRegressor(max_epochs=1, random_state=0)
    return make_pipeline(StandardScaler(), model).fit(X, X[:, 0])


def test_importing_the_package_does_not_import_onnx():
    code = (
        "import sys, sklloss.persistence.onnx;"
        "print([name for name in sys.modules if name in ('onnx', 'skl2onnx', 'onnxruntime')])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"
