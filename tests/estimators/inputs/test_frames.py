"""Raw tables: what each column is, in every library of DataFrames."""

from datetime import date, datetime, time
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sklloss.estimators.inputs.frames import (
    CategoryColumn,
    Columns,
    DateColumn,
    DurationColumn,
    NumberColumn,
    as_frame,
)

DAYS = pd.to_datetime(["2024-02-29 13:00", None, "1969-12-31 00:00"])


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "float": [1.5, np.nan, -2.0],
            "int": [1, 2, 3],
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "bool": [True, False, True],
            "duration": pd.to_timedelta([1, None, 2], unit="h"),
            "text": ["b", None, "a"],
            "category": pd.Categorical(["y", "x", "x"], categories=["z", "y", "x"]),
            "ordered": pd.Categorical(["hi", "lo", "lo"], ["lo", "hi"], ordered=True),
            "date": DAYS,
            "zoned": DAYS.tz_localize("UTC").tz_convert("Europe/Zurich"),
        }
    )


LIBRARIES = {
    "pandas": lambda table: table,
    "nullable": lambda table: table.convert_dtypes(),
    "arrow dtypes": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.from_pandas,
    "pyarrow": pa.Table.from_pandas,
}


def numbers_of(table, **kwargs):
    frame = as_frame(table)
    columns = Columns.of(frame, **kwargs)
    return columns, columns.numbers(frame)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_table_is_the_same_in_every_library(library, table):
    columns, numbers = numbers_of(LIBRARIES[library](table))
    kinds = [type(each) for each in columns.columns]
    assert kinds == [NumberColumn] * 4 + [DurationColumn] + [CategoryColumn] * 3 + [DateColumn] * 2
    nan = np.nan
    by_name = dict(zip(columns.names, numbers.T, strict=True))
    assert by_name["float"] == pytest.approx([1.5, nan, -2], nan_ok=True)
    assert by_name["nullable"] == pytest.approx([1, nan, 3], nan_ok=True)
    assert by_name["bool"].tolist() == [1, 0, 1]
    assert by_name["duration"] == pytest.approx([3600, nan, 7200], nan_ok=True)
    # Levels are sorted, and the code of a missing value is their number.
    assert by_name["text"].tolist() == [1, 2, 0]
    assert by_name["category"].tolist() == [1, 0, 0]
    assert by_name["ordered"].tolist() == [0, 1, 1]
    of_date = [by_name[f"date ({part})"] for part in ("days", "year", "month", "day", "hour")]
    first = (DAYS[0] - pd.Timestamp(0)).total_seconds() / 86_400
    assert np.array(of_date)[:, 0] == pytest.approx([first, 2024, 2, 29, 13])
    assert np.array(of_date)[:, 2] == pytest.approx([-1, 1969, 12, 31, 0])
    assert np.isnan(np.array(of_date)[:, 1]).all()
    assert by_name["date (weekday)"][[0, 2]].tolist() == [3, 2]
    # The hour on the clock of its own zone.
    assert by_name["zoned (hour)"][[0, 2]].tolist() == [14, 1]


def test_levels_that_training_did_not_have_are_none_of_them(table):
    columns, _ = numbers_of(table[["text", "category"]])
    other = pd.DataFrame({"text": ["c", None, "a"], "category": ["x", "w", None]})
    assert columns.numbers(as_frame(other)).tolist() == [[-1, 0], [2, -1], [0, 2]]


@pytest.mark.parametrize(
    "named", [["int"], [1], [False, True, False], np.array([False, True, False]), ("int",)]
)
def test_named_columns_are_categories(named):
    table = pd.DataFrame({"float": [0.5, 1.5], "int": [7, 9], "text": ["a", "b"]})
    columns, numbers = numbers_of(table, categorical_features=named)
    assert [type(each) for each in columns.columns][1] is CategoryColumn
    assert columns.n_levels == (0, 3, 3)
    assert numbers[:, 1].tolist() == [0, 1]


@pytest.mark.parametrize(
    "values", [[1, "1", "x", None], ["x", None, 1], pd.Categorical([1, "x", 1, None])]
)
def test_a_column_of_numbers_and_text_is_named(values):
    with pytest.raises(ValueError, match="Column 'a' of X holds numbers and text, for example 1"):
        numbers_of(pd.DataFrame({"a": values}))


def test_objects_that_are_all_numbers_are_numbers():
    columns, numbers = numbers_of(pd.DataFrame({"a": np.array([1, 2.5, None], dtype=object)}))
    assert isinstance(columns.columns[0], NumberColumn)
    assert numbers[:, 0] == pytest.approx([1, 2.5, np.nan], nan_ok=True)


def test_intervals_are_categories():
    values = pd.cut(np.arange(6.0), 2)
    columns, numbers = numbers_of(pd.DataFrame({"a": values}))
    assert numbers[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert columns.numbers(as_frame(pd.DataFrame({"a": values[:2]})))[:, 0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ["0.5", "?", "0.7", "0.9", "1.5"],
            r"numbers as text, for example '0.5', beside '\?', and",
        ),
        (["2013-11-20T13:00:00Z", "2013-11-21T13:00:00Z", "2013-11-22", None], "dates as text"),
        (["2013-11-20", "2013-11-21", "2013-11-23"], r"pd.to_datetime\(X\['a'\]\)"),
    ],
)
def test_text_that_a_file_made_of_numbers_or_dates_is_named(values, message):
    with pytest.warns(UserWarning, match=message):
        numbers_of(pd.DataFrame({"a": values}))


@pytest.mark.parametrize("values", [["a", "b", "c"], ["a1", "7", "b"], ["x", "2020-01-01", "y"]])
def test_other_text_is_not_warned_of(values, recwarn):
    columns, _ = numbers_of(pd.DataFrame({"a": values}))
    assert not recwarn.list
    assert columns.columns[0].levels.tolist() == sorted(values)


def test_times_in_objects_have_a_zone():
    def times(zone):
        moments = pd.date_range("2020-01-01 05:00", periods=3, tz=zone)
        return pd.DataFrame({"a": pd.Series(list(moments), dtype=object)})

    columns, numbers = numbers_of(times("UTC"))
    assert columns.columns[0].zone == "UTC"
    assert numbers[:, 5].tolist() == [5, 5, 5]
    with pytest.raises(ValueError, match="was in time zone UTC in training and is in Asia/Tokyo"):
        columns.numbers(as_frame(times("Asia/Tokyo")))
    mixed = pd.concat([times("UTC"), times("Asia/Tokyo")])
    with pytest.raises(ValueError, match="has times in the zones UTC, Asia/Tokyo"):
        numbers_of(mixed)


def test_numbers_written_as_text_are_named():
    table = pd.DataFrame({"age": ["39", "50", "38", None]})
    with pytest.warns(UserWarning, match=r"Column 'age' of X holds numbers as text.*'38'"):
        numbers_of(table)
    numbers_of(table, categorical_features=["age"])
    numbers_of(table.astype("category"))


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, bytearray(b"a"), b"a", (1, 2), 1j, object()])
def test_a_cell_that_is_no_value_is_named(value):
    table = pd.DataFrame({"tags": pd.Series([value, value, value], dtype=object)})
    with pytest.raises(
        ValueError, match=r"Column 'tags' of X holds values of type \w+, for example"
    ):
        numbers_of(table)


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame({"tags": [[1], [2]]}),
        pl.DataFrame({"tags": [{"a": 1}]}),
        pl.DataFrame({"tags": [time(12)]}),
        pa.table({"tags": [[1], [2]]}),
        pd.DataFrame({"tags": [1j, 2j]}),
    ],
)
def test_a_column_of_another_type_is_named(table):
    with pytest.raises(
        ValueError, match=r"Column 'tags' of X holds values of type \w+, for example"
    ):
        numbers_of(table)


def test_objects_that_are_dates_are_dates():
    days = [date(2020, 1, 1), None, date(2500, 12, 31)]
    tables = (
        pd.DataFrame({"a": days}),
        pl.DataFrame({"a": days}),
        pa.table({"a": days}),
        pd.DataFrame(
            {"a": pd.Series([pd.Timestamp(days[0]), None, datetime(2500, 12, 31)], dtype=object)}
        ),
    )
    for table in tables:
        columns, numbers = numbers_of(table)
        assert isinstance(columns.columns[0], DateColumn)
        assert numbers[[0, 2], 1:4].tolist() == [[2020, 1, 1], [2500, 12, 31]]
        assert np.isnan(numbers[1]).all()


def test_periods_are_dates():
    _, numbers = numbers_of(pd.DataFrame({"a": pd.period_range("2020-03", periods=2, freq="M")}))
    assert numbers[:, 1:4].tolist() == [[2020, 3, 1], [2020, 4, 1]]


def test_sparse_columns_are_numbers():
    values = pd.arrays.SparseArray([0.0, 0.0, 3.0])
    columns, numbers = numbers_of(pd.DataFrame({"a": values, "b": ["x", "y", "x"]}))
    assert isinstance(columns.columns[0], NumberColumn)
    assert numbers[:, 0].tolist() == [0, 0, 3]


def test_large_whole_numbers_of_every_library():
    values = [2**54 + 1, None, 2**63 - 1]
    for table in (
        pd.DataFrame({"a": pd.array(values, "Int64")}),
        pl.DataFrame({"a": values}),
        pa.table({"a": values}),
    ):
        assert numbers_of(table)[1][[0, 2], 0] == pytest.approx([2.0**54, 2.0**63])


def test_numbers_beyond_float64_are_named():
    with pytest.raises(ValueError, match="Column 'a' of X holds numbers too large for float64"):
        numbers_of(pd.DataFrame({"a": pd.Series([10**400, 1], dtype=object)}))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_column_may_be_all_missing_at_either_time(library, table):
    of = LIBRARIES[library]
    columns, _ = numbers_of(of(table))
    empty = pd.DataFrame({name: [None] for name in table})
    found = columns.numbers(as_frame(of(empty)))
    as_float = columns.numbers(as_frame(pd.DataFrame({name: [np.nan] for name in table})))
    assert np.array_equal(as_float, found, equal_nan=True)
    is_code = np.array(columns.n_levels) > 0
    assert np.isnan(found[0, ~is_code]).all()
    assert found[0, is_code].tolist() == [2, 2, 2]
    columns, numbers = numbers_of(of(empty))
    assert np.isnan(numbers).all()
    assert np.isnan(columns.numbers(as_frame(of(table)))).all()


def test_categories_are_the_same_numbers_in_every_type():
    columns, _ = numbers_of(pd.DataFrame({"a": [0, 1, 2]}), categorical_features=["a"])
    for values in ([1.0, 2.0], [True, False], [Decimal(2), Decimal(0)], np.array([2, 1], np.int8)):
        found = columns.numbers(as_frame(pd.DataFrame({"a": values})))[:, 0]
        assert found.tolist() == [float(value) for value in values]


@pytest.mark.parametrize(
    ("column", "now", "message"),
    [
        (
            "float",
            ["a", "b", "c"],
            "'float' of X held numbers in training and holds text now, for example 'a'",
        ),
        ("date", ["a", "b", "c"], r"held dates in training .* pd.to_datetime\(X\['date'\]\)"),
        ("duration", [1, 2, 3], "held durations in training and holds numbers now, for example 1"),
        ("float", pd.to_timedelta([1, 2, 3], unit="h"), "held numbers .* and holds durations now"),
        ("date", DAYS.tz_localize("UTC"), "was in time zone None in training and is in UTC now"),
        ("zoned", DAYS.tz_localize("UTC"), "was in time zone Europe/Zurich .* and is in UTC now"),
        (
            "text",
            [1, 2, 3],
            "'text' of X held text in training and holds numbers now, for example 1",
        ),
    ],
)
def test_a_column_that_became_something_else_is_named(column, now, message, table):
    columns, _ = numbers_of(table)
    with pytest.raises(ValueError, match=message):
        columns.numbers(as_frame(table.assign(**{column: now})))


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (["size"], "categorical_features names 'size', and X has the columns 'a', 'b'"),
        ([2], "categorical_features names 2"),
        ([True], r"categorical_features is a mask of shape \(1,\), and X has 2 columns"),
    ],
)
def test_columns_that_there_are_not_are_named(named, message):
    with pytest.raises(ValueError, match=message):
        numbers_of(pd.DataFrame({"a": [1], "b": [2]}), categorical_features=named)


def test_only_tables_are_frames():
    for other in (np.ones((2, 2)), [[1, 2]], pd.Series([1.0]), pl.Series([1.0]), None):
        assert as_frame(other) is None


@pytest.mark.parametrize(
    ("unit", "values", "seconds"),
    [
        ("s", [10**13, 2 * 10**13, -(10**15)], [1e13, 2e13, -1e15]),
        ("ns", [1, 250, -(10**9) - 1], [1e-9, 2.5e-7, -1.000000001]),
        ("ms", [1500, -1, 0], [1.5, -0.001, 0.0]),
    ],
)
def test_durations_neither_overflow_nor_vanish(unit, values, seconds):
    table = pd.DataFrame({"d": np.array(values, dtype=f"m8[{unit}]")})
    np.testing.assert_allclose(numbers_of(table)[1][:, 0], seconds, rtol=1e-15)


def test_dates_far_from_now_are_dates():
    table = pd.DataFrame({"d": np.array(["400000-03-01T06", "2020-03-01T18"], dtype="M8[s]")})
    _, numbers = numbers_of(table)
    days = np.datetime64("400000-03-01", "D").astype(int)
    assert numbers[0, :5].tolist() == [days + 0.25, 400000, 3, 1, numbers[0, 4]]
    assert numbers[1].tolist() == [18322.75, 2020, 3, 1, 6, 18]


def test_dates_that_are_all_missing_need_no_zone():
    zoned = pd.DataFrame({"d": DAYS.tz_localize("UTC")})
    for trained, now in [(zoned, pd.DataFrame({"d": [pd.NaT]})), (zoned[["d"]], zoned[1:2])]:
        columns, _ = numbers_of(trained)
        assert np.isnan(columns.numbers(as_frame(now))).all()
    plain, _ = numbers_of(pd.DataFrame({"d": DAYS}))
    assert np.isnan(plain.numbers(as_frame(zoned[1:2]))).all()


@pytest.mark.parametrize("dates", [True, False])
def test_dates_and_durations_as_categories_are_the_same_in_every_form(dates):
    values = pd.Series(DAYS[[0, 2]] if dates else pd.to_timedelta([90, 3661], unit="s"))
    table = pd.DataFrame({"c": values})
    columns, numbers = numbers_of(table, categorical_features=["c"])
    assert numbers.ravel().tolist() in ([0, 1], [1, 0])
    others = [values.astype(object), values.astype("M8[s]" if dates else "m8[s]")]
    for other in (*(pd.DataFrame({"c": each}) for each in others), pl.from_pandas(table)):
        np.testing.assert_array_equal(columns.numbers(as_frame(other)), numbers)
    text = pd.DataFrame({"c": values.astype(str)})
    kind = "dates" if dates else "durations"
    with pytest.raises(ValueError, match=f"held {kind} in training and holds text now"):
        columns.numbers(as_frame(text))
    of_text, _ = numbers_of(text)
    with pytest.raises(ValueError, match=f"held text in training and holds {kind} now"):
        of_text.numbers(as_frame(table.assign(c=values.astype(object))))


def test_days_as_categories_are_the_same_with_and_without_a_time():
    days = pd.to_datetime(["2024-02-29", "1969-12-31"])
    columns, numbers = numbers_of(pd.DataFrame({"c": days}), categorical_features=["c"])
    for other in (list(days.date), days.to_period("D")):
        np.testing.assert_array_equal(
            columns.numbers(as_frame(pd.DataFrame({"c": other}))), numbers
        )
    of_polars = pl.DataFrame({"c": list(days.date)})
    np.testing.assert_array_equal(columns.numbers(as_frame(of_polars)), numbers)


@pytest.mark.parametrize("value", [2**60, -(2**53) - 1, 10**400])
def test_whole_numbers_that_floats_merge_are_no_categories(value):
    table = pd.DataFrame({"c": pd.Series([value, 1, 2], dtype=object)})
    with pytest.raises(ValueError, match=r"Column 'c' .*does not tell apart.*astype\(str\)"):
        numbers_of(table, categorical_features=["c"])


@pytest.mark.skipif(pd.__version__ < "3", reason="its text may be anything")
def test_text_that_utf_8_cannot_write_is_named():
    X = pd.DataFrame({"kind": pd.Series(["a", "b\ud800"] * 20, dtype=object)})
    with pytest.raises(ValueError, match=r"'kind' of X holds text that cannot .* 'b\\ud800'"):
        Columns.of(as_frame(X))
    kinds = X["kind"].str.encode("utf-8", "replace").str.decode("utf-8")
    assert list(Columns.of(as_frame(X.assign(kind=kinds))).columns[0].levels) == ["a", "b?"]


def test_sparse_text_is_named():
    table = pd.DataFrame({"c": pd.arrays.SparseArray(list("aba"))})
    with pytest.raises(ValueError, match=r"Column 'c' of X is sparse.*to_dense"):
        numbers_of(table)
