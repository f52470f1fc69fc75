"""Rows from JSON, SQL and Arrow: predictions are those of the rows of training, bit for bit."""

import json
import sqlite3
from collections import namedtuple
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from sklloss import LossSearchCV, NeuralClassifier, NeuralRegressor, TokenVectorizer
from sklloss.estimators.alignment.align import align_columns

from .small_homes import fit, fitted, records


class OffersArrow:
    """A table of a library that is known by Arrow's C stream alone."""

    def __init__(self, table):
        self._table = pa.Table.from_pandas(table)

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


def reversed_columns(table):
    return table[list(table)[::-1]]


def split(table):
    rows = records(table)
    return {"columns": list(table), "data": [list(row.values()) for row in rows]}


FORMS = {
    "same": lambda table: table,
    "another order": reversed_columns,
    "surplus": lambda table: table.assign(id=range(len(table))),
    "objects": lambda table: table.astype(object),
    "None": lambda table: table.astype(object).where(table.notna(), None),
    "NA": lambda table: table.astype(object).where(table.notna(), pd.NA),
    "nullable": lambda table: table.convert_dtypes(),
    "arrow dtypes": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.from_pandas,
    "pyarrow": pa.Table.from_pandas,
    "record batch": pa.RecordBatch.from_pandas,
    "arrow stream": OffersArrow,
    "records": records,
    "iterator": lambda table: iter(records(table)),
    "named tuples": lambda table: list(table.itertuples(index=False)),
    "lists": lambda table: pd.DataFrame(records(table)).to_dict("list"),
    "dict of dicts": lambda table: pd.DataFrame(records(table)).astype(object).to_dict(),
    "split": split,
    "JSON": lambda table: json.dumps(records(table)),
    "JSON of bytes": lambda table: json.dumps(records(table)).encode(),
    "JSON lines": lambda table: "\n".join(map(json.dumps, records(table))) + "\n",
    "JSON of columns": lambda table: pd.DataFrame(records(table)).to_json(),
    "structured": lambda table: table.to_records(index=False),
}


@pytest.mark.parametrize("form", FORMS)
def test_predictions_are_those_of_training(form, table, model):
    if form == "structured":
        table = table.drop(columns="seen")
        model = fitted(table)
    found = align_columns(model, FORMS[form](table))
    assert list(found) == list(model.feature_names_in_)
    np.testing.assert_array_equal(model.predict(found), model.predict(table))


@pytest.fixture
def database(table):
    connection = sqlite3.connect(":memory:")
    pd.DataFrame(records(table)).to_sql("homes", connection, index=False)
    yield connection
    connection.close()


@pytest.mark.parametrize("row_factory", [None, sqlite3.Row])
@pytest.mark.parametrize("fetched", [True, False])
def test_rows_of_sql(row_factory, fetched, database, table, model):
    database.row_factory = row_factory
    cursor = database.execute("SELECT * FROM homes")
    names = [each[0] for each in cursor.description] if fetched and row_factory is None else None
    found = align_columns(model, cursor.fetchall() if fetched else cursor, columns=names)
    np.testing.assert_array_equal(model.predict(found), model.predict(table))


def test_a_query_without_rows(database, model):
    found = align_columns(model, database.execute("SELECT * FROM homes WHERE rooms > 99"))
    assert found.shape == (0, 10)
    assert found.dtypes["sold"] == "datetime64[us]"


def test_single_rows(table, model):
    expected = model.predict(table[:1])
    row = records(table)[0]
    for form in (row, [row], json.dumps(row), table.iloc[0], list(row.values()), table[:1]):
        given = [form] if isinstance(form, list) and not isinstance(form[0], dict) else form
        np.testing.assert_array_equal(model.predict(align_columns(model, given)), expected)


def test_the_index_of_pandas_is_kept(table, model):
    given = table.set_axis(range(100, 100 + len(table)))
    assert align_columns(model, given).index.equals(given.index)


def test_kinds(table, model):
    found = align_columns(model, records(table))
    assert found["area"].dtype == found["rooms"].dtype == found["lift"].dtype == np.float64
    assert found["seen"].dtype == "datetime64[us, Europe/Zurich]"
    assert found["vacant"].dtype.kind == "m"
    assert set(found["floor"]) == {0, 1, 2}
    assert set(found["postcode"]) == {"8001", "9000", "3000"}
    assert found["empty"].isna().all()


@pytest.mark.parametrize(
    ("column", "value", "same"),
    [
        ("area", "8e1", 80.0),
        ("area", " 80 ", 80.0),
        ("area", Decimal(80), 80.0),
        ("area", np.float32(80), 80.0),
        ("area", "NaN", None),
        ("area", pd.NA, None),
        ("area", pd.NaT, None),
        ("lift", "1", True),
        ("postcode", 8001, "8001"),
        ("postcode", 8001.0, "8001"),
        ("floor", "2", 2),
        ("floor", 2.0, 2),
        ("sold", "20200229", pd.Timestamp("2020-02-29")),
        ("sold", "2020-02-29T00:00:00.000", pd.Timestamp("2020-02-29")),
        ("sold", datetime(2020, 2, 29).date(), pd.Timestamp("2020-02-29")),
        ("sold", np.datetime64("2020-02-29"), pd.Timestamp("2020-02-29")),
        ("sold", pd.Period("2020-02-29", "D"), pd.Timestamp("2020-02-29")),
        ("sold", pd.NaT, None),
        ("seen", "2020-03-01T12:00Z", pd.Timestamp("2020-03-01 13:00", tz="Europe/Zurich")),
        (
            "seen",
            datetime(2020, 3, 1, 12, tzinfo=UTC).astimezone(timezone(timedelta(hours=-5))),
            pd.Timestamp("2020-03-01 13:00", tz="Europe/Zurich"),
        ),
        ("vacant", "P1DT2H", pd.Timedelta("26h")),
        ("vacant", "1 days 02:00:00", pd.Timedelta("26h")),
        ("vacant", timedelta(hours=26), pd.Timedelta("26h")),
        ("empty", "whatever", None),
    ],
)
def test_values_become_what_the_column_held(column, value, same, table, model):
    row = table.iloc[0].to_dict()
    given, expected = ({**row, column: each} for each in (value, same))
    a, b = (model.predict(align_columns(model, [each])) for each in (given, expected))
    np.testing.assert_array_equal(a, b)


def test_a_code_that_is_new_stays_a_code(table, model):
    """Not "1234.0", which pandas makes of a whole number beside a missing one."""
    rows = [{**row, "postcode": 1234.0} for row in records(table)[:2]]
    assert align_columns(model, rows)["postcode"].tolist() == ["1234", "1234"]


# ---------------------------------------------------------------------- what is around the network


def encoder():
    return OneHotEncoder(handle_unknown="ignore", sparse_output=False)


def preprocessing():
    of_text = make_pipeline(SimpleImputer(strategy="most_frequent"), encoder())
    return make_column_transformer(
        (encoder(), ["kind", "floor"]),
        (of_text, ["postcode"]),
        (StandardScaler(), slice("area", "rooms")),
        ("passthrough", [False] * 5 + [True] + [False] * 4),
    )


def net(**params):
    return NeuralRegressor(max_epochs=9, random_state=0, **params)


AROUND = {
    "pipeline": lambda: make_pipeline(preprocessing(), SimpleImputer(), net()),
    "pipeline of frames": lambda: make_pipeline(
        make_column_transformer(
            (encoder(), ["kind"]), ("drop", ["empty"]), remainder="passthrough"
        ).set_output(transform="pandas"),
        net(categorical_features=["remainder__postcode", "remainder__floor"]),
    ),
    "identity": lambda: make_pipeline(
        "passthrough", FunctionTransformer(), net(categorical_features=["kind", "postcode"])
    ),
    "search": lambda: GridSearchCV(
        make_pipeline(preprocessing(), SimpleImputer(), net()), {}, cv=2
    ),
    "stacked search": lambda: LossSearchCV(
        make_pipeline(preprocessing(), SimpleImputer(), net()), {}, cv=2
    ),
    "target": lambda: TransformedTargetRegressor(
        make_pipeline(preprocessing(), SimpleImputer(), net()),
        func=np.log,
        inverse_func=np.exp,
        check_inverse=False,
    ),
    "scikit-learn alone": lambda: make_pipeline(
        preprocessing(), SimpleImputer(), LinearRegression()
    ),
    "union": lambda: make_pipeline(
        FeatureUnion([("a", preprocessing()), ("b", preprocessing())]), SimpleImputer(), net()
    ),
    "ordinal": lambda: make_pipeline(
        make_column_transformer(
            (
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                ["kind", "lift", "floor"],
            )
        ),
        SimpleImputer(),
        net(),
    ),
}


@pytest.mark.parametrize("around", AROUND)
def test_whatever_is_around_the_network(around, table):
    estimator = fit(AROUND[around](), table)
    expected = estimator.predict(table)
    rows = records(table)
    for form in (rows, table.astype(object).where(table.notna(), None), pl.from_pandas(table)):
        found = align_columns(estimator, form)
        assert list(found) == list(table)
        np.testing.assert_array_equal(estimator.predict(found), expected)


def test_none_is_what_an_encoder_met_in_training(table):
    """Without it, None of JSON is a category that nobody knows, and predictions are off."""
    estimator = fit(AROUND["pipeline"](), table)
    expected = estimator.predict(table)
    given = table.astype(object).where(table.notna(), None)
    assert np.abs(estimator.predict(given) - expected).max() > 0
    np.testing.assert_array_equal(estimator.predict(align_columns(estimator, given)), expected)

    of_none = fit(AROUND["pipeline"](), given)
    assert None in of_none[0].named_transformers_["onehotencoder"].categories_[0]
    aligned = align_columns(of_none, table)
    np.testing.assert_array_equal(of_none.predict(aligned), of_none.predict(given))


class Opaque(TransformerMixin, BaseEstimator):
    """Reads dates, of which no attribute tells."""

    def fit(self, X, y=None):
        self.n_features_in_, self.feature_names_in_ = X.shape[1], np.array(list(X), dtype=object)
        return self

    def transform(self, X):
        return X[["rooms", "floor"]].to_numpy(dtype=float)


def test_columns_that_only_an_own_transformer_reads_stay(table):
    estimator = fit(make_pipeline(Opaque(), net()), table)
    found = align_columns(estimator, records(table))
    assert found["sold"].tolist() == [row["sold"] for row in records(table)]
    assert found["kind"].isna().sum() == table["kind"].isna().sum()
    assert not any(value is None for value in found["kind"])
    missing = [{**row, "rooms": None, "floor": pd.NA} for row in records(table)[:2]]
    assert align_columns(estimator, missing)[["rooms", "floor"]].dtypes.eq(np.float64).all()


def test_numbers_without_names(table):
    X = table[["area", "rooms"]].fillna(1).to_numpy()
    model = fit_array(X)
    for form in (X, X.tolist(), [tuple(row) for row in X.astype(str)], pd.DataFrame(X)):
        found = align_columns(model, form)
        assert found.columns.equals(pd.RangeIndex(2))
        np.testing.assert_array_equal(model.predict(found), model.predict(X))
    with pytest.raises(ValueError, match="fitted on columns without names"):
        align_columns(model, [{"area": 1, "rooms": 2}])


def fit_array(X):
    return NeuralRegressor(max_epochs=9, random_state=0).fit(X, X[:, 1])


def test_a_table_whose_columns_are_numbered(table):
    numbered = table.drop(columns="empty").set_axis(range(9), axis=1)
    model = fit_array_like(numbered)
    given = numbered[[*range(8, -1, -1)]]
    np.testing.assert_array_equal(
        model.predict(align_columns(model, given)), model.predict(numbered)
    )


def fit_array_like(numbered):
    model = NeuralRegressor(max_epochs=9, random_state=0, categorical_features=[2, 3])
    return model.fit(numbered, numbered[1])


def test_a_classifier(table):
    model = NeuralClassifier(max_epochs=9, random_state=0)
    model.fit(table[["area", "kind"]], table["rooms"] > 2)
    given = pd.DataFrame(records(table))[["kind", "area"]]
    np.testing.assert_array_equal(
        model.predict_proba(align_columns(model, given)),
        model.predict_proba(table[["area", "kind"]]),
    )


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("area", "abc", "'abc' is not a number"),
        ("area", "", "'' is not a number"),
        ("area", "1_000", "'1_000' is not a number"),
        ("area", "inf", "'inf' is not finite"),
        ("area", 10**400, "is too large for a float64"),
        ("area", [1], r"\[1\] is not a number"),
        ("area", 1j, "1j is not a number"),
        ("rooms", {"a": 1}, "{'a': 1} is not a number"),
        ("kind", ["flat"], r"\['flat'\] is not text"),
        ("kind", True, "True is not text"),
        ("kind", 1.5, "1.5 is not text"),
        ("floor", "first", "'first' is not a number"),
        ("sold", 1577836800000, "1577836800000 is not a date; give text of ISO 8601"),
        ("sold", "02/29/2020", "'02/29/2020' is not a date of ISO 8601, as 2024-02-29 is"),
        ("sold", "2020-02-29T00:00Z", "has a time zone, and the dates of training had none"),
        ("seen", "2020-02-29", "has no time zone, and those of training were in Europe/Zurich"),
        ("vacant", 5, "5 is not a duration; give text of ISO 8601"),
        ("vacant", "5", "'5' is not a duration"),
        ("vacant", "long", "'long' is not a duration of ISO 8601, as P1DT2H is"),
    ],
)
def test_a_value_that_does_not_fit_is_named(column, value, says, table, model):
    rows = [dict(row) for row in records(table)[:5]]
    rows[3][column] = value
    with pytest.raises(ValueError, match=f"Row 3, column '{column}': .*{says}"):
        align_columns(model, rows)


def test_several_values_that_do_not_fit(table, model):
    rows = [{**row, "area": "x", "sold": "y"} for row in records(table)[:9]]
    with pytest.raises(ValueError, match=r"in 18 values\. Row 0, .*; row 2, .*; and 13 others"):
        align_columns(model, rows)


def test_columns_that_are_absent(table, model):
    given = table.rename(columns={"area": "Area"}).drop(columns="kind")
    message = "lack the columns 'area', 'kind', of 10 columns .*Did you mean 'Area'?"
    with pytest.raises(ValueError, match=message):
        align_columns(model, given)
    found = align_columns(model, given, absent="fill")
    expected = table.assign(area=np.nan, kind=None)
    np.testing.assert_array_equal(model.predict(found), model.predict(expected))


def test_columns_that_are_absent_in_some_rows(table, model):
    rows = records(table)[:4]
    rows[2] = {name: value for name, value in rows[2].items() if name != "kind"}
    with pytest.raises(ValueError, match="'kind' is absent in 1 row, for example row 2"):
        align_columns(model, rows)
    assert align_columns(model, rows, absent="fill")["kind"].isna()[2]


def test_columns_that_training_did_not_have(table, model):
    given = table.assign(id=1, extra=2)
    with pytest.raises(ValueError, match="the columns 'id', 'extra', on which NeuralRegressor"):
        align_columns(model, given, surplus="error")


def test_categories_that_training_did_not_have(table, model):
    rows = records(table)[:3]
    rows[1] = {**rows[1], "kind": "castle"}
    assert align_columns(model, rows)["kind"][1] == "castle"
    with pytest.raises(ValueError, match="Row 1, column 'kind': 'castle' did not occur in"):
        align_columns(model, rows, unseen="error")
    align_columns(model, [rows[0], {**rows[2], "kind": None}], unseen="error")


def test_a_missing_value_that_an_encoder_does_not_know(table):
    whole = table.assign(kind=table["kind"].fillna("hut"))
    estimator = fit(AROUND["pipeline"](), whole)
    rows = [{**records(whole)[0], "kind": None}]
    assert align_columns(estimator, rows)["kind"].isna().all()
    with pytest.raises(ValueError, match="it is missing, and was never in training"):
        align_columns(estimator, rows, unseen="error")


BAD_ROWS = {
    "number": (3, TypeError, "rows has no rows: it is 3"),
    "text": ("area: 3", ValueError, "no JSON"),
    "JSON of a number": ("3", TypeError, "rows has no rows: it is 3"),
    "half a JSON": ('[{"area": 1', ValueError, "no JSON"),
    "a bad line": ('{"area": 1}\n{"area"', ValueError, "that of row 1 is none"),
    "a name twice": ('{"area": 1, "area": 2}', ValueError, "'area' more than once"),
    "bytes": (b"\xff\xfe", ValueError, "no JSON"),
    "other bytes": (b"[\xe9]", ValueError, "bytes that are not text"),
    "columns twice": (pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "2 columns named"),
    "levels": (pd.DataFrame({("a", "b"): [1]}), ValueError, "2 levels of names"),
    "lazy": (pl.LazyFrame({"area": [1]}), TypeError, "Give rows.collect()"),
    "uneven columns": ({"area": [1], "kind": ["a", "b"]}, ValueError, "'kind' has 2 values"),
    "lists and values": ({"area": [1], "kind": "a"}, ValueError, "'kind' has one value"),
    "uneven rows": ([(1, 2), (1,)], ValueError, "Row 1 of rows has 1 value"),
    "dicts and others": ([{"area": 1}, 3], TypeError, "Row 1 of rows is a int"),
    "numbers": ([1, 2], TypeError, "Row 0 of rows is 1, and has no values"),
    "tables": ([pd.DataFrame({"area": [1]})] * 2, TypeError, "rows is 2 tables in a list"),
    "batches": (
        [pa.RecordBatch.from_pydict({"area": [1]})],
        TypeError,
        "rows is 1 table in a list",
    ),
    "too few": ([(1, 2)], ValueError, "2 values without names, and NeuralRegressor was fitted"),
}


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_rows_that_are_none(bad, model):
    rows, error, match = BAD_ROWS[bad]
    with pytest.raises(error, match=match):
        align_columns(model, rows)


def test_names_of_values(table, model):
    with pytest.raises(ValueError, match="Leave columns out"):
        align_columns(model, table, columns=list(table))
    with pytest.raises(ValueError, match="rows have 2 values each, and columns has 1 name"):
        align_columns(model, [(1, 2)], columns=["a"])
    with pytest.raises(ValueError, match="'a' is the name of several columns"):
        align_columns(model, [(1, 2)], columns=["a", "a"])


@pytest.mark.parametrize("name", ["absent", "surplus", "unseen"])
@pytest.mark.parametrize("value", ["sometimes", None, True])
def test_choices(name, value, table, model):
    with pytest.raises(ValueError, match=f"{name} needs to be '"):
        align_columns(model, table, **{name: value})


def test_estimators_that_cannot_be_aligned_with(table):
    with pytest.raises(NotFittedError):
        align_columns(NeuralRegressor(), table)
    with pytest.raises(TypeError, match="needs a fitted estimator"):
        align_columns("model", table)
    with pytest.raises(TypeError, match="needs a fitted estimator"):
        align_columns(NeuralRegressor, table)
    with pytest.raises(TypeError, match="not fitted on the columns"):
        align_columns(TokenVectorizer().fit(["aa bb", "bb cc"]), ["a"])
    search = fit(GridSearchCV(net(), {}, cv=2, refit=False), table)
    with pytest.raises((ValueError, NotFittedError), match="refit"):
        align_columns(search, table)
    images = NeuralClassifier(module="cnn", max_epochs=1, n_members=1, random_state=0)
    images.fit(np.random.default_rng(0).random((20, 8, 8)), [0, 1] * 10)
    with pytest.raises(TypeError, match="not fitted on the columns"):
        align_columns(images, np.zeros((2, 64)))


def test_rows_without_any(model):
    for form in ([], "[]", iter(())):
        assert align_columns(model, form).shape == (0, 10)


def test_named_rows_are_told_from_tuples(model, table):
    row = namedtuple("Row", list(table))(*table.iloc[0])
    np.testing.assert_array_equal(
        model.predict(align_columns(model, [row])), model.predict(table[:1])
    )
