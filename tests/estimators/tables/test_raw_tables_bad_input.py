"""Raw tables that are bad, small or unusual, and what is said of them."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse

from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.training import ENCODINGS

from .raw_tables import N, quick

SCALED = [each for each in ENCODINGS if each != "none"]

# Days since 1970 train badly where nothing scales them; what they become is looked at all the same.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_weights_are_repeats_for_levels_too(y):
    X = pd.DataFrame({"a": ["a"] * 4 + ["b"] * 100 + ["c"] * (N - 104)})
    by_weight = quick().fit(X, y, sample_weight=np.full(N, 2.0))
    by_row = quick().fit(pd.concat([X, X]), np.r_[y, y])
    assert by_weight.get_feature_names_out().tolist() == ["a=a", "a=b", "a=c"]
    assert by_row.get_feature_names_out().tolist() == ["a=a", "a=b", "a=c"]


def test_a_missing_value_in_a_raw_table_that_nothing_stands_for(table, y):
    filled = table.assign(area=table["area"].fillna(50))
    n_missing = table["area"].isna().sum()
    model = quick(numeric_encoding="none").fit(filled, y)
    with pytest.raises(ValueError, match=f"X has {n_missing} missing values in columns that had"):
        model.predict(table)


def test_a_missing_value_that_nothing_stands_for(y):
    X = np.random.default_rng(1).normal(size=(N, 3))
    model = quick(numeric_encoding="none").fit(X, y)
    X[3, 1] = np.nan
    with pytest.raises(
        ValueError, match="X has 1 missing value in columns that had none in training"
    ):
        model.predict(X)


def test_an_alias_that_contradicts_is_refused(table, y):
    with pytest.raises(
        ValueError, match="scale_inputs=True stands for numeric_encoding='standard'"
    ):
        quick(scale_inputs=True, numeric_encoding="robust").fit(table, y)


def test_names_of_columns_are_checked(table, y):
    model = quick().fit(table, y)
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(table[table.columns[::-1]])
    with pytest.raises(ValueError, match="yet now missing"):
        model.predict(table.drop(columns="size"))
    with pytest.raises(ValueError, match="input_features is"):
        model.get_feature_names_out(["a"])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("area", "large", "Column 'area' of X held numbers .* for example 'large'"),
        ("built", "yesterday", "Column 'built' of X held dates in training"),
        ("kind", 1, "Column 'kind' of X held text .* for example 1"),
        ("area", np.inf, "column 'area' in 240 rows, for example row 0"),
    ],
)
def test_rows_of_another_kind_are_refused(column, value, message, table, y):
    model = quick().fit(table, y)
    with pytest.raises(ValueError, match=message):
        model.predict(table.assign(**{column: value}))


def test_rows_of_text_are_refused_by_a_model_of_numbers(table, y):
    model = quick().fit(table[["rooms"]], y)
    with pytest.raises(ValueError, match="Column 'rooms' of X held numbers .* 'many'"):
        model.predict(table[["rooms"]].assign(rooms="many"))


@pytest.mark.parametrize(
    "columns", [{"a": np.nan}, {"a": "x"}, {"a": [f"id {i}" for i in range(N)]}]
)
def test_a_table_without_a_usable_column_gives_the_best_constant(columns, y):
    with pytest.warns(UserWarning, match="No column of X can be learned from, with n_samples=240"):
        model = quick().fit(pd.DataFrame(columns, index=range(N)), y)
    found = model.predict(pd.DataFrame(columns, index=range(N)))
    assert found == pytest.approx(np.full(N, np.median(y)), rel=0.1)
    assert np.ptp(found) == 0


def test_the_rows_of_a_table_without_a_usable_column_are_counted_as_given():
    # Of these, two rows are left once equal ones are merged.
    with pytest.warns(UserWarning, match="No column of X can be learned from, with n_samples=40"):
        NeuralRegressor(max_epochs=1).fit(np.zeros((40, 2)), np.arange(40) % 2)


def test_categories_that_are_all_rare_are_named(table, y):
    ids = [f"customer {i}" for i in range(N)]
    message = "1 column without a category that occurs in 5 rows, which the network ignores: 'id'"
    with pytest.warns(UserWarning, match=message):
        model = quick().fit(table.assign(id=ids), y)
    assert not any("id" in name for name in model.get_feature_names_out())


def test_a_hundred_thousand_levels(y):
    levels = np.repeat(np.arange(50_000), 5)
    X = pd.DataFrame({"a": np.char.add("level ", levels.astype(str)), "b": levels % 7})
    model = quick(max_epochs=1, batch_size=20_000).fit(X, levels % 3)
    assert len(model.get_feature_names_out()) == 1001
    assert model.predict(X[:10]).shape == (10,)


@pytest.mark.parametrize("n_rows", [3, 12])
def test_a_few_rows(n_rows, table, y):
    model = quick(numeric_encoding="auto").fit(table[["area", "rooms"]][:n_rows], y[:n_rows])
    assert np.isfinite(model.predict(table[["area", "rooms"]])).all()


def test_augmentation_needs_rows_on_the_scale_of_X(table, y):
    with pytest.raises(ValueError, match=r"augment changes rows on the scale of X.*encoded"):
        quick(augment=lambda X: X).fit(table, y)


def test_levels_of_merged_rows_are_counted():
    X = pd.DataFrame({"c": ["a"] * 60 + ["b"] * 60 + ["r"] * 30})
    y = np.tile([0, 1], 75)
    model = quick(NeuralClassifier, "cross_entropy", optimizer="lbfgs", batch_size="auto").fit(X, y)
    assert model.get_feature_names_out().tolist() == ["c=a", "c=b", "c=r"]


def test_one_tiny_weight_does_not_keep_rare_levels(table, y):
    ids = table.assign(id=[f"customer {i}" for i in range(N)])
    weight = np.r_[1e-9, np.ones(N - 1)]
    with pytest.warns(UserWarning, match="the network ignores"):
        quick().fit(ids, y, sample_weight=weight)


def test_lists_and_object_arrays_of_text(y):
    rng = np.random.default_rng(0)
    rows = [
        [value, city]
        for value, city in zip(y.tolist(), rng.choice(["a", "b", "c"], N), strict=True)
    ]
    expected = ["x0", "x1=a", "x1=b", "x1=c"]
    arrays = np.array(rows, dtype=object)
    for X, params in ((rows, {"categorical_features": [1]}), (arrays, {})):
        model = quick(**params).fit(X, y)
        assert model.get_feature_names_out().tolist() == expected
        assert np.isfinite(model.predict(X[:3])).all()


def test_a_module_refuses_other_rows(table, y):
    module = quick().fit(table, y).to_module()
    with pytest.raises(ValueError, match=r"X of shape \(n_samples, 11\).*as_numbers"):
        module(torch.zeros(2, 6, dtype=torch.float64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: pl.from_pandas(table).lazy(), r"X is a LazyFrame.*Give X.collect\(\)"),
        (lambda table: sparse.csr_array((3, 6)), "X is sparse, but training had a table with"),
    ],
)
def test_other_containers_are_named(change, message, table, y):
    with pytest.raises(TypeError, match=message):
        quick().fit(table, y).predict(change(table))


@pytest.mark.parametrize("change", [lambda table: table.iloc[0], lambda table: {"area": [1.0]}])
def test_what_is_no_table_is_named(change, table, y):
    with pytest.raises(ValueError, match="X is a .*no table of rows|does not contain any features"):
        quick().fit(table, y).predict(change(table))


def test_categories_of_sparse_rows_are_refused(y):
    with pytest.raises(ValueError, match="categorical_features is for dense tables"):
        quick(categorical_features=[0]).fit(sparse.csr_array(np.eye(N)), y)


@pytest.mark.parametrize("module", [torch.nn.Linear(2, 1), "cnn"])
@pytest.mark.parametrize("params", [{"numeric_encoding": "robust"}, {"categorical_features": [0]}])
def test_encodings_are_for_tables(module, params, y):
    X = np.random.default_rng(0).normal(size=(N, 2) if module != "cnn" else (N, 4, 4))
    with pytest.raises(ValueError, match=f"{next(iter(params))}=.* is for the columns of tables"):
        quick(module=module, **params).fit(X, y)
    none, raw = (
        quick(module=module, **each)
        for each in (
            {"numeric_encoding": "none"},
            {"numeric_encoding": "auto", "scale_inputs": False},
        )
    )
    assert np.array_equal(none.fit(X, y).predict(X), raw.fit(X, y).predict(X))


def test_tables_that_are_no_data_frames(y):
    records = [[text, k] for k, text in enumerate(np.where(y > np.median(y), "high", "low"))]
    table = pd.DataFrame(records, columns=["x0", "x1"])
    expected = quick().fit(table, y).predict(table)
    np.testing.assert_array_equal(quick().fit(records, y).predict(records), expected)
    batch = pa.RecordBatch.from_pandas(table)
    np.testing.assert_array_equal(quick().fit(batch, y).predict(batch), expected)
    days = np.array([[datetime.date(2020, 1, 1 + k % 28)] for k in range(N)], dtype=object)
    of_array = quick().fit(days, y).predict(days)
    np.testing.assert_array_equal(quick().fit(pd.DataFrame(days), y).predict(days), of_array)
    with pytest.raises(ValueError, match=r"X is a dict, and no table.*Give a DataFrame"):
        quick().fit({"a": y}, y)


def test_tables_without_columns_or_with_infinite_ones(y):
    for empty in (pd.DataFrame(index=range(N)), np.empty((N, 0)), pl.DataFrame()):
        with pytest.raises(ValueError, match=r"0 feature\(s\).*at least one column"):
            quick().fit(empty, y)
    with pytest.raises(ValueError, match=r"infinity .* in the 1 column \['b'\].*NaN"):
        quick().fit(pd.DataFrame({"a": y, "b": np.inf}), y)


def test_a_missing_target_of_pandas_is_named(y):
    with pytest.raises(ValueError, match="y contains NaN or None; 1 of 240 rows"):
        quick().fit(y[:, None], pd.Series([pd.NA, *y[1:]], dtype=object))
    with pytest.raises(ValueError, match="classes names a missing label"):
        NeuralClassifier().partial_fit(y[:, None], y > 0, classes=[False, True, None])


@pytest.mark.parametrize("largest", [1e40, 1e300])
def test_weights_of_ratios_beyond_float32_are_refused(largest, y):
    X, labels = y[:, None], y > np.median(y)
    weight = np.r_[largest, np.ones(N - 1)]
    with pytest.raises(ValueError, match="sample_weight has weights from 1 to .*np.clip"):
        quick().fit(X, y, sample_weight=weight)
    with pytest.raises(ValueError, match="class_weight has weights from 1"):
        NeuralClassifier(class_weight={False: 1, True: largest}).fit(X, labels)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ([10**400] * 20, "whole number that is too large for a float64"),
        (["1.5"] * 19 + ["high"], "y has text, for example 'high', and needs numbers"),
        ([[1, 2]] * 10 + [[1]] * 10, "y cannot be made an array of numbers"),
        ([object()] * 20, "y cannot be made an array of numbers"),
    ],
)
def test_targets_that_are_no_numbers_beside_a_raw_table(y, said):
    table = pd.DataFrame({"city": ["Rome", "Oslo"] * 10, "size": range(20)})
    with pytest.raises((TypeError, ValueError), match=said):
        NeuralRegressor().fit(table, y)
