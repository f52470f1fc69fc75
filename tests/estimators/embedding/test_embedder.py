"""MetricEmbedder: what comes out, and its score."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from torch import nn

from sklloss import MetricEmbedder
from sklloss.estimators.embedding.neighbours import recall_at_1

from .small_embedders import LOSSES, embedder, table

# a few epochs, as here, end worse than vectors that are all the same
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
