"""Images that are wrong: one sentence that names the culprit and the remedy, before any
training."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.training.engine import Engine

DIGITS = load_digits()
X = DIGITS.images[:60]  # from 0 to 16
Y = DIGITS.target[:60]
BYTES = (15.9375 * X).astype(np.uint8)  # 0 to 255
COLOURED = np.stack([X, X, 16 - X], 1)


def classifier(**params):
    defaults = {"module": "cnn", "module_params": {"channels": (2,)}, "hidden_layer_sizes": ()}
    return NeuralClassifier(**{**defaults, "max_epochs": 1, "random_state": 0, **params})


@pytest.fixture
def nothing_trains(monkeypatch):
    """Fail where training starts before the error is raised."""
    monkeypatch.setattr(Engine, "_train_epoch", lambda *args: pytest.fail("training has started"))


def with_nan(images):
    images = images.astype(float)
    images[3, 2, 1] = np.nan
    return images


def one_of(size):
    images = list(X)
    images[7] = np.zeros(size)
    return images


WRONG = {
    "unequal sizes": (
        one_of((9, 8)),
        r"unequal size: row 7 has the shape \(9, 8\), row 0 \(8, 8\)",
    ),
    "unequal axes": (one_of((1, 8, 8)), r"row 7 has the shape \(1, 8, 8\), row 0 \(8, 8\)"),
    "nested lists of unequal length": (
        [[[1, 2], [3, 4]], [[1, 2], [3]]],
        "in row 1. Crop, pad or resize",
    ),
    "channels last": (
        COLOURED.transpose(0, 2, 3, 1),
        r"\(60, 8, 8, 3\): axis 3, of 3, looks like the channels, .* Give np\.moveaxis\(X, -1, 1\)",
    ),
    "grey channel last": (X[..., None], r"axis 3, of 1, looks like the channels"),
    "NaN": (with_nan(X), "NaN"),
    "NaN of a colour": (with_nan(COLOURED), "NaN"),
    "infinite": (np.where(X == 16, np.inf, X), "infinity"),
    "five axes": (COLOURED[:, None], r"got \(60, 1, 3, 8, 8\)"),
    "two axes": (DIGITS.data[:60], r"got \(60, 64\)\. Reshape .*X\.reshape\(-1, .*module='mlp'"),
    "one axis": (np.arange(60.0), r"got \(60,\)"),
    "one image": (X[0], r"got \(8, 8\)"),
    "text": (X.astype(str), "text|string|numeric|numbers"),
    "none": (X[:0], "0 sample|[Ee]mpty"),
    "no pixels": (X[:, :0], r"images without pixels: its shape is \(60, 1, 0, 8\)"),
    "nothing": (None, "X needs images, an array of shape .*; got None"),
    "complex numbers": (X + 1j, "[Cc]omplex"),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("estimator", [classifier, None], ids=["classifier", "regressor"])
@pytest.mark.usefixtures("nothing_trains")
def test_wrong_images_are_refused(what, estimator):
    images, said = WRONG[what]
    y = Y[: None if images is None else len(images)].astype(Y.dtype if estimator else float)
    model = classifier() if estimator else NeuralRegressor(module="cnn", random_state=0)
    with pytest.raises((ValueError, TypeError), match=said):
        model.fit(images, y)
    assert not hasattr(model, "net_")


@pytest.mark.usefixtures("nothing_trains")
@pytest.mark.parametrize("images", [X, COLOURED])
def test_images_in_a_network_for_tables(images):
    with pytest.raises(
        ValueError, match=r"module='mlp' .*module='cnn'.*X\.reshape\(len\(X\), -1\)"
    ):
        classifier(module="mlp", module_params=None).fit(images, Y)


@pytest.mark.usefixtures("nothing_trains")
def test_parameters_of_the_network():
    for params, said in [
        ({"module_params": {"widths": 3}}, "module 'cnn' has no parameter 'widths'; .*channels"),
        ({"module_params": {"channels": (0,)}}, r"CNN needs channels .* got \(0,\)"),
        ({"module_params": {"dropout": 2}}, "dropout < 1"),
        ({"activation": "rely"}, "activation to be one of 'relu'"),
        ({"module": "ccn"}, "no built-in module 'ccn'; the names are .*'cnn'"),
    ]:
        with pytest.raises(ValueError, match=said):
            classifier(**params).fit(X, Y)


SCALES = {
    "bytes, then shares": (BYTES, BYTES / 255, r"uint8 up to 255.*255"),
    "shares, then bytes": (BYTES / 255, BYTES, "Divide X by 255"),
    "float bytes, then shares": (BYTES.astype(float), BYTES / 255, "Multiply X by 255"),
    "shares, then float bytes": (BYTES / 255, BYTES.astype(np.float32), "Divide X by 255"),
}


@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_another_scale_of_pixels_is_refused(scales, method):
    trained, new, said = SCALES[scales]
    model = classifier().fit(trained, Y)
    with pytest.raises(ValueError, match=said):
        getattr(model, method)(new)
    assert getattr(model, method)(trained).shape[0] == 60


@pytest.mark.parametrize("scales", SCALES)
def test_another_scale_of_pixels_is_refused_while_training_goes_on(scales):
    trained, new, said = SCALES[scales]
    model = classifier().fit(trained, Y)
    before = model.predict_proba(trained)
    with pytest.raises(ValueError, match=said):
        model.partial_fit(new, Y)
    np.testing.assert_array_equal(model.predict_proba(trained), before)


@pytest.mark.parametrize(
    ("trained", "new"),
    [
        (BYTES, BYTES // 2),
        (BYTES, np.zeros_like(BYTES)),
        (BYTES, BYTES.astype(float)),
        (BYTES, BYTES.astype(np.int64)),
        (BYTES / 255, np.zeros_like(X)),
        (BYTES / 255, BYTES / 300),
        (BYTES / 255, BYTES.clip(0, 1)),
        (X - X.mean(), X[:5] - X.mean()),
        (BYTES.clip(0, 1), BYTES.clip(0, 1)),
        (BYTES / 255, 1.3 * (BYTES / 255)),
    ],
    ids=[
        "darker",
        "black",
        "floats of bytes",
        "integers",
        "black shares",
        "darker shares",
        "black and white",
        "centred",
        "0 and 1",
        "brighter",
    ],
)
def test_the_same_scale_is_taken(trained, new):
    assert classifier().fit(trained, Y).predict(new).shape == (len(new),)


def test_another_size_is_refused_after_training():
    model = classifier().fit(X, Y)
    for images, said in [
        (X[:, :7], r"\(1, 7, 8\).*trained on .*\(1, 8, 8\).*Crop, pad or resize"),
        (COLOURED, r"\(3, 8, 8\).*trained on .*\(1, 8, 8\)"),
        (X[..., None], "axis 3, of 1, looks like the channels"),
        (DIGITS.data, "Reshape"),
        (with_nan(X), "NaN"),
        (X[0], r"got \(8, 8\)"),
    ]:
        with pytest.raises(ValueError, match=said):
            model.predict(images)
        with pytest.raises(ValueError, match=said):
            model.partial_fit(images, Y[: len(images)])
    assert model.predict(X).shape == (60,)


def test_y_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[60, 59\]"):
        classifier().fit(X, Y[:-1])


def test_weights_of_another_length_are_refused():
    with pytest.raises(ValueError, match="sample_weight"):
        classifier().fit(X, Y, sample_weight=np.ones(59))


def test_one_failure_leaves_a_fitted_estimator_as_it_was():
    model = classifier().fit(X, Y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(with_nan(X), Y)
    np.testing.assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_truth_values_are_images_of_0_and_1(call):
    truth = X > 8
    fits = [getattr(classifier(), call)(images, Y) for images in (truth, truth.astype(np.uint8))]
    said = [fit.predict_proba(truth.astype(float)) for fit in fits]
    np.testing.assert_array_equal(*said)
    np.testing.assert_array_equal(fits[0].predict_proba(truth), said[0])
