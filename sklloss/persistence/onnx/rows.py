"""What a graph receives: raw columns, arrays, images or token ids, and how they are encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ...estimators.inputs.base import Inputs
from ...estimators.inputs.column_values import factorized, moment
from ...estimators.inputs.frames import (
    CategoryColumn,
    Column,
    Columns,
    DateColumn,
    DurationColumn,
    as_frame,
)
from ...estimators.inputs.images import Images
from ...estimators.inputs.missing import is_missing
from ...estimators.inputs.tables import Arrays, Table
from ...estimators.inputs.tokens import Tokens
from ...parameters.refusals import count
from ...training import InputScaler, TableEncoding
from ...training.rows.encoding import TableEncoder
from .graph import TRADITIONAL, Graph, Port
from .traced import Traced, traced
from .values import TRACED_ROWS, OnnxError, dtype_of

# What stands for a missing value in a column of text, where no level is that.
ABSENT = ("", "<missing>", "<missing value>")

# What stands for a missing date, as NumPy stores NaT.
NO_TIME = np.iinfo(np.int64).min

MICROSECONDS_PER_DAY = 86_400_000_000

# Names of outputs, which no input has.
OUTPUT_NAMES = (
    *("predict", "predict_proba", "decision_function", "raw", "transform"),
    *("predict_quantiles", "predict_interval", "predict_std", "predict_mean"),
)


@dataclass(frozen=True)
class Feed:
    """How rows become the inputs of a graph.

    Attributes
    ----------
    ports : tuple of Port
    columns : Columns or None
        The columns of a raw table, None where there is one input.
    names : tuple of str or None
        The names of the columns in training, by which they are found in a table; None if they had
        none, and their order tells them apart.
    """

    ports: tuple[Port, ...]
    columns: Columns | None = None
    names: tuple[str, ...] | None = None

    def of(self, X: Any) -> dict[str, np.ndarray]:
        """Return the arrays of some rows by the names of the inputs.

        Raises
        ------
        ValueError
            If X lacks a column of training, or has other values in it.
        """
        if self.columns is None and len(self.ports) == 1:
            port = self.ports[0]
            frame = as_frame(X) if self.names else None
            if frame is not None and frame.columns != list(self.names or ()):
                X = frame.select(self._in_order(frame)).to_native()
            found = X.toarray() if hasattr(X, "toarray") else _array_of(X, port.dtype)
            if found.ndim == len(port.shape) - 1:
                found = found[:, None]  # the axis of channels
            return {port.name: np.asarray(found, dtype=port.dtype)}
        frame = as_frame(X)
        if frame is None:
            raise TypeError(
                f"X is a {type(X).__name__}, but this model takes"
                f" {', '.join(repr(port.name) for port in self.ports)}. Give a DataFrame."
            )
        series = self._in_order(frame)
        known = self.columns.columns if self.columns else (None,) * len(self.ports)
        given = zip(self.ports, known, series, strict=True)
        return {port.name: _fed(port, column, each) for port, column, each in given}

    def _in_order(self, frame: nw.DataFrame[Any]) -> list[Any]:
        """Return the columns of a table in the order of training."""
        given = frame.columns
        if self.names and any(isinstance(name, str) for name in given):
            absent = [repr(name) for name in self.names if name not in given]
            if absent:
                raise ValueError(
                    f"X lacks {count(len(absent), 'column')} of training: {', '.join(absent)}. Give"
                    " every column that training had."
                )
            return [frame.get_column(name) for name in self.names]
        n = len(self.names or self.ports)
        if len(given) != n:
            raise ValueError(
                f"X has {count(len(given), 'column')}, and this model was fitted on {n}. Give the"
                " columns that training had, in its order."
            )
        return list(frame.iter_columns())


def _array_of(X: Any, dtype: str) -> np.ndarray:
    """Return X as an array, where pandas' own missing values are NaN."""
    if dtype == "float64" and isinstance(X, pd.DataFrame):
        return X.to_numpy(np.float64, na_value=np.nan)
    return np.asarray(X)


def _fed(port: Port, column: Any, series: Any) -> np.ndarray:
    """Return a column as (n_samples, 1)."""
    if column is not None:
        column.numbers(series)  # Refuses what predict refuses, such as text instead of dates.
    if isinstance(column, DateColumn):
        moments = [moment(value) for value in series.to_list()]
        found: Any = np.array(moments, dtype="M8[us]").astype(np.int64)
    elif isinstance(column, DurationColumn):
        microseconds = (column.numbers(series).ravel() * 1e6).round()
        is_absent = np.isnan(microseconds)
        found = np.where(is_absent, 0, microseconds).astype(np.int64)
        found[is_absent] = NO_TIME
    elif port.dtype == "str":
        found = np.array(
            [_text(each, column, port.absent) for each in series.to_list()], dtype=object
        )
    elif column is None or isinstance(column, CategoryColumn):
        listed = [_number(port, each) for each in series.to_list()]
        found = np.array(listed, dtype=np.float64)
    else:
        found = np.asarray(column.numbers(series), dtype=np.float64)
    return found.reshape(-1, 1)


def _number(port: Port, value: Any) -> float:
    try:
        return np.nan if is_missing(value) else float(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"Column {port.name!r} of X holds {value!r}, and the graph takes numbers there. If it held"
            " such values in training, no step has learned its type: give to_onnx a DataFrame of a few"
            " rows, X=X[:5]."
        ) from None


def _text(value: Any, column: Any, absent: str) -> str:
    if is_missing(value):
        return absent_of(column) if isinstance(column, CategoryColumn) else absent
    if isinstance(value, str) or not isinstance(column, CategoryColumn):
        return str(value)
    _, levels, _ = factorized(column.name, _series(value))
    return str(levels[0])


def _series(value: Any) -> Any:
    return nw.from_native(pd.Series([value], dtype=object), series_only=True)


def absent_of(column: CategoryColumn) -> str:
    """Return the text that stands for a missing value in a column of text."""
    levels = set(map(str, column.levels))
    return next(each for each in (*ABSENT, f"<missing of {len(levels)}>") if each not in levels)


# ---------------------------------------------------------------------- into the graph


def encoded_rows(graph: Graph, inputs: Inputs, learned: Any) -> tuple[Traced, Feed]:
    """Add inputs to a graph, and return what the networks see of them.

    Parameters
    ----------
    graph : Graph
    inputs : Inputs
        What X may be.
    learned : Learned
        What a fit has learned.

    Raises
    ------
    OnnxError
        If X is no table, array, image or token ids.
    """
    if not isinstance(inputs, Table | Arrays | Images | Tokens):
        raise OnnxError(
            "its rows are neither a table, images nor token ids. Where it has to_module, give that"
            " to torch.onnx.export"
        )
    facts, encoding = learned.inputs, learned.input_scaler
    if facts.raw_columns is not None:
        numbers, feed = raw_table(graph, facts.raw_columns)
    else:
        numbers, feed = _array(graph, inputs, facts.shape, facts.names)
    return scaled_rows(numbers, encoding, learned.torch_dtype, isinstance(inputs, Table)), feed


def scaled_rows(numbers: Tensor, encoding: Any, dtype: torch.dtype, fills: bool) -> Any:
    """Return rows of numbers on the scale that the networks take."""
    if isinstance(encoding, TableEncoding):
        encoder = TableEncoder(encoding, dtype)
        return encoder.encoded(encoder.located(numbers.double()))
    assert isinstance(encoding, InputScaler)
    if encoding.mean is None and encoding.scale is None:
        return numbers.to(dtype)
    scaled = encoding.done(numbers.double())
    if fills and encoding.mean is not None:
        scaled = torch.where(scaled.isnan(), 0.0, scaled)
    return scaled.to(dtype)


def _array(graph: Graph, inputs: Inputs, shape: Sequence[int], names: Any) -> tuple[Traced, Feed]:
    """Add one input for an array."""
    is_ids = isinstance(inputs, Tokens)
    dtype = torch.int64 if is_ids else torch.float64
    meaning = "Token ids, 0 for padding" if is_ids else "Rows as predict takes them"
    if names is not None:
        meaning += f"; the columns {', '.join(names)}"
    if isinstance(inputs, Table):
        meaning += "; NaN is a missing value"
    port = Port("X", dtype_of(dtype), ("rows", *shape), f"{meaning}.")
    graph.inputs.append(port)
    known = None if names is None else tuple(names)
    return traced(graph, port.name, (TRACED_ROWS, *shape), dtype), Feed((port,), names=known)


def raw_table(graph: Graph, columns: Columns) -> tuple[Traced, Feed]:
    """Add an input per column, and return the numbers that they become, (n_samples, n_numbers)."""
    taken = set(OUTPUT_NAMES)
    for column in columns.columns:
        dtype, meaning = port_of(column)
        name = str(column.name)
        # An input without a name would be none to ONNX.
        while name in taken or not name:
            name += "_"
        taken.add(name)
        graph.inputs.append(Port(name, dtype, ("rows", 1), meaning))
    names = tuple(column.name for column in columns.columns)
    is_named = all(isinstance(name, str) for name in names)
    feed = Feed(tuple(graph.inputs), columns, names if is_named else None)
    return numbers_of(graph, columns, [port.name for port in graph.inputs]), feed


def numbers_of(graph: Graph, columns: Columns, names: Sequence[str]) -> Any:
    """Return the numbers of columns, (n_samples, n_numbers), given the names of their values."""
    pairs = zip(columns.columns, names, strict=True)
    return torch.cat([_numbers_of(graph, column, name) for column, name in pairs], 1)


def port_of(column: Column) -> tuple[str, str]:
    """Return the element type of a column, and what it holds."""
    if isinstance(column, DateColumn):
        zone = f" on the clocks of {column.zone}" if column.zone else ""
        return "int64", f"Microseconds since 1970{zone}; {NO_TIME} is a missing date."
    if isinstance(column, DurationColumn):
        return "int64", f"Microseconds; {NO_TIME} is a missing duration."
    if isinstance(column, CategoryColumn) and column.of_kind != "numbers":
        what = "ISO 8601" if column.of_kind in ("dates", "durations") else "text"
        return "str", f"Categories as {what}; {absent_of(column)!r} is a missing value."
    return "float64", "Numbers; NaN is a missing value."


def _numbers_of(graph: Graph, column: Column, name: str) -> Tensor:
    dtype, _ = port_of(column)
    if isinstance(column, CategoryColumn) and dtype == "str":
        return _codes_of_text(graph, column, name)
    values = traced(graph, name, (TRACED_ROWS, 1), getattr(torch, dtype))
    if isinstance(column, DateColumn):
        return date_parts(values)
    if isinstance(column, DurationColumn):
        return torch.where(values == NO_TIME, torch.nan, values.double() / 1e6)
    if isinstance(column, CategoryColumn):
        return _codes_of_numbers(values, column)
    if type(column) is Column:
        # All values were missing in training, and nothing was learned of them.
        return torch.full_like(values, torch.nan)
    return values


def _codes_of_text(graph: Graph, column: CategoryColumn, name: str) -> Tensor:
    """Return the code of each level, -1 for those that training did not have."""
    levels = [*map(str, column.levels), absent_of(column)]
    codes = graph.node(
        "LabelEncoder",
        name,
        domain=TRADITIONAL,
        keys_strings=levels,
        values_int64s=list(range(len(levels))),
        default_int64=-1,
    )
    return traced(graph, codes, (TRACED_ROWS, 1), torch.int64).double()


def _codes_of_numbers(values: Tensor, column: CategoryColumn) -> Tensor:
    levels = torch.tensor([float(each) for each in column.levels], dtype=torch.float64)
    n = len(levels)
    is_level = (values == levels).double()
    places = torch.arange(1, n + 1, dtype=torch.float64)
    codes = (is_level * places).sum(1, keepdim=True) - 1
    return torch.where(values.isnan(), float(n), codes)


def date_parts(microseconds: Tensor) -> Tensor:
    """Return days since 1970, year, month, day, weekday and hour, (n_samples, 6).

    The calendar is Howard Hinnant's ``civil_from_days``, in whole numbers.
    """
    days = _floor_divided(microseconds, MICROSECONDS_PER_DAY)
    rest = microseconds - days * MICROSECONDS_PER_DAY
    shifted = days + 719_468  # since 1 March of the year 0
    era = _floor_divided(shifted, 146_097)
    of_era = shifted - era * 146_097
    year = _divided(
        of_era - _divided(of_era, 1460) + _divided(of_era, 36_524) - _divided(of_era, 146_096), 365
    )
    of_year = of_era - (365 * year + _divided(year, 4) - _divided(year, 100))
    month = _divided(5 * of_year + 2, 153)
    day = of_year - _divided(153 * month + 2, 5) + 1
    month = torch.where(month < 10, month + 3, month - 9)
    weekday = days + 3 - 7 * _floor_divided(days + 3, 7)  # 1970 began on a Thursday
    parts = [
        days.double() + rest.double() / MICROSECONDS_PER_DAY,
        (year + era * 400 + (month <= 2).long()).double(),
        *(each.double() for each in (month, day, weekday, _divided(rest, 3_600_000_000))),
    ]
    return torch.where(microseconds == NO_TIME, torch.nan, torch.cat(parts, 1))


def _divided(x: Tensor, by: int) -> Tensor:
    return torch.div(x, by, rounding_mode="trunc")


def _floor_divided(x: Tensor, by: int) -> Tensor:
    quotient = _divided(x, by)
    return quotient - (x < quotient * by).long()
