"""Domains: the values that a parameter or a target may take."""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from .names import did_you_mean

Closed = Literal["both", "left", "right", "neither"]


class Domain(Protocol):
    """A set of values: membership, and words for it."""

    def __contains__(self, value: object) -> bool: ...

    def describe(self, name: str) -> str:
        """Say the condition on `name`, for example ``delta > 0``."""
        ...


@dataclass(frozen=True)
class Interval:
    """Numbers between `low` and `high`.

    Parameters
    ----------
    low, high : float, default=-inf, inf
        The ends.
    closed : {"both", "left", "right", "neither"}, default="both"
        Which ends belong to the interval.  Infinity never does.
    integer : bool, default=False
        Whether only whole numbers belong to it.

    Examples
    --------
    >>> Interval(0, closed="neither").describe("delta")
    'delta > 0'
    >>> Interval(0, 1, closed="neither").describe("quantile")
    '0 < quantile < 1'
    >>> 1.5 in Interval(0, 1)
    False
    """

    low: float = -math.inf
    high: float = math.inf
    closed: Closed = "both"
    integer: bool = False

    def inside(self, values: Any) -> Any:
        """Return which of the values lie in the interval.

        Parameters
        ----------
        values : array-like or float
            Numbers.

        Returns
        -------
        ndarray of bool, or bool
            True for values in the interval; False for NaN.
        """
        above = values >= self.low if self._closed_at("left") else values > self.low
        below = values <= self.high if self._closed_at("right") else values < self.high
        inside = above & below & np.isfinite(values)
        return inside & (values == np.round(values)) if self.integer else inside

    def __contains__(self, value: object) -> bool:
        kind = numbers.Integral if self.integer else numbers.Real
        is_number = isinstance(value, kind) and not isinstance(value, bool | np.bool_)
        return is_number and bool(self.inside(_as_float(value)))

    def describe(self, name: str) -> str:
        """Return the condition on a parameter in words.

        Parameters
        ----------
        name : str
            Name of the parameter.

        Returns
        -------
        str
            Such as ``delta > 0``.
        """
        whole = " (a whole number)" if self.integer else ""
        less = "<=" if self._closed_at("right") else "<"
        more = "<=" if self._closed_at("left") else "<"
        if math.isinf(self.low) and math.isinf(self.high):
            return f"a finite {name}{whole}"
        if math.isinf(self.high):
            return f"{name} {more.replace('<', '>')} {self.low:g}{whole}"
        low = "" if math.isinf(self.low) else f"{self.low:g} {more} "
        return f"{low}{name} {less} {self.high:g}{whole}"

    def _closed_at(self, end: str) -> bool:
        return self.closed in ("both", end)


def _as_float(number: Any) -> float:
    """Return a number as a float; infinity where it is too large for one."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


@dataclass(frozen=True)
class Choice:
    """One of the listed values.

    Parameters
    ----------
    *options : object
        The values; they are compared by type and value.

    Examples
    --------
    >>> Choice("mean", "median").describe("statistic")
    "statistic to be one of 'mean', 'median'"
    """

    options: tuple[Any, ...]

    def __init__(self, *options: Any) -> None:
        object.__setattr__(self, "options", options)

    def __contains__(self, value: object) -> bool:
        return any(type(value) is type(option) and value == option for option in self.options)

    def describe(self, name: str) -> str:
        """Return the condition on a parameter in words.

        Parameters
        ----------
        name : str
            Name of the parameter.

        Returns
        -------
        str
            Such as ``statistic to be one of 'mean', 'median'``.
        """
        options = ", ".join(map(repr, self.options))
        return f"{name} to be {'one of ' if len(self.options) > 1 else ''}{options}"


@dataclass(frozen=True)
class Satisfies:
    """Values for which a predicate holds; `values` says in words what they are."""

    predicate: Callable[[Any], bool]
    values: str

    def __contains__(self, value: object) -> bool:
        return bool(self.predicate(value))

    def describe(self, name: str) -> str:
        """Say the condition on `name`."""
        return f"{name} to be {self.values}"


@dataclass(frozen=True)
class Either:
    """Values of any of several domains."""

    domains: tuple[Domain, ...]

    def __init__(self, *domains: Domain) -> None:
        object.__setattr__(self, "domains", domains)

    @property
    def options(self) -> tuple[Any, ...]:
        """The values that are listed one by one."""
        return tuple(option for each in self.domains for option in getattr(each, "options", ()))

    def __contains__(self, value: object) -> bool:
        return any(value in domain for domain in self.domains)

    def describe(self, name: str) -> str:
        """Say the condition on `name`."""
        return " or ".join(domain.describe(name) for domain in self.domains)


@dataclass(frozen=True)
class Tuple:
    """Tuples whose items all lie in one domain.

    Examples
    --------
    >>> Tuple(Interval(0, 1, closed="neither"), increasing=True).describe("quantiles")
    'quantiles to be a tuple of increasing numbers, 0 < each < 1'
    """

    item: Domain
    increasing: bool = False
    min_length: int = 1

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, tuple) or len(value) < self.min_length:
            return False
        in_order = not self.increasing or all(a < b for a, b in itertools.pairwise(value))
        return in_order and all(item in self.item for item in value)

    def describe(self, name: str) -> str:
        """Say the condition on `name`."""
        order = "increasing " if self.increasing else ""
        return f"{name} to be a tuple of {order}numbers, {self.item.describe('each')}"


def check_in_domain(owner: str, name: str, value: object, domain: Domain, remedy: str) -> None:
    """Raise a ValueError that names the owner, the condition, the value and the remedy."""
    if value not in domain:
        options = getattr(domain, "options", ()) if isinstance(value, str) else ()
        hint = did_you_mean(value, [option for option in options if isinstance(option, str)])
        advice = " ".join(filter(None, (hint, remedy)))
        raise ValueError(f"{owner} needs {domain.describe(name)}; got {value!r}. {advice}")
