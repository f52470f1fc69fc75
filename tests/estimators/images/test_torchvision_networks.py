"""Networks of torchvision, untrained, inside the estimators of images."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torchvision import models

from sklloss import NeuralBoxRegressor, NeuralClassifier, NeuralRegressor, NeuralSegmenter

from .small_scenes import scenes, three_classes

SMALL = {"lr": 0.001, "batch_size": 16, "max_epochs": 2, "random_state": 0}
CLASSIFIERS = [models.resnet18, models.mobilenet_v3_small, models.shufflenet_v2_x0_5]
Y = np.array(["dark", "light", "striped"])[np.arange(48) % 3]


def coloured(grey):
    """Return grey images (n, height, width) as coloured ones."""
    return np.stack([grey, grey, 1 - grey], 1)


def kinds_of_images():
    """Return coloured images (48, 3, 32, 32), dark, light or striped as `Y` says."""
    X = np.random.default_rng(0).normal(0, 0.2, (48, 32, 32))
    X[Y == "light"] += 1
    X[Y == "striped", ::4] += 2
    return coloured(X)


X = kinds_of_images()


@pytest.mark.parametrize("network", CLASSIFIERS, ids=lambda network: network.__name__)
def test_classifiers_are_given_as_their_factory(network):
    images, y = X[:24], Y[:24]
    model = NeuralClassifier(module=network, module_params={"weights": None}, **SMALL)
    p = model.fit(images, y).predict_proba(images)
    assert p.shape == (24, 3)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    losses = model.history_[:, "train_loss"]
    assert losses[1] < losses[0]
    for twin in (pickle.loads(pickle.dumps(model)), clone(model).fit(images, y)):
        np.testing.assert_array_equal(twin.predict_proba(images), p)


def test_a_classifier_learns():
    model = NeuralClassifier(module=models.resnet18, **SMALL).fit(X, Y)
    assert model.score(X, Y) > 0.9


def test_an_instance_is_copied():
    network = models.shufflenet_v2_x0_5(num_classes=3)
    before = network.fc.weight.clone()
    model = NeuralClassifier("gce", module=network, **SMALL).fit(X, Y)
    assert torch.equal(network.fc.weight, before)
    assert not torch.equal(model.net_.module_.fc.weight, before)
    np.testing.assert_allclose(
        model.to_module()(torch.from_numpy(X)).numpy(), model.predict_proba(X), atol=1e-6
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_classifiers_predict_numbers_and_boxes():
    images, _, boxes = scenes(32, 32, 32)
    for estimator, loss, y in [
        (NeuralRegressor, "huber", images.mean((1, 2))),
        (NeuralBoxRegressor, "ciou", boxes),
    ]:
        model = estimator(loss, module=models.shufflenet_v2_x0_5, **SMALL)
        assert model.fit(coloured(images), y).predict(coloured(images)).shape == y.shape
        losses = model.history_[:, "train_loss"]
        assert losses[1] < losses[0]


def test_further_outputs_are_refused():
    """GoogLeNet returns those of its auxiliary classifiers while it trains."""
    params = {"init_weights": False}
    model = NeuralClassifier(module=models.googlenet, module_params=params, **SMALL)
    with pytest.raises(TypeError, match=r"GoogLeNetOutputs while it trains.*'aux_logits': False"):
        model.fit(X, Y)
    params["aux_logits"] = False
    assert model.set_params(max_epochs=1).fit(X[:16], Y[:16]).predict(X).shape == (48,)


def test_a_network_that_refuses_images_of_a_size_says_so():
    widths = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "mlp_dim": 8}
    params = {"image_size": 64, "patch_size": 16, **widths}
    model = NeuralClassifier(module=models.VisionTransformer, module_params=params, **SMALL)
    with pytest.raises(ValueError, match=r"VisionTransformer failed on X .*Expected 64 but got 32"):
        model.fit(X, Y)
    params["image_size"] = 32
    assert model.fit(X, Y).predict_proba(X).shape == (48, 3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("network", "params"),
    [
        (models.segmentation.lraspp_mobilenet_v3_large, {}),
        (models.segmentation.deeplabv3_mobilenet_v3_large, {"aux_loss": True}),
    ],
    ids=["lraspp", "deeplabv3"],
)
def test_networks_for_segmentation_are_given_as_their_factory(network, params):
    grey, masks = three_classes(4)
    images = coloured(grey)
    params = {"weights": None, "weights_backbone": None, **params}
    settings = {**SMALL, "max_epochs": 1}
    model = NeuralSegmenter("dice", module=network, module_params=params, **settings)
    decision = model.fit(images, masks).decision_function(images)
    assert decision.shape == (4, 3, 12, 10)
    assert model.predict(images).shape == masks.shape
    for twin in (pickle.loads(pickle.dumps(model)), clone(model).fit(images, masks)):
        np.testing.assert_array_equal(twin.decision_function(images), decision)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "tversky"])
def test_a_network_for_segmentation_trains_on_every_kind_of_loss(loss):
    images, masks, _ = scenes(16, 24, 24)
    model = NeuralSegmenter(
        loss,
        module=models.segmentation.lraspp_mobilenet_v3_large,
        module_params={"weights_backbone": None},
        **{**SMALL, "batch_size": 8, "lr": 0.01},
    ).fit(coloured(images), masks)
    losses = model.history_[:, "train_loss"]
    assert losses[1] < 0.9 * losses[0]
