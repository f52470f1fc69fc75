"""NeuralSegmenter: what comes out, its score, laws."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import jaccard_score

from sklloss.training import LossNet

from .small_scenes import PER_PIXEL, scenes, segmenter, three_classes

NAMES = np.array(["ground", "object"])
LEARNT = ["cross_entropy", "mse", "huber", "focal", "dice", "tversky", "gce"]


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
    pieces = []

    def raw(net, scaled, original=LossNet.raw):
        pieces.append(len(scaled))
        return original(net, scaled)

    monkeypatch.setattr("sklloss.estimators.images.mask_target.NUMBERS_AT_ONCE", 7 * 240)
    monkeypatch.setattr(LossNet, "raw", raw)
    np.testing.assert_allclose(model.predict_proba(X), whole, atol=1e-6)
    assert pieces == [7, 7, 7, 7, 7, 5]


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
