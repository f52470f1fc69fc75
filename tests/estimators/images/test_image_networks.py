"""Networks of one's own on images, and changes of training images by `augment`."""

import pickle
import random
import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from torch import Tensor, nn

from sklloss import NeuralClassifier

DIGITS = load_digits()
X = DIGITS.images[:240]
Y = DIGITS.target[:240]
COLOURED = np.stack([X, X.transpose(0, 2, 1), 16 - X], 1)
INK = X.mean((1, 2))


class BasicBlock(nn.Module):
    """A block of a residual network."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.downsample = nn.Sequential(
            nn.Conv2d(n_in, n_out, 1, 2, bias=False), nn.BatchNorm2d(n_out)
        )

    def forward(self, X: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(X)))))
        return self.relu(out + self.downsample(X))


class ResNet(nn.Module):
    """A residual network for coloured images."""

    def __init__(self, num_classes: int = 1000, width: int = 8) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = BasicBlock(width, 2 * width)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(2 * width, num_classes)

    def forward(self, X: Tensor) -> Tensor:
        hidden = self.layer1(torch.relu(self.bn1(self.conv1(X))))
        return self.fc(torch.flatten(self.avgpool(hidden), 1))


def plain(in_channels, num_classes, width=6):
    layers = [nn.Conv2d(in_channels, width, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(4 * width, num_classes))


def of_shape(input_shape, n_outputs):
    n_channels, height, width = input_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(n_channels * height * width, n_outputs))


SMALL = {"lr": 0.01, "batch_size": 60, "max_epochs": 5, "random_state": 0}


def classifier(module, loss="cross_entropy", **params):
    return NeuralClassifier(loss, module=module, **{**SMALL, **params})


def assert_equal_bits(mine, theirs, images):
    np.testing.assert_array_equal(mine.predict_proba(images), theirs.predict_proba(images))


# ---- networks


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "focal", "gce", "hinge"])
def test_every_loss_trains_them(loss):
    model = classifier(ResNet, loss, max_epochs=8).fit(COLOURED, Y)
    assert model.score(COLOURED, Y) > 0.5


@pytest.mark.parametrize(
    ("module", "params", "images"),
    [
        (ResNet, {"width": 4}, COLOURED),
        (ResNet(10, 4), {}, COLOURED),
        (plain, {"width": 4}, X[:, None]),
        (plain, {}, COLOURED),
        (of_shape, {}, COLOURED),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), {}, X),
    ],
    ids=["class", "instance", "in_channels", "colour", "input_shape", "three axes"],
)
def test_class_instance_and_factory(module, params, images):
    model = classifier(module, module_params=params).fit(images, Y)
    assert model.score(images, Y) > 0.3
    assert_equal_bits(model, clone(model).fit(images, Y), images)
    if isinstance(module, nn.Module):
        assert model.net_.module_ is not module


def test_running_means_of_batch_norm_are_kept():
    model = classifier(ResNet).fit(COLOURED, Y)
    assert model.net_.module_.bn1.running_mean.abs().max() > 1e-3
    assert_equal_bits(pickle.loads(pickle.dumps(model)), model, COLOURED)
    one_by_one = np.concatenate([model.predict_proba(image[None]) for image in COLOURED[:5]])
    np.testing.assert_allclose(one_by_one, model.predict_proba(COLOURED[:5]), atol=1e-5)


def test_early_stopping_brings_running_means_back():
    stopped = classifier(ResNet, early_stopping=True, lr=0.05, max_epochs=60, n_iter_no_change=2)
    stopped.fit(COLOURED, Y)
    best = int(np.argmin(stopped.history_[:, "valid_loss"])) + 1
    assert best < len(stopped.history_)
    again = classifier(ResNet, early_stopping=True, lr=0.05, max_epochs=best).fit(COLOURED, Y)
    assert_equal_bits(stopped, again, COLOURED)


def test_frozen_layers_stay():
    network = ResNet(10)
    network.conv1.requires_grad_(False)
    before = network.conv1.weight.clone()
    model = classifier(network).fit(COLOURED, Y)
    assert torch.equal(model.net_.module_.conv1.weight.double(), before.double())
    assert not torch.equal(model.net_.module_.fc.weight, network.fc.weight)


def test_torchvision_is_imported_by_nobody_else():
    code = (
        "import sys, sklloss, numpy as np; sys.modules['torchvision'] = None;"
        "X = np.random.default_rng(0).random((20, 8, 8));"
        "sklloss.NeuralClassifier(module='cnn', max_epochs=1, augment=lambda X: X)"
        ".fit(X, [0, 1] * 10);"
        "assert not [name for name in sys.modules"
        " if name.startswith(('torchvision.', 'torchaudio'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("module", "params", "images", "said"),
    [
        (
            ResNet,
            {"depth": 3},
            COLOURED,
            "module ResNet cannot be called with module_params={'depth': 3}",
        ),
        (ResNet(4), {}, COLOURED, "returns 4 numbers per row, and .* needs 10"),
        (ResNet, {}, X, r"module ResNet failed on X of shape \(n_samples, 8, 8\)"),
        (
            ResNet,
            {},
            COLOURED.transpose(0, 2, 3, 1),
            r"Axis 3, of 3, looks like the channels.*np.moveaxis",
        ),
        (nn.Conv2d(3, 10, 3, padding=1), {}, COLOURED, "returns 640 numbers per row"),
    ],
    ids=["parameter", "width", "no channels", "channels last", "no head"],
)
def test_a_network_that_does_not_fit_is_named(module, params, images, said):
    with pytest.raises(ValueError, match=said):
        classifier(module, module_params=params).fit(images, Y)


class Noting(nn.Module):
    """Notes how many images it is shown at once."""

    shown: ClassVar[list[int]] = []

    def __init__(self, input_shape, n_outputs):
        super().__init__()
        self.last = nn.Linear(input_shape[-1], n_outputs)

    def forward(self, X):
        if not self.training:
            self.shown.append(len(X))
        return self.last(X.mean((1, 2)))


def test_large_images_are_evaluated_a_few_at_a_time():
    large = np.random.default_rng(0).normal(size=(20, 1, 128, 256))
    model = classifier(Noting, max_epochs=1, batch_size=10).fit(large, Y[:20])
    Noting.shown.clear()
    model.predict(large)
    assert Noting.shown == [4] * 5  # 2^17 numbers
    model.set_params(early_stopping=True, validation_fraction=0.5).fit(large, Y[:20])
    assert max(Noting.shown) == 4


# ---- augment


def noisy(images):
    return images + torch.randn_like(images)


def shifted(images):
    moves = torch.randint(-1, 2, (len(images),))
    return torch.stack([image.roll(int(by), -1) for image, by in zip(images, moves, strict=True)])


def noisy_by_numpy(images):
    return images + torch.from_numpy(np.random.normal(size=images.shape)).to(images)


def brighter(images):
    return images * random.uniform(0.5, 2)


def states():
    """Return where the global generators of torch, NumPy and Python stand."""
    of_numpy = np.random.get_state()
    return torch.get_rng_state().tolist(), of_numpy[1].tolist(), of_numpy[2:], random.getstate()


def global_draws(seen):
    """Return a change that notes what the three global generators give."""

    def change(images):
        seen.append((torch.rand(()).item(), np.random.rand(), random.random()))
        return images

    return change


def test_every_step_has_random_numbers_of_its_own():
    seen = []
    model = classifier("cnn", augment=global_draws(seen), max_epochs=2).fit(X, Y)
    n_steps = 2 * -(-len(X) // 60)
    assert len(seen) == n_steps
    assert all(len({draws[k] for draws in seen}) == n_steps for k in range(3))
    again, other = [], []
    model.set_params(augment=global_draws(again)).fit(X, Y)
    assert again == seen
    model.set_params(augment=global_draws(other), random_state=1).fit(X, Y)
    assert all(not {d[k] for d in seen} & {d[k] for d in other} for k in range(3))


def test_an_error_in_augment_puts_the_global_generators_back():
    def failing(images):
        raise RuntimeError("mine")

    before = states()
    with pytest.raises(RuntimeError, match="mine"):
        classifier("cnn", augment=failing).fit(X, Y)
    assert states() == before


@pytest.mark.parametrize("augment", [noisy, shifted, nn.Dropout(0.2), noisy_by_numpy, brighter])
def test_augmented_training_is_seeded(augment):
    state = states()
    models = [
        classifier("cnn", augment=change, random_state=seed, lr=0.003, max_epochs=2).fit(X, Y)
        for change, seed in ((augment, 0), (augment, 0), (augment, 1), (None, 0))
    ]
    assert states() == state
    assert_equal_bits(models[0], models[1], X)
    for other in models[2:]:
        assert not np.array_equal(models[0].predict_proba(X), other.predict_proba(X))


def test_augment_sees_training_images_on_their_own_scale():
    seen = []

    def watch(images):
        seen.append(images.clone())
        return images

    model = classifier("cnn", augment=watch, early_stopping=True, max_epochs=2).fit(X, Y)
    n_batches = len(seen)
    assert sum(map(len, seen)) == 2 * 210  # not the validation rows, an eighth
    assert {tuple(images.shape[1:]) for images in seen} == {(1, 8, 8)}
    known = {image.tobytes() for image in X.astype(np.float32)}
    assert all(image.numpy().tobytes() in known for images in seen for image in images[:, 0])
    model.predict(X), model.predict_proba(X), model.score(X, Y)
    assert len(seen) == n_batches


def test_augment_that_changes_nothing_costs_no_more_than_rounding():
    changed, bare = (classifier("cnn", augment=each).fit(X, Y) for each in (torch.clone, None))
    np.testing.assert_allclose(changed.predict_proba(X), bare.predict_proba(X), atol=1e-3)


def test_augment_cannot_harm_the_training_images():
    def blackened(images):
        return images.zero_()

    images = X.copy()
    model = classifier("cnn", augment=blackened).fit(images, Y)
    np.testing.assert_array_equal(images, X)
    assert model.score(images, Y) < 0.2  # learnt from black images alone


def test_augment_reaches_what_no_training_image_shows():
    """Trained on upright digits that are turned in training, the network reads turned digits."""
    turned = X.transpose(0, 2, 1).copy()

    def turning(images):
        return torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images, images.transpose(2, 3))

    given, bare = (
        classifier("cnn", augment=change, max_epochs=12).fit(X, Y) for change in (turning, None)
    )
    assert given.score(turned, Y) > bare.score(turned, Y) + 0.2


def test_augment_goes_with_members_pickles_and_partial_fit():
    model = classifier("cnn", augment=noisy, n_members=2).fit(X, Y)
    alone = [classifier("cnn", augment=noisy, random_state=seed).fit(X, Y) for seed in (0, 1)]
    mean = np.mean([each.predict_proba(X) for each in alone], 0)
    np.testing.assert_array_equal(model.predict_proba(X), mean)
    twin = pickle.loads(pickle.dumps(model))
    assert_equal_bits(twin.partial_fit(X, Y), model.partial_fit(X, Y), X)


def test_augment_of_a_table():
    rows, labels = DIGITS.data[:240], Y
    model = NeuralClassifier(augment=noisy, **SMALL).fit(rows, labels)
    assert not np.array_equal(
        model.predict_proba(rows), NeuralClassifier(**SMALL).fit(rows, labels).predict_proba(rows)
    )


@pytest.mark.parametrize(
    ("augment", "error", "said"),
    [
        (
            lambda images: images[:, :, :7],
            ValueError,
            r"augment must return .* \(60, 1, 8, 8\); it returned \(60, 1, 7, 8\)",
        ),
        (
            lambda images: images[:5],
            ValueError,
            r"augment must return .* it returned \(5, 1, 8, 8\)",
        ),
        (
            lambda images: images.numpy(),
            ValueError,
            "augment must return a tensor .* it returned ndarray",
        ),
        (lambda images: None, ValueError, "it returned NoneType"),
        (lambda images: images / 0, ValueError, "augment returned values that are NaN or infinite"),
        ("flip", ValueError, "augment to be None or a function .*; got 'flip'"),
    ],
    ids=["size", "rows", "array", "nothing", "infinite", "name"],
)
def test_wrong_augment_is_named(augment, error, said):
    model = classifier("cnn", augment=augment)
    with pytest.raises(error, match=said):
        model.fit(X, Y)
    assert not hasattr(model, "net_")
