"""Laws of MetricEmbedder."""

import copy
import pickle
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklloss.estimators.embedding.neighbours import recall_at_1
from sklloss.estimators.fit.together import sharing_key
from sklloss.losses import EmbeddingLoss, Triplet

from ...stacked_and_alone import assert_same_nets, assert_stacked_is_alone, fitted_together
from .small_embedders import LOSSES, assert_same, embedder, pairs_of, table

# a few epochs, as here, end worse than vectors that are all the same
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
    scaler = embedder(pairs=pairs).fit(X, y, weights)._learned.input_scaler
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


def test_losses_of_one_width_are_fitted_together_and_pairs_alone():
    X, y = table(90)
    shared = {"batch_size": 40, "early_stopping": True, "validation_fraction": 0.3}
    models = [embedder(loss, **shared) for loss in LOSSES]
    assert len({sharing_key(each) for each in models}) == 1
    for mine, unfitted in zip(fitted_together(models, X, y), models, strict=True):
        alone = clone(unfitted).fit(X, y)
        assert_same(mine, alone, X)
        assert_same_nets(mine.net_, alone.net_)
    assert sharing_key(embedder(n_components=5)) != sharing_key(embedder())
    assert sharing_key(embedder(pairs=True)) is None


def test_margins_of_one_loss_make_a_stack():
    X, y = table(90)
    assert_stacked_is_alone([embedder(Triplet(margin)) for margin in (0.1, 0.2, 0.4)], X, y)


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
        warnings.filterwarnings("error", ".*worse than the best constant")
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
