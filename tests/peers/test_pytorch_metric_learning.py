"""Peer: pytorch-metric-learning, its losses on labelled embeddings and its accuracy.

Its users rely on these promises:

- losses take vectors and labels, make all pairs or triplets of a batch, and compare directions
- a batch without positive pairs has no loss and no gradient, rather than NaN
- the supervised contrastive loss, and NT-Xent of two rows per class, have their published values
- classes need not be those of training: new ones are told apart as well
- precision at 1 asks for the nearest other row, never for the row itself
- pairs that somebody marks as alike can be learned from instead of labels
- a trained embedding is better than raw features
"""

import itertools

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline

from sklloss import MetricEmbedder
from sklloss.losses import get_loss, list_losses

NAMES = list_losses("embedding").name.tolist()
each = pytest.mark.parametrize("name", NAMES)
RNG = np.random.default_rng(0)
N_CLASSES = 6
LABELS = np.arange(120) % N_CLASSES
# Two columns that tell the classes apart, beside four of noise that is louder.
ANGLE = 2 * np.pi * LABELS / N_CLASSES
X = np.column_stack((np.cos(ANGLE), np.sin(ANGLE))) + RNG.normal(0, 0.15, (120, 2))
X = np.column_stack((X, 2 * RNG.normal(size=(120, 4))))
SMALL = {
    "n_components": 4, "hidden_layer_sizes": (16,), "max_epochs": 30, "lr": 0.01, "random_state": 0,
}  # fmt: skip


def draw(labels, seed=0):
    """Return vectors with a gradient, and labels, of a batch."""
    y = torch.tensor(labels)[:, None]
    raw = torch.randn(len(y), 1, 3, generator=torch.Generator().manual_seed(seed)).double()
    return raw.requires_grad_(), y


def value_of(name, raw, y, **params):
    loss = get_loss(name, task="embedding", **params)
    return loss(raw, y, loss.prepare(y, torch.ones(len(y)).double()))


def cosines(raw):
    vectors = raw.detach().numpy()[:, 0]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors @ vectors.T


# ---------------------------------------------------------------------- losses


@each
def test_only_directions_are_compared(name):
    raw, y = draw([0, 0, 1, 1, 2, 2])
    lengths = torch.linspace(0.5, 3, 6).double()[:, None, None]
    torch.testing.assert_close(value_of(name, raw, y), value_of(name, raw * lengths, y))


@pytest.mark.parametrize("name", ["infonce", "triplet"])
@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [0]], ids=["no positives", "one row"])
def test_a_batch_without_positives_has_no_loss_and_no_gradient(name, labels):
    raw, y = draw(labels)
    value = value_of(name, raw, y, **({"margin": 1e-6} if name == "triplet" else {}))
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert raw.grad.abs().max() < 1e-6


@each
def test_a_batch_of_one_class_is_finite(name):
    raw, y = draw([0, 0, 0])
    value_of(name, raw, y).backward()
    assert raw.grad.isfinite().all()


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_supervised_contrastive_has_its_published_value(temperature):
    labels = [0, 0, 1, 1, 1, 2, 0]
    raw, y = draw(labels)
    s, of_anchor = cosines(raw) / temperature, []
    for i in range(len(labels)):
        others = [k for k in range(len(labels)) if k != i]
        positives = [k for k in others if labels[k] == labels[i]]
        if positives:
            log_sum = np.log(np.exp(s[i, others]).sum())
            of_anchor.append(np.mean([log_sum - s[i, k] for k in positives]))
    value = value_of("sup_con", raw, y, temperature=temperature).item()
    assert value == pytest.approx(np.mean(of_anchor))


def test_nt_xent_of_pairs_is_infonce():
    labels = [0, 1, 2, 2, 1, 0]
    raw, y = draw(labels)
    s, of_pair = cosines(raw) / 0.2, []
    for i, j in itertools.permutations(range(6), 2):
        if labels[i] == labels[j]:
            negatives = [k for k in range(6) if labels[k] != labels[i]]
            of_pair.append(np.log(np.exp(s[i, [j, *negatives]]).sum()) - s[i, j])
    value = value_of("infonce", raw, y, temperature=0.2).item()
    assert value == pytest.approx(np.mean(of_pair))


def test_triplets_are_all_of_a_batch():
    labels = [0, 0, 1, 1, 2]
    raw, y = draw(labels)
    distance, of_triplet = np.sqrt(np.clip(2 - 2 * cosines(raw), 0, None)), []
    for a, p, n in itertools.product(range(5), repeat=3):
        if labels[a] == labels[p] != labels[n]:
            d = 0 if a == p else distance[a, p]
            of_triplet.append(max(0, 0.3 + d - distance[a, n]))
    assert value_of("triplet", raw, y, margin=0.3).item() == pytest.approx(np.mean(of_triplet))


# ---------------------------------------------------------------------- embeddings


def nearest_is_alike(vectors, labels):
    """Return precision at 1, in loops."""
    found = []
    for i, vector in enumerate(vectors):
        distance = np.linalg.norm(vectors - vector, axis=1)
        distance[i] = np.inf
        found.append(labels[distance.argmin()] == labels[i])
    return np.mean(found)


@each
def test_an_embedding_is_better_than_raw_features_also_for_new_classes(name):
    known = LABELS < 4
    model = MetricEmbedder(name, **SMALL).fit(X[known], LABELS[known])
    assert model.score(X[known], LABELS[known]) > nearest_is_alike(X[known], LABELS[known])
    assert model.score(X[~known], LABELS[~known]) > 0.5


def test_score_is_precision_at_1_without_the_row_itself():
    model = MetricEmbedder(**SMALL).fit(X, LABELS)
    vectors = model.transform(X)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert model.score(X, LABELS) == pytest.approx(nearest_is_alike(vectors, LABELS))
    index = NearestNeighbors(n_neighbors=2).fit(vectors).kneighbors(vectors)[1][:, 1]
    assert model.score(X, LABELS) == pytest.approx(np.mean(LABELS[index] == LABELS))


def test_neighbours_in_a_pipeline_are_a_classifier():
    names = np.array(list("abcdef"))[LABELS]
    pipeline = make_pipeline(MetricEmbedder(**SMALL), KNeighborsClassifier(3))
    pipeline.fit(X[:90], names[:90])
    raw = KNeighborsClassifier(3).fit(X[:90], names[:90])
    assert pipeline.score(X[90:], names[90:]) > raw.score(X[90:], names[90:])


@pytest.mark.parametrize("marks", [(1, 0), (1, -1)])
def test_marked_pairs_are_learned_from(marks):
    left, right = RNG.integers(0, 120, (2, 300))
    right[::2] = (left[::2] + N_CLASSES * RNG.integers(1, 19, 150)) % 120  # of the same class
    y = np.where(LABELS[left] == LABELS[right], *marks)
    pairs = np.stack([X[left], X[right]], axis=1)
    model = MetricEmbedder("contrastive", pairs=True, **SMALL).fit(pairs, y)
    assert model.score(pairs, y) > 0.8
    assert model.transform(X).shape == (120, 4)
