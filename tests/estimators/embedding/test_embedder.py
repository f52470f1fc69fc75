"""MetricEmbedder: what comes out, laws, pairs, wrong input, searches, scikit-learn's own checks."""

import copy
import pickle
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

from sklloss import LossSearchCV, MetricEmbedder, NeuralClassifier
from sklloss.estimators.embedding.neighbours import recall_at_1
from sklloss.losses import Contrastive, EmbeddingInfoNCE, EmbeddingLoss, Triplet, list_losses

from ...stacked_and_alone import assert_same_nets, assert_stacked_is_alone

# a few epochs, as here, end worse than vectors that are all the same
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LOSSES = list_losses("embedding").name.tolist()
SMALL = {"n_components": 4, "hidden_layer_sizes": (12,), "max_epochs": 4, "random_state": 0}


def embedder(loss="infonce", **params):
    return MetricEmbedder(loss, **{**SMALL, **params})


def table(n=60, n_classes=3, seed=0):
    """Return rows of classes that differ in two columns, beside two of large noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    signal = np.eye(n_classes)[y][:, :2] + rng.normal(0, 0.2, (n, 2))
    return np.column_stack((signal, 3 * rng.normal(size=(n, 2)))), np.array(list("abcdefgh"))[y]


def pairs_of(X, y, n=80, seed=0):
    """Return pairs of rows, half of them alike."""
    rng = np.random.default_rng(seed)
    left = rng.integers(len(X), size=n)
    right = rng.integers(len(X), size=n)
    for i in range(0, n, 2):
        right[i] = rng.choice(np.flatnonzero(y == y[left[i]]))
    return np.stack((X[left], X[right]), 1), (y[left] == y[right]).astype(int)


@pytest.fixture(scope="module")
def fitted():
    X, y = table()
    return embedder().fit(X, y), X, y


# ---------------------------------------------------------------------- what comes out


@pytest.fixture(scope="module")
def noisy_digits():
    """Digits among columns of noise: five classes to learn from, five to be judged by."""
    X, y = load_digits(return_X_y=True)
    X = np.column_stack((X, np.random.default_rng(0).normal(0, 16, (len(X), 64))))
    known = y < 5
    return X[known][:500], y[known][:500], X[~known][:400], y[~known][:400]


@pytest.mark.parametrize("loss", LOSSES)
def test_classes_never_seen_are_told_apart_better_than_by_raw_features_or_pca(loss, noisy_digits):
    X, y, X_new, y_new = noisy_digits
    model = MetricEmbedder(loss, hidden_layer_sizes=(), max_epochs=30, random_state=0)
    score = model.fit(X, y).score(X_new, y_new)
    ones = np.ones(len(y_new))
    assert score > recall_at_1(X_new, y_new, ones) + 0.05
    assert score > recall_at_1(PCA(32).fit(X).transform(X_new), y_new, ones) + 0.05


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_finds_the_columns_that_count(loss):
    X, y = table(200)
    X_new, y_new = table(100, seed=1)
    model = embedder(loss, max_epochs=40, lr=0.01).fit(X, y)
    assert model.score(X_new, y_new) > 0.85
    assert recall_at_1(X_new, y_new, np.ones(100)) < 0.8
    assert model.history_[-1, "train_loss"] < model.history_[0, "train_loss"]


def test_vectors_are_of_length_1_in_the_dtype_of_the_network(fitted):
    model, X, _ = fitted
    vectors = model.transform(X)
    assert vectors.shape == (60, 4)
    assert vectors.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)
    single = embedder(dtype="float32").fit(*table()).transform(X)
    assert single.dtype == np.float32
    assert model.get_feature_names_out().tolist() == [f"metricembedder{i}" for i in range(4)]


def test_fit_transform_and_pandas_output(fitted):
    model, X, y = fitted
    np.testing.assert_array_equal(embedder().fit_transform(X, y), model.transform(X))
    frame = embedder().set_output(transform="pandas").fit_transform(pd.DataFrame(X), y)
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == model.get_feature_names_out().tolist()


def test_training_starts_with_vectors_that_differ():
    X, y = table()
    for l1 in (0.0, 0.001):
        model = embedder(lr=1e-12, max_epochs=1, l1=l1).fit(X, y)
        assert np.linalg.matrix_rank(model.transform(X)) == 4


def test_labels_of_any_type_mean_the_same(fitted):
    model, X, y = fitted
    numbers = embedder().fit(X, pd.Series(y).map({"a": 7, "b": 3, "c": 5}))
    np.testing.assert_allclose(numbers.transform(X), model.transform(X), atol=1e-12)
    np.testing.assert_allclose(
        embedder().fit(X, y[:, None].ravel() == "a").score(X, y == "a"), 1, atol=0.3
    )


def test_sparse_rows():
    X, y = table()
    X[X < 0] = 0
    model = embedder().fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(model.transform(sparse.csr_array(X)), model.transform(X), atol=1e-9)


def test_at_the_head_of_a_pipeline():
    X, y = table(120)
    model = make_pipeline(MinMaxScaler(), embedder(max_epochs=30), KNeighborsClassifier(3))
    assert cross_val_score(model, X, y, cv=3).mean() > 0.8


def test_images_and_a_network_of_ones_own():
    X, y = load_digits(return_X_y=True)
    X, y = X[:120].reshape(-1, 8, 8), y[:120]
    model = embedder(module="cnn", module_params={"channels": (4,)}).fit(X, y)
    assert model.transform(X).shape == (120, 4)

    class Flat(nn.Sequential):
        def __init__(self, n_outputs):
            super().__init__(nn.Flatten(), nn.Linear(64, n_outputs))

    own = embedder(module=Flat).fit(X, y)
    assert isinstance(own.net_.module_, Flat)
    assert own.transform(X).shape == (120, 4)


# ---------------------------------------------------------------------- score


def test_score_is_recall_at_1(fitted):
    model, X, y = fitted
    vectors = model.transform(X)
    cosine = vectors @ vectors.T - 9 * np.eye(60)
    found = y[cosine.argmax(1)] == y
    assert 0 < found.mean() < 1
    assert model.score(X, y) == pytest.approx(found.mean())
    weights = np.random.default_rng(0).random(60)
    weights[:5] = 0
    expected = np.average(found, weights=weights)
    assert model.score(X, y, weights) == pytest.approx(expected)


def test_rows_whose_label_occurs_once_are_not_asked_but_may_be_found():
    vectors = np.array([[0.0], [1.0], [1.1], [5.0]])
    labels = np.array(["a", "a", "alone", "a"])
    assert recall_at_1(vectors, labels, np.ones(4)) == pytest.approx(1 / 3)


def test_a_row_is_not_its_own_neighbour_also_where_rows_are_equal():
    vectors = np.zeros((4, 2))
    assert recall_at_1(vectors, np.array([0, 0, 0, 0]), np.ones(4)) == 1
    twins = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert recall_at_1(twins, np.array([0, 1, 0, 1]), np.ones(4)) == 0


# ---------------------------------------------------------------------- laws


def assert_same(one, other, X):
    np.testing.assert_array_equal(one.transform(X), other.transform(X))


def test_same_seed_same_bits_and_clone_and_pickle(fitted):
    model, X, y = fitted
    assert_same(model, clone(model).fit(X, y), X)
    assert_same(model, pickle.loads(pickle.dumps(model)), X)
    assert_same(model, copy.deepcopy(model), X)
    again = embedder(random_state=1).fit(X, y)
    assert not np.array_equal(again.transform(X), model.transform(X))
    one, other = (pickle.loads(pickle.dumps(model)) for _ in range(2))
    assert_same(one.partial_fit(X, y), other.partial_fit(X, y), X)
    assert one.n_iter_ == model.n_iter_ + 1


def test_global_generators_are_left_alone():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    embedder(dropout=0.2, batch_size=20).fit(*table())
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("pairs", [False, True])
def test_weight_2_is_a_row_repeated_and_0_a_row_removed(loss, pairs):
    X, y = table(30)
    X, y = pairs_of(X, y, 30) if pairs else (X, y)
    weights = np.arange(30) % 3
    model = embedder(loss, pairs=pairs)
    weighted = clone(model).fit(X, y, sample_weight=weights)
    repeated = clone(model).fit(np.repeat(X, weights, 0), np.repeat(y, weights, 0))
    rows = table(20, seed=1)[0]
    np.testing.assert_allclose(weighted.transform(rows), repeated.transform(rows), rtol=1e-7)
    plain = model.fit(X, y)
    assert not np.allclose(weighted.transform(rows), plain.transform(rows))


@pytest.mark.parametrize("pairs", [False, True])
def test_scaling_counts_weights_and_both_sides_of_a_pair(pairs):
    X, y = table(30)
    X, y = pairs_of(X, y, 30) if pairs else (X, y)
    weights = np.linspace(0.1, 2, 30)
    scaler = embedder(pairs=pairs).fit(X, y, weights)._input_scaler
    rows = X.mean(1) if pairs else X
    np.testing.assert_allclose(scaler.mean, np.average(rows, 0, weights))
    assert not np.allclose(scaler.mean, rows.mean(0))


def test_weights_count_by_their_ratios():
    X, y = table(30)
    weights = 0.5 + np.random.default_rng(0).random(30)
    model = embedder("triplet").fit(X, y, weights)
    other = embedder("triplet").fit(X, y, 1e6 * weights)
    np.testing.assert_allclose(model.transform(X), other.transform(X), rtol=1e-7)


@pytest.mark.parametrize("loss", LOSSES)
def test_stacked_is_alone(loss):
    X, y = table(90)
    models = [embedder(loss, random_state=seed, batch_size=40) for seed in range(3)]
    stacked = assert_stacked_is_alone(models, X, y)
    for model in stacked:
        assert_same(model, clone(model).fit(X, y), X)


def test_members_are_single_fits_and_cosines_are_their_means():
    X, y = table()
    model = embedder(n_members=3).fit(X, y)
    alone = [embedder(random_state=seed).fit(X, y) for seed in range(3)]
    for net, single in zip(model.members_, alone, strict=True):
        assert_same_nets(net, single.net_)
    cosines = [(v := single.transform(X)) @ v.T for single in alone]
    vectors = model.transform(X)
    assert vectors.shape == (60, 12)
    assert len(model.get_feature_names_out()) == 12
    np.testing.assert_allclose(vectors @ vectors.T, np.mean(cosines, axis=0), atol=1e-12)


def test_warm_start_and_partial_fit_go_on_also_with_new_classes(fitted):
    _, X, y = fitted
    settings = {"n_iter_no_change": float("inf"), "batch_size": 25}
    halves = embedder(warm_start=True, max_epochs=2, **settings).fit(X, y).fit(X, y)
    assert_same(halves, embedder(**settings).fit(X, y), X)
    steps = embedder(**settings)
    for _ in range(4):
        steps.partial_fit(X, y)
    assert_same(steps, halves, X)
    steps.partial_fit(*table(n_classes=5, seed=2))
    assert steps.n_iter_ == 5
    with pytest.raises(ValueError, match="trained with .* cannot go on with"):
        steps.set_params(loss="triplet").partial_fit(X, y)
    with pytest.raises(ValueError, match="n_components was 4 when this network was built"):
        steps.set_params(loss="infonce", n_components=5).partial_fit(X, y)


@pytest.mark.parametrize("loss", ["infonce", "contrastive"])
def test_early_stopping_keeps_the_best_epoch(loss):
    X, y = table(120)
    model = embedder(loss, early_stopping=True, validation_fraction=0.3, max_epochs=25, lr=0.05)
    model.fit(X, y)
    losses = model.history_[:, "valid_loss"]
    again = embedder(loss, max_epochs=len(losses), lr=0.05, n_iter_no_change=float("inf"))
    again.set_params(early_stopping=True, validation_fraction=0.3).fit(X, y)
    assert_same(model, again, X)
    assert min(losses) < losses[0]


@pytest.mark.parametrize("optimizer", ["lbfgs", "sgd"])
def test_optimizers(optimizer):
    X, y = table()
    model = embedder("contrastive", optimizer=optimizer, max_epochs=10).fit(X, y)
    assert model.history_[-1, "train_loss"] < model.history_[0, "train_loss"]


def test_the_loss_in_the_history_is_that_of_the_loss_itself():
    X, y = table(60)
    index = torch.from_numpy(np.unique(y, return_inverse=True)[1])[:, None]
    for name in LOSSES:
        model = embedder(name, lr=1e-12, max_epochs=1).fit(X, y)
        raw = torch.from_numpy(model.transform(X))[:, None]
        value = model.loss_(raw, index, model.loss_.prepare(index, torch.ones(60).double()))
        assert model.history_[-1, "train_loss"] == pytest.approx(value.item(), rel=1e-6)


def test_more_rows_than_a_batch_are_never_compared_at_once():
    X, y = table(500)
    sizes = set()

    @dataclass(frozen=True)
    class Noting(Triplet):
        name: ClassVar[str] = "noting"

        def of_vectors(self, vectors, y, state, sample_weight):
            sizes.add(len(vectors))
            return super().of_vectors(vectors, y, state, sample_weight)

    embedder(Noting(), batch_size=50, max_epochs=1, early_stopping=True).fit(X, y)
    assert sizes == {50}


def test_training_that_ends_worse_than_one_point_for_all_rows_warns():
    X, y = table()
    with pytest.warns(ConvergenceWarning, match="worse than the best constant"):
        embedder(lr=1e-12, max_epochs=1).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedder("contrastive", max_epochs=40, lr=0.01).fit(X, y)


def test_many_classes_of_two_rows_are_learnt_in_small_batches():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(150, 6))
    X = np.repeat(centres, 2, 0) + rng.normal(0, 0.1, (300, 6))
    X = np.column_stack((X, rng.normal(0, 3, (300, 6))))
    y = np.repeat(np.arange(150), 2)
    model = embedder(n_components=6, hidden_layer_sizes=(), batch_size=30, max_epochs=20, lr=0.01)
    model.fit(X, y)
    assert model.score(X, y) > 0.8
    assert model.score(X, y) > recall_at_1(X, y, np.ones(300)) + 0.4


def test_augment_sees_rows_on_the_scale_of_x():
    X, y = table()
    seen = []

    def noted(rows):
        seen.append(rows)
        return rows

    embedder(augment=noted, max_epochs=1, batch_size=60).fit(X, y)
    rows = seen[0].numpy()[:60]  # behind are repeats that fill a batch up
    np.testing.assert_allclose(rows[rows[:, 0].argsort()], X[X[:, 0].argsort()], atol=1e-9)


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("pairs", [False, True])
def test_module_of_the_fitted_model_is_the_model(n_members, pairs):
    X, y = table()
    given = pairs_of(X, y) if pairs else (X, y)
    model = embedder(n_members=n_members, pairs=pairs).fit(*given)
    rows, module = torch.from_numpy(X), model.to_module()
    np.testing.assert_allclose(module(rows), model.transform(X), atol=1e-9)
    dynamic = ({0: torch.export.Dim("rows")},)
    exported = torch.export.export(module, (rows[:2],), dynamic_shapes=dynamic).module()
    np.testing.assert_allclose(exported(rows), model.transform(X), atol=1e-9)
    assert model.to_module("raw")(rows).shape == (60, 1, 4)
    with pytest.raises(ValueError, match="no output='predict'"):
        model.to_module("predict")


def test_a_loss_of_ones_own():
    @dataclass(frozen=True)
    class Spread(EmbeddingLoss):
        name: ClassVar[str] = "spread"

        def of_vectors(self, vectors, y, state, sample_weight):
            assert torch.allclose(vectors.norm(dim=-1), torch.ones(()).double())
            assert (sample_weight - 1).abs().max() < 1e-9
            d = torch.cdist(vectors[:, 0], vectors[:, 0]) ** 2
            return torch.where(y == y.mT, d, (2 - d).clamp(min=0)).mean()

    X, y = table(150)
    assert embedder(Spread, max_epochs=40, lr=0.01).fit(X, y).score(*table(60, seed=1)) > 0.85


# ---------------------------------------------------------------------- pairs


@pytest.mark.parametrize("loss", LOSSES)
def test_pairs_teach_what_labels_teach(loss):
    X, y = table(200)
    given = pairs_of(X, y, 300)
    model = embedder(loss, pairs=True, max_epochs=40, lr=0.01).fit(*given)
    X_new, y_new = table(100, seed=1)
    assert recall_at_1(model.transform(X_new), y_new, np.ones(100)) > 0.85
    assert model.score(*pairs_of(X_new, y_new)) > 0.9


def test_score_of_pairs_is_the_area_under_the_roc_curve():
    X, y = pairs_of(*table())
    model = embedder("contrastive", pairs=True, max_epochs=2).fit(X, y)
    cosine = (model.transform(X[:, 0]) * model.transform(X[:, 1])).sum(1)
    weights = np.random.default_rng(0).random(len(y))
    assert model.score(X, y) == pytest.approx(roc_auc_score(y, cosine))
    expected = roc_auc_score(y, cosine, sample_weight=weights)
    assert model.score(X, y, weights) == pytest.approx(expected)
    with pytest.raises(ValueError, match="score needs alike and unlike pairs; all .* alike"):
        model.score(X[y == 1], y[y == 1])


@pytest.mark.parametrize("code", [bool, lambda y: 2 * y - 1, float, lambda y: y.astype(object)])
def test_alike_is_1_and_other_pairs_are_0_or_minus_1(code):
    X, y = pairs_of(*table())
    labels = y.astype(code) if isinstance(code, type) else code(y)
    model = embedder("triplet", pairs=True).fit(X, y)
    other = embedder("triplet", pairs=True).fit(X.tolist(), labels)
    assert_same(model, other, X[:, 0])


def test_sides_are_scaled_as_rows():
    X, y = pairs_of(*table())
    model = embedder("contrastive", pairs=True).fit(X, y)
    shifted = embedder("contrastive", pairs=True).fit(5 * X + 7, y)
    np.testing.assert_allclose(shifted.transform(5 * X[:, 0] + 7), model.transform(X[:, 0]))
    assert model.n_features_in_ == 4
    plain = embedder("contrastive", pairs=True, scale_inputs=False).fit(X, y)
    assert not np.allclose(plain.transform(X[:, 0]), model.transform(X[:, 0]))


def test_pairs_that_are_all_alike_are_compared_with_each_other():
    X, y = table(100)
    given, alike = pairs_of(X, y, 200)
    for loss in ("infonce", "triplet"):
        model = embedder(loss, pairs=True, max_epochs=2).fit(given[alike == 1], alike[alike == 1])
        assert model.transform(X).shape == (100, 4)


def test_pairs_with_early_stopping_members_warm_start_and_a_small_batch():
    X, y = pairs_of(*table(), n=120)
    model = embedder(pairs=True, early_stopping=True, batch_size=32, n_members=2, warm_start=True)
    model.fit(X, y).fit(X, y)
    assert np.isfinite(model.history_[:, "valid_loss"]).all()
    assert_same(model, pickle.loads(pickle.dumps(model)), X[:, 0])


def test_pairs_of_images():
    X, y = load_digits(return_X_y=True)
    given, alike = pairs_of(X[:60].reshape(-1, 1, 8, 8), y[:60], 40)
    model = embedder(pairs=True, module="cnn", module_params={"channels": (4,)})
    model.fit(given, alike)
    assert model.transform(X[:5].reshape(-1, 8, 8)).shape == (5, 4)
    assert 0 <= model.score(given, alike) <= 1


# ---------------------------------------------------------------------- wrong input


def with_value(X, value):
    changed = np.array(X, dtype=float)
    changed.flat[3] = value
    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, np.full(60, "a")), r"at least two classes; y has one class only, 'a'"),
        (lambda X, y: (X, np.arange(60)), r"of the 60 rows none are, each has a class of its own"),
        (lambda X, y: (with_value(X, np.nan), y), r"contains NaN"),
        (lambda X, y: (with_value(X, np.inf), y), r"contains infinity"),
        (lambda X, y: (X, None), r"requires y to be passed, but the target y is None"),
        (lambda X, y: (X, X[:, 0]), r"Unknown label type: continuous"),
        (lambda X, y: (X, np.where(y == "a", np.nan, 1.0)), r"contains NaN"),
        (lambda X, y: (X, np.where(y == "a", None, y)), r"y contains NaN or None: \d+ labels of"),
        (lambda X, y: (X, np.column_stack((y, y))), r"y should be a 1d array"),
        (lambda X, y: (X[:50], y), r"inconsistent numbers of samples"),
        (lambda X, y: (X[:1], y[:1]), r"one class only"),
        (lambda X, y: pairs_of(X, y), r"shape \(80, 2, 4\).*set pairs=True"),
        (lambda X, y: (X.reshape(10, 6, 4), y[:10]), r"module='mlp' takes tables"),
        (lambda X, y: (pd.DataFrame({"a": y}), y), r"text in the 1 column \['a'\]"),
    ],
)
def test_wrong_rows_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        embedder().fit(*change(*table()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X[:, 0], y), r"shape \(n_pairs, 2, \.\.\.\).*got \(80, 4\).*np\.stack"),
        (lambda X, y: (np.concatenate((X, X[:, :1]), 1), y), r"got \(80, 3, 4\)"),
        (
            lambda X, y: ([*X[:5].tolist(), [[1.0, 2.0], [1.0]], *X[6:].tolist()], y),
            r"sides of unequal length in pair 5",
        ),
        (
            lambda X, y: ([*X[:5].tolist(), [[1.0, 2.0]] * 2, *X[6:].tolist()], y),
            r"unequal shape: pair 5 has \(2, 2\), pair 0 \(2, 4\) \(1 of 80 differ\)",
        ),
        (lambda X, y: (X, np.arange(80) % 3), r"26 of 80 are neither, for example 2 of pair 2"),
        (lambda X, y: (X, -y + 0), r"both 0 and -1"),
        (
            lambda X, y: (X, np.array(["alike", "other"])[y]),
            r"80 of 80 are neither.*'(alike|other)'",
        ),
        (lambda X, y: (X, np.where(y == 1, np.nan, 0)), r"neither, for example nan"),
        (lambda X, y: (X, np.ones(80)), r"contrastive' needs pairs that are not alike.*all 80"),
        (lambda X, y: (X, np.zeros(80)), r"of the 80 pairs none are"),
        (lambda X, y: (X, None), r"requires y to be passed, but the target y is None"),
        (lambda X, y: (X, np.column_stack((y, y))), r"one label per pair.*got \(80, 2\)"),
        (lambda X, y: (X[:70], y), r"inconsistent numbers of samples"),
        (lambda X, y: (with_value(X, np.nan), y), r"contains NaN"),
        (lambda X, y: (X[..., :0], y), r"0 feature"),
        (lambda X, y: (X[:0], y[:0]), r"0 sample"),
        (lambda X, y: ([], []), r"shape \(n_pairs, 2"),
    ],
)
def test_wrong_pairs_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        embedder("contrastive", pairs=True).fit(*change(*pairs_of(*table())))


def test_sparse_pairs_are_refused():
    with pytest.raises(TypeError, match=r"dense array of shape \(n_pairs, 2, \.\.\.\).*sparse"):
        embedder(pairs=True).fit(sparse.csr_array(np.eye(4)), [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_components": 0}, r"n_components"),
        ({"n_components": 2.5}, r"n_components"),
        ({"pairs": "yes"}, r"pairs"),
        (
            {"loss": "cross_entropy"},
            r"this needs one for embedding\. Choose one of cosine_embedding",
        ),
        ({"loss": "tripled"}, r"no embedding loss 'tripled'\. Did you mean 'triplet'"),
        ({"loss": nn.TripletMarginLoss()}, r"rows paired by hand.*loss='TripletMarginLoss'"),
        ({"loss": lambda vectors, y: vectors.sum()}, r"needs to be a Loss, a frozen dataclass"),
        ({"loss": Triplet(margin=-1.0)}, r"Triplet needs margin > 0"),
        ({"loss": EmbeddingInfoNCE(0.0)}, r"temperature > 0"),
        ({"module": "unet"}, r"'unet' is a network for other data .* 'mlp' or 'cnn' or 'text'"),
        ({"module": nn.Linear(4, 3)}, r"puts out 3 numbers per row, and n_components=4 needs 4"),
        ({"module": nn.Linear(4, 3), "pairs": True}, r"puts out 3 numbers per row"),
        (
            {"early_stopping": True, "validation_fraction": 0.02},
            r"of the 2 rows set aside none are|2 rows set aside alike",
        ),
    ],
)
def test_wrong_parameters_are_named(params, message):
    X, y = table()
    given = pairs_of(X, y) if params.get("pairs") is True else (X, y)
    with pytest.raises(ValueError, match=message):
        embedder(**params).fit(*given)


class Dead(nn.Module):
    """Puts out zeros for every row with a negative first feature."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.linear = nn.Linear(n_features, n_outputs)

    def forward(self, X):
        return self.linear(X) * (X[:, :1] > 0)


def test_vectors_without_direction_are_named():
    X, y = table()
    model = embedder(module=Dead, scale_inputs=False).fit(np.abs(X), y)
    X = np.abs(X)
    X[[3, 8], 0] = -1
    with pytest.raises(ValueError, match=r"zero vector for 2 of 60 rows, for example row 3"):
        model.transform(X)
    trained = embedder(module=Dead, scale_inputs=False).fit(X, y)
    assert all(p.isfinite().all() for p in trained.net_.module_.parameters())


def test_use_before_fit_and_other_rows_are_named(fitted):
    model, X, y = fitted
    for call in (lambda: embedder().transform(X), lambda: embedder().score(X, y)):
        with pytest.raises(NotFittedError):
            call()
    with pytest.raises(ValueError, match="3 features, but MetricEmbedder is expecting 4"):
        model.transform(X[:, :3])
    with pytest.raises(ValueError, match=r"needs a label that occurs twice; each of the 3 labels"):
        model.score(X[:3], y[:3])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X[:9], y[:8])
    paired = embedder(pairs=True).fit(*pairs_of(X, y))
    with pytest.raises(ValueError, match=r"X has pairs.*one side at a time: X\[:, 0\]"):
        paired.transform(pairs_of(X, y)[0])
    with pytest.raises(ValueError, match=r"shape \(n_pairs, 2"):
        paired.score(X, y)


# ---------------------------------------------------------------------- searches and checks


GRID = [
    {"loss": ["infonce", "contrastive", "hinge_embedding"]},
    {"loss": ["triplet"], "loss__margin": [0.2, 1.0]},
]


@pytest.mark.parametrize("pairs", [False, True])
def test_searches_over_losses_by_its_own_score(pairs):
    X, y = table(90)
    X, y = pairs_of(X, y, 90) if pairs else (X, y)
    cv = StratifiedKFold(3) if pairs else KFold(3)
    model = embedder(max_epochs=8, lr=0.02, pairs=pairs)
    grid = GridSearchCV(model, GRID, cv=cv).fit(X, y)
    ours = LossSearchCV(model, GRID, cv=cv).fit(X, y)
    scores = grid.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(ours.cv_results_["mean_test_score"], scores)
    assert len(np.unique(scores)) > 3
    assert ours.best_params_ == grid.best_params_
    rows = X[:, 0] if pairs else X
    assert_same(ours.best_estimator_, grid.best_estimator_, rows)
    assert ours.score(X, y) == grid.score(X, y)


def test_a_search_over_a_pipeline_that_ends_in_a_classifier():
    X, y = table(60)
    model = make_pipeline(embedder(max_epochs=2), NeuralClassifier(max_epochs=2, random_state=0))
    grid = {"metricembedder__loss": ["contrastive", "triplet", "infonce"]}
    assert len(GridSearchCV(model, grid, cv=2).fit(X, y).cv_results_["params"]) == 3


def test_parameters_of_the_loss():
    model = embedder().set_params(loss="triplet", loss__margin=0.3)
    assert model.loss == Triplet(0.3)
    assert model.get_params()["loss__margin"] == 0.3
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(ValueError, match="Loss 'infonce' has no parameter 'margin'"):
        model.set_params(loss="infonce", loss__margin=0.3)
    fitted = embedder(Contrastive(0.5)).fit(*table())
    assert fitted.loss_state_["margin"].item() == 0.5


@pytest.mark.parametrize("loss", LOSSES)
def test_check_estimator_passes(loss):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks provoke scikit-learn's own warnings
        model = MetricEmbedder(loss, hidden_layer_sizes=(8,), n_components=3, max_epochs=5)
        results = check_estimator(model, on_fail=None, on_skip=None)
    assert not [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
    assert Counter(r["status"] for r in results)["passed"] >= 50


def test_tags_are_true():
    tags = embedder().__sklearn_tags__()
    assert tags.estimator_type is None
    assert tags.target_tags.required
    assert tags.input_tags.sparse
    assert tags.transformer_tags.preserves_dtype == []
    assert not tags.input_tags.three_d_array
    assert embedder(pairs=True).__sklearn_tags__().input_tags.three_d_array
