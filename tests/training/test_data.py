"""Batches as slices of shuffled rows."""

import numpy as np
import pytest
import torch

from sklloss import NeuralClassifier
from sklloss.training.data import Batches, DenseRows, TrainingSet


def imbalanced(n_rows=400, n_positive=20, n_models=2):
    """Return a training set of several models, the classes in order of the rows."""
    y = torch.zeros(n_models, n_rows, 1, dtype=torch.long)
    y[:, -n_positive:] = 1
    X = DenseRows(torch.arange(n_rows).float()[:, None])
    index = torch.arange(n_rows).expand(n_models, -1)
    return TrainingSet(X, y, torch.ones(n_models, n_rows), index)


def batches(data, size, **options):
    return Batches(data, data.train, size, lambda X: X, **options)


def test_balanced_batches_hold_their_share_of_each_class():
    data = imbalanced()
    drawn = list(batches(data, 40, balanced=True).shuffled([0, 1], epoch=3))
    assert [len(b) for b in drawn] == [40] * 10
    assert all(b.y.sum(1).flatten().tolist() == [2, 2] for b in drawn)
    rows = torch.cat([b.X for b in drawn], 1)[..., 0]
    assert all(sorted(model) == list(range(400)) for model in rows.tolist())
    assert not torch.equal(rows[0], rows[1])
    again = list(batches(data, 40, balanced=True).shuffled([0, 1], epoch=4))
    assert not torch.equal(again[0].X, drawn[0].X)


def test_plain_batches_do_not():
    drawn = batches(imbalanced(), 40).shuffled([0, 1], epoch=3)
    assert {int(b.y[0].sum()) for b in drawn} != {2}


def test_complete_batches_are_no_more_than_the_rarest_class_has_rows():
    data = imbalanced(n_positive=4)
    complete = batches(data, 40, balanced=True, complete=True)
    assert complete.batch_size == 100
    drawn = list(complete.shuffled([0, 1], epoch=0))
    assert len(drawn) == 4
    assert all((b.y.sum(1) > 0).all() for b in drawn)


@pytest.mark.parametrize("loss", ["soft_f1", "auc_margin"])
def test_losses_of_batches_see_all_classes_of_sorted_rare_labels(loss):
    """Rows sorted by label, 3 % positive, batches of 32: the rare class is found all the same."""
    rng = np.random.default_rng(0)
    y = (np.arange(2000) >= 1940).astype(int)
    X = rng.standard_normal((2000, 3)) + 3 * y[:, None]
    model = NeuralClassifier(loss, batch_size=32, max_epochs=15, random_state=0).fit(X, y)
    assert model.predict(X)[y == 1].mean() > 0.8
    assert model.predict(X)[y == 0].mean() < 0.05
