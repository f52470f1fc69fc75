"""What is learned of X and y before `partial_fit`, from rows of all chunks."""

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklloss import MetricEmbedder, NeuralClassifier, NeuralRanker, NeuralRegressor

rng = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {"x": np.linspace(0, 9, 600), "kind": np.repeat(["a", "b", "c"], 200), "z": rng.random(600)}
)
Y = TABLE["x"] * 3 + (TABLE["kind"] == "c")
CHUNKS = np.array_split(np.arange(600), 3)


def test_it_learns_all_but_the_weights():
    model = NeuralRegressor(random_state=0).fit_encoder(TABLE[::5], Y[::5])
    np.testing.assert_allclose(model.predict(TABLE), Y[::5].mean(), rtol=1e-5)
    assert model.n_iter_ == 0
    assert model.feature_names_in_.tolist() == list(TABLE)
    assert [name for name in model.get_feature_names_out() if name.startswith("kind")] == [
        "kind=a",
        "kind=b",
        "kind=c",
    ]


def test_partial_fit_goes_on_from_there():
    model = NeuralRegressor(random_state=0).fit_encoder(TABLE[::5], Y[::5])
    scaler, encoder = model._learned.target_scaler, model._learned.input_scaler
    for rows in CHUNKS:
        model.partial_fit(TABLE.iloc[rows], Y[rows])
    assert model.n_iter_ == 3
    assert model._learned.input_scaler is encoder
    assert model._learned.target_scaler.centre == scaler.centre
    alone = NeuralRegressor(random_state=0).partial_fit(TABLE.iloc[CHUNKS[0]], Y[CHUNKS[0]])
    assert not any(name.startswith("kind=c") for name in alone.get_feature_names_out())


def test_of_the_same_rows_it_is_the_first_call_of_partial_fit():
    a = NeuralRegressor(random_state=0).fit_encoder(TABLE, Y).partial_fit(TABLE, Y)
    b = NeuralRegressor(random_state=0).partial_fit(TABLE, Y)
    np.testing.assert_array_equal(a.predict(TABLE), b.predict(TABLE))


def test_what_was_learned_before_is_forgotten():
    model = NeuralRegressor(random_state=0).partial_fit(TABLE[["x"]], Y)
    model.fit_encoder(TABLE, Y)
    assert model.n_features_in_ == 3
    assert model.n_iter_ == 0


def test_weights_count_rows():
    weights = np.where(TABLE["kind"] == "a", 0.0, 1.0)
    weighted = NeuralRegressor(random_state=0).fit_encoder(TABLE, Y, sample_weight=weights)
    left = NeuralRegressor(random_state=0).fit_encoder(TABLE[200:], Y[200:])
    np.testing.assert_allclose(weighted.predict(TABLE), left.predict(TABLE), rtol=1e-6)


def test_classes_of_later_chunks():
    labels = TABLE["kind"].to_numpy()
    model = NeuralClassifier(random_state=0).fit_encoder(TABLE[["x"]][::5], labels[::5])
    assert model.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(model.predict_proba(TABLE[["x"]]), 1 / 3, atol=1e-5)
    for rows in CHUNKS:
        model.partial_fit(TABLE[["x"]].iloc[rows], labels[rows])
    named = NeuralClassifier(random_state=0).fit_encoder(
        TABLE[["x"]][:300], labels[:300], classes=["a", "b", "c"]
    )
    assert named.predict_proba(TABLE[["x"]]).shape == (600, 3)


def test_bad_input():
    with pytest.raises(ValueError, match="early_stopping"):
        NeuralRegressor(early_stopping=True).fit_encoder(TABLE, Y)
    with pytest.raises(ValueError, match="class_weight='balanced'"):
        NeuralClassifier(class_weight="balanced").fit_encoder(TABLE, TABLE["kind"])
    with pytest.raises(ValueError, match="NaN or None; 600 of 600 rows have no number"):
        NeuralRegressor().fit_encoder(TABLE, np.full(600, np.nan))
    model = NeuralRegressor(random_state=0).fit_encoder(TABLE, Y)
    few = NeuralClassifier().fit_encoder(TABLE, Y > 0)
    with pytest.raises(ValueError, match="in the first call of fit_encoder or partial_fit"):
        few.partial_fit(TABLE, np.full(600, 7))
    with pytest.raises(ValueError, match="feature names"):
        model.partial_fit(TABLE[["z", "x", "kind"]], Y)
    with pytest.raises(NotFittedError):
        clone(model).predict(TABLE)


def test_the_example(monkeypatch, capsys):
    """Near the rows in memory; the first chunk alone teaches too little."""
    folder = Path(__file__).parents[3] / "examples"
    monkeypatch.syspath_prepend(str(folder))
    scores = runpy.run_path(str(folder / "out_of_core.py"))["scores"]
    plt.close("all")
    assert "R²" in capsys.readouterr().out
    assert scores["chunks, fit_encoder first"] > scores["all rows in memory"] - 0.05
    assert scores["chunks alone"] < scores["chunks, fit_encoder first"] - 0.2


def of_kind(kind):
    """Return a table whose column b is of a kind, and its target."""
    values = {
        "None": np.full(60, None),
        "NaN": np.full(60, np.nan),
        "one": np.ones(60),
        "numbers": rng.normal(size=60),
        "a": np.array(["a"] * 60, dtype=object),
        "c": np.array(["c"] * 60, dtype=object),
        "text": np.array(["a", "c"] * 30, dtype=object),
        "ids": np.array([f"id {i}" for i in range(60)], dtype=object),
    }
    return pd.DataFrame({"x": rng.normal(size=60), "b": values[kind]}), rng.normal(size=60)


def sparse_table(table):
    return sparse.csr_array(table.to_numpy())


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("None", "numbers"),
        ("None", "text"),
        ("NaN", "numbers"),
        ("one", "numbers"),
        ("a", "c"),
        ("a", "text"),
    ],
)
def test_columns_that_only_later_chunks_tell_apart_are_named(first, later):
    model = NeuralRegressor(random_state=0).partial_fit(*of_kind(first))
    with pytest.warns(UserWarning, match=r"X has 1 column whose values .* none: 'b'\. Learn the"):
        model.partial_fit(*of_kind(later))


@pytest.mark.parametrize("form", [pd.DataFrame.to_numpy, sparse_table])
@pytest.mark.parametrize("encoding", ["auto", "standard", "quantile"])
def test_columns_of_arrays_are_named(encoding, form):
    model = NeuralRegressor(random_state=0, numeric_encoding=encoding)
    for kind in ("one", "one", "numbers"):
        table, y = of_kind(kind)
        if kind == "numbers":
            with pytest.warns(
                UserWarning, match=r"X has 1 column whose values .* none: 'x1'\. Learn"
            ):
                model.partial_fit(form(table), y)
        else:
            model.partial_fit(form(table), y)


@pytest.mark.parametrize("kind", ["ranker", "pairs", "rows"])
def test_columns_of_groups_and_pairs_are_named(kind):
    X = np.column_stack([rng.normal(size=60), np.ones(60)])
    varied = X + rng.normal(size=X.shape)
    groups, y = {}, np.arange(60) % 2
    model = MetricEmbedder(random_state=0)
    if kind == "ranker":
        model, groups = NeuralRanker(random_state=0), {"group": np.repeat(np.arange(10), 6)}
    elif kind == "pairs":
        model, y = MetricEmbedder("contrastive", pairs=True, random_state=0), y[:30]
        X, varied = X.reshape(30, 2, 2), varied.reshape(30, 2, 2)
    model.partial_fit(X, y, **groups).partial_fit(X, y, **groups)
    with pytest.warns(UserWarning, match="X has 1 column whose values .* none: 'x1'"):
        model.partial_fit(varied, y, **groups)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("None", "None"),
        ("NaN", "NaN"),
        ("one", "one"),
        ("a", "a"),
        ("text", "c"),
        ("numbers", "one"),
    ],
)
def test_columns_without_anything_new_are_not(first, later):
    NeuralRegressor(random_state=0).partial_fit(*of_kind(first)).partial_fit(*of_kind(later))


def test_rare_categories_are_named_once():
    table, y = of_kind("ids")
    with pytest.warns(UserWarning, match="X has 1 column without a category that occurs in 5 rows"):
        model = NeuralRegressor(random_state=0).partial_fit(table, y)
    model.partial_fit(*of_kind("ids"))


def test_many_columns_are_counted():
    X = np.column_stack([rng.normal(size=60), np.zeros((60, 8))])
    model = NeuralRegressor(random_state=0).partial_fit(X, X[:, 0])
    with pytest.warns(
        UserWarning, match="X has 8 columns .*'x1', 'x2', 'x3', 'x4', 'x5' and 3 more"
    ):
        model.partial_fit(X + rng.normal(size=X.shape), X[:, 0])
