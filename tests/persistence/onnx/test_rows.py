"""From raw rows: numbers, missing values, text, dates, durations, images and token ids."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.persistence.onnx import to_onnx

from .agreement import TOLERANCE, assert_agrees, difference, ran

RNG = np.random.default_rng(0)
N = 240
SMALL = {"hidden_layer_sizes": (4,), "max_epochs": 2, "n_members": 2, "random_state": 0}
DAYS = pd.to_timedelta(RNG.integers(-40_000, 40_000, N), "D")
TIMES = pd.to_timedelta(RNG.integers(0, 86_400_000_000, N), "us")


def table():
    """Return a table of every kind of column, with missing values in each."""
    found = pd.DataFrame(
        {
            "number": RNG.standard_normal(N),
            "whole": RNG.integers(0, 9, N),
            "truth": RNG.random(N) < 0.5,
            "text": RNG.choice(["x", "y", "z"], N),
            "level": pd.Categorical(RNG.choice(["low", "high"], N)),
            "code": RNG.choice([1.5, 2.0, 7.0], N),
            "date": pd.Timestamp("1970-01-01") + DAYS + TIMES,
            "zoned": (pd.Timestamp("2000-02-29") + DAYS[:] + TIMES).tz_localize("UTC"),
            "duration": TIMES,
            "empty": [None] * N,
        }
    )
    for column in ("number", "text", "level", "code", "date", "zoned", "duration"):
        found.loc[RNG.choice(N, 20, replace=False), column] = None
    return found


TABLE = table()
Y = TABLE.number.fillna(0) + (TABLE.text == "x") + TABLE.whole
CATEGORIES = ["text", "level", "code"]


def encoded_by(encoding, X=TABLE, **params):
    model = NeuralRegressor(
        numeric_encoding=encoding, categorical_features=CATEGORIES, **{**SMALL, **params}
    )
    return model.fit(X, Y)


@pytest.mark.parametrize("encoding", ["standard", "robust", "quantile", "piecewise_linear", "none"])
def test_raw_tables(encoding, tmp_path):
    unscaled = ["number", "truth", "text", "level", "code"]
    X = TABLE[unscaled] if encoding == "none" else TABLE
    file = assert_agrees(encoded_by(encoding, X), X, tmp_path)
    assert [port.name for port in file.inputs] == list(X.columns)


def test_types_of_inputs(tmp_path):
    file = to_onnx(encoded_by("auto"), tmp_path / "model.onnx")
    types = {port.name: port.dtype for port in file.inputs}
    of_text, of_times = {"text", "level"}, {"date", "zoned", "duration"}
    for name, dtype in types.items():
        assert dtype == ("str" if name in of_text else "int64" if name in of_times else "float64")
    meanings = {port.name: port.meaning for port in file.inputs}
    assert "'' is a missing value" in meanings["text"]
    assert "on the clocks of UTC" in meanings["zoned"]
    assert "text: str (rows, 1)" in repr(file)


def test_levels_that_training_did_not_have(tmp_path):
    model = encoded_by("auto")
    new = TABLE.assign(
        text="unseen", code=99.0, level=pd.Categorical(["low"] * N, categories=["low", "other"])
    )
    found = ran(to_onnx(model, tmp_path / "model.onnx"), new)
    assert difference(found["predict"], model.predict(new)) <= TOLERANCE
    assert difference(found["predict"], model.predict(TABLE)) > 1e-3


def test_missing_values_where_training_had_none(tmp_path):
    whole = TABLE.dropna(subset=["number", "text", "date"]).reset_index(drop=True)
    columns = ["number", "text", "date"]
    model = NeuralRegressor(**SMALL).fit(whole[columns], np.arange(len(whole)) % 7.0)
    file = to_onnx(model, tmp_path / "model.onnx")
    assert difference(ran(file, TABLE[columns])["predict"], model.predict(TABLE[columns])) < 1e-5


def test_an_empty_text_that_is_a_level(tmp_path):
    X = TABLE[["number", "text"]].copy()
    X.loc[X.text == "y", "text"] = ""
    model = NeuralRegressor(**SMALL).fit(X, Y)
    file = assert_agrees(model, X, tmp_path)
    assert "'<missing>' is a missing value" in file.inputs[1].meaning


@pytest.mark.parametrize("day", ["0001-01-01", "1600-02-29", "1900-03-01", "1969-12-31T23:59:59",
                                 "1970-01-01", "2000-02-29T12:30", "2100-12-31", "9999-12-31"])  # fmt: skip
def test_the_calendar(day):
    """Against NumPy's, before and after 1970, in leap years and in others."""
    import torch

    from sklloss.estimators.inputs.frames import DateColumn, as_frame
    from sklloss.persistence.onnx.rows import date_parts

    moment = np.array([day], dtype="M8[us]")
    frame = as_frame(pd.DataFrame({"day": moment}))
    wanted = DateColumn("day").numbers(next(frame.iter_columns()))
    found = date_parts(torch.from_numpy(moment.astype(np.int64)[:, None]))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)


def test_categories_that_are_dates_or_numbers(tmp_path):
    X = TABLE[["number", "code"]].assign(
        day=pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 3, N), "D")
    )
    model = NeuralRegressor(categorical_features=["code", "day"], **SMALL).fit(X, Y)
    file = assert_agrees(model, X, tmp_path)
    assert file.inputs[2].meaning.startswith("Categories as ISO 8601")


def test_a_table_of_polars(tmp_path):
    X = pl.DataFrame({"number": TABLE.number.tolist(), "text": TABLE.text.fillna("none").tolist()})
    model = NeuralRegressor(**SMALL).fit(X, Y)
    file = to_onnx(model, tmp_path / "model.onnx")
    assert difference(ran(file, X)["predict"], model.predict(X)) <= TOLERANCE


@pytest.mark.parametrize("encoding", ["standard", "auto", "none", "quantile"])
def test_tables_of_numbers_are_one_input(encoding, tmp_path):
    X = TABLE[["number", "whole", "truth", "code"]].astype(float)
    X = X.fillna(0) if encoding == "none" else X
    model = NeuralRegressor("crps", numeric_encoding=encoding, **SMALL).fit(X, Y)
    file = assert_agrees(model, X, tmp_path)
    assert [(port.name, port.shape) for port in file.inputs] == [("X", ("rows", 4))]


def test_columns_named_as_outputs(tmp_path):
    X = TABLE[["number", "text"]].rename(columns={"number": "predict"})
    model = NeuralRegressor(**SMALL).fit(X, Y)
    file = assert_agrees(model, X, tmp_path)
    assert [port.name for port in file.inputs] == ["predict_", "text"]


def test_a_column_without_a_name(tmp_path):
    X = TABLE[["number", "text"]].rename(columns={"number": ""})
    file = assert_agrees(NeuralRegressor(**SMALL).fit(X, Y), X, tmp_path)
    assert [port.name for port in file.inputs] == ["_", "text"]


def test_numbers_with_missing_values_of_pandas(tmp_path):
    X = TABLE[["number"]].assign(
        whole=pd.array([None, *range(1, N)], dtype="Int64"),
        truth=pd.array([True, None, *[False] * (N - 2)], dtype="boolean"),
    )
    assert_agrees(NeuralRegressor(**SMALL).fit(X, Y), X, tmp_path)


def test_labels_beyond_int64(tmp_path):
    X = TABLE[["number"]].fillna(0)
    small, large = np.uint64(2**63 - 1), np.uint64(2**63)
    model = NeuralClassifier(**SMALL).fit(X, np.where(X["number"] > 0, small, np.uint64(3)))
    assert_agrees(model, X, tmp_path)
    model = NeuralClassifier(**SMALL).fit(X, np.where(X["number"] > 0, large, np.uint64(3)))
    with pytest.raises(ValueError, match=f"the label {2**63} is no int64. Use smaller numbers"):
        to_onnx(model, tmp_path / "model.onnx")
    to_onnx(model, tmp_path / "model.onnx", outputs=["predict_proba"])


def test_a_feed_needs_the_columns(tmp_path):
    file = to_onnx(encoded_by("auto"), tmp_path / "model.onnx")
    with pytest.raises(TypeError, match="this model takes 'number', 'whole'.* Give a DataFrame"):
        file.feed(np.zeros((2, 10)))


IMAGES = RNG.random((40, 1, 6, 6))
IDS = RNG.integers(0, 9, (40, 5))
IS_BRIGHT = IMAGES.mean((1, 2, 3)) > 0.5


def test_images_and_token_ids(tmp_path):
    images = NeuralClassifier(module="cnn", max_epochs=1, random_state=0).fit(IMAGES, IS_BRIGHT)
    file = assert_agrees(images, IMAGES, tmp_path)
    # The axis of a single channel may be left out, as in predict.
    found = ran(file, IMAGES[:, 0])["predict_proba"]
    assert difference(found, images.predict_proba(IMAGES)) <= TOLERANCE
    texts = NeuralClassifier(module="text", max_epochs=1, random_state=0).fit(IDS, IS_BRIGHT)
    file = assert_agrees(texts, IDS, tmp_path)
    assert [(port.dtype, port.shape) for port in file.inputs] == [("int64", ("rows", 5))]


@pytest.mark.parametrize(
    "columns", [["number", "whole", "truth"], ["number", "whole", "text", "date"]]
)
def test_columns_are_found_by_name(columns, tmp_path):
    model = NeuralRegressor(**SMALL).fit(TABLE[columns], Y)
    file, wanted = to_onnx(model, tmp_path / "model.onnx"), model.predict(TABLE[columns])
    for order in (columns[::-1], [columns[1], columns[0], *columns[2:]], ["empty", *columns]):
        for X in (TABLE[order], pl.from_pandas(TABLE[order])):
            assert difference(ran(file, X)["predict"], wanted) <= TOLERANCE
    with pytest.raises(ValueError, match="X lacks 1 column of training: 'whole'"):
        file.feed(TABLE[columns].rename(columns={"whole": "Whole"}))
    with pytest.raises(ValueError, match="X lacks 2 columns of training"):
        file.feed(TABLE[columns[2:]])


def test_columns_without_names_are_counted(tmp_path):
    X = TABLE[["number", "text"]].set_axis([0, 1], axis="columns")
    file = to_onnx(NeuralRegressor(**SMALL).fit(X, Y), tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="X has 1 column, and this model was fitted on 2"):
        file.feed(X[[0]])


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("date", "2020-01-01", "'date' of X held dates in training and holds text now"),
        ("date", 5, "'date' of X held dates in training and holds numbers now"),
        ("zoned", pd.Timestamp("2020-01-01"), "'zoned' of X was in time zone UTC"),
        ("text", 5, "'text' of X held text in training and holds numbers now"),
        ("code", "7.0", "'code' of X held numbers in training and holds text now"),
    ],
)
def test_columns_that_became_something_else_are_refused(column, value, says, tmp_path):
    model = encoded_by("auto")
    file, X = to_onnx(model, tmp_path / "model.onnx"), TABLE.assign(**{column: value})
    for refusing in (model.predict, file.feed):
        with pytest.raises(ValueError, match=says):
            refusing(X)
