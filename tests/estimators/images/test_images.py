"""Images: the laws of the estimators and the tools of scikit-learn, with arrays of more than two
axes."""

import pickle

import numpy as np
import pytest
import skorch
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_score,
    permutation_test_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import EpochScoring
from torch.export import Dim, export

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.modules.images.cnn import CNN

from ...search.equal_searches import assert_equal_searches
from ...stacked_and_alone import assert_same, fitted_alone, fitted_together

DIGITS = load_digits()
X = DIGITS.images[:240]  # (240, 8, 8), whole numbers from 0 to 16
Y = DIGITS.target[:240]
NAMES = np.array(["zero", *"123456789"])[Y]
LABELS = np.stack([Y % 2, Y > 4, Y == 0], 1).astype(int)
INK = X.mean((1, 2))
LOSSES = ["cross_entropy", "mse", "focal", "gce"]
SMALL = {
    "module": "cnn",
    "module_params": {"channels": (4, 8)},
    "hidden_layer_sizes": (16,),
    "lr": 0.005,
    "batch_size": 60,
    "max_epochs": 3,
    "random_state": 0,
}


def classifier(loss="cross_entropy", **params):
    return NeuralClassifier(loss, **{**SMALL, **params})


def regressor(loss="mse", **params):
    return NeuralRegressor(loss, **{**SMALL, **params})


def bits(model, images=X):
    return model.predict_proba(images) if hasattr(model, "predict_proba") else model.predict(images)


def assert_equal_bits(mine, theirs, images=X):
    np.testing.assert_array_equal(bits(mine, images), bits(theirs, images))


# ---- what goes in


def test_digits_are_read():
    images, other, labels, theirs = train_test_split(DIGITS.images, DIGITS.target, random_state=0)
    model = NeuralClassifier(module="cnn", max_epochs=30, random_state=0).fit(images, labels)
    assert model.score(other, theirs) >= 0.97


@pytest.mark.parametrize(
    "form",
    [
        lambda images: images[:, None],
        lambda images: images.astype(np.uint8),
        lambda images: images.astype(np.int64)[:, None],
        lambda images: images.astype(np.float32),
        list,
        lambda images: images.tolist(),
        np.asfortranarray,
        lambda images: torch.from_numpy(images),
    ],
    ids=["channel", "uint8", "int64", "float32", "list", "nested list", "fortran", "tensor"],
)
def test_the_same_images_in_another_form_train_the_same(form):
    model, other = classifier().fit(X, NAMES), classifier().fit(form(X), NAMES)
    assert_equal_bits(model, other)
    np.testing.assert_array_equal(bits(other, form(X[:7])), bits(model, X[:7]))


def test_scaling_is_per_channel():
    """Channels of other units, and all images brighter: the same predictions."""
    images = np.stack([X, 16 - X, X**2], 1)
    units = np.array([1.0, 1000.0, 0.01])[:, None, None]
    plain, mapped = classifier().fit(images, Y), classifier().fit(images * units + 5, Y)
    np.testing.assert_allclose(bits(mapped, images * units + 5), bits(plain, images), atol=2e-3)
    assert plain._learned.input_scaler.mean.shape == (3, 1, 1)
    expected = images.mean((0, 2, 3)), images.std((0, 2, 3))
    np.testing.assert_allclose(plain._learned.input_scaler.mean.ravel(), expected[0])
    np.testing.assert_allclose(plain._learned.input_scaler.scale.ravel(), expected[1])


def test_scaling_counts_weights():
    weights = np.linspace(0, 2, len(X))
    model = classifier().fit(X, Y, sample_weight=weights)
    mean = np.average(X.mean((1, 2)), weights=weights)
    np.testing.assert_allclose(model._learned.input_scaler.mean.item(), mean)


def test_without_scaling_the_net_sees_pixels_as_they_are():
    model = classifier(scale_inputs=False).fit(X, Y)
    raw = model.net_.module_(torch.from_numpy(X[:5, None]).to(model._learned.torch_dtype))
    expected = model.to_module("raw")(torch.from_numpy(X[:5]))[:, 0]
    torch.testing.assert_close(raw, expected)


def test_given_images_are_left_alone():
    images = X.copy()
    classifier().fit(images, Y).predict(images)
    np.testing.assert_array_equal(images, X)


def test_a_constant_channel_is_no_trouble():
    images = np.stack([X, np.full_like(X, 7)], 1)
    assert np.isfinite(bits(classifier().fit(images, Y), images)).all()


# ---- laws


def test_same_seed_same_bits_and_another_seed_other_ones():
    first, same, other = (classifier(random_state=seed).fit(X, Y) for seed in (0, 0, 1))
    assert_equal_bits(first, same)
    assert not np.array_equal(bits(first), bits(other))


def test_global_generators_are_left_alone():
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1]
    classifier(dropout=0.5).fit(X, Y).predict(X)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)


def test_dropout_is_drawn_from_the_seed():
    models = [classifier(dropout=rate).fit(X, Y) for rate in (0.0, 0.5, 0.5)]
    assert_equal_bits(*models[1:])
    assert not np.array_equal(bits(models[0]), bits(models[1]))


@pytest.mark.parametrize("loss", LOSSES)
def test_clone_and_pickle(loss):
    model = classifier(loss).fit(X, NAMES)
    assert_equal_bits(pickle.loads(pickle.dumps(model)), model)
    assert_equal_bits(clone(model).fit(X, NAMES), model)


def test_a_pickle_trains_on_as_its_original():
    model = classifier().fit(X, Y)
    twin = pickle.loads(pickle.dumps(model))
    assert_equal_bits(twin.partial_fit(X, Y), model.partial_fit(X, Y))


def test_parameters():
    model = classifier().set_params(module__channels=(3,), loss="huber", loss__delta=0.3)
    assert model.get_params()["module__channels"] == (3,)
    assert SMALL["module_params"] == {"channels": (4, 8)}
    module = model.fit(X, Y).net_.module_
    assert isinstance(module, CNN)
    assert [layer.out_channels for layer in module.convolutions] == [3]
    model.set_params(module_params=None, hidden_layer_sizes=(), activation="tanh", max_epochs=1)
    module = model.fit(X[:20], Y[:20]).net_.module_
    assert [layer.out_channels for layer in module.convolutions] == [16, 32, 64]
    assert module.head.linears[0].in_features == 64
    assert module.activation == "tanh"


@pytest.mark.parametrize("loss", LOSSES)
def test_probabilities_are_probabilities(loss):
    model = classifier(loss).fit(X, NAMES)
    p = model.predict_proba(X)
    assert p.shape == (240, 10)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    assert set(model.predict(X)) <= set(NAMES)
    assert model.score(X, NAMES) > 0.3


def test_training_starts_at_the_best_constant():
    y = (Y == 0).astype(int)
    model = classifier(lr=1e-12, max_epochs=1).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], y.mean(), rtol=1e-4)
    constant = regressor(lr=1e-12, max_epochs=1).fit(X, INK)
    np.testing.assert_allclose(constant.predict(X), INK.mean(), rtol=1e-4)


def test_members_are_fits_of_their_own():
    model = classifier(n_members=3).fit(X, Y)
    alone = [classifier(random_state=seed).fit(X, Y) for seed in (0, 1, 2)]
    mean = np.mean([bits(each) for each in alone], 0)
    np.testing.assert_allclose(bits(model), mean, rtol=1e-14)
    assert len(model.members_) == 3


def test_in_company_is_alone():
    models = [classifier(loss, dropout=0.2) for loss in LOSSES] + [classifier(early_stopping=True)]
    assert_same(fitted_together(models, X, Y), fitted_alone(models, X, Y), X)


@pytest.mark.parametrize("estimator", [classifier, regressor])
def test_weight_2_is_an_image_repeated_and_0_one_removed(estimator):
    y = Y if estimator is classifier else INK
    weights = np.random.default_rng(0).integers(0, 3, len(y))
    whole = {"batch_size": 5000, "dtype": "float64", "max_epochs": 8}
    weighted = estimator(**whole).fit(X, y, sample_weight=weights)
    repeated = estimator(**whole).fit(X.repeat(weights, 0), y.repeat(weights))
    np.testing.assert_allclose(bits(weighted), bits(repeated), rtol=1e-5, atol=1e-7)
    unweighted = estimator(**whole).fit(X, y)
    assert not np.allclose(bits(unweighted), bits(weighted), rtol=1e-3)


def test_class_weight_is_sample_weight():
    factor = np.where(Y == 3, 4.0, 1.0)
    by_class = classifier(class_weight={**dict.fromkeys(range(10), 1.0), 3: 4.0}).fit(X, Y)
    assert_equal_bits(by_class, classifier().fit(X, Y, sample_weight=factor))


def test_early_stopping_keeps_the_best_epoch():
    model = classifier(early_stopping=True, lr=0.05, max_epochs=60, n_iter_no_change=3).fit(X, Y)
    losses = model.history_[:, "valid_loss"]
    assert len(losses) < 60
    assert np.argmin(losses) < len(losses) - 1
    best = classifier(early_stopping=True, lr=0.05, max_epochs=int(np.argmin(losses)) + 1)
    assert_equal_bits(best.fit(X, Y), model)


def test_partial_fit_and_warm_start_go_on():
    whole = classifier(max_epochs=4, n_iter_no_change=100).fit(X, Y)
    steps = classifier()
    for _ in range(4):
        steps.partial_fit(X, Y)
    warm = classifier(max_epochs=2, n_iter_no_change=100, warm_start=True).fit(X, Y).fit(X, Y)
    assert_equal_bits(steps, whole)
    assert_equal_bits(warm, whole)
    assert steps.n_iter_ == warm.n_iter_ == 4


def test_batches_may_be_of_other_numbers_of_images():
    model = classifier().partial_fit(X[:100], Y[:100], classes=range(10))
    model.partial_fit(X[100:103], Y[100:103])
    assert model.predict(X).shape == (240,)


@pytest.mark.parametrize("loss", LOSSES)
def test_multi_label(loss):
    model = classifier(loss, max_epochs=10).fit(X, LABELS)
    assert model.predict_proba(X).shape == (240, 3)
    assert model.predict(X).shape == (240, 3)
    assert (model.predict(X) == LABELS).mean() > 0.8


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "cross_entropy", "gaussian_nll"])
def test_regression(loss):
    model = regressor(loss, max_epochs=30).fit(X, INK)
    assert model.predict(X).shape == (240,)
    assert model.score(X, INK) > 0.7


def test_regression_of_several_targets():
    y = np.stack([INK, X[:, :4].mean((1, 2))], 1)
    model = regressor(max_epochs=30).fit(X, y)
    assert model.predict(X).shape == (240, 2)
    assert model.score(X, y) > 0.7


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "elu", "gelu", "silu"])
def test_activations(activation):
    model = classifier(activation=activation, lr=0.01, max_epochs=30).fit(X, Y)
    assert model.score(X, Y) > 0.5


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop", "lbfgs"])
def test_optimisers(optimizer):
    own = {"max_epochs": 2, "batch_size": "auto", "lr": 1.0} if optimizer == "lbfgs" else {}
    model = classifier(optimizer=optimizer, **{"lr": 0.02, "max_epochs": 12, **own})
    assert model.fit(X, Y).score(X, Y) > 0.5


def test_few_images_in_one_batch_are_float32_unless_asked():
    """torch's convolutions of float64 take several times as long."""
    assert classifier(batch_size="auto").fit(X[:60], Y[:60])._learned.torch_dtype == torch.float32
    assert classifier(dtype="float64").fit(X[:60], Y[:60])._learned.torch_dtype == torch.float64


# ---- tools of scikit-learn, skorch and torch


def test_grid_search_and_loss_search_agree():
    grid = [{"loss": LOSSES}, {"loss": ["huber"], "loss__delta": [0.2, 1.0]}]
    ours, known = assert_equal_searches(classifier(max_epochs=2), grid, X, NAMES, cv=3)
    assert len(ours.cv_results_["params"]) == 6
    assert len(set(known.cv_results_["mean_test_score"])) > 1


def test_search_over_widths_and_augmentations():
    grid = {"module__channels": [(2,), (4, 8)], "augment": [None, torch.neg], "loss": ["mse", "ce"]}
    ours, _ = assert_equal_searches(classifier(max_epochs=2), grid, X, Y, cv=2)
    assert len(ours.cv_results_["params"]) == 8


def test_search_of_a_regressor():
    grid = {"loss": ["mse", "mae", "huber"]}
    assert_equal_searches(regressor(), grid, X, INK, cv=2, scoring="neg_mean_absolute_error")


def test_pipeline():
    """Steps that take any arrays stand before images."""
    crop = FunctionTransformer(lambda images: images[:, 1:7, 1:7])
    model = make_pipeline(crop, classifier(max_epochs=10)).fit(X, Y)
    assert model.score(X, Y) > 0.5
    names = "neuralclassifier__loss"
    search = GridSearchCV(make_pipeline(crop, classifier(lr=0.02)), {names: LOSSES}, cv=2)
    assert search.fit(X, Y).best_score_ > 0.5


def test_tools_that_split_rows():
    quick = classifier(lr=0.02, max_epochs=6)
    assert cross_val_score(quick, X, Y, cv=2).mean() > 0.5
    vote = VotingClassifier([("a", classifier()), ("b", classifier("mse"))], voting="soft")
    assert vote.fit(X, Y).predict_proba(X).shape == (240, 10)
    score, _, p_value = permutation_test_score(quick, X, Y, cv=2, n_permutations=4, random_state=0)
    assert score > 0.5
    assert p_value == 0.2


def test_net_is_a_skorch_net_that_calls_callbacks():
    seen = []

    class Watch(skorch.callbacks.Callback):
        def on_epoch_end(self, net, dataset_train, **kwargs):
            seen.append(tuple(net.module_.convolutions[0].weight.shape))

    scoring = EpochScoring("accuracy", on_train=True, use_caching=False, lower_is_better=False)
    model = classifier(callbacks=[Watch(), scoring], max_epochs=2).fit(X, Y)
    assert isinstance(model.net_, skorch.NeuralNet)
    assert seen == 2 * [(4, 1, 3, 3)]
    assert model.history_[:, "accuracy"][-1] == pytest.approx(model.score(X, Y), abs=1e-6)
    scaled = model._learned.input_scaler.transform(X[:, None], torch.float32)
    np.testing.assert_array_equal(model.net_.predict(scaled), model.predict(X))


@pytest.mark.parametrize("form", [X, X[:, None], np.stack([X, X.transpose(0, 2, 1), 16 - X], 1)])
@pytest.mark.parametrize("n_members", [1, 2])
def test_to_module_says_the_same_and_exports(form, n_members):
    model = classifier("focal", n_members=n_members).fit(form, NAMES)
    module, images = model.to_module(), torch.from_numpy(form)
    np.testing.assert_allclose(module(images).numpy(), model.predict_proba(form), atol=1e-6)
    program = export(module, (images[:4],), dynamic_shapes=({0: Dim("n_images", min=2)},))
    for n_images in (3, 17):
        expected = model.predict_proba(form[:n_images])
        said = program.module()(images[:n_images]).numpy()
        np.testing.assert_allclose(said, expected, atol=1e-6)
    index = model.to_module("predict")(images)
    np.testing.assert_array_equal(model.classes_[index], model.predict(form))


def test_to_module_of_a_regressor():
    model = regressor().fit(X, INK)
    said = model.to_module()(torch.from_numpy(X))
    np.testing.assert_allclose(said.numpy(), model.predict(X), rtol=1e-5)
