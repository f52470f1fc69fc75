"""Values converted to the type that their column had in training."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..inputs.missing import is_missing
from .features import Feature

# Codes whose zeros are lost where they become numbers, as postal codes.
CODE = re.compile(r"0[0-9]{1,30}")


class Misfit(NamedTuple):
    """A value that is not what its column held in training.

    Attributes
    ----------
    row : int
    says : str
        The value and what is wrong with it.
    is_unseen : bool
        Whether it is a category that did not occur in training.
    """

    row: int
    says: str
    is_unseen: bool = False


class UnfitError(Exception):
    """What is wrong with a value."""


def fitted_to(feature: Feature, values: Any, index: pd.Index) -> tuple[pd.Series, list[Misfit]]:
    """Return a column as what it held in training, and the values that do not fit.

    Parameters
    ----------
    feature : Feature
    values : list or pandas.Series
    index : pandas.Index
        Of the series that is returned.
    """
    if feature.kind == "nothing":
        return pd.Series(np.nan, index=index, dtype=np.float64), []
    if feature.kind == "anything":
        return _without_kinds_of_missing(values, index), []
    if isinstance(values, pd.Series) and _has_kind(feature, values):
        return values.set_axis(index), []
    reader = Reader(feature)
    found, misfits = [], []
    for row, value in enumerate(values):
        try:
            found.append(reader.read(value))
        except UnfitError as error:
            misfits.append(Misfit(row, str(error), isinstance(error, UnseenError)))
            found.append(feature.missing)
    return reader.series(found, index), misfits


def _without_kinds_of_missing(values: Any, index: pd.Index) -> pd.Series:
    if isinstance(values, pd.Series) and values.dtype != object:
        return values.set_axis(index)
    listed = [np.nan if is_missing(value) else value for value in values]
    return pd.Series(listed, index=index, dtype=object).infer_objects()


def _has_kind(feature: Feature, values: pd.Series) -> bool:
    """Return whether a column is of its kind as it is, which is quick to see."""
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else "other"
    if feature.kind == "numbers":
        return kind in "iub" or (kind == "f" and not np.isinf(values.to_numpy()).any())
    is_plain = feature.kind == "durations" or (feature.kind == "dates" and feature.zone is None)
    return is_plain and kind == ("m" if feature.kind == "durations" else "M")


class UnseenError(UnfitError):
    """A category that did not occur in training."""


class Reader:
    """Reads the values of a column.

    Parameters
    ----------
    feature : Feature
    """

    def __init__(self, feature: Feature) -> None:
        self._feature = feature
        self._kind = feature.of_kind if feature.kind == "categories" else feature.kind
        is_level = feature.kind == "categories"
        self._read = (READ_LEVEL if is_level else READ).get(self._kind, _as_it_is)
        self._levels = None if feature.levels is None else _by_value(feature.levels)
        if self._levels is not None and self._kind == "categories":
            self._levels = {**_padded(list(self._levels)), **self._levels}

    def read(self, value: Any) -> Any:
        """Return a value as what the column held.

        Raises
        ------
        UnfitError
            If it is nothing of the kind.
        """
        missing = self._feature.missing
        if is_missing(value):
            return missing
        if self._kind == "categories":
            return _text(value, self._levels)
        found = self._read(value, self._feature.zone)
        if is_missing(found):
            return missing
        if self._levels is None or self._kind != "numbers":
            return found
        return self._levels.get(found, found)

    def series(self, values: list[Any], index: pd.Index) -> pd.Series:
        """Return what was read as a column."""
        if self._kind == "dates":
            return _dates(values, self._feature.zone, index)
        if self._kind == "durations":
            return _durations(values, index)
        if self._kind == "numbers" and self._feature.kind == "numbers":
            return pd.Series(values, index=index, dtype=np.float64)
        of_objects = pd.Series(values, index=index, dtype=object)
        keeps = self._kind == "categories" or self._feature.as_objects
        return of_objects if keeps else of_objects.infer_objects()


def unseen_in(feature: Feature, series: pd.Series, misfits: Sequence[Misfit]) -> list[Misfit]:
    """Return the categories of a column that did not occur in training, missing ones among them.

    Rows that do not fit already are left out.
    """
    if feature.levels is None:
        return []
    levels, wrong = _by_value(feature.levels), {each.row for each in misfits}
    found = []
    for row, value in enumerate(series):
        if row in wrong:
            continue
        if is_missing(value):
            if not feature.knows_missing:
                found.append(Misfit(row, "it is missing, and was never in training", True))
        elif _key(value) not in levels:
            found.append(Misfit(row, f"{value!r} did not occur in training", True))
    return found


def _by_value(levels: Sequence[Any]) -> Mapping[Any, Any]:
    return {_key(level): level for level in levels}


def _padded(levels: Sequence[Any]) -> Mapping[int, str]:
    """Return codes that begin with a zero, by their number; not those that share one."""
    codes = [each for each in levels if isinstance(each, str) and CODE.fullmatch(each)]
    times = Counter(map(int, codes))
    return {int(each): each for each in codes if times[int(each)] == 1}


def _key(value: Any) -> Any:
    """Return a value as categories are compared: dates and durations by their text."""
    if isinstance(value, pd.Timedelta | timedelta):
        return pd.Timedelta(value).isoformat()
    if isinstance(value, date | np.datetime64):
        return pd.Timestamp(value).isoformat()
    return value


# ---------------------------------------------------------------------- kinds


def _as_it_is(value: Any, zone: str | None) -> Any:
    return value


def _number(value: Any, zone: str | None) -> float:
    if isinstance(value, str) and "_" not in value:
        text: Any = value.strip()
    elif isinstance(value, Real | Decimal | np.bool_):
        text = value
    else:
        raise UnfitError(f"{_shown(value)} is not a number")
    try:
        found = float(text)
    except ValueError:
        raise UnfitError(f"{_shown(value)} is not a number") from None
    except OverflowError:
        raise UnfitError(f"{_shown(value)} is too large for a float64") from None
    if np.isinf(found):
        raise UnfitError(f"{_shown(value)} is not finite")
    return found


def _date(value: Any, zone: str | None) -> Any:
    """Return a moment: without a zone, or in UTC where training had times of a zone."""
    found = _moment(value)
    if zone is None and found.tzinfo is not None:
        raise UnfitError(f"{_shown(value)} has a time zone, and the dates of training had none")
    if zone is not None and found.tzinfo is None:
        raise UnfitError(f"{_shown(value)} has no time zone, and those of training were in {zone}")
    try:
        return found if zone is None else found.astimezone(UTC)
    except OverflowError:
        raise UnfitError(f"{_shown(value)} is {BEYOND}") from None


BEYOND = "not in the years 1 to 9999"


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            raise UnfitError(
                f"{_shown(value)} is not a date of ISO 8601, as 2024-02-29 is"
            ) from None
    if isinstance(value, pd.Period):
        return value.to_timestamp()
    if isinstance(value, datetime):
        return value
    if isinstance(value, np.datetime64 | date):
        found = np.datetime64(value).astype("M8[us]").item()
        if isinstance(found, datetime):
            return found
        raise UnfitError(f"{_shown(value)} is {BEYOND}")
    raise UnfitError(f"{_shown(value)} is not a date; give text of ISO 8601, such as 2024-02-29")


def _date_of_level(value: Any, zone: str | None) -> Any:
    """Return a date that is a category, whose zone does not count."""
    found = _moment(value)
    return found.replace(tzinfo=None)


def _duration(value: Any, zone: str | None) -> pd.Timedelta:
    digits = value.strip().lstrip("+-").replace(".", "", 1) if isinstance(value, str) else None
    is_bare = digits is not None and (not digits or digits.isdigit())
    if is_bare or not isinstance(value, str | timedelta | np.timedelta64):
        raise UnfitError(
            f"{_shown(value)} is not a duration; give text of ISO 8601, such as P1DT2H, or with"
            " units"
        )
    try:
        return pd.Timedelta(value)
    except (ValueError, OverflowError):
        raise UnfitError(f"{_shown(value)} is not a duration of ISO 8601, as P1DT2H is") from None


READ: dict[str, Callable[[Any, str | None], Any]] = {
    "numbers": _number,
    "dates": _date,
    "durations": _duration,
}
READ_LEVEL = {**READ, "dates": _date_of_level}


def _text(value: Any, levels: Mapping[Any, Any] | None) -> Any:
    """Return text; of numbers that which training had, as of codes that JSON brings as numbers."""
    known: Mapping[Any, Any] = levels or {}
    if isinstance(value, str):
        return known.get(value, value)
    if isinstance(value, pd.Interval):
        return str(value)
    if not isinstance(value, Real | Decimal | np.bool_):
        raise UnfitError(f"{_shown(value)} is not text")
    number: Any = value
    is_truth = isinstance(value, bool | np.bool_)
    is_whole = not is_truth and abs(number) < 2**63 and number == int(number)
    texts = [str(value), str(value).lower()] if is_truth else [str(value)]
    texts = [*texts, str(int(number))] if is_whole else texts
    for text in texts:
        if text in known:
            return text
    if is_whole and int(number) in known:
        return known[int(number)]
    if is_whole:
        return texts[-1]
    raise UnfitError(f"{_shown(value)} is not text")


def _dates(values: list[Any], zone: str | None, index: pd.Index) -> pd.Series:
    naive = [
        np.datetime64("NaT") if is_missing(value) else value.replace(tzinfo=None)
        for value in values
    ]
    series = pd.Series(np.array(naive, dtype="M8[us]"), index=index)
    return series if zone is None else series.dt.tz_localize("UTC").dt.tz_convert(zone)


def _durations(values: list[Any], index: pd.Index) -> pd.Series:
    listed = [
        np.timedelta64("NaT") if is_missing(value) else value.to_timedelta64() for value in values
    ]
    found = np.array(listed, dtype="m8") if listed else np.array([], dtype="m8[us]")
    is_generic = np.datetime_data(found.dtype)[0] == "generic"
    return pd.Series(found.astype("m8[us]") if is_generic else found, index=index)


def _shown(value: Any) -> str:
    """Return a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
