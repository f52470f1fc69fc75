"""Indices, columns and scalars of pandas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from ..container import DamagedFileError
from ..graph import Codec, Reader, Writer
from .arrays import stored


class PandasScalars(Codec):
    """Missing values, moments and durations."""

    kinds = ("pandas NA", "pandas NaT", "timestamp", "duration")

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if value is pd.NA:
            return {"pandas NA": None}
        if value is pd.NaT:
            return {"pandas NaT": None}
        if type(value) is pd.Timestamp:
            moment = value.tz_convert(None) if value.tzinfo else value
            zone = zone_of(value.tz, writer)
            return {"timestamp": [moment.asm8.view("i8").item(), value.unit, zone]}
        if type(value) is pd.Timedelta:
            return {"duration": [value.asm8.view("i8").item(), value.unit]}
        return None

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if kind == "pandas NA":
            return pd.NA
        if kind == "pandas NaT":
            return pd.NaT
        if kind == "duration":
            return pd.Timedelta(np.timedelta64(payload[0], payload[1]))
        count, unit, zone = payload
        moment = pd.Timestamp(np.datetime64(count, unit))
        return moment if zone is None else moment.tz_localize("UTC").tz_convert(zone_named(zone))


def texts_dtype() -> Any:
    """Return the type of texts whose missing values are NaN: objects before pandas 2.3."""
    try:
        return pd.StringDtype(na_value=np.nan)
    except TypeError:
        return np.dtype(object)


def zone_of(zone: Any, writer: Writer) -> str | None:
    """Return the name of a time zone."""
    name = None if zone is None else str(zone)
    try:
        zone_named(name)
    except (DamagedFileError, ValueError, ZoneInfoNotFoundError):
        raise writer.refuse(
            f"it has the time zone {name!r}. Convert it to one with a name."
        ) from None
    return name


def zone_named(name: str | None) -> str | None:
    """Return the name of a time zone that pandas may look up, and raise for any other text."""
    if name is not None and not FIXED_ZONE.fullmatch(name):
        ZoneInfo(name)
    return name


class PandasArrays(Codec):
    """Index, Series, DataFrame, Categorical and other columns, and their types."""

    kinds = ("index", "range index", "multi index", "series", "frame", "column", "pandas dtype")

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if isinstance(value, pd.api.extensions.ExtensionDtype):
            return {"pandas dtype": self._type(value, writer)}
        if isinstance(value, pd.api.extensions.ExtensionArray):
            return {"column": self._column(pd.Series(value), writer)}
        if isinstance(value, pd.MultiIndex):
            frame = value.to_frame(index=False, allow_duplicates=True)
            frame.columns = range(frame.shape[1])
            return {"multi index": writer.pairs([("rows", frame), ("names", list(value.names))])}
        if type(value) is pd.RangeIndex:
            numbers = value.start, value.stop, value.step
            return {"range index": writer.pairs([("range", range(*numbers)), ("name", value.name)])}
        if isinstance(value, pd.Index):
            name = writer.node(value.name, "name")
            return {"index": {**self._column(value.to_series(), writer), "name": name}}
        if type(value) is pd.Series:
            parts = writer.pairs([("index", value.index), ("name", value.name)])
            return {"series": {**self._column(value, writer), "parts": parts}}
        if type(value) is pd.DataFrame:
            columns = [self._column(value.iloc[:, k], writer) for k in range(value.shape[1])]
            parts = writer.pairs([("index", value.index), ("columns", value.columns)])
            return {"frame": {"columns": columns, "parts": parts}}
        return None

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if kind == "pandas dtype":
            return self._type_of(payload, reader)
        if kind == "column":
            return self._values(payload, reader)
        if kind == "index":
            return pd.Index(self._values(payload, reader), name=reader.value(payload["name"]))
        if kind == "multi index":
            parts = reader.named(payload)
            return pd.MultiIndex.from_frame(parts["rows"], names=parts["names"])
        if kind == "range index":
            parts = reader.named(payload)
            return pd.RangeIndex(parts["range"], name=parts["name"])
        parts = reader.named(payload["parts"])
        if kind == "series":
            values = _of_rows(self._values(payload, reader), parts["index"])
            return pd.Series(values, index=parts["index"], name=parts["name"])
        columns = [
            _of_rows(self._values(each, reader), parts["index"]) for each in payload["columns"]
        ]
        rows = {k: pd.Series(values, index=parts["index"]) for k, values in enumerate(columns)}
        frame = pd.DataFrame(rows, index=parts["index"])
        frame.columns = parts["columns"]
        return frame

    def _column(self, values: pd.Series, writer: Writer) -> dict[str, Any]:
        """Return what stands for the values of a column."""
        dtype = values.dtype
        found: dict[str, Any] = {"type": self._type(dtype, writer)}
        if isinstance(dtype, np.dtype):
            return {**found, "values": writer.node(values.to_numpy(), "values")}
        if isinstance(dtype, pd.CategoricalDtype):
            return {**found, "values": writer.node(np.asarray(values.cat.codes), "values")}
        if isinstance(dtype, pd.DatetimeTZDtype):
            moments = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
            return {**found, "values": writer.node(moments, "values")}
        is_known = values.notna().to_numpy()
        known = values[is_known]
        plain = known.to_numpy(getattr(dtype, "numpy_dtype", object))
        of_kinds = [("values", plain), ("known", is_known)]
        return {**found, **dict(writer.pairs(of_kinds))}

    def _values(self, payload: Mapping[str, Any], reader: Reader) -> Any:
        """Return the values of a column."""
        dtype = self._type_of(payload["type"], reader)
        values = stored(reader.value(payload["values"]), "a column")
        if payload["type"] == "numpy":
            return values
        if isinstance(dtype, pd.CategoricalDtype):
            return pd.Categorical.from_codes(values, dtype=dtype)
        if isinstance(dtype, pd.DatetimeTZDtype):
            return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(dtype.tz).array
        is_known = stored(reader.value(payload["known"]), "the mask of a column").astype(bool)
        rows = np.full(is_known.shape, None, dtype=object)
        rows[is_known] = values
        return rows if isinstance(dtype, np.dtype) else pd.array(rows, dtype=dtype)

    def _type(self, dtype: Any, writer: Writer) -> Any:
        """Return what stands for the type of a column."""
        if isinstance(dtype, np.dtype):
            return "numpy"
        if isinstance(dtype, pd.CategoricalDtype):
            parts = [("categories", dtype.categories), ("ordered", bool(dtype.ordered))]
            return {"categories": writer.pairs(parts)}
        if isinstance(dtype, pd.DatetimeTZDtype):
            return {"moments": [dtype.unit, zone_of(dtype.tz, writer)]}
        if isinstance(dtype, pd.StringDtype):
            # Missing texts are NaN in pandas' own type of texts, and NA in the older one.
            return {"texts": "NA" if dtype.na_value is pd.NA else "NaN"}
        if str(dtype) in MASKED:
            return {"masked": str(dtype)}
        raise writer.refuse(f"it has pandas' type {dtype}. Convert it to numbers or texts.")

    def _type_of(self, payload: Any, reader: Reader) -> Any:
        """Return the type of a column."""
        if payload == "numpy":
            return None
        ((kind, detail),) = payload.items()
        if kind == "categories":
            parts = reader.named(detail)
            return pd.CategoricalDtype(parts["categories"], ordered=parts["ordered"])
        if kind == "moments":
            unit, zone = detail
            return pd.DatetimeTZDtype(unit, zone_named(zone))
        if kind == "texts":
            return pd.StringDtype() if detail == "NA" else texts_dtype()
        if kind == "masked" and detail in MASKED:
            return pd.api.types.pandas_dtype(detail)
        raise DamagedFileError(f"it has a column of type {str(payload)[:40]}")


def _of_rows(values: Any, index: Any) -> Any:
    """Return values, one for each row; pandas would repeat a single one as often as it takes."""
    if len(values) != len(index):
        raise DamagedFileError(f"a column has {len(values)} values for {len(index)} rows")
    return values


# Zones that have no name but their distance from UTC.
FIXED_ZONE = re.compile(r"UTC([+-]\d\d:\d\d(:\d\d)?)?")
# Types of pandas that are numbers with a mask.
MASKED = frozenset(
    ["boolean", "Float32", "Float64"]
    + [f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]
)
