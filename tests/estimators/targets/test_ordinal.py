"""Ordinal losses on ordered classes of real data."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV

from sklloss import NeuralClassifier

ORDER = ["small", "medium", "large", "huge"]
ORDINAL = ["cumulative_link", "coral", "corn"]


@pytest.fixture(scope="module")
def graded():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    return X, pd.Series(pd.qcut(y, 4, labels=ORDER), name="progression")


def small(loss="coral", **params):
    """Return one small network that is trained on all rows."""
    defaults = {
        "n_members": 1, "early_stopping": False, "numeric_encoding": "standard",
        "hidden_layer_sizes": (16,), "max_epochs": 30, "random_state": 0,
    }  # fmt: skip
    return NeuralClassifier(loss, **{**defaults, **params})


def fitted(loss, X, y, **params):
    return small(loss, **params).fit(X, y)


@pytest.mark.parametrize("loss", ORDINAL)
def test_an_ordered_categorical_gives_the_order(loss, graded):
    X, y = graded
    bagged = {"n_members": 8, "early_stopping": True}
    model = fitted(loss, X, y, **bagged)
    assert model.class_order_.tolist() == ORDER
    assert model.classes_.tolist() == sorted(ORDER)
    ranks = fitted(loss, X, y.cat.codes, **bagged)
    back = [ORDER.index(label) for label in model.classes_]
    np.testing.assert_array_equal(model.predict_proba(X), ranks.predict_proba(X)[:, back])
    np.testing.assert_array_equal(model.decision_function(X), ranks.decision_function(X)[:, back])
    np.testing.assert_array_equal(model.predict(X), np.array(ORDER)[ranks.predict(X)])


@pytest.mark.parametrize("library", ["polars", "pyarrow", "chunked", "arrow dtype"])
def test_an_ordered_column_of_any_library_gives_the_order(library, graded):
    X, y = graded
    codes = pa.array(y.cat.codes.to_numpy())
    ordered = pa.DictionaryArray.from_arrays(codes, pa.array(ORDER), ordered=True)
    column = {
        "polars": lambda: pl.Series(y.astype(str), dtype=pl.Enum(ORDER)),
        "pyarrow": lambda: ordered,
        "chunked": lambda: pa.chunked_array([ordered[:100], ordered[100:]]),
        "arrow dtype": lambda: pd.Series(ordered, dtype=pd.ArrowDtype(ordered.type)),
    }[library]()
    model = fitted("coral", X, column, max_epochs=2)
    assert model.class_order_.tolist() == ORDER
    of_pandas = fitted("coral", X, y, max_epochs=2)
    np.testing.assert_array_equal(model.predict_proba(X), of_pandas.predict_proba(X))


@pytest.mark.parametrize("loss", ORDINAL)
def test_text_alone_is_ordered_by_the_alphabet(loss, graded):
    X, y = graded
    assert fitted(loss, X, y.astype(str)).class_order_.tolist() == sorted(ORDER)
    unordered = y.cat.as_unordered()
    assert fitted(loss, X, unordered).class_order_.tolist() == sorted(ORDER)


def test_other_losses_keep_the_order_of_classes(graded):
    X, y = graded
    plain, ordered = fitted("cross_entropy", X, y.astype(str)), fitted("cross_entropy", X, y)
    assert ordered.class_order_.tolist() == sorted(ORDER)
    np.testing.assert_array_equal(plain.predict_proba(X), ordered.predict_proba(X))


@pytest.mark.parametrize("loss", ORDINAL)
def test_two_classes_against_the_alphabet(loss, graded):
    X, y = graded
    y = pd.Series(pd.Categorical(np.where(y.cat.codes > 1, "a", "b"), ["b", "a"], ordered=True))
    model = fitted(loss, X, y)
    assert model.class_order_.tolist() == ["b", "a"]
    decided = model.classes_[(model.decision_function(X) > 0).astype(int)]
    np.testing.assert_array_equal(decided, model.predict(X))
    np.testing.assert_array_equal(model.classes_[model.predict_proba(X).argmax(1)], decided)
    assert (model.predict(X) == y).mean() > 0.7


def test_classes_of_partial_fit_give_the_order(graded):
    X, y = graded
    first, rest = y[:100].isin(["small", "huge"]), y[100:]
    model = NeuralClassifier("coral", random_state=0)
    model.partial_fit(
        X[:100][first], y[:100][first], classes=pd.Categorical(ORDER, ORDER, ordered=True)
    )
    assert model.class_order_.tolist() == ORDER
    model.partial_fit(X[100:], rest)
    assert model.predict_proba(X).shape == (len(X), 4)


def test_ordinal_losses_err_by_fewer_ranks_and_search_keeps_the_order(graded):
    X, y = graded
    search = GridSearchCV(small(), {"loss": ORDINAL}, cv=3, error_score="raise").fit(X, y)
    assert search.best_estimator_.class_order_.tolist() == ORDER
    ranks = pd.Series(search.predict(X)).map(ORDER.index)
    error = abs(ranks.to_numpy() - y.cat.codes.to_numpy()).mean()
    assert error < 0.75  # 1.0 for the best constant
    assert clone(search.best_estimator_).fit(X, y).class_order_.tolist() == ORDER


def test_the_order_of_y_counts_where_classes_have_none(graded):
    X, y = graded
    model = NeuralClassifier("corn", random_state=0).partial_fit(X, y, classes=ORDER)
    assert model.class_order_.tolist() == ORDER


def test_another_order_is_refused_while_training_goes_on(graded):
    X, y = graded
    model = NeuralClassifier("coral", max_epochs=3, warm_start=True, random_state=0).fit(X, y)
    with pytest.raises(
        ValueError, match="trained with the order .'small', 'medium', 'large', 'huge'"
    ):
        model.fit(X, y.cat.reorder_categories(ORDER[::-1]))
    model.fit(X, y)


def test_intervals_are_no_labels(graded):
    X, _ = graded
    with pytest.raises(ValueError, match="categorical of intervals.*labels=False"):
        NeuralClassifier("coral").fit(X, pd.cut(X.iloc[:, 0], 3))


def test_a_class_without_a_place_in_the_order_is_refused(graded):
    X, y = graded
    model = NeuralClassifier("corn", random_state=0)
    with pytest.raises(ValueError, match="give no place to the class 'giant'"):
        model.partial_fit(X, y, classes=[*ORDER, "giant"])
