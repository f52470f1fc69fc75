"""Rows in forms that few services send, and values at the edge of what a column can hold."""

import sqlite3
from collections import namedtuple
from contextlib import closing
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from sklloss import align_columns
from sklloss.estimators.inputs.missing import is_missing

from .small_homes import fitted, records

EAST, WEST = (timezone(timedelta(hours=hours)) for hours in (5, -5))


@pytest.mark.parametrize("orient", ["records", "columns", "index", "split", "values", "table"])
def test_every_orientation_of_to_json(orient, table, model):
    if orient == "values":
        table = table.drop(columns="empty")
        model = fitted(table)
    # Epochs and times of training in text: JSON of a table has one unit for all dates.
    given = table.assign(**{each: table[each].map(str) for each in ("sold", "seen", "vacant")})
    given["vacant"] = [each.isoformat() for each in table["vacant"]]
    text = given.to_json(orient=orient, double_precision=15)
    found = align_columns(model, text)
    pd.testing.assert_series_equal(
        found["sold"], table["sold"], check_index=False, check_freq=False
    )
    np.testing.assert_allclose(model.predict(found), model.predict(table), rtol=1e-6)


def test_a_code_keeps_its_zeros_where_only_one_has_its_number(table):
    codes = np.array(["0030", "8001", "007", "07"])[np.arange(len(table)) % 4]
    table = table.assign(postcode=codes)
    model = fitted(table)
    found = align_columns(model, [{**table.iloc[0], "postcode": code} for code in (30, 30.0, 8001)])
    assert found["postcode"].tolist() == ["0030", "0030", "8001"]
    # Two have this number, so that it is none of them.
    found = align_columns(model, [{**table.iloc[0], "postcode": 7}])
    assert found["postcode"].tolist() == ["7"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("sold", np.datetime64("30000-01-01")),
        ("sold", np.datetime64("-5000-01-01")),
        ("seen", "0001-01-01T00:00:00+05:00"),
        ("seen", "9999-12-31T23:59:59-05:00"),
        ("seen", datetime(1, 1, 1, tzinfo=EAST)),
        ("seen", datetime(9999, 12, 31, 23, tzinfo=WEST)),
    ],
)
def test_moments_beyond_the_calendar(column, value, table, model):
    row = {**table.iloc[0], column: value}
    with pytest.raises(
        ValueError, match=f"Row 0, column '{column}': .* not in the years 1 to 9999"
    ):
        align_columns(model, [row])


@pytest.mark.parametrize("text", ["", " ", "-", "."])
def test_text_that_is_empty_is_no_duration(text, table, model):
    with pytest.raises(ValueError, match="is not a duration"):
        align_columns(model, [{**table.iloc[0], "vacant": text}])


@pytest.mark.parametrize("column", ["area", "kind"])
@pytest.mark.parametrize("nan", ["NaN", "sNaN", "-sNaN123"])
def test_a_decimal_that_is_no_number_is_missing(column, nan, table, model):
    found = align_columns(model, [{**table.iloc[0], column: Decimal(nan)}])
    assert is_missing(found[column].iloc[0])


@pytest.mark.parametrize("before", ["", '{"area": 1}\n'], ids=["one value", "lines"])
def test_a_number_of_too_many_digits_is_named(before, model):
    text = before + '{"rooms": 3, "area": ' + "9" * 5000 + "}"
    with pytest.raises(ValueError, match=r"Row \d, column 'area': '9+\.\.\. is not finite"):
        align_columns(model, text, absent="fill")


def test_half_a_character_is_a_category_that_is_new(table, model):
    rows = [{**records(table)[0], "kind": kind} for kind in ("\ud800", "new")]
    half, new = model.predict(align_columns(model, rows))
    assert half == new
    with pytest.raises(ValueError, match=r"'kind': '\\ud800' did not occur in training"):
        align_columns(model, rows, unseen="error")


def test_a_class_is_no_rows(model):
    with pytest.raises(TypeError, match="rows has no rows: it is the class DataFrame"):
        align_columns(model, pd.DataFrame)


def test_one_row_that_names_its_values(table, model):
    expected = model.predict(table[:1])
    row = namedtuple("Row", list(table))(*table.iloc[0])
    np.testing.assert_array_equal(model.predict(align_columns(model, row)), expected)
    with closing(sqlite3.connect(":memory:")) as database:
        pd.DataFrame(records(table)).to_sql("homes", database, index=False)
        database.row_factory = sqlite3.Row
        row = database.execute("SELECT * FROM homes").fetchone()
    np.testing.assert_array_equal(model.predict(align_columns(model, row)), expected)


def test_one_row_without_names_is_told_to_be_a_list(table, model):
    with pytest.raises(TypeError, match=r"Row 0 .* has no values.* is a list in a list"):
        align_columns(model, tuple(table.iloc[0]))


@pytest.mark.parametrize("statement", [None, "CREATE TABLE other (x)"])
def test_a_cursor_without_a_result_is_refused(statement, model):
    with closing(sqlite3.connect(":memory:")) as database:
        cursor = database.cursor() if statement is None else database.execute(statement)
        with pytest.raises(ValueError, match="cursor without a result. Execute a SELECT"):
            align_columns(model, cursor)
