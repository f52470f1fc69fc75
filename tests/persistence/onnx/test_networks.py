"""Networks: perceptrons of all shapes, those of users, and other estimators than of tables."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from sklloss import (
    MetricEmbedder,
    NeuralBoxRegressor,
    NeuralClassifier,
    NeuralMultiTask,
    NeuralRanker,
    NeuralRegressor,
    NeuralSegmenter,
    Recommender,
    SequenceTranscriber,
)
from sklloss.persistence.onnx import to_onnx

from .agreement import TOLERANCE, assert_agrees, difference, ran

# Two epochs do not always beat the best constant.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
Y = X[:, 0] + X[:, 1] ** 2
LABELS = np.where(Y > 1, "high", "low")
ONE = {"max_epochs": 2, "random_state": 0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "activation", ["relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"]
)
def test_activations(activation, dtype, tmp_path):
    how = {"hidden_layer_sizes": (5, 4), "dropout": 0.2, "module_params": {"linear_path": True}}
    model = NeuralRegressor(activation=activation, dtype=dtype, **how, **ONE).fit(X, Y)
    assert_agrees(model, X, tmp_path)


def test_linear_models_and_scaled_outputs(tmp_path):
    assert_agrees(NeuralRegressor(hidden_layer_sizes=(), **ONE).fit(X, Y), X, tmp_path)
    nearly_constant = NeuralRegressor("poisson", **ONE).fit(X, 1000 + Y)
    assert nearly_constant.net_.module_.output_scale < 1
    assert_agrees(nearly_constant, X, tmp_path)


def test_raw_output(tmp_path):
    model = NeuralClassifier("focal", **ONE).fit(X, LABELS)
    file = assert_agrees(model, X, tmp_path, outputs=["raw"])
    assert [(port.name, port.shape) for port in file.outputs] == [("raw", ("rows", 1, 1))]


class Normalised(nn.Module):
    """A network of a user, with a state of its own."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.normalise = nn.BatchNorm1d(n_features)
        self.linear = nn.Linear(n_features, n_outputs)

    def forward(self, X):
        return self.linear(self.normalise(X))


class Undecided(Normalised):
    """A network whose operations depend on what it sees."""

    def forward(self, X):
        return super().forward(X if X.sum() > 0 else -X)


class Bessel(Normalised):
    """A network with an operation that no exporter knows."""

    def forward(self, X):
        return super().forward(torch.special.bessel_j0(X))


class Squeezed(Normalised):
    """A network that torch 2.13 exports wrongly: squeezing an axis of two does nothing."""

    def forward(self, X):
        return super().forward(X).squeeze(-1)


def test_own_networks(tmp_path):
    model = NeuralRegressor("crps", module=Normalised, n_members=2, **ONE).fit(X, Y)
    assert_agrees(model, X, tmp_path)


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (Undecided, "torch.onnx.export cannot export module Undecided"),
        (Bessel, "torch.onnx.export cannot export module Bessel"),
        (Squeezed, "onnxruntime cannot run what torch.onnx.export makes of module Squeezed"),
    ],
)
def test_own_networks_that_cannot_be_exported(module, why, tmp_path):
    model = NeuralRegressor("crps", module=module, **ONE).fit(X, Y)
    with pytest.raises(ValueError, match=f"cannot be written to ONNX: {why}"):
        to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def absolute(prediction, y):
    return (prediction - y).abs()


def test_own_losses(tmp_path):
    assert_agrees(NeuralRegressor(absolute, **ONE).fit(X, Y), X, tmp_path)
    assert_agrees(NeuralClassifier(nn.CrossEntropyLoss(), **ONE).fit(X, LABELS), X, tmp_path)


def test_rankers_and_embedders(tmp_path):
    relevance, group = np.digitize(Y, [0, 1]), np.repeat(np.arange(6), 10)
    assert_agrees(NeuralRanker(**ONE).fit(X, relevance, group=group), X, tmp_path)
    assert_agrees(MetricEmbedder(**ONE).fit(X, LABELS), X, tmp_path)


def test_several_tasks(tmp_path):
    y = pd.DataFrame({"grade": LABELS, "amount": Y})
    model = NeuralMultiTask({"grade": "focal", "amount": "huber"}, **ONE).fit(X, y)
    found = ran(to_onnx(model, tmp_path / "model.onnx"), X)
    wanted = model.predict(X)
    assert (found["grade.predict"] == wanted["grade"]).all()
    amount = wanted["amount"].to_numpy(dtype=float)
    assert difference(found["amount.predict"], amount) <= TOLERANCE
    assert set(found) == {
        "grade.predict", "grade.predict_proba", "grade.decision_function", "amount.predict",
    }  # fmt: skip


def test_masks_and_boxes(tmp_path):
    images = RNG.random((12, 1, 8, 8))
    masks = NeuralSegmenter(max_epochs=1, random_state=0)
    assert_agrees(masks.fit(images, (images[:, 0] > 0.5).astype(int)), images, tmp_path)
    boxes = NeuralBoxRegressor(max_epochs=1, random_state=0)
    assert_agrees(boxes.fit(images, np.tile([1.0, 1, 4, 5], (12, 1))), images, tmp_path)


def test_estimators_without_an_onnx_form(tmp_path):
    pairs = RNG.integers(0, 9, (80, 2))
    utterances = [RNG.standard_normal((9, 3)) for _ in range(8)]
    for model in (
        Recommender(max_epochs=1).fit(pairs, None),
        SequenceTranscriber(max_epochs=1).fit(utterances, ["ab", "ba"] * 4),
    ):
        with pytest.raises(ValueError, match="its rows are neither a table, images nor token ids"):
            to_onnx(model, tmp_path / "model.onnx")
