"""MetricEmbedder learns from pairs."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from sklloss.estimators.embedding.neighbours import recall_at_1

from .small_embedders import LOSSES, assert_same, embedder, pairs_of, table

# a few epochs, as here, end worse than vectors that are all the same
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
