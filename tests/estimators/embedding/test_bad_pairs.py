"""What MetricEmbedder says of pairs, labels and weights that it cannot take."""

import numpy as np
import pytest

from sklloss import MetricEmbedder
from sklloss.estimators.embedding.neighbours import area_under_curve

X = np.random.default_rng(0).normal(size=(30, 3))
PAIRS = np.random.default_rng(1).normal(size=(30, 2, 3))
ALIKE = np.arange(30) % 2


def model(**params):
    return MetricEmbedder("contrastive", **{"max_epochs": 3, "random_state": 0, **params})


@pytest.mark.parametrize("given", [None, 3, "pairs", {"left": X, "right": X}, {1, 2}, iter(PAIRS)])
def test_pairs_that_are_no_array(given):
    with pytest.raises(
        TypeError, match=r"With pairs=True X is an array of shape \(n_pairs, 2, \.\.\.\)"
    ):
        model(pairs=True).fit(given, ALIKE)


@pytest.mark.parametrize("y", [ALIKE + 0j, ALIKE + 1j, [[1], [1, 2]] * 15])
def test_labels_of_pairs_that_are_neither_0_nor_1(y):
    with pytest.raises(ValueError, match="With pairs=True y needs 1 for alike pairs and 0"):
        model(pairs=True).fit(PAIRS, y)


def test_pairs_of_weight_0_are_not_scored():
    left, right = np.eye(2)[[0, 0, 1]], np.eye(2)[[0, 1, 1]]
    alike = np.array([True, False, True])
    with pytest.raises(ValueError, match="score needs alike and unlike pairs; all 1 are unlike"):
        area_under_curve(left, right, alike, np.array([0.0, 1, 0]))
    with pytest.raises(ValueError, match="all 2 are alike"):
        area_under_curve(left, right, alike, np.array([1.0, 0, 1]))


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (np.zeros(30), "is zero for all 30"),
        (np.full(30, -1.0), "30 of 30 (row|pair)s are negative"),
    ],
)
@pytest.mark.parametrize("pairs", [True, False])
def test_weights_of_scores(pairs, weights, said):
    given = PAIRS if pairs else X
    fitted = model(pairs=pairs).fit(given, ALIKE)
    with pytest.raises(ValueError, match=said):
        fitted.score(given, ALIKE, weights)


def test_names_of_columns_are_those_of_the_fit():
    fitted = model(n_components=4).fit(X, ALIKE).set_params(n_components=7)
    assert len(fitted.get_feature_names_out()) == fitted.transform(X).shape[1] == 4
    assert fitted.set_output(transform="pandas").transform(X).shape == (30, 4)
