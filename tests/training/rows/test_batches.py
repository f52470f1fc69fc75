"""Batches as slices of shuffled rows."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import sparse

from sklloss import NeuralClassifier
from sklloss.modules import MLP, ModuleLoop, stack_modules
from sklloss.training import TrainingSet, rows
from sklloss.training.model import step_rows
from sklloss.training.rows.batches import Batches

LOOP = ModuleLoop([torch.nn.Linear(1, 1)], [])
CPU = torch.device("cpu")


def imbalanced(n_rows=400, n_positive=20):
    """Return a training set with the classes in order of the rows."""
    y = torch.zeros(n_rows, 1, dtype=torch.long)
    y[-n_positive:] = 1
    X = rows(np.arange(n_rows)[:, None], torch.float32, CPU)
    return TrainingSet(X, y, torch.ones(n_rows), torch.arange(n_rows))


def batches(data, size, seeds=(0, 1), stack=LOOP, **options):
    return Batches([data] * len(seeds), "train", size, stack, seeds, **options)


def labels(batch):
    return batch.y[:, : batch.n_rows].sum(1).flatten().tolist()


def test_balanced_batches_hold_their_share_of_each_class():
    data = imbalanced()
    drawn = list(batches(data, 40, balanced=True).shuffled(epoch=3))
    assert [b.n_rows for b in drawn] == [40] * 10
    assert all(labels(b) == [2, 2] for b in drawn)
    taken = torch.cat([b.X for b in drawn], 1)[..., 0]
    assert all(sorted(model) == list(range(400)) for model in taken.tolist())
    assert not torch.equal(taken[0], taken[1])
    again = list(batches(data, 40, balanced=True).shuffled(epoch=4))
    assert not torch.equal(again[0].X, drawn[0].X)


def families(sizes):
    """Return a training set with a class of each of these sizes, in order of the rows."""
    y = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))[:, None]
    X = rows(np.arange(len(y))[:, None], torch.float32, CPU)
    return TrainingSet(X, y, torch.ones(len(y)), torch.arange(len(y)))


def share_in_company(drawn):
    """Return the share of rows that have another of their class in their batch."""
    pairs = [(b.y == b.y.mT).sum(-1) > 1 for b in drawn]
    return torch.cat(pairs, 1).double().mean().item()


@pytest.mark.parametrize("sizes", [[2] * 200, [3] * 150, [5] * 60 + [100], [2] * 50 + [300]])
def test_batches_in_company_hold_several_rows_of_nearly_every_class(sizes):
    data = families(sizes)
    drawn = list(batches(data, 40, near_their_class=True).shuffled(epoch=3))
    assert share_in_company(drawn) > 0.9
    assert share_in_company(batches(data, 40).shuffled(epoch=3)) < 0.85
    taken = torch.cat([b.X for b in drawn], 1)[..., 0]
    assert all(sorted(model) == list(range(len(data.y))) for model in taken.tolist())
    assert not torch.equal(taken[0], taken[1])
    again = torch.cat([b.X for b in batches(data, 40, near_their_class=True).shuffled(epoch=4)], 1)
    assert not torch.equal(again[..., 0], taken)
    neighbours = [set(b.y[0, :, 0].tolist()) for b in drawn]
    others = [
        set(b.y[0, :, 0].tolist()) for b in batches(data, 40, near_their_class=True).shuffled(4)
    ]
    assert neighbours[0] != others[0]


def test_batches_in_company_hold_their_share_of_classes_that_are_large():
    drawn = list(batches(imbalanced(), 40, near_their_class=True).shuffled(epoch=3))
    assert all(labels(b) == [2, 2] for b in drawn)


def test_batches_in_company_are_evaluated_in_company_and_by_their_size():
    data = families([2] * 100)
    made = batches(data, 40, near_their_class=True)
    drawn = list(made.in_order())
    assert [b.n_rows for b in drawn] == [40] * 5
    assert share_in_company(drawn) > 0.9
    targets = list(made.targets())
    assert all(torch.equal(y, b.y) for (y, _), b in zip(targets, drawn, strict=True))
    assert torch.equal(next(made.in_order()).X, drawn[0].X)
    whole = batches(data, 500, near_their_class=True)
    assert torch.equal(next(whole.in_order()).y[0], data.y)


def test_plain_batches_do_not():
    drawn = batches(imbalanced(), 40).shuffled(epoch=3)
    assert {labels(b)[0] for b in drawn} != {2}


def test_complete_batches_are_no_more_than_the_rarest_class_has_rows():
    data = imbalanced(n_positive=4)
    needy = SimpleNamespace(needs_all_classes=True)
    net = SimpleNamespace(full_batch=False, loss=needy, batch_size=40)
    assert step_rows(net, data) == 100
    drawn = list(batches(data, 100, balanced=True).shuffled(epoch=0))
    assert len(drawn) == 4
    assert all(min(labels(b)) > 0 for b in drawn)


def test_padding_repeats_rows_without_weight_and_starts_models_at_cache_lines():
    data = imbalanced(n_rows=90)
    stack = stack_modules([MLP(1, 1)] * 2)
    drawn = list(batches(data, 40, stack=stack).shuffled(epoch=0))
    assert [b.n_rows for b in drawn] == [40, 40, 10]
    assert [b.X.shape for b in drawn] == [(2, 48, 2), (2, 48, 2), (2, 16, 2)]
    assert [b.y.shape[1] for b in drawn] == [64, 64, 64]
    assert all((b.sample_weight[:, b.n_rows :] == 0).all() for b in drawn)
    assert all((b.sample_weight[:, : b.n_rows] == 1).all() for b in drawn)
    taken = torch.cat([b.X[:, : b.n_rows, 0] for b in drawn], 1)
    assert all(sorted(model) == list(range(90)) for model in taken.tolist())


def test_a_model_sees_the_same_batches_whoever_else_is_there():
    """Models with equal seeds share a draw, others do not; sparse rows come as dense ones do."""
    data = imbalanced(n_rows=130)
    as_csr = rows(sparse.csr_array(np.arange(130.0)[:, None]), torch.float32, CPU)
    sparse_data = TrainingSet(as_csr, data.y, data.sample_weight, data.train)
    together = Batches([data, sparse_data, data], "train", 40, LOOP, (5, 6, 5)).shuffled(2)
    for joint, first, second in zip(
        together,
        batches(data, 40, seeds=(5,)).shuffled(2),
        batches(data, 40, seeds=(6,)).shuffled(2),
        strict=True,
    ):
        assert torch.equal(joint.X[0], first.X[0])
        assert torch.equal(joint.X[2], first.X[0])
        assert torch.equal(joint.X[1], second.X[0])
        assert not torch.equal(joint.X[1], joint.X[0])


def test_a_last_batch_of_one_row_joins_the_one_before():
    sizes = [b.n_rows for b in batches(imbalanced(n_rows=81), 40).shuffled(epoch=0)]
    assert sizes == [40, 41]


@pytest.mark.parametrize("loss", ["soft_f1", "auc_margin"])
def test_losses_of_batches_see_all_classes_of_sorted_rare_labels(loss):
    """Rows sorted by label, 3 % positive, batches of 32: the rare class is found all the same."""
    rng = np.random.default_rng(0)
    y = (np.arange(2000) >= 1940).astype(int)
    X = rng.standard_normal((2000, 3)) + 3 * y[:, None]
    model = NeuralClassifier(
        loss, n_members=1, early_stopping=False, numeric_encoding="standard", batch_size=32,
        hidden_layer_sizes=(16,), max_epochs=15, random_state=0,
    ).fit(X, y)  # fmt: skip
    assert model.predict(X)[y == 1].mean() > 0.8
    assert model.predict(X)[y == 0].mean() < 0.05


def test_targets_come_in_parts_as_small_as_the_raw_output_of_a_row_asks_for():
    data = imbalanced()
    per_row = LOOP.numbers_at_once // 100
    few = list(batches(data, 40, raw_shape=(1, per_row)).targets())
    assert [y.shape[1] for y, _ in few] == [100] * 4
    (whole,) = batches(data, 40).targets()
    for parts, at_once in zip(zip(*few, strict=True), whole, strict=True):
        assert torch.equal(torch.cat(parts, 1), at_once)
