"""Labels of users and items: of any type that hashes, numbered from 0."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Number
from typing import Any

import numpy as np

from ...parameters.plain import hashes
from ...parameters.refusals import refuse_rows
from ..inputs.missing import is_missing

# Numbers of labels are not exact in float32 from here on.
MANY = 2**24
# How many unknown labels a message names.
MOST_NAMED = 5


@dataclass(frozen=True)
class Numbering:
    """The labels of users or of items, numbered from 0.

    Attributes
    ----------
    noun : str
        "user" or "item".
    values : list
        Sorted where they can be, otherwise in the order of their first appearance.
    """

    noun: str
    values: list[Any]

    @classmethod
    def of(cls, noun: str, column: Sequence[Any], more: Any = None) -> Numbering:
        """Number the labels of a column, and those that are named beside it."""
        named = [] if more is None else listed("partial_fit", more, noun)
        distinct = {**_distinct(noun, column), **_distinct(noun, named)}
        if len(distinct) >= MANY:
            raise ValueError(
                f"interactions have {len(distinct):,} {noun}s, and at most {MANY - 1:,} can be told"
                " apart. Leave out the rarest."
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
        """Return the number of each label, -1 for unknown ones.

        Raises
        ------
        ValueError
            If a label is missing; or if none is known and all are of another kind, such as text
            instead of numbers.
        TypeError
            If one does not hash.
        """
        kinds = {_kind(label) for label in _distinct(self.noun, column)}
        numbers = np.array([self._numbers.get(label, -1) for label in column], dtype=np.int64)
        known = {_kind(label) for label in self.values}
        if len(numbers) and numbers.max() < 0 and not kinds & known:
            given, fitted = (" and ".join(sorted(each)) for each in (kinds, known))
            raise ValueError(
                f"None of the {len(numbers)} {self.noun}s is known: they are {given}, for"
                f" example {column[0]!r}, and those of fit {fitted}, for example"
                f" {self.values[0]!r}. Give {self.noun}s of the same type; np.array turns numbers"
                " beside text into text."
            )
        return numbers

    def numbers_of(self, who: str, labels: Any) -> np.ndarray:
        """Return the numbers of labels that fit has seen; `who` is what messages begin with.

        Raises
        ------
        ValueError
            If it has not seen some of them.
        TypeError
            If they are no sequence.
        """
        column = listed(who, labels, self.noun)
        numbers = self.encode(column)
        unknown = [repr(column[k]) for k in np.flatnonzero(numbers < 0)]
        if unknown:
            more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
            raise ValueError(
                f"{who} knows the {self.noun}s of fit alone, and {len(unknown)} of {len(column)}"
                f" are others: {', '.join(unknown[:MOST_NAMED])}{more}. Leave them out; those of"
                f" fit are in {self.noun}s_."
            )
        return numbers

    def chosen(self, who: str, only: Any, without: Any) -> np.ndarray | None:
        """Return which labels are among some and not among others; None where both are None."""
        if only is None and without is None:
            return None
        is_chosen = np.full(len(self), only is None)
        if only is not None:
            is_chosen[self.numbers_of(who, only)] = True
        if without is not None:
            is_chosen[self.numbers_of(who, without)] = False
        return is_chosen

    def check_named(self, more: Any) -> None:
        """Raise if labels are named (None names none) that the first call did not bring."""
        if more is not None:
            column = listed("partial_fit", more, self.noun)
            self.check_known(self.encode(column), column, np.arange(len(column)))

    def check_known(self, numbers: np.ndarray, column: Sequence[Any], rows: np.ndarray) -> None:
        """Raise if labels in some rows of a column have no number."""
        wrong = np.zeros(len(column), dtype=bool)
        wrong[rows] = numbers[rows] < 0
        refuse_rows(
            wrong,
            f"Training goes on with the {self.noun}s of the first call",
            f"have {self.noun}s that it did not bring",
            f"Name all of them in the first call, partial_fit(..., {self.noun}s=...), or fit again"
            " with warm_start=False.",
            example=column.__getitem__,
        )


def listed(who: str, labels: Any, noun: str = "user") -> list[Any]:
    """Return labels of users or items as a list."""
    if hasattr(labels, "columns"):
        raise TypeError(
            f"{who} needs a sequence of {noun}s; got a DataFrame of {labels.shape[1]} columns. Give"
            f" the column of {noun}s alone: X[{labels.columns[0]!r}].unique()."
        )
    if isinstance(labels, str | bytes) or not isinstance(labels, Iterable):
        raise TypeError(
            f"{who} needs a sequence of {noun}s; got {labels!r}. For one {noun} give [{labels!r}]."
        )
    axes = getattr(labels, "ndim", 1)
    if axes != 1:
        raise TypeError(
            f"{who} needs a sequence of {noun}s; got a {type(labels).__name__} of {axes}"
            " dimensions. Give one column, or a list."
        )
    return labels.tolist() if hasattr(labels, "tolist") else list(labels)


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
            f"{where}{noun}s need labels that hash, such as numbers, text or tuples; row {row} has"
            f" {label!r} of type {type(label).__name__}. Turn it into a tuple or a text."
        ) from None


def _distinct(noun: str, column: Sequence[Any]) -> dict[Any, None]:
    """Return the labels of a column in the order of their first appearance, none missing."""
    distinct = distinct_of(column, noun)
    if any(map(is_missing, distinct)):
        wrong = [is_missing(label) for label in column]
        remedy = "Leave these rows out."
        refuse_rows(wrong, f"{noun}s need labels", "have none", remedy, example=column.__getitem__)
    return distinct


def _kind(label: Any) -> str:
    if isinstance(label, str):
        return "text"
    return "numbers" if isinstance(label, Number) else type(label).__name__
