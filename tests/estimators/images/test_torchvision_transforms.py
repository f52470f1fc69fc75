"""Transforms of torchvision as `augment`: each image is changed on its own, with its mask or box."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from torch import nn
from torchvision import transforms, tv_tensors
from torchvision.transforms import v2

from sklloss import LossSearchCV, NeuralBoxRegressor, NeuralClassifier

from .small_scenes import scenes, segmenter, three_classes

DIGITS = load_digits()
X, Y = DIGITS.images[:120] / 16, DIGITS.target[:120]
SMALL = {"module_params": {"channels": (4, 8)}, "max_epochs": 2, "random_state": 0}


def classifier(augment, **params):
    return NeuralClassifier(module="cnn", augment=augment, **{**SMALL, **params})


def box_regressor(augment, **params):
    return NeuralBoxRegressor(augment=augment, **{**SMALL, "max_epochs": 1, **params})


class Noting(v2.Transform):
    """Hands on what it is given, and notes it."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, *inputs):
        self.seen.append(inputs)
        return inputs if len(inputs) > 1 else inputs[0]


# ---------------------------------------------------------------------- images alone


@pytest.mark.parametrize(
    "augment",
    [
        v2.RandomAffine(10, translate=(0.1, 0.1)),
        v2.Compose([v2.RandomCrop(8, padding=1), v2.ColorJitter(brightness=0.3)]),
        v2.RandomErasing(1.0),
        v2.GaussianNoise(),
        transforms.RandomRotation(10),
        transforms.Compose([transforms.RandomHorizontalFlip()]),
        nn.Sequential(v2.RandomRotation(10), v2.RandomHorizontalFlip()),
    ],
    ids=["affine", "crop and jitter", "erasing", "noise", "v1", "v1 compose", "sequential"],
)
def test_transforms_change_training_images_from_the_seed(augment):
    model = classifier(augment).fit(X, Y)
    p = model.predict_proba(X)
    for twin in (clone(model).fit(X, Y), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict_proba(X), p)
    for other in (classifier(None), classifier(augment, random_state=1)):
        assert not np.array_equal(other.fit(X, Y).predict_proba(X), p)


def test_every_image_is_changed_on_its_own():
    noting = Noting()
    classifier(v2.Compose([v2.RandomHorizontalFlip(), noting]), max_epochs=1).fit(X, Y)
    images = {image.astype(np.float32).tobytes() for image in X}
    are_flipped = [seen[0].numpy().tobytes() not in images for seen in noting.seen]
    assert len(are_flipped) == 120
    assert 0.3 < np.mean(are_flipped) < 0.7


def test_transforms_that_change_the_shape_or_the_kind_are_refused():
    for augment, got in [(v2.CenterCrop(6), r"\(1, 6, 6\)"), (v2.ToPILImage(), "Image")]:
        with pytest.raises(ValueError, match=rf"receives, \(1, 8, 8\); it returned {got}"):
            classifier(augment).fit(X, Y)


def test_transforms_that_need_labels_say_so():
    with pytest.raises(ValueError, match="labels"):
        classifier(v2.MixUp(num_classes=10)).fit(X, Y)


def test_an_estimator_with_a_transform_is_cloned_shown_and_searched():
    """Transforms have a method `get_params` that is not scikit-learn's."""
    model = classifier(v2.RandomAffine(10))
    assert "augment=RandomAffine" in repr(model)
    assert model.get_params()["augment"] is model.augment
    assert clone(model).augment is not model.augment
    scores = cross_val_score(make_pipeline(clone(model)), X, Y, cv=2)
    assert scores.shape == (2,)
    grid = {"loss": ["cross_entropy", "gce"]}
    theirs, ours = (cls(model, grid, cv=2).fit(X, Y) for cls in (GridSearchCV, LossSearchCV))
    key = "mean_test_score"
    np.testing.assert_array_equal(ours.cv_results_[key], theirs.cv_results_[key])
    searched = LossSearchCV(model, {"augment": [None, v2.RandomErasing(1.0)]}, cv=2).fit(X, Y)
    assert np.isfinite(searched.cv_results_[key]).all()


# ---------------------------------------------------------------------- images and masks


def test_masks_go_with_their_images():
    """Where images show their masks, they still do after any change."""
    images, masks = three_classes()
    noting = Noting()
    flips = [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()]
    moves = v2.RandomAffine(0, translate=(0.2, 0.2))
    model = segmenter(augment=v2.Compose([*flips, moves, noting]), max_epochs=2)
    model.fit(masks.astype(float), masks)
    assert len(noting.seen) == 2 * len(images)
    for image, mask in noting.seen:
        assert type(mask) is tv_tensors.Mask
        np.testing.assert_array_equal(image[0].numpy(), mask.numpy())
    moved = {mask.numpy().tobytes() for _, mask in noting.seen}
    assert len(moved - {mask.tobytes() for mask in masks}) > 60


def flipped(images, masks):
    return images.flip(3), masks.flip(2)


@pytest.mark.parametrize("augment", [flipped, v2.RandomHorizontalFlip(1.0)], ids=["function", "v2"])
def test_images_and_masks_that_are_flipped_train_as_flipped_ones(augment):
    images, masks = three_classes()
    model = segmenter(augment=augment).fit(images, masks)
    twin = segmenter().fit(images[:, :, ::-1].copy(), masks[:, :, ::-1].copy())
    np.testing.assert_allclose(
        model.decision_function(images), twin.decision_function(images), atol=1e-3
    )
    bare = segmenter().fit(images, masks)
    assert abs(bare.decision_function(images) - twin.decision_function(images)).max() > 0.01


def test_a_function_of_two_arguments_sees_a_batch():
    images, masks = three_classes()
    names = np.array(["ground", "high", "low"])[masks]
    seen = []

    def watch(images, masks):
        seen.append((tuple(images.shape), tuple(masks.shape), masks.unique().tolist()))
        return images, masks

    segmenter(augment=watch, max_epochs=1).fit(images, names)
    assert seen == [((n, 1, 12, 10), (n, 12, 10), [0, 1, 2]) for n in (32, 8)]


@pytest.mark.parametrize(
    ("augment", "said"),
    [
        (lambda images, masks: images, "must return both; it returned Tensor"),
        (lambda images, masks: (images, masks[:, 1:]), r"it returned \(32, 11, 10\)"),
        (lambda images, masks: (images, masks + 0.5), "3840 of 3840 pixels .* example 0.5"),
        (
            v2.RandomAffine(0, translate=(1, 1), fill={tv_tensors.Mask: 255, "others": 0}),
            "indices into `classes_`, 0 to 2; .* pixels with other values, for example 255",
        ),
        (v2.CenterCrop(8), r"receives, \(1, 12, 10\); it returned \(1, 8, 8\)"),
        (
            transforms.RandomRotation(10),
            "augment is RandomRotation, which changes images and leaves",
        ),
        (nn.Sequential(v2.RandomHorizontalFlip()), "augment is Sequential.*in its Compose"),
    ],
    ids=["one", "size", "halves", "fill", "crop", "v1", "sequential"],
)
def test_wrong_changes_of_masks_are_refused(augment, said):
    images, masks = three_classes()
    with pytest.raises(ValueError, match=said):
        segmenter(augment=augment).fit(images, masks)


# ---------------------------------------------------------------------- images and boxes


def bright(boxes, height=12, width=10):
    """Return images whose pixels are 1 inside boxes of whole pixels."""
    images = np.zeros((len(boxes), height, width))
    for image, (x1, y1, x2, y2) in zip(images, boxes.astype(int), strict=True):
        image[y1:y2, x1:x2] = 1
    return images


@pytest.mark.parametrize("loss", ["giou", "mse"])
def test_boxes_go_with_their_images(loss):
    _, _, boxes = scenes()
    noting = Noting()
    augment = v2.Compose([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip(), noting])
    box_regressor(augment, loss=loss).fit(bright(boxes), boxes)
    assert len(noting.seen) == len(boxes)
    for image, box in noting.seen:
        assert type(box) is tv_tensors.BoundingBoxes
        assert box.canvas_size == (12, 10)
        np.testing.assert_array_equal(bright(box.numpy().round())[0], image[0].numpy())


def test_objects_that_leave_their_image_stay_where_they_are():
    """As if there were no augmentation."""
    X, _, boxes = scenes()

    def away(images, boxes):
        return torch.zeros_like(images), boxes + 100

    model, bare = (box_regressor(augment).fit(X, boxes) for augment in (away, None))
    np.testing.assert_allclose(model.predict(X), bare.predict(X), atol=1e-4)


def test_flipped_boxes_teach_what_no_training_image_shows():
    X, _, boxes = scenes(200, 16, 16)
    left = boxes[:, 2] <= 10
    X, boxes = X[left], boxes[left]
    flipped = X[:, :, ::-1].copy(), (boxes * (-1, 1, -1, 1) + (16, 0, 16, 0))[:, [2, 1, 0, 3]]
    scores = {
        augment: box_regressor(augment, lr=0.01, max_epochs=30).fit(X, boxes).score(*flipped)
        for augment in (v2.RandomHorizontalFlip(), None)
    }
    both, bare = scores.values()
    assert both > bare + 0.1


def test_changes_of_boxes_are_seeded_and_go_on():
    X, _, boxes = scenes()
    model = box_regressor(v2.RandomAffine(5, translate=(0.2, 0.2)), n_members=2).fit(X, boxes)
    twin = pickle.loads(pickle.dumps(model))
    for same in (twin, clone(model).fit(X, boxes)):
        np.testing.assert_array_equal(same.predict(X), model.predict(X))
    np.testing.assert_array_equal(
        twin.partial_fit(X, boxes).predict(X), model.partial_fit(X, boxes).predict(X)
    )


def test_wrong_changes_of_boxes_are_refused():
    X, _, boxes = scenes()
    with pytest.raises(ValueError, match=r"receives, \(32, 4\); it returned \(32, 2\)"):
        box_regressor(lambda images, boxes: (images, boxes[:, :2])).fit(X, boxes)
    with pytest.raises(ValueError, match="v2"):
        box_regressor(transforms.RandomHorizontalFlip()).fit(X, boxes)
