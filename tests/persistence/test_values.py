"""Values come back from nodes with their types and bits."""

import datetime as dt
import json
import math
from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from sklloss.persistence.codecs import CODECS
from sklloss.persistence.container import Content, parsed, to_bytes
from sklloss.persistence.graph import CannotWriteError, Reader, Writer

VALUES = {
    "scalars": [None, True, -3, 10**40, 0.1, -0.0, 5e-324, 1.7976931348623157e308, "ä\ud800\0"],
    "infinite": [math.inf, -math.inf],
    "more numbers": [1 + 2j, complex("nan"), b"\0\xff", range(3, 9, 2), slice(None, 3), Ellipsis],
    "exact": [Decimal("1.10"), Fraction(2, 6)],
    "containers": [(1, (2,)), {1, 2}, frozenset(["a"]), {"a": 1, 2: "b", (3, "c"): [None]}],
    "keys that look like nodes": [{"ref": 0}, {"own": {"module": "os", "name": "x"}}, {"id": 1}],
    "order": [OrderedDict([("b", 1), ("a", 2)]), {"b": 1, "a": 2}],
    "dates": [dt.date(2024, 2, 29), dt.timedelta(days=-1, microseconds=3), dt.time(1, 2, 3)],
    "moments": [
        dt.datetime(2024, 1, 2, 3, 4, 5, 6),
        dt.datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        dt.datetime(2024, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=-5.5))),
    ],
    "paths": [Path("folder") / "search.db", Path("/"), Path()],
    "types": [int, np.float32, np.dtype("<U3"), np.dtype("M8[ns]"), pd.DataFrame, torch.float16],
    "pandas": [pd.Timestamp("2024-01-01", tz="Asia/Tokyo"), pd.Timedelta("3s"), pd.NaT, pd.NA],
    "unit": [pd.Timestamp("2024-01-01").as_unit("s"), pd.Timedelta("3s").as_unit("ms")],
}
ARRAYS = {
    "floats": np.array([np.nan, -0.0, np.inf, 1e-310]),
    "payload of nan": np.array([0x7FF8000000000123], np.uint64).view(np.float64),
    **{t: np.arange(6).reshape(2, 3).astype(t) for t in ("f2", "f4", "i1", "u8", "c8", "c16", "?")},
    "big-endian": np.arange(4, dtype=">i4"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(20.0).reshape(4, 5)[::2, 1::2],
    "texts": np.array([["a", "äöü"], ["", "\U0001f600"]]),
    "no texts": np.array(["", ""]),
    "bytes": np.array([b"ab", b"c"]),
    "moments": np.array(["2024-01-01", "NaT"], "M8[us]"),
    "waits": np.array([1, 2], "m8[h]"),
    "objects": np.array([1, "a", None, (2,), 0.5], dtype=object),
    "object table": np.array([[1, "a"], [None, 2.0]], dtype=object),
    "empty": np.empty((0, 3), np.float32),
    "single": np.array(3.0),
    "long names": np.array(["x" * 300]),
}
COLUMNS = {
    "texts": pd.Series(["a", None, "b"], dtype="str"),
    "older texts": pd.Series(["a", None], dtype="string"),
    "objects": pd.Series(["a", 1, None], dtype=object),
    "category": pd.Series(pd.Categorical(["b", None, "a"], ["b", "a"], ordered=True)),
    "dates": pd.Series(pd.to_datetime(["2024-01-01", None])),
    "zone": pd.Series(pd.date_range("2024-10-26", periods=3, tz="Europe/Berlin", name="x")),
    "masked": pd.Series([1, None, 3], dtype="Int16"),
    "masked floats": pd.Series([1.5, None], dtype="Float64"),
    "flags": pd.Series([True, None], dtype="boolean"),
    "indexed": pd.Series([1.0, 2.0], index=pd.Index(["x", "y"], name="i"), name=("a", 1)),
}


def through(value):
    writer = Writer(CODECS)
    data = to_bytes(Content(writer.node(value), writer.arrays), {})
    content = parsed(data)
    json.dumps(content.manifest, allow_nan=False)
    return Reader(CODECS, content.arrays).value(content.manifest)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_plain_values(values):
    found = through(values)
    assert repr(found) == repr(values)
    assert list(map(type, found)) == list(map(type, values))


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_arrays(array):
    found = through(array)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)
    if array.dtype.kind != "O":
        assert found.tobytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()
        assert found.flags.writeable
    is_fortran = array.flags.f_contiguous and array.ndim > 1 and not array.flags.c_contiguous
    assert found.flags.f_contiguous or not is_fortran


@pytest.mark.parametrize("name", ["f4", "texts", "moments", "?", "waits", "c16"])
def test_scalars_of_numpy(name):
    value = ARRAYS[name].ravel()[0]
    found = through(value)
    assert type(found) is type(value)
    assert found.tobytes() == value.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int64", "bool", "complex64"])
def test_tensors(dtype):
    value = torch.arange(6).reshape(2, 3).T.to(getattr(torch, dtype))
    found = through([value, torch.empty(0, 2), torch.tensor(1.5)])
    assert torch.equal(found[0], value)
    assert found[0].dtype == value.dtype
    assert found[1].shape == (0, 2)
    assert found[2].shape == ()
    parameter = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    assert through(parameter).requires_grad is False
    assert type(through(parameter)) is torch.nn.Parameter


@pytest.mark.parametrize("form", ["csr_array", "csc_matrix", "coo_array", "bsr_array"])
def test_sparse_arrays(form):
    value = getattr(sparse, form)(np.eye(4) * [1, 0, 2, 0])
    found = through(value)
    np.testing.assert_array_equal(found.toarray(), value.toarray())
    assert isinstance(found, sparse.spmatrix) == isinstance(value, sparse.spmatrix)


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_columns_of_pandas(column):
    pd.testing.assert_series_equal(through(column), column, check_freq=False)
    index = pd.Index(column)
    found = through(index)
    pd.testing.assert_index_equal(found, index)
    assert type(found) is type(index)
    if not isinstance(column.dtype, np.dtype):
        assert through(column.dtype) == column.dtype
        pd.testing.assert_extension_array_equal(through(column.array), column.array)


def test_tables_of_pandas():
    frame = pd.DataFrame({name: column for name, column in COLUMNS.items() if len(column) == 3})
    frame["repeated"] = 1
    frame.columns = [*frame.columns[:-1], "texts"]
    pd.testing.assert_frame_equal(through(frame), frame, check_freq=False)
    for index in (
        pd.RangeIndex(2, 9, 3, name="r"),
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None]),
        pd.timedelta_range("1s", periods=2),
        pd.Index([], dtype=object),
    ):
        assert through(index).equals(index)
        assert through(index).names == index.names
        assert type(through(index)) is type(index)


def test_masked_arrays():
    value = np.ma.MaskedArray(np.array(["a", None], dtype=object), [False, True], fill_value="?")
    found = through(value)
    assert found.mask.tolist() == [False, True]
    assert found.fill_value == "?"
    assert found[0] == "a"


def test_generators_go_on():
    for value in (np.random.RandomState(3), np.random.default_rng(3)):
        value.normal()
        assert through(value).normal() == value.normal()


def test_what_is_one_object_stays_one():
    inner = [np.arange(3.0)]
    first, second, third = through([inner, inner, inner[0]])
    assert first is second
    assert third is first[0]


def test_values_that_hold_themselves_are_refused():
    value = []
    value.append(value)
    with pytest.raises(CannotWriteError, match="holds itself"):
        through(value)


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(2, [("a", int)]),
        np.zeros(2, np.longdouble),
        np.zeros(2, object).view(np.recarray),
        torch.eye(2).to_sparse(),
        pd.Series(pd.period_range("2024", periods=2)),
        memoryview(b"x"),
        (k for k in range(3)),
    ],
    ids=["fields", "longdouble", "subclass", "sparse", "period", "memory", "generator"],
)
def test_values_without_a_form_are_refused(value):
    with pytest.raises((CannotWriteError, TypeError), match="save cannot write"):
        through({"key": value})
