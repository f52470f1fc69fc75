"""Sparse tables of very many columns, few of which vary, as a HashingVectorizer gives them."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from torch import nn

from sklloss import (
    MetricEmbedder,
    NeuralClassifier,
    NeuralMultiTask,
    NeuralRanker,
    NeuralRegressor,
)

FEW = np.random.default_rng(0).poisson(0.7, (240, 4)).astype(float)
Y = FEW[:, 0] + FEW[:, 1]
# Where the columns that vary are, and how many columns there are.
PLACES, WIDTH = np.array([5, 70_000, 70_001, 99_999]), 100_000
WIDE = sparse.csr_array((FEW.ravel(), np.tile(PLACES, 240), 4 * np.arange(241)), shape=(240, WIDTH))
PARAMS = {"max_epochs": 20, "random_state": 0}
TASKS = pd.DataFrame({"sum": Y, "large": Y > 1})


def widths(model):
    """Return how many inputs each member has."""
    layers = (
        next(each for each in net.module_.modules() if isinstance(each, nn.Linear))
        for net in model.members_
    )
    return {layer.in_features for layer in layers}


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (NeuralRegressor(numeric_encoding="standard", **PARAMS), Y),
        (NeuralClassifier(hidden_layer_sizes=(), **PARAMS), Y > 1),
        (NeuralMultiTask({"sum": "mse", "large": "cross_entropy"}, **PARAMS), TASKS),
        (MetricEmbedder(**PARAMS), Y),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_network_sees_the_columns_that_vary(model, y):
    model.fit(WIDE, y)
    assert widths(model) == {4}
    given = WIDE.tolil()
    given[0, 0] = 7.0
    answer = model.transform if hasattr(model, "transform") else model.predict
    np.testing.assert_array_equal(answer(given.tocsr()), answer(WIDE))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_ranker_sees_the_columns_that_vary():
    model = NeuralRanker(**PARAMS).fit(WIDE, Y.astype(int), group=np.repeat(np.arange(24), 10))
    assert widths(model) == {4}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_columns_of_zeros_change_nothing():
    model = NeuralRegressor(numeric_encoding="standard", **PARAMS)
    expected = model.fit(FEW, Y).predict(FEW)
    np.testing.assert_allclose(model.fit(WIDE, Y).predict(WIDE), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_chunks_of_a_wide_table():
    model = NeuralClassifier(hidden_layer_sizes=(), **PARAMS).fit_encoder(WIDE, Y > 1)
    model.partial_fit(WIDE[:100], Y[:100] > 1).partial_fit(WIDE[100:], Y[100:] > 1)
    assert widths(model) == {4}
    other = WIDE[:50].tolil()
    other[:5, 0] = 1.0
    with pytest.warns(UserWarning, match="X has 1 column whose values the network ignores.*x0"):
        model.partial_fit(other.tocsr(), Y[:50] > 1)
