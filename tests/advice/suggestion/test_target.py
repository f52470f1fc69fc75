"""How y is read: its kind, and refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklloss.advice.suggestion.target import read_target

rng = np.random.default_rng(0)
RANKS = pd.CategoricalDtype(["low", "mid", "high"], ordered=True)
INDICATORS = rng.integers(0, 2, (50, 4))


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (rng.standard_normal(50), "real"),
        (rng.gamma(1, size=50), "positive"),
        (rng.integers(100_000, 300_000, 50), "positive"),
        (rng.poisson(3, 5_000), "counts"),
        (rng.poisson(3, 50).astype(float), "counts"),
        (rng.negative_binomial(1, 0.02, 500), "counts"),
        (rng.integers(0, 2, 50), "binary"),
        (rng.integers(0, 2, 50).astype(bool), "binary"),
        (rng.choice(["a", "b", "c"], 50), "classes"),
        (rng.choice(["a", "b", "c"], 50).astype(object), "classes"),
        (np.repeat(np.arange(10), 20), "classes"),
        (pd.Series(rng.choice(list(RANKS.categories), 50), dtype=RANKS), "ordered"),
        (pd.Series(rng.choice(["a", "b", "c"], 50), dtype="category"), "classes"),
        (INDICATORS, "multi-label"),
        (sparse.csr_matrix(INDICATORS), "multi-label"),
        (pd.DataFrame(INDICATORS), "multi-label"),
        (rng.standard_normal((50, 3)), "real"),
        (pd.DataFrame(rng.gamma(1, size=(50, 2))), "positive"),
    ],
)
def test_the_kind_of_y(y, kind):
    assert read_target(y, "auto").kind == kind


def test_the_order_of_categories_is_that_of_the_indices():
    y = pd.Series(["high", "low", "mid"] * 5, dtype=RANKS)
    read = read_target(y, "auto")
    assert read.classes == ("low", "mid", "high")
    assert read.values[:3, 0].tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("task", "kind"), [("regression", "counts"), ("classification", "classes")]
)
def test_a_task_overrides_what_y_looks_like(task, kind):
    y = np.repeat(np.arange(5), 10)
    assert read_target(y, task).kind == kind


@pytest.mark.parametrize(
    ("of_metric", "kind"),
    [("regression", "counts"), ("classification", "classes"), (None, "classes")],
)
def test_the_metric_decides_what_could_be_either(of_metric, kind):
    read = read_target(np.repeat(np.arange(5), 10), "auto", of_metric)
    assert (read.kind, read.guessed) == (kind, of_metric is None)


@pytest.mark.parametrize(
    ("y", "task", "error", "message"),
    [
        ([1.0, np.nan] * 10, "auto", ValueError, "there is NaN or infinity in 10 of 20 rows"),
        (["a", None] * 10, "auto", ValueError, "10 of 20 rows have no label.*Leave these rows out"),
        (["a", 1] * 10, "auto", TypeError, "text and other labels.*Make them all text"),
        ([3.0] * 20, "auto", ValueError, "y is constant, 3 in all 20 rows"),
        ([[1.5, 3.0], [0.1, 3.0]] * 10, "auto", ValueError, "column 1 of y is constant, 3"),
        (["a"] * 20, "auto", ValueError, "one class only, 'a', in all 20 rows. Give rows of"),
        ([1, 2, 3], "auto", ValueError, "at least 10 rows; y has 3"),
        (5.0, "auto", ValueError, r"needs y of shape .* got \(\)"),
        (np.zeros((20, 0)), "auto", ValueError, r"got \(20, 0\)"),
        ([0.5, 1] * 10, "classification", ValueError, "10 fractions, for example 0.5.*pd.cut"),
        (["a", "b"] * 10, "regression", ValueError, "y must be numbers"),
        (
            [["a", "b"], ["b", "c"]] * 10,
            "auto",
            ValueError,
            "2 columns of labels other than 0 and 1",
        ),
        (np.zeros((20, 2), dtype=bool), "auto", ValueError, "All columns of y are constant"),
        (np.arange(20) * 1e300, "auto", ValueError, "as large as 1.9e\\+301.*in another unit"),
        ([1, 2] * 10, "regresion", ValueError, "Did you mean 'regression'"),
    ],
)
def test_refusals_say_what_is_wrong_and_what_to_do(y, task, error, message):
    with pytest.raises(error, match=message):
        read_target(y, task)
