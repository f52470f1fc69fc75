"""Hyperparameters as fields of a dataclass: which are numeric, and which are missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Real
from typing import Any


def is_numeric(value: Any) -> bool:
    """Return whether a value can travel in the state: a number, or a tuple of numbers."""
    numbers = value if isinstance(value, tuple) else (value,)
    return all(isinstance(number, Real) for number in numbers)


def check_fields(cls: type) -> None:
    """Raise a TypeError if a class annotates hyperparameters that its dataclass lacks."""
    annotations = vars(cls).get("__annotations__", {})
    declared = {name for name, kind in annotations.items() if "ClassVar" not in str(kind)}
    missing = sorted(declared - {field.name for field in dataclasses.fields(cls)})
    if missing:
        raise TypeError(
            f"{cls.__name__} declares {missing[0]!r} but is not a dataclass itself; put"
            " @dataclasses.dataclass(frozen=True) above it."
        )


def unknown_parameter_message(loss_name: str, given: str, known: Sequence[str]) -> str:
    """Return the message for a hyperparameter that a loss does not have."""
    has = f"its parameters are {', '.join(known)}" if known else "it has none"
    return (
        f"Loss {loss_name!r} has no parameter {given!r}; {has}. To search over losses with"
        f" different parameters, give a list of grids: [{{'loss': [{loss_name!r}]}}, {{'loss':"
        f" [...], 'loss__{given}': [...]}}]."
    )
