"""What MetricEmbedder refuses, and what it says."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from torch import nn

from sklloss.losses import EmbeddingInfoNCE, Triplet

from .small_embedders import embedder, pairs_of, table

# a few epochs, as here, end worse than vectors that are all the same
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def with_value(X, value):
    changed = np.array(X, dtype=float)
    changed.flat[3] = value
    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, np.full(60, "a")), r"at least two classes; y has one class only, 'a'"),
        (lambda X, y: (X, np.arange(60)), r"of the 60 rows none are, each has a class of its own"),
        (lambda X, y: (with_value(X, np.inf), y), r"contains infinity"),
        (lambda X, y: (X, None), r"requires y to be passed, but the target y is None"),
        (lambda X, y: (X, X[:, 0]), r"Unknown label type: continuous"),
        (lambda X, y: (X, np.where(y == "a", np.nan, 1.0)), r"contains NaN"),
        (
            lambda X, y: (X, np.where(y == "a", None, y)),
            r"y contains NaN or None; \d+ of \d+ rows have no label",
        ),
        (lambda X, y: (X, np.column_stack((y, y))), r"y should be a 1d array"),
        (lambda X, y: (X[:50], y), r"inconsistent numbers of samples"),
        (lambda X, y: (X[:1], y[:1]), r"one class only"),
        (lambda X, y: pairs_of(X, y), r"shape \(80, 2, 4\).*set pairs=True"),
        (lambda X, y: (X.reshape(10, 6, 4), y[:10]), r"module='mlp' takes tables"),
        (
            lambda X, y: (pd.DataFrame({"a": [[1]] * 60}), y),
            r"Column 'a' of X holds values of type list",
        ),
        (lambda X, y: (pd.DataFrame({"a": ["x", 1] * 30}), y), r"'a' of X holds numbers and text"),
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
        (
            lambda X, y: (X, np.arange(80) % 3),
            r"26 of 80 pairs have neither, for example pair 2: 2",
        ),
        (lambda X, y: (X, -y + 0), r"both 0 and -1"),
        (
            lambda X, y: (X, np.array(["alike", "other"])[y]),
            r"80 of 80 pairs have neither.*'(alike|other)'",
        ),
        (lambda X, y: (X, np.where(y == 1, np.nan, 0)), r"neither, for example pair 0: nan"),
        (lambda X, y: (X, np.ones(80)), r"contrastive' needs pairs that are not alike.*all 80"),
        (lambda X, y: (X, np.zeros(80)), r"of the 80 pairs none are"),
        (lambda X, y: (X, None), r"requires y to be passed, but the target y is None"),
        (lambda X, y: (X, np.column_stack((y, y))), r"one label per pair.*got \(80, 2\)"),
        (lambda X, y: (X[:70], y), r"inconsistent numbers of samples"),
        (lambda X, y: (with_value(X, np.inf), y), r"contains infinity"),
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
        ({"module": nn.Linear(4, 3)}, r"returns 3 numbers per row, and n_components=4 needs 4"),
        ({"module": nn.Linear(4, 3), "pairs": True}, r"returns 3 numbers per row"),
        (
            {"early_stopping": True, "validation_fraction": 0.02},
            r"of the 2 validation rows none are|2 validation rows alike",
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
    with pytest.raises(ValueError, match="y has 2 columns named 'y'"):
        model.score(X, pd.DataFrame({"y": y, "z": y}).set_axis(["y", "y"], axis=1))
