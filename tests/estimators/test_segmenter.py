"""NeuralSegmenter: what comes out, laws, wrong input, searches, scikit-learn's own checks."""

import copy
import pickle

import numpy as np
import pytest
import sklearn.utils.estimator_checks as checks
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import jaccard_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from sklloss import LossSearchCV, NeuralSegmenter, list_losses
from sklloss.losses import CrossEntropy, Dice, SoftF1, get_loss
from sklloss.losses.listing import losses_of

from .scenes import scenes

SMALL = {"module_params": {"channels": (3, 4)}, "lr": 0.01, "max_epochs": 4, "random_state": 0}
NAMES = np.array(["ground", "object"])
PER_PIXEL = [cls.name for cls in losses_of("segmentation") if not cls.whole_batch]
LEARNT = ["cross_entropy", "mse", "huber", "focal", "dice", "tversky", "gce"]


def segmenter(loss="cross_entropy", **params):
    return NeuralSegmenter(loss, **{**SMALL, **params})


def three_classes(n=40, seed=0):
    """Return images and masks of three classes: ground, and two kinds of object by the place in the image."""
    X, y, _ = scenes(n, seed=seed)
    rows = np.arange(y.shape[1])[None, :, None]
    return X, np.where(y == 1, 1 + (rows > 5), 0)


@pytest.fixture(scope="module")
def fitted():
    X, y, _ = scenes()
    return segmenter().fit(X, y), X, y


# ---------------------------------------------------------------------- what comes out


@pytest.mark.parametrize("loss", LEARNT)
def test_learns_objects_with_every_kind_of_loss(loss):
    X, y, _ = scenes(120)
    model = segmenter(loss, max_epochs=25, module_params={"channels": (8, 16)})
    assert model.fit(X[:80], y[:80]).score(X[80:], y[80:]) > 0.85


@pytest.mark.parametrize("loss", PER_PIXEL)
def test_every_loss_of_pixels_and_images_trains(loss):
    X, y = three_classes()
    model = segmenter(loss, max_epochs=2).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert np.isfinite(model.history_[-1, "train_loss"])
    scores = model.decision_function(X)
    assert scores.shape == (40, 3, 12, 10)
    np.testing.assert_array_equal(scores.argmax(1), np.searchsorted([0, 1, 2], model.predict(X)))


@pytest.mark.parametrize("labels", [np.array([0, 255]), NAMES, np.array([False, True]), [-3, 7]])
def test_labels_of_any_type(labels):
    X, y, _ = scenes()
    named = np.asarray(labels)[y]
    model = segmenter().fit(X, named)
    np.testing.assert_array_equal(model.classes_, np.unique(labels))
    predicted = model.predict(X)
    assert predicted.dtype == model.classes_.dtype
    assert predicted.shape == y.shape
    plain = segmenter().fit(X, y)
    np.testing.assert_array_equal(predicted, np.asarray(labels)[plain.predict(X)])
    assert model.score(X, named) == plain.score(X, y)


def test_labels_as_objects_and_lists():
    X, y, _ = scenes()
    named = NAMES.astype(object)[y]
    model = segmenter().fit(list(X), [mask.tolist() for mask in named])
    assert set(model.predict(X).ravel()) <= set(NAMES)


def test_probabilities_are_one_image_per_class(fitted):
    model, X, _ = fitted
    p = model.predict_proba(X)
    assert p.shape == (40, 2, 12, 10)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), p.argmax(1))
    scores = model.decision_function(X)
    assert scores.shape == (40, 12, 10)
    np.testing.assert_array_equal(model.predict(X), (scores > 0).astype(int))
    np.testing.assert_allclose(1 / (1 + np.exp(-scores.astype(float))), p[:, 1], rtol=1e-4)


def test_three_classes_have_three_images():
    X, y = three_classes()
    model = segmenter().fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == (40, 3, 12, 10)
    np.testing.assert_array_equal(model.predict(X), p.argmax(1))


@pytest.mark.parametrize("loss", ["dice", "tversky", "hinge"])
def test_decisions_have_no_probabilities(loss):
    X, y, _ = scenes()
    model = segmenter(loss).fit(X, y)
    assert not hasattr(model, "predict_proba")
    with pytest.raises(AttributeError) as caught:
        _ = model.predict_proba
    assert "gives a decision but no probabilities" in str(caught.value.__cause__)


def test_pixels_stay_in_their_place():
    """An image turned on its side gives its prediction turned, once the weights are turned, too."""
    X, y, _ = scenes(30, height=12, width=9)
    model = segmenter().fit(X, y)
    turned = segmenter().fit(X.transpose(0, 2, 1), y.transpose(0, 2, 1))
    for mine, theirs in zip(
        turned.net_.module_.parameters(), model.net_.module_.parameters(), strict=True
    ):
        mine.data.copy_(theirs.mT if theirs.ndim == 4 else theirs)
    np.testing.assert_allclose(
        turned.predict_proba(X.transpose(0, 2, 1)).transpose(0, 1, 3, 2),
        model.predict_proba(X),
        atol=1e-5,
    )


def test_predicts_in_pieces_what_it_predicts_at_once(fitted, monkeypatch):
    model, X, _ = fitted
    whole = model.predict_proba(X)
    monkeypatch.setattr("sklloss.estimators.segmenter.NUMBERS_AT_ONCE", 7 * 240)
    np.testing.assert_allclose(model.predict_proba(X), whole, atol=1e-6)


def test_an_axis_of_one_channel_changes_nothing(fitted):
    model, X, y = fitted
    twin = segmenter().fit(X[:, None], y)
    np.testing.assert_array_equal(twin.predict_proba(X[:, None]), model.predict_proba(X))
    assert model.n_features_in_ == 1


def test_colour_images():
    X, y, _ = scenes()
    colour = np.stack((X, -X, 0 * X), 1)
    model = segmenter().fit(colour, y)
    assert model.predict(colour).shape == y.shape
    assert model.n_features_in_ == 3


# ---------------------------------------------------------------------- score


def test_score_is_scikit_learns_jaccard_over_all_pixels(fitted):
    model, X, y = fitted
    weights = np.random.default_rng(0).random(40)
    weights[:3] = 0
    predicted = model.predict(X)
    expected = jaccard_score(y.ravel(), predicted.ravel(), average="macro")
    assert model.score(X, y) == pytest.approx(expected, rel=1e-12)
    per_pixel = np.repeat(weights, 120)
    expected = jaccard_score(y.ravel(), predicted.ravel(), average="macro", sample_weight=per_pixel)
    assert model.score(X, y, sample_weight=weights) == pytest.approx(expected, rel=1e-12)


def test_score_counts_the_classes_that_occur():
    X, y = three_classes()
    model = segmenter(max_epochs=1).fit(X, y)
    model.net_.module_.output_bias.data.copy_(torch.tensor([50.0, 0.0, 0.0]))  # all ground
    assert model.score(X, np.zeros_like(y)) == 1
    only_second = np.where(y == 2, 2, 0)
    assert model.score(X, only_second) == pytest.approx((only_second == 0).mean() / 2)


def test_score_takes_classes_that_training_did_not_have(fitted):
    model, X, y = fitted
    other = np.where(y == 1, 9, y)
    predicted = model.predict(X)
    expected = jaccard_score(other.ravel(), predicted.ravel(), average="macro", zero_division=0)
    assert model.score(X, other) == pytest.approx(expected)


# ---------------------------------------------------------------------- laws


def assert_same(one, other, X):
    np.testing.assert_array_equal(one.decision_function(X), other.decision_function(X))
    for mine, theirs in zip(
        one.net_.module_.state_dict().values(),
        other.net_.module_.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(mine, theirs)


def test_same_seed_same_bits_and_clone_and_pickle(fitted):
    model, X, y = fitted
    assert_same(model, clone(model).fit(X, y), X)
    assert_same(model, pickle.loads(pickle.dumps(model)), X)
    assert_same(model, copy.deepcopy(model), X)
    again = segmenter(random_state=1).fit(X, y)
    assert not np.array_equal(again.decision_function(X), model.decision_function(X))
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    clone(model).set_params(dropout=0.3).fit(X, y)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


def test_a_pickle_of_a_fitted_model_goes_on(fitted):
    model, X, y = fitted
    one, other = (pickle.loads(pickle.dumps(model)) for _ in range(2))
    assert_same(one.partial_fit(X, y), other.partial_fit(X, y), X)
    assert one.n_iter_ == model.n_iter_ + 1


@pytest.mark.parametrize("loss", ["cross_entropy", "dice", "focal"])
def test_weight_2_is_an_image_repeated_and_0_an_image_removed(loss):
    X, y, _ = scenes(12)
    weights = np.arange(12) % 3
    model = segmenter(loss, dtype="float64", batch_size=100, max_epochs=8)
    weighted = clone(model).fit(X, y, sample_weight=weights)
    repeated = model.fit(np.repeat(X, weights, axis=0), np.repeat(y, weights, axis=0))
    np.testing.assert_allclose(
        weighted.decision_function(X), repeated.decision_function(X), rtol=1e-6, atol=1e-7
    )


def test_weights_matter():
    X, y, _ = scenes(24)
    y[:12] = 1 - y[:12]  # half of the images have their labels swapped
    upright = np.where(np.arange(24) < 12, 1e-3, 1.0)
    model = segmenter(max_epochs=40).fit(X, y, sample_weight=upright)
    assert model.score(X[12:], y[12:]) > 0.8
    assert segmenter(max_epochs=40).fit(X, y, 1.001 - upright).score(X[12:], y[12:]) < 0.2


def test_class_weight_is_a_weight_of_pixels():
    """On a network that is a constant, the posterior is that of the weighted shares."""
    X, y = three_classes(20)
    X = np.zeros_like(X)
    shares = np.bincount(y.ravel()) / y.size
    for class_weight, factors in [
        (None, np.ones(3)),
        ("balanced", 1 / shares),
        ({0: 0.5, 2: 4.0}, np.array([0.5, 1.0, 4.0])),
    ]:
        model = segmenter(
            class_weight=class_weight, scale_inputs=False, dtype="float64", max_epochs=1
        )
        model.fit(X, y)
        expected = shares * factors / (shares * factors).sum()
        p = model.predict_proba(X[:1])[0, :, 6, 5]
        np.testing.assert_allclose(p, expected, atol=0.01)
        weight = model.loss_state_.get("weight_by_class", torch.ones(1, 1, 1, 3)).flatten().numpy()
        assert (weight * shares).sum() == pytest.approx(1)


@pytest.mark.parametrize("loss", ["cross_entropy", "dice"])
def test_balanced_classes_find_more_of_the_rare_one(loss):
    X, y, _ = scenes(60)
    X = X / 4 + np.random.default_rng(1).normal(0, 1, X.shape)  # hard to see
    plain = segmenter(loss, max_epochs=20).fit(X, y)
    heavy = segmenter(loss, max_epochs=20, class_weight={0: 1.0, 1: 8.0}).fit(X, y)
    assert heavy.predict(X).mean() > 1.2 * plain.predict(X).mean()


def test_class_weight_leaves_a_loss_without_it_alone():
    X, y, _ = scenes(20)
    even = segmenter(class_weight={0: 2.0, 1: 2.0}, dtype="float64").fit(X, y)
    plain = segmenter(dtype="float64").fit(X, y)
    np.testing.assert_allclose(even.predict_proba(X), plain.predict_proba(X), rtol=1e-6)


def test_members_are_single_fits_and_their_mean_decides():
    X, y = three_classes()
    model = segmenter(n_members=2).fit(X, y)
    alone = [segmenter(random_state=seed).fit(X, y) for seed in (0, 1)]
    mean = np.mean([each.predict_proba(X) for each in alone], axis=0)
    np.testing.assert_allclose(model.predict_proba(X), mean, atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), mean.argmax(1))
    regions = segmenter("dice", n_members=2).fit(X, y)
    alone = [segmenter("dice", random_state=seed).fit(X, y) for seed in (0, 1)]
    mean = np.mean([each.decision_function(X) for each in alone], axis=0)
    np.testing.assert_allclose(regions.decision_function(X), mean, atol=1e-5)


def test_early_stopping_keeps_the_best_epoch():
    X, y, _ = scenes(60)
    model = segmenter(early_stopping=True, max_epochs=12, validation_fraction=0.25).fit(X, y)
    losses = model.history_[:, "valid_loss"]
    best = segmenter(max_epochs=int(np.argmin(losses)) + 1, n_iter_no_change=float("inf"))
    assert len(losses) == model.n_iter_
    rows = np.random.default_rng(0).permutation(60)
    pair = (rows[:40], rows[40:])
    given = segmenter(early_stopping=True, max_epochs=6, validation_fraction=pair).fit(X, y)
    assert given.history_[-1, "valid_loss"] > 0
    assert best.max_epochs <= 12


def test_warm_start_goes_on():
    X, y, _ = scenes()
    model = segmenter(warm_start=True, max_epochs=2, n_iter_no_change=float("inf"))
    model.fit(X, y).fit(X, y)
    assert_same(model, segmenter(n_iter_no_change=float("inf")).fit(X, y), X)


def test_partial_fit_keeps_the_classes_that_were_announced():
    X, y = three_classes()
    first = y[:20].copy()
    first[first == 2] = 0
    model = segmenter().partial_fit(X[:20], first, classes=[0, 1, 2])
    model.partial_fit(X[20:], y[20:])
    assert model.predict_proba(X).shape[1] == 3
    lonely = segmenter().partial_fit(X[:20], first)
    with pytest.raises(ValueError, match=r"not in `classes_`, \[0, 1\].*example 2"):
        lonely.partial_fit(X[20:], y[20:])


def test_augment_changes_training_alone():
    X, y, _ = scenes()
    seen = []

    def noisier(images):
        seen.append(tuple(images.shape))
        return images + 0.1 * torch.randn(images.shape)

    model = segmenter(augment=noisier).fit(X, y)
    assert set(seen) == {(32, 1, 12, 10), (8, 1, 12, 10)}
    n_seen = len(seen)
    model.predict(X)
    assert len(seen) == n_seen
    assert_same(model, segmenter(augment=noisier).fit(X, y), X)


def test_module_of_the_fitted_model_is_the_model():
    X, y = three_classes()
    rows = torch.from_numpy(X)
    for loss, n_members in [("cross_entropy", 1), ("cross_entropy", 2), ("dice", 1)]:
        model = segmenter(loss, n_members=n_members).fit(X, y)
        decision = model.to_module("decision_function")(rows)
        np.testing.assert_allclose(decision, model.decision_function(X), atol=1e-5)
        index = model.to_module("predict")(rows).numpy()
        np.testing.assert_array_equal(model.classes_[index], model.predict(X))
        module = model.to_module()
        exported = torch.export.export(
            module, (rows[:2],), dynamic_shapes=({0: torch.export.Dim("rows")},)
        ).module()
        np.testing.assert_allclose(exported(rows), module(rows), atol=1e-6)
        assert model.to_module("raw")(rows).shape[-2:] == (120, 3)
    with pytest.raises(ValueError, match="no output='predict_proba' for loss 'dice'"):
        model.to_module("predict_proba")


# ---------------------------------------------------------------------- networks of one's own


class Thresholds(nn.Module):
    """A 1 x 1 convolution, as torch's networks return it: (n, classes, height, width)."""

    def __init__(self, in_channels, num_classes, as_dict=False):
        super().__init__()
        self.layer = nn.Conv2d(in_channels, num_classes, 3, padding=1)
        self.as_dict = as_dict

    def forward(self, X):
        output = self.layer(X)
        return {"out": output} if self.as_dict else output


@pytest.mark.parametrize("as_dict", [False, True])
def test_a_network_of_ones_own_returns_an_image_per_class(as_dict):
    X, y = three_classes()
    model = segmenter(module=Thresholds, module_params={"as_dict": as_dict}, max_epochs=20)
    model.fit(X, y)
    layer = model.net_.module_.network.layer
    scaled = (X - X.mean()) / X.std()
    with torch.no_grad():
        logits = layer(torch.from_numpy(scaled[:, None]).float())
    np.testing.assert_allclose(model.predict_proba(X), logits.softmax(1), atol=1e-4)


def test_two_logits_for_two_classes_do_as_well():
    X, y, _ = scenes()
    model = segmenter(module=nn.Conv2d(1, 2, 3, padding=1), module_params=None, max_epochs=20)
    model.fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == (40, 2, 12, 10)
    np.testing.assert_array_equal(model.predict(X), p.argmax(1))
    assert model.decision_function(X).shape == (40, 12, 10)


def test_a_network_that_shrinks_images_is_refused():
    X, y = three_classes()
    model = segmenter(module=nn.Conv2d(1, 3, 3), module_params=None)
    with pytest.raises(
        ValueError, match=r"module Conv2d puts out 240 numbers.*3 x 12 x 10.*needs 360"
    ):
        model.fit(X, y)


# ---------------------------------------------------------------------- losses of one's own


def focal_of_pixels(logits, labels):
    log_p = logits.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return -((1 - log_p.exp()) ** 2) * log_p


def dice_of_images(logits, labels):
    p, t = logits.softmax(1), nn.functional.one_hot(labels, logits.shape[1]).mT
    overlap = (2 * (p * t).sum(2) + 1) / (p.sum(2) + t.sum(2) + 1)
    return 1 - overlap.mean(1)


@pytest.mark.parametrize(
    ("own", "named"),
    [
        (nn.CrossEntropyLoss, "cross_entropy"),
        (nn.CrossEntropyLoss(label_smoothing=0.1), CrossEntropy(label_smoothing=0.1)),
        (nn.NLLLoss(), "cross_entropy"),
        (focal_of_pixels, "focal"),
        (dice_of_images, "dice"),
    ],
)
def test_a_loss_of_ones_own_sees_logits_as_torch_has_them(own, named):
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn(5, 12, 3, dtype=torch.float64, generator=generator)
    y = torch.randint(3, (5, 12), generator=generator)
    weights = torch.rand(5, dtype=torch.float64, generator=generator)
    values = []
    for given in (own, named):
        loss = get_loss(given, task="segmentation")
        state = loss.prepare(y.reshape(-1, 1), torch.ones(60).double(), 3)
        values.append(loss(raw, y, state, weights).item())
    assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_a_loss_of_ones_own_trains_as_its_twin_does():
    X, y = three_classes()
    weights = np.random.default_rng(0).random(40)
    settings = {"dtype": "float64", "max_epochs": 2}
    for own, named in [(nn.CrossEntropyLoss, "cross_entropy"), (dice_of_images, "dice")]:
        model = segmenter(own, **settings).fit(X, y, weights)
        twin = segmenter(named, **settings).fit(X, y, weights)
        np.testing.assert_allclose(
            model.decision_function(X), twin.decision_function(X), rtol=1e-4, atol=1e-6
        )


def test_torchs_binary_cross_entropy_takes_two_classes():
    X, y, _ = scenes()
    model = segmenter(nn.BCEWithLogitsLoss, dtype="float64", max_epochs=2).fit(X, y)
    twin = segmenter(dtype="float64", max_epochs=2).fit(X, y)
    np.testing.assert_allclose(
        model.decision_function(X), twin.decision_function(X), rtol=1e-4, atol=1e-6
    )


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
        (lambda X, y: (X, y * 0.5), r"pixels that are no labels, for example 0\.5.*y > 0\.5"),
        (
            lambda X, y: (X, np.where(y == 1, np.nan, 0)),
            r"no labels, for example nan.*unknown class",
        ),
        (lambda X, y: (X, np.where(y == 1, "a", None)), r"for example None.*as class_weight"),
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
    with pytest.raises(ValueError, match="pixels that are no labels, for example None"):
        segmenter().fit(X, np.where(y == 1, "object", None))
    with pytest.raises(TypeError, match="labels of different kinds: int, str"):
        model.score(X, np.where(y == 1, "object", "ground"))
    with pytest.raises(TypeError, match="y needs masks; got 3"):
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
        ({"augment": 3}, r"augment to be None or callable"),
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
    assert_same(twin, model, X)


# ---------------------------------------------------------------------- searches


GRID = [
    {"loss": ["cross_entropy", "mse", "dice"]},
    {"loss": ["tversky"], "loss__beta": [0.5, 0.9]},
]


def test_searches_over_losses_by_its_own_score():
    X, y, _ = scenes(30)
    cv = KFold(3)
    model = segmenter(max_epochs=15, lr=0.02)
    grid = GridSearchCV(model, GRID, cv=cv).fit(X, y)
    ours = LossSearchCV(model, GRID, cv=cv).fit(X, y)
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], grid.cv_results_["mean_test_score"]
    )
    assert len(np.unique(grid.cv_results_["mean_test_score"])) > 2
    assert ours.best_params_ == grid.best_params_
    np.testing.assert_array_equal(ours.predict(X), grid.predict(X))
    assert ours.best_estimator_.loss_ == grid.best_estimator_.loss_


def test_works_at_the_end_of_a_pipeline():
    X, y, _ = scenes()
    pipeline = make_pipeline(FunctionTransformer(np.negative), segmenter())
    pipeline.set_params(neuralsegmenter__loss="focal", neuralsegmenter__loss__gamma=1.0)
    assert pipeline.fit(X, y).predict(X).shape == y.shape
    assert pipeline[-1].loss_.gamma == 1.0


def test_nested_parameters():
    model = segmenter("dice").set_params(loss__smooth=0.5, module__channels=(2,), lr=0.1)
    assert model.loss == Dice(smooth=0.5)
    assert model.get_params()["loss__smooth"] == 0.5
    assert model.get_params()["module__channels"] == (2,)


def test_tags_are_true():
    tags = segmenter().__sklearn_tags__()
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse
    assert tags.target_tags.required
    assert not tags.input_tags.allow_nan


@pytest.mark.parametrize(
    "check",
    [
        checks.check_do_not_raise_errors_in_init_or_set_params,
        checks.check_estimator_cloneable,
        checks.check_estimator_repr,
        checks.check_estimator_sparse_array,
        checks.check_estimator_sparse_matrix,
        checks.check_estimator_tags_renamed,
        checks.check_estimators_unfitted,
        checks.check_fit1d,
        checks.check_get_params_invariance,
        checks.check_mixin_order,
        checks.check_no_attributes_set_in_init,
        checks.check_parameters_default_constructible,
        checks.check_requires_y_none,
        checks.check_set_params,
        checks.check_valid_tag_types,
    ],
    ids=lambda check: check.__name__,
)
def test_checks_of_scikit_learn(check):
    check("NeuralSegmenter", NeuralSegmenter())
