"""What is learned of X and y before `partial_fit`, from rows of all chunks."""

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklloss import NeuralClassifier, NeuralRegressor

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
