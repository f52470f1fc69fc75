"""Given rows by column, from JSON, SQL or a library of DataFrames."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...parameters.refusals import count
from ..inputs.columns import check_names
from ..inputs.frames import as_frame

HOW = (
    "Give a list of dicts or a dict of lists, JSON text of these, rows of SQL with"
    " columns=[...], or a table of pandas, polars or pyarrow."
)


@dataclass(frozen=True)
class GivenRows:
    """Rows by column.

    Attributes
    ----------
    columns : Mapping of name to list or pandas.Series
        Values of each column; of rows without names, by position.
    n_rows : int
    named : bool
        Whether columns have names.
    index : pandas.Index or None
        That of a DataFrame of pandas.
    absent : Mapping of name to list of int
        The rows without a value for a column that other rows have.
    """

    columns: Mapping[Hashable, Any]
    n_rows: int
    named: bool = True
    index: pd.Index | None = None
    absent: Mapping[Hashable, list[int]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rows: Any,
        columns: Sequence[Hashable] | None = None,
        known: Sequence[Hashable] | None = None,
    ) -> GivenRows:
        """Read rows; `columns` names the values of rows that have no names, `known` are expected.

        Raises
        ------
        TypeError or ValueError
            If they are no rows, or of different lengths.
        """
        if isinstance(rows, type):
            raise TypeError(f"rows has no rows: it is the class {rows.__name__}. {HOW}")
        given = _opened(rows)
        if isinstance(given, pd.DataFrame):
            found = _of_pandas(given)
        elif (frame := _as_table(given)) is not None:
            found = _of_frame(frame)
        elif isinstance(given, Mapping):
            found = _of_mapping(given, set(known or ()))
        elif isinstance(given, np.ndarray) and given.ndim == 2:
            found = cls(dict(enumerate(given.T)), len(given), named=False)
        elif isinstance(given, Iterable):
            found = _of_each(list(given))
        else:
            raise TypeError(f"rows has no rows: it is {_short(given)}. {HOW}")
        return found._renamed(_names_of(rows) if columns is None else list(columns), columns)

    def _renamed(self, names: list[Hashable] | None, asked: Any) -> GivenRows:
        """Return the rows with names for the columns of those that have none."""
        if names is None:
            return self
        if self.named and (self.n_rows or self.columns):
            if asked is None:
                return self
            raise ValueError(
                "columns names the values of rows that have no names, and the columns of these rows"
                f" have: {', '.join(map(repr, list(self.columns)[:10]))}. Leave columns out."
            )
        twice = [name for name, times in Counter(names).items() if times > 1]
        if twice:
            raise ValueError(
                f"{twice[0]!r} is the name of several columns. Give each another one, in SQL with"
                " AS."
            )
        if self.n_rows and len(names) != len(self.columns):
            raise ValueError(
                f"rows have {count(len(self.columns), 'value')} each, and columns has"
                f" {count(len(names), 'name')}: {', '.join(map(repr, names[:10]))}. Give one name"
                " per value."
            )
        values = self.columns.values() if self.n_rows else [[] for _ in names]
        return GivenRows(dict(zip(names, values, strict=True)), self.n_rows)


def _opened(rows: Any) -> Any:
    """Return JSON text as what it says, and what is fetched from a database."""
    if isinstance(rows, str | bytes | bytearray):
        return _of_json(rows)
    if hasattr(rows, "collect") and not isinstance(rows, Mapping):
        check_names(rows, "rows")
    if isinstance(rows, pd.Series):
        return [rows.to_dict()]
    if getattr(getattr(rows, "dtype", None), "names", None):
        return pd.DataFrame(rows)
    if hasattr(rows, "fetchall"):
        if getattr(rows, "description", True) is None:
            raise ValueError("rows is a cursor without a result. Execute a SELECT first.")
        return rows.fetchall()
    if isinstance(rows, Sequence) and (record := _record(rows)) is not None:
        return record  # One row of SQL or one named tuple is a sequence of its values.
    return rows


def _names_of(rows: Any) -> list[Hashable] | None:
    """Return the names of columns that a cursor of a database knows, None for all else."""
    if not hasattr(rows, "fetchall"):
        return None
    described = getattr(rows, "description", None)
    if described is not None:
        return [each[0] for each in described]
    return list(rows.keys()) if hasattr(rows, "keys") else None


def _of_json(text: str | bytes | bytearray) -> Any:
    try:
        return _parsed(text)
    except UnicodeDecodeError as error:
        raise ValueError(f"rows is bytes that are not text: {error}.") from None
    except json.JSONDecodeError as error:
        lines = text.decode(errors="replace") if isinstance(text, bytes | bytearray) else text
        parts = [line for line in lines.splitlines() if line.strip()]
        if len(parts) > 1 and error.msg == "Extra data":
            return [_of_line(number, part) for number, part in enumerate(parts)]
        raise ValueError(
            f"rows is text, and no JSON: {error}. Give a JSON array of objects, one object per line,"
            " or one object of arrays."
        ) from None
    except RecursionError:
        raise ValueError(
            "rows is JSON that is nested too deep. Give rows of plain values."
        ) from None


def _of_line(number: int, line: str) -> Any:
    try:
        return _parsed(line)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"rows has one JSON value per line, and that of row {number} is none: {error}."
        ) from None


def _parsed(text: str | bytes | bytearray) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise
    except ValueError:
        # Slower: a number with more digits than Python reads stays text, which its column refuses.
        return json.loads(text, object_pairs_hook=_once, parse_int=_whole)


def _whole(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; refuse one with two values of one name."""
    twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
    if twice:
        raise ValueError(f"A JSON object of rows has {twice[0]!r} more than once. Give it once.")
    return dict(pairs)


def _as_table(rows: Any) -> nw.DataFrame[Any] | None:
    """Return a table of a library, or what another library offers as one of Arrow."""
    frame = as_frame(rows)
    if frame is not None or not hasattr(rows, "__arrow_c_stream__"):
        return frame
    for backend in ("pyarrow", "polars"):
        try:
            return nw.DataFrame.from_arrow(rows, backend=backend)
        except ImportError:
            continue
    raise TypeError(
        f"rows is a {type(rows).__name__}, a table of Arrow, which pyarrow or polars reads. Install"
        " one of them."
    )


def _of_pandas(frame: pd.DataFrame) -> GivenRows:
    check_names(frame, "rows")
    if frame.columns.nlevels > 1:
        raise ValueError(
            f"The columns of rows have {frame.columns.nlevels} levels of names. Give them one name"
            " each."
        )
    columns = {name: frame.iloc[:, i] for i, name in enumerate(frame.columns)}
    return GivenRows(columns, len(frame), index=frame.index)


def _of_frame(frame: nw.DataFrame[Any]) -> GivenRows:
    return GivenRows({each.name: _values_of(each) for each in frame.iter_columns()}, len(frame))


def _values_of(series: Any) -> Any:
    """Return numbers without missing ones as they are, all else as values of Python."""
    if series.dtype.is_integer() or series.dtype.is_float():
        values = series.to_numpy()
        if values.dtype.kind in "fiu" and not series.null_count():
            return pd.Series(values)
    return series.to_list()


def _of_mapping(rows: Mapping[Any, Any], known: set[Hashable]) -> GivenRows:
    """Read one record, or a list of values per column, as ``DataFrame.to_json`` writes them, too."""
    if {"columns", "data"} <= set(rows) <= {"columns", "data", "index"}:
        return _of_each(list(rows["data"]))._renamed(list(rows["columns"]), True)
    if set(rows) == {"schema", "data"} and isinstance(rows["schema"], Mapping):
        return _of_each(list(rows["data"]))
    if rows and all(isinstance(values, Mapping) for values in rows.values()):
        # Records by label have names of columns inside only.
        by_label = not known & set(rows) and all(known & set(record) for record in rows.values())
        return _of_records(list(rows.values())) if by_label else _of_labelled(rows)
    is_column = {name: _is_list(values) for name, values in rows.items()}
    if not any(is_column.values()):
        return _of_records([rows])
    plain = [name for name, is_list in is_column.items() if not is_list]
    if plain:
        name = next(name for name, is_list in is_column.items() if is_list)
        raise ValueError(
            f"rows is a dict in which {name!r} has a list of values and {plain[0]!r} has one value."
            " Give a list for each column, or one value each for a single row."
        )
    columns = {name: _column_of(values) for name, values in rows.items()}
    sizes = {name: len(values) for name, values in columns.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{name!r} has {count(n, 'value')}" for name, n in sizes.items())
        raise ValueError(f"Columns of rows differ in length: {said}. Give one value per row.")
    return GivenRows(columns, next(iter(sizes.values())))


def _of_labelled(rows: Mapping[Any, Mapping[Any, Any]]) -> GivenRows:
    """Read values per column and label of a row, as ``to_json`` and ``to_dict`` write them."""
    labels = list(dict.fromkeys(label for values in rows.values() for label in values))
    return _of_records([{n: v[label] for n, v in rows.items() if label in v} for label in labels])


def _is_list(values: Any) -> bool:
    is_array = getattr(values, "ndim", None) == 1
    return isinstance(values, list | tuple | range | pd.Series | pd.Index) or is_array


def _column_of(values: Any) -> Any:
    return pd.Series(values) if isinstance(values, np.ndarray | pd.Series | pd.Index) else values


def _of_each(rows: list[Any]) -> GivenRows:
    """Read rows one by one."""
    if not rows:
        return GivenRows({}, 0)
    if as_frame(rows[0]) is not None or type(rows[0]).__name__ == "RecordBatch":
        raise TypeError(
            f"rows is {count(len(rows), 'table')} in a list. Give one table, made with pd.concat,"
            " pl.concat or pyarrow.Table.from_batches; or align each of them."
        )
    records = [_record(row) for row in rows]
    if all(record is not None for record in records):
        return _of_records(records)  # type: ignore[arg-type]
    if any(record is not None for record in records):
        row = next(i for i, record in enumerate(records) if record is None)
        raise TypeError(
            f"Row {row} of rows is a {type(rows[row]).__name__}, and others have names. Give dicts"
            " only."
        )
    for i, row in enumerate(rows):
        if isinstance(row, str | bytes) or not isinstance(row, Sequence | np.ndarray):
            raise TypeError(
                f"Row {i} of rows is {_short(row)}, and has no values. {HOW} One row without names"
                " is a list in a list."
            )
        if len(row) != len(rows[0]):
            raise ValueError(
                f"Row {i} of rows has {count(len(row), 'value')}, and row 0 has {len(rows[0])}. Give"
                " as many in each."
            )
    return GivenRows(dict(enumerate(zip(*rows, strict=True))), len(rows), named=False)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _record(row: Any) -> Mapping[Any, Any] | None:
    """Return a row that names its values: a dict, a row of SQL, a named tuple; None for others."""
    if isinstance(row, Mapping):
        return row
    if isinstance(row, pd.Series):
        return row.to_dict()
    if hasattr(row, "_mapping"):
        return dict(row._mapping)
    if hasattr(row, "_asdict"):
        return row._asdict()
    return dict(zip(row.keys(), row, strict=True)) if hasattr(row, "keys") else None


def _of_records(records: Sequence[Mapping[Any, Any]]) -> GivenRows:
    names = list(dict.fromkeys(name for record in records for name in record))
    absent = {name: [i for i, record in enumerate(records) if name not in record] for name in names}
    columns = {name: [record.get(name) for record in records] for name in names}
    kept = {name: where for name, where in absent.items() if where}
    return GivenRows(columns, len(records), absent=kept)
