"""Numbers, paths, dates and containers of Python."""

from __future__ import annotations

import datetime as dt
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..container import DamagedFileError
from ..graph import Codec, Reader, Writer


class Numbers(Codec):
    """Numbers that JSON lacks, bytes, paths, ranges and slices."""

    kinds = (
        *("float", "complex", "bytes", "range", "slice", "decimal", "fraction", "ellipsis"),
        "path",
    )

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        cls = type(value)
        if cls is float:
            return {"float": repr(value)}
        if cls is complex:
            return {"complex": [repr(value.real), repr(value.imag)]}
        if cls is bytes:
            return {"bytes": b64encode(value).decode()}
        if cls is range:
            return {"range": [value.start, value.stop, value.step]}
        if cls is slice:
            parts = value.start, value.stop, value.step
            return {"slice": [writer.node(part, "slice") for part in parts]}
        if cls is Decimal:
            return {"decimal": str(value)}
        if cls is Fraction:
            return {"fraction": [value.numerator, value.denominator]}
        if cls is type(Path()):
            return {"path": value.as_posix()}
        return {"ellipsis": None} if value is Ellipsis else None

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if kind == "slice":
            return slice(*map(reader.value, payload))
        if kind == "complex":
            return complex(*map(float, payload))
        if kind == "range":
            return range(*payload)
        if kind == "fraction":
            # Of a text such as "1e999999999" it would compute for ever.
            if not all(type(part) is int for part in payload):
                raise DamagedFileError("a fraction is not made of whole numbers")
            return Fraction(*payload)
        if kind == "ellipsis":
            return Ellipsis
        if kind == "path":
            return Path(payload)
        if kind == "bytes":
            return b64decode(payload, None, True)
        return float(payload) if kind == "float" else Decimal(payload)


class Containers(Codec):
    """Tuples, sets and dicts."""

    kinds = ("tuple", "set", "frozenset", "dict", "ordered dict")
    _made = {"tuple": tuple, "set": set, "frozenset": frozenset}  # noqa: RUF012
    _dicts = {"dict": dict, "ordered dict": OrderedDict}  # noqa: RUF012

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        for kind, cls in self._made.items():
            if type(value) is cls:
                return {kind: [writer.node(each, f"{k}") for k, each in enumerate(value)]}
        for kind, cls in self._dicts.items():
            if type(value) is cls:
                items = value.items()
                return {kind: [[writer.node(k, "key"), writer.node(v, str(k))] for k, v in items]}
        return None

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if kind in self._made:
            return self._made[kind](map(reader.value, payload))
        return self._dicts[kind]((reader.value(k), reader.value(v)) for k, v in payload)


class Dates(Codec):
    """Dates, times and durations of Python."""

    kinds = ("datetime", "date", "time", "timedelta", "timezone", "zone")

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        cls = type(value)
        if cls is dt.timedelta:
            return {"timedelta": [value.days, value.seconds, value.microseconds]}
        if cls is dt.date:
            return {"date": value.isoformat()}
        if cls is dt.timezone:
            return {"timezone": value.utcoffset(None).total_seconds()}
        if cls is ZoneInfo:
            return {"zone": value.key}
        if cls in (dt.datetime, dt.time):
            zone = writer.node(value.tzinfo, "tzinfo")
            return {cls.__name__: [value.replace(tzinfo=None).isoformat(), value.fold, zone]}
        return None

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if kind == "timedelta":
            return dt.timedelta(*payload)
        if kind == "date":
            return dt.date.fromisoformat(payload)
        if kind == "timezone":
            return dt.timezone(dt.timedelta(seconds=payload))
        if kind == "zone":
            return ZoneInfo(payload)
        text, fold, zone = payload
        cls = dt.datetime if kind == "datetime" else dt.time
        return cls.fromisoformat(text).replace(fold=fold, tzinfo=reader.value(zone))
