"""Raw tables: what each column of a DataFrame is, and its values as numbers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...parameters.refusals import count
from .column_values import factorized, floats_of, kind_of, moment, zone_of
from .missing import is_missing

MICROSECONDS_PER_DAY = 86_400e6

# What becomes of a date: days since 1970, and what repeats every year, month, week and day.
DATE_PARTS = ("days", "year", "month", "day", "weekday", "hour")

# How a column becomes what it was in training.
REMEDIES = {
    "numbers": "Turn it into numbers, for example with pd.to_numeric(X[{name!r}], errors='coerce')",
    "durations": "Turn it into durations with pd.to_timedelta(X[{name!r}])",
    "dates": "Turn it into dates with pd.to_datetime(X[{name!r}])",
    "text": "Turn it into the text that training had, for example with X[{name!r}].astype(str)",
}


def as_frame(X: Any) -> nw.DataFrame[Any] | None:
    """Return a table of pandas, polars or pyarrow as one of narwhals, None for anything else."""
    found = nw.from_native(X, eager_only=True, pass_through=True)
    return found if isinstance(found, nw.DataFrame) else None


# ---------------------------------------------------------------------- columns


@dataclass(frozen=True)
class Column:
    """A column of a raw table, as training found it.

    Attributes
    ----------
    name : object
        As messages name it.
    """

    name: Any
    kind: ClassVar[str] = "nothing"

    @property
    def n_levels(self) -> int:
        """How many levels there are, that of missing values included; 0 of numbers."""
        return 0

    @property
    def parts(self) -> tuple[str, ...]:
        """What follows the column's name in the names of the numbers that it becomes."""
        return ("",)

    def numbers(self, series: Any) -> np.ndarray:
        """Return values as float64, (n_samples,) or (n_samples, n_parts); missing ones are NaN."""
        kind = kind_of(self.name, series)
        if kind == self.kind != "nothing":
            return self.numbers_of_kind(series)
        if "nothing" not in (kind, self.kind) and not all(map(is_missing, series.to_list())):
            raise self._became(kind, series)
        return np.full((len(series), len(self.parts)), np.nan)

    def numbers_of_kind(self, series: Any) -> np.ndarray:
        """Return values that are of the kind that training found."""
        raise NotImplementedError

    def level_names(self) -> Sequence[str]:
        """Return the names of levels, none for numbers."""
        return ()

    def _became(self, kind: str, series: Any) -> ValueError:
        """Return the error of a column that is of another kind than in training."""
        value = next(v for v in series.to_list() if not is_missing(v))
        now = "text" if kind == "categories" else kind
        return ValueError(
            f"Column {self.name!r} of X held {self._held()} in training and holds {now} now, for"
            f" example {value!r}. {REMEDIES[self._held()].format(name=self.name)}."
        )

    def _held(self) -> str:
        """Return what the column held in training, in words."""
        return self.kind


@dataclass(frozen=True)
class NumberColumn(Column):
    """Numbers, or booleans."""

    kind: ClassVar[str] = "numbers"

    def numbers_of_kind(self, series: Any) -> np.ndarray:
        """Return the values."""
        return floats_of(self.name, series)


@dataclass(frozen=True)
class DurationColumn(Column):
    """Durations, in seconds."""

    kind: ClassVar[str] = "durations"

    def numbers_of_kind(self, series: Any) -> np.ndarray:
        """Return the seconds."""
        values = series.to_numpy()
        if values.dtype.kind != "m":
            values = pd.to_timedelta(series.to_list()).to_numpy()
        # Whole seconds and the rest, so that neither overflows nor depends on the unit.
        whole = values.astype("m8[s]")
        rest = (values - whole) / np.timedelta64(1, "ns")
        seconds = whole.astype(np.int64) + rest / 1e9
        return np.where(np.isnat(values), np.nan, seconds)


@dataclass(frozen=True)
class DateColumn(Column):
    """Dates, with or without a time: their parts.

    Attributes
    ----------
    zone : str or None
        The time zone on whose clocks the parts are read.
    """

    zone: str | None = None
    kind: ClassVar[str] = "dates"

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of a date."""
        return tuple(f" ({part})" for part in DATE_PARTS)

    def numbers_of_kind(self, series: Any) -> np.ndarray:
        """Return days since 1970, year, month, day, weekday and hour, (n_samples, 6)."""
        if all(map(is_missing, series.to_list())):
            return np.full((len(series), len(self.parts)), np.nan)
        zone = zone_of(self.name, series)
        if zone != self.zone:
            raise ValueError(
                f"Column {self.name!r} of X was in time zone {self.zone} in training and is in"
                f" {zone} now. Give the same with .dt.tz_convert and .dt.tz_localize of"
                f" X[{self.name!r}]."
            )
        if isinstance(series.dtype, nw.Datetime) and zone is not None:
            series = series.dt.replace_time_zone(None)
        values = series.to_numpy()
        if values.dtype.kind != "M":
            values = np.array([moment(value) for value in series.to_list()], dtype="M8[us]")
        days, months = values.astype("M8[D]"), values.astype("M8[M]")
        microseconds = (values - days).astype("m8[us]").astype(np.int64)
        found = (
            days.astype(np.int64) + microseconds / MICROSECONDS_PER_DAY,
            values.astype("M8[Y]").astype(np.int64) + 1970,
            months.astype(np.int64) % 12 + 1,
            (days - months.astype("M8[D]")).astype(np.int64) + 1,
            (days.astype(np.int64) + 3) % 7,  # 1970 began on a Thursday
            (values.astype("M8[h]") - days.astype("M8[h]")).astype(np.int64),
        )
        parts = np.column_stack([np.asarray(part, dtype=np.float64) for part in found])
        parts[np.isnat(values)] = np.nan
        return parts


@dataclass(frozen=True, eq=False)
class CategoryColumn(Column):
    """Categories: each becomes the code of its level.

    Attributes
    ----------
    levels : pandas.Index
        The levels that occurred in training, sorted: text, or numbers as floats.  The code of a
        missing value is their number; that of a level that did not occur is -1.
    of_kind : str
        What they are: categories, numbers, dates or durations; nothing where there are none.
    """

    levels: pd.Index
    of_kind: str

    @classmethod
    def of(cls, name: Any, series: Any) -> CategoryColumn:
        """Learn the levels of a column."""
        _, levels, kind = factorized(name, series)
        try:
            return cls(name, pd.Index(sorted(levels)), kind)
        except UnicodeEncodeError as error:
            raise ValueError(
                f"Column {name!r} of X holds text that cannot be written as UTF-8, for example"
                f" {error.object!r}. Replace what is wrong in it:"
                f" X[{name!r}].str.encode('utf-8', 'replace').str.decode('utf-8')."
            ) from None

    def __getstate__(self) -> dict[str, Any]:
        """Return a state without an Index, whose inner references skops cannot write."""
        return {**vars(self), "levels": self.levels.to_list()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set a state."""
        vars(self).update(state, levels=pd.Index(state["levels"]))

    @property
    def n_levels(self) -> int:
        """How many levels there are, that of missing values included."""
        return len(self.levels) + 1

    def level_names(self) -> Sequence[str]:
        """Return what the name of each level's column ends with."""
        texts = [each if isinstance(each, str) else f"{each:.12g}" for each in self.levels]
        return [*(f"={text}" for text in texts), " is missing"]

    def _held(self) -> str:
        return "text" if self.of_kind == "categories" else self.of_kind

    def numbers(self, series: Any) -> np.ndarray:
        """Return the code of each level; categories may be numbers, so any kind is looked at."""
        place, values, kind = factorized(self.name, series)
        if len(values) and len(self.levels) and kind != self.of_kind:
            raise self._became(kind, series)
        # As objects, because pandas' own text takes nothing that UTF-8 cannot write.
        places = self.levels.get_indexer(pd.Index(values, dtype=object))
        # The last entry is where a missing value points to.
        codes = np.append(places, len(self.levels))
        return codes[place].astype(np.float64)


# ---------------------------------------------------------------------- the table


@dataclass(frozen=True)
class Columns:
    """The columns of a raw table.

    Attributes
    ----------
    columns : tuple of Column
    """

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, frame: nw.DataFrame[Any], categorical_features: Any = None) -> Columns:
        """Learn what each column is.

        Parameters
        ----------
        frame : narwhals.DataFrame
        categorical_features : array-like or None
            Names, indices or a mask of the columns that hold categories; None decides by dtype.

        Raises
        ------
        ValueError
            If a column holds something that is neither number, category, date nor duration.
        """
        named = categorical_mask(categorical_features, frame.columns)
        pairs = zip(frame.iter_columns(), named, strict=True)
        return cls(tuple(_column(series, is_named) for series, is_named in pairs))

    @property
    def n_levels(self) -> tuple[int, ...]:
        """How many levels each number of a row has, 0 where it is one."""
        return tuple(each.n_levels for each in self.columns for _ in each.parts)

    @property
    def repeats(self) -> tuple[bool, ...]:
        """Whether each number of a row is a further part of the value before it."""
        return tuple(part > 0 for each in self.columns for part in range(len(each.parts)))

    @property
    def names(self) -> list[str]:
        """Return the name of each number of a row."""
        return [f"{each.name}{part}" for each in self.columns for part in each.parts]

    @property
    def level_names(self) -> list[Sequence[str]]:
        """Return the names of the levels of each number of a row."""
        return [each.level_names() for each in self.columns for _ in each.parts]

    def filled(self, frame: nw.DataFrame[Any]) -> list[int]:
        """Return which numbers of a row were missing in all of training, and have values now."""
        owners = [i for i, each in enumerate(self.columns) for _ in each.parts]
        series = list(frame.iter_columns())
        return [
            j
            for j, i in enumerate(owners)
            if type(self.columns[i]) is Column and not all(map(is_missing, series[i].to_list()))
        ]

    def numbers(self, frame: nw.DataFrame[Any]) -> np.ndarray:
        """Return a table as numbers, (n_samples, n_numbers)."""
        pairs = zip(self.columns, frame.iter_columns(), strict=True)
        return np.column_stack([column.numbers(series) for column, series in pairs])


def categorical_mask(categorical_features: Any, names: Sequence[Any]) -> list[bool]:
    """Return which columns are named as categories, as `HistGradientBoostingClassifier` reads it.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    if categorical_features is None:
        return [False] * len(names)
    given = np.asarray(categorical_features)
    if given.dtype == bool:
        if given.shape != (len(names),):
            raise ValueError(
                f"categorical_features is a mask of shape {given.shape}, and X has"
                f" {count(len(names), 'column')}. Give one boolean per column."
            )
        return given.tolist()
    known = list(range(len(names))) if given.dtype.kind in "iu" else list(names)
    unknown = [each for each in given.tolist() if each not in known]
    if unknown:
        raise ValueError(
            f"categorical_features names {unknown[0]!r}, and X has the columns"
            f" {', '.join(map(repr, names))}. Give names, indices or a mask of columns."
        )
    return [each in given.tolist() for each in known]


def _column(series: Any, is_named: bool) -> Column:
    """Learn what one column is."""
    name = series.name
    if is_named:
        return CategoryColumn.of(name, series)
    kind = kind_of(name, series)
    if kind == "dates":
        return DateColumn(name, zone_of(name, series))
    if kind != "categories":
        kinds = {"numbers": NumberColumn, "durations": DurationColumn, "nothing": Column}
        return kinds[kind](name)
    found = CategoryColumn.of(name, series)
    if series.dtype in (nw.String, nw.Object) and len(found.levels) > 2:
        _warn_of_text(name, found.levels)
    return found


def _warn_of_text(name: Any, levels: pd.Index) -> None:
    """Warn of text that is mostly numbers, or dates, which files bring as text."""
    is_number = pd.to_numeric(levels, errors="coerce").notna()
    if is_number.mean() > 0.5:
        what, how = "numbers", f"pd.to_numeric(X[{name!r}], errors='coerce')"
        others = [each for each in levels[~is_number] if each.strip()][:3]
        examples = repr(levels[is_number][0])
        examples += f", beside {', '.join(map(repr, others))}" if others else ""
    else:
        dates = pd.to_datetime(levels[:100], format="ISO8601", errors="coerce", utc=True)
        if dates.isna().any():
            return
        what, how, examples = "dates", f"pd.to_datetime(X[{name!r}])", repr(levels[0])
    warnings.warn(
        f"Column {name!r} of X holds {what} as text, for example {examples}, and is taken for"
        f" categories. Turn it into {what} with {how}, or name it in categorical_features.",
        UserWarning,
        stacklevel=2,
    )
