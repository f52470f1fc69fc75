"""NeuralSegmenter: what it refuses, and what it says."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from sklloss import list_losses
from sklloss.losses import Dice, SoftF1

from ...stacked_and_alone import assert_same
from .small_scenes import PER_PIXEL, scenes, segmenter


@pytest.fixture(scope="module")
def fitted():
    X, y, _ = scenes()
    return segmenter().fit(X, y), X, y


# ---------------------------------------------------------------------- wrong input


def one_hot(y):
    return np.eye(2, dtype=int)[y]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, one_hot(y)), r"as one-hot masks have.*y\.argmax\(1\)"),
        (lambda X, y: (X, one_hot(y).transpose(0, 3, 1, 2)), r"one-hot.*y\.argmax\(1\)"),
        (lambda X, y: (X, y[:, None]), r"\(40, 1, 12, 10\).*np\.squeeze\(y, 1\)"),
        (lambda X, y: (X, y[..., None]), r"np\.squeeze\(y, 3\)"),
        (lambda X, y: (X, y.reshape(40, -1)), r"shape \(40, 120\)\. Give y of shape"),
        (lambda X, y: (X, y[:, 0, 0]), r"Give y of shape \(n_samples, height, width\)"),
        (lambda X, y: (X, y[:, ::2, ::2]), r"masks of height and width \(6, 5\).*of \(12, 10\)"),
        (lambda X, y: (X, y.transpose(0, 2, 1)), r"\(10, 12\), and X images of \(12, 10\)"),
        (lambda X, y: (X, [*y[:9], y[9][:5]]), r"unequal size: row 9 has the shape \(5, 10\)"),
        (lambda X, y: (X[:2], [y[0], [[0, 1], [1]]]), r"masks whose lines are .* in row 1"),
        (lambda X, y: (X, y * 0.5), r"pixels that are not labels, for example 0\.5.*y > 0\.5"),
        (
            lambda X, y: (X, np.where(y == 1, np.nan, 0)),
            r"not labels, for example nan.*unknown class",
        ),
        (lambda X, y: (X, np.where(y == 1, "a", None)), r"for example None.*as class_weight"),
        (lambda X, y: (X, np.where(y == 1, "a", pd.NA)), r"not labels, for example <NA>"),
        (lambda X, y: (X[:0], y[:0]), r"0 sample"),
        (lambda X, y: (X, y, np.ones(y.shape)), r"one weight per row of X.*\(40, 12, 10\)"),
        (lambda X, y: (X, 0 * y), r"at least two classes; all 4800 pixels of y have the class 0"),
        (lambda X, y: (X, None), r"requires y to be passed, but the target y is None"),
        (lambda X, y: (X[:30], y), r"inconsistent numbers of samples"),
        (lambda X, y: ([*X[:9], X[9][:5]], y[:10]), r"images of unequal size: row 9"),
        (lambda X, y: (X.reshape(40, -1), y), r"X needs images of shape"),
        (lambda X, y: (np.stack((X, X, X), -1), y), r"axis 3, of 3, looks like the channels"),
        (lambda X, y: (np.where(X > 1, np.nan, X), y), r"NaN"),
    ],
)
def test_wrong_input_is_named(change, message):
    X, y, _ = scenes()
    with pytest.raises(ValueError, match=message):
        segmenter().fit(*change(X, y))


def test_unknown_classes_of_later_masks_are_named(fitted):
    model, X, y = fitted
    with pytest.raises(
        ValueError, match=r"labels that are not in `classes_`, \[0, 1\]: \d+ of 4800"
    ):
        copy.deepcopy(model).partial_fit(X, 3 * y)


def test_labels_of_different_kinds_are_named(fitted):
    model, X, y = fitted
    with pytest.raises(TypeError, match="labels of different kinds: int, str"):
        segmenter().fit(X, np.where(y == 1, "object", y.astype(object)))
    with pytest.raises(ValueError, match="pixels that are not labels, for example None"):
        segmenter().fit(X, np.where(y == 1, "object", None))
    with pytest.raises(TypeError, match="labels of different kinds: int, str"):
        model.score(X, np.where(y == 1, "object", "ground"))
    with pytest.raises(TypeError, match="y needs masks, an array of shape .*; got 3"):
        segmenter().fit(X, 3)
    assert model.score(X, y == 1) == model.score(X, y.astype(float)) == model.score(X, y)


@pytest.mark.parametrize("loss", [SoftF1(), "auc_margin"])
def test_losses_of_a_batch_point_to_their_twin(loss):
    X, y, _ = scenes()
    with pytest.raises(ValueError, match=r"value per batch, but none per pixel or image.*'dice'"):
        segmenter(loss).fit(X, y)
    assert set(list_losses("segmentation")["name"]) == set(PER_PIXEL)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "giou"}, r"boxes loss, and this needs one for segmentation"),
        ({"loss": "dise"}, r"no segmentation loss 'dise'\. Did you mean 'dice'"),
        ({"loss": Dice(smooth=-1)}, r"Dice needs smooth >= 0"),
        ({"class_weight": {5: 1.0}}, r"label 5, which is not in y"),
        ({"module": "locator"}, r"'locator' is a network for other data .* Choose 'unet', or"),
        ({"class_weight": {1: 0}}, r"weights > 0.*one of pixels, give it next to nothing"),
        ({"module": "mlp"}, r"'mlp' is a network for other data .* Choose 'unet', or"),
        ({"module": "unett"}, r"no built-in module 'unett'.*'unet'"),
        ({"module_params": {"widths": 3}}, r"'unet' has no parameter 'widths'.*channels"),
        (
            {"module_params": {"channels": (3, 0)}},
            r"UNet needs channels .* >= 1 \(a whole number\); got \(3, 0\)",
        ),
        ({"batch_size": 0}, r"batch_size"),
        ({"augment": 3}, r"augment to be None or a function"),
    ],
)
def test_wrong_parameters_are_named(params, message):
    X, y, _ = scenes()
    with pytest.raises(ValueError, match=message):
        segmenter(**params).fit(X, y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_prediction_needs_a_fit_and_images_of_the_same_size(fitted, method):
    model, X, _ = fitted
    with pytest.raises(NotFittedError):
        getattr(segmenter(), method)(X)
    with pytest.raises(ValueError, match=r"rows of shape \(1, 6, 10\).*trained on rows"):
        getattr(model, method)(X[:, :6])
    with pytest.raises(ValueError, match="0 sample"):
        getattr(model, method)([])


def test_a_failed_fit_leaves_the_model_as_it_was(fitted):
    model, X, y = fitted
    twin = copy.deepcopy(model)
    with pytest.raises(ValueError, match="one-hot"):
        twin.fit(X, one_hot(y))
    assert_same([twin], [model], X)
