"""Who took what, as it is given: pairs of labels of any hashable type, numbered and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from numbers import Number
from typing import Any

import numpy as np
from scipy import sparse

from ..fit.prepared import hashes
from ..inputs.floats import check_finite, floats_of
from ..inputs.missing import is_missing

MANY = 2**24  # labels: their numbers from here on are not exact in float32
GIVE_PAIRS = "Give one pair (user, item) per row: a DataFrame of two columns, an array of shape (n_samples, 2) or a list of pairs."


def columns_of(interactions: Any) -> tuple[list[Any], list[Any]]:
    """Return the users and the items of pairs, as many as there are rows.

    Raises
    ------
    ValueError
        If there is none, or rows are no pairs.
    TypeError
        If the interactions are a sparse matrix; or have no order, or can be read only once, as a set or a generator.
    """
    if sparse.issparse(interactions):
        raise TypeError(
            "interactions are a sparse matrix. Give its pairs, and what it holds as ratings or counts: rows, columns = X.nonzero();"
            " fit(np.column_stack((rows, columns)), X[rows, columns])."
        )
    if isinstance(interactions, Set | Mapping | Iterator):
        raise TypeError(
            f"interactions are a {type(interactions).__name__}; they need an order of rows that can be read again. Give list(...) of the"
            " pairs, and what belongs to each pair as ratings."
        )
    has_axes = hasattr(interactions, "iloc") or hasattr(interactions, "__array__")
    users, items = _by_axis(interactions) if has_axes else _by_row(interactions)
    if not users:
        raise ValueError(f"interactions have 0 rows, and at least 1 is needed. {GIVE_PAIRS}")
    return users, items


def _by_axis(interactions: Any) -> tuple[list[Any], list[Any]]:
    is_frame = hasattr(interactions, "iloc")
    table: Any = interactions if is_frame else np.asarray(interactions)
    if table.ndim != 2 or table.shape[1] != 2:
        hint = " Ratings or counts are an argument of their own." if table.shape[1:] == (3,) else ""
        raise ValueError(
            f"interactions need two columns, a user and an item; got the shape {table.shape}.{hint} {GIVE_PAIRS}"
        )
    if is_frame:
        return table.iloc[:, 0].tolist(), table.iloc[:, 1].tolist()
    return table[:, 0].tolist(), table[:, 1].tolist()


def _by_row(interactions: Any) -> tuple[list[Any], list[Any]]:
    rows = list(interactions) if isinstance(interactions, Iterable) else [interactions]
    wrong = [k for k, row in enumerate(rows) if not _is_pair(row)]
    if wrong:
        raise ValueError(
            f"interactions need pairs (user, item); {len(wrong)} of {len(rows)} rows are none, for example row {wrong[0]},"
            f" {rows[wrong[0]]!r}. {GIVE_PAIRS}"
        )
    return [row[0] for row in rows], [row[1] for row in rows]


def _is_pair(row: Any) -> bool:
    is_row = isinstance(row, Sequence | np.ndarray) and not isinstance(row, str | bytes | bytearray)
    return is_row and len(row) == 2


def names_of(interactions: Any) -> list[Any] | None:
    """Return the names of the columns of a DataFrame, where they are text."""
    names = list(getattr(interactions, "columns", ()))
    return names if names and all(isinstance(name, str) for name in names) else None


def listed(who: str, labels: Any, noun: str = "user") -> list[Any]:
    """Return labels of users or items as a list."""
    if hasattr(labels, "columns"):
        raise TypeError(
            f"{who} needs a sequence of {noun}s; got a DataFrame of {labels.shape[1]} columns. Give the column of {noun}s alone:"
            f" X[{labels.columns[0]!r}].unique()."
        )
    if isinstance(labels, str | bytes) or not isinstance(labels, Iterable):
        raise TypeError(
            f"{who} needs a sequence of {noun}s; got {labels!r}. For one {noun} give [{labels!r}]."
        )
    axes = getattr(labels, "ndim", 1)
    if axes != 1:
        raise TypeError(
            f"{who} needs a sequence of {noun}s; got a {type(labels).__name__} of {axes} dimensions. Give one column, or a list."
        )
    return labels.tolist() if hasattr(labels, "tolist") else list(labels)


@dataclass(frozen=True)
class Labels:
    """Labels of users or of items, numbered from 0.

    Attributes
    ----------
    noun : str
        "user" or "item".
    values : list
        Sorted where they can be, else in the order of their first appearance.
    """

    noun: str
    values: list[Any]

    @classmethod
    def of(cls, noun: str, column: Sequence[Any], more: Any = None) -> Labels:
        """Learn the labels of a column, and those that are named beside it."""
        named = [] if more is None else listed("partial_fit", more, noun)
        distinct = {**_distinct(noun, column), **_distinct(noun, named)}
        if len(distinct) >= MANY:
            raise ValueError(
                f"interactions have {len(distinct):,} {noun}s, and at most {MANY - 1:,} can be told apart. Leave out the rarest."
            )
        try:
            return cls(noun, sorted(distinct))
        except TypeError:
            return cls(noun, list(distinct))

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def _numbers(self) -> dict[Any, int]:
        return {label: number for number, label in enumerate(self.values)}

    @property
    def array(self) -> np.ndarray:
        """The labels, as an array of one axis."""
        if len(set(map(type, self.values))) == 1 and isinstance(self.values[0], str | Number):
            return np.array(self.values)
        array = np.empty(len(self), dtype=object)
        array[:] = self.values
        return array

    def encode(self, column: Sequence[Any]) -> np.ndarray:
        """Return the number of each label, -1 for those never seen.

        Raises
        ------
        ValueError
            If a label is missing; or none is known, and all are of another kind, as text is to numbers.
        TypeError
            If one does not hash.
        """
        kinds = {_kind(label) for label in _distinct(self.noun, column)}
        numbers = np.array([self._numbers.get(label, -1) for label in column], dtype=np.int64)
        known = {_kind(label) for label in self.values}
        if len(numbers) and numbers.max() < 0 and not kinds & known:
            raise ValueError(
                f"None of the {len(numbers)} {self.noun}s is known: they are {_listed(kinds)}, for example {column[0]!r}, and those of fit"
                f" {_listed(known)}, for example {self.values[0]!r}. Give {self.noun}s of the same type; np.array turns numbers beside text"
                " into text."
            )
        return numbers

    def check_named(self, more: Any) -> None:
        """Refuse labels, or None, that are named too late."""
        if more is not None:
            column = listed("partial_fit", more, self.noun)
            self.check_known(self.encode(column), column, np.arange(len(column)))

    def check_known(self, numbers: np.ndarray, column: Sequence[Any], rows: np.ndarray) -> None:
        """Refuse labels without a number among those of some rows of a column."""
        unknown = rows[numbers < 0]
        if len(unknown):
            row = int(unknown[0])
            raise ValueError(
                f"{len(unknown)} of {len(column)} rows have {self.noun}s that the first call did not bring, for example row {row},"
                f" {column[row]!r}. Name all of them in the first call, partial_fit(..., {self.noun}s=...), or fit anew with"
                " warm_start=False."
            )


@dataclass(frozen=True)
class Taken:
    """What each user of some pairs took.

    Attributes
    ----------
    users : ndarray of shape (n_users,)
        Their numbers, -1 for each one never seen.
    items : list of set
        Of each user the numbers of the items, and in place of a number a tuple for an item never seen.
    """

    users: np.ndarray
    items: list[set[Any]]

    @classmethod
    def of(cls, pairs: np.ndarray, users: Sequence[Any], items: Sequence[Any]) -> Taken:
        """Sort pairs of numbers (n_samples, 2), and the labels that they stand for, by user."""
        numbers: dict[Any, int] = {}
        taken: dict[Any, set[Any]] = {}
        for user, item, (of_user, of_item) in zip(users, items, pairs.tolist(), strict=True):
            numbers[user] = of_user
            taken.setdefault(user, set()).add(of_item if of_item >= 0 else (item,))
        return cls(np.array(list(numbers.values()), dtype=np.int64), list(taken.values()))

    @property
    def known(self) -> list[np.ndarray]:
        """Of each user the numbers of items that have one."""
        found = ([item for item in each if isinstance(item, int)] for each in self.items)
        return [np.array(numbers, dtype=np.int64) for numbers in found]


def _distinct(noun: str, column: Iterable[Any]) -> dict[Any, None]:
    """Return the labels of a column in the order of their first appearance, checked."""
    column = list(column)
    distinct = distinct_of(column, noun)
    if any(map(is_missing, distinct)):
        rows = [k for k, label in enumerate(column) if is_missing(label)]
        raise ValueError(
            f"{noun}s need labels; {len(rows)} of {len(column)} rows have none, for example row {rows[0]}, {column[rows[0]]!r}. Leave these"
            " rows out."
        )
    return distinct


def distinct_of(labels: Sequence[Any], noun: str, where: str = "") -> dict[Any, None]:
    """Return labels in the order of their first appearance; `where` is what messages begin with.

    Raises
    ------
    TypeError
        If one does not hash.
    """
    try:
        return dict.fromkeys(labels)
    except TypeError:
        row, label = next(pair for pair in enumerate(labels) if not hashes(pair[1]))
        raise TypeError(
            f"{where}{noun}s need labels that hash, as numbers, text or tuples; row {row} has {label!r} of type {type(label).__name__}. Turn"
            " it into a tuple or a text."
        ) from None


def _kind(label: Any) -> str:
    if isinstance(label, str):
        return "text"
    return "numbers" if isinstance(label, Number) else type(label).__name__


def _listed(kinds: Iterable[str]) -> str:
    return " and ".join(sorted(kinds))


def check_given(loss: str, ratings: Any) -> None:
    """Refuse a loss of ratings where there are none."""
    if ratings is None:
        raise ValueError(
            f"Loss {loss!r} learns ratings, and ratings are None. Give one rating per pair, or choose a loss of an order: 'bpr',"
            " 'warp', 'hinge' or 'infonce'."
        )


def checked_ratings(ratings: Any, n_rows: int) -> np.ndarray:
    """Return ratings or counts as floats of shape (n_rows,).

    Raises
    ------
    ValueError
        If they are no finite numbers, or not one per pair.
    """
    values = floats_of(ratings, "ratings")
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if values.shape != (n_rows,):
        raise ValueError(
            f"ratings need one number per pair, shape ({n_rows},); got {values.shape}. Give as many as there are interactions."
        )
    check_finite(values, "ratings")
    return values


def checked_counts(counts: Any, n_rows: int) -> np.ndarray:
    """Return what stands beside pairs as how often each was seen, shape (n_rows,).

    Raises
    ------
    ValueError
        If one is negative or not finite, or all are 0.
    """
    values = checked_ratings(counts, n_rows)
    negative = np.flatnonzero(values < 0)
    if len(negative):
        raise ValueError(
            f"Beside pairs without ratings, a loss such as 'bpr' takes counts or confidences >= 0 as ratings; {len(negative)} of {n_rows} are"
            f" negative, for example row {negative[0]}, {values[negative[0]]:g}. Leave out what users disliked, or choose a loss of ratings,"
            " as 'mse'."
        )
    if not values.any():
        raise ValueError(
            f"The counts of all {n_rows} pairs are 0, so there is nothing to learn from. Leave ratings out where every pair counts."
        )
    return values
