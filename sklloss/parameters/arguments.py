"""Arguments that a method does not have, answered with what they are called here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, TypeVar

from .names import did_you_mean
from .synonyms import PARAMETERS, Synonym, loss_synonym

Method = TypeVar("Method", bound=Callable[..., Any])


def explaining_unknown(method: Method) -> Method:
    """Return a method of an estimator that explains keywords which it does not have.

    Python's own error says only that a keyword is unexpected. The signature stays what it is.
    """
    parameters = inspect.signature(method).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return method
    known = [each.name for each in parameters if each.name != "self"]
    is_constructor = method.__name__ == "__init__"

    @wraps(method)
    def explained(self: Any, *args: Any, **kwargs: Any) -> Any:
        for name in [name for name in kwargs if name not in known]:
            cls, value = type(self), kwargs[name]
            if is_constructor:
                raise TypeError(of_constructor(cls.__name__, name, value, known))
            raise TypeError(of_method(cls, method.__name__, name, value, known))
        return method(self, *args, **kwargs)

    return explained  # type: ignore[return-value]


def synonym_of(name: str, known: Collection[str]) -> Synonym | None:
    """Return what another library's name means, if it concerns any of the known parameters."""
    found = PARAMETERS.get(name)
    return found if found is not None and (not found.ours or found.ours in known) else None


def of_constructor(owner: str, name: str, value: Any, known: Collection[str]) -> str:
    """Return the message for an argument that the constructor of an estimator lacks."""
    holder, is_nested, _ = name.partition("__")
    if is_nested and holder in known:
        return (
            f"{owner} has no parameter {name!r}. Parameters of {holder} are set by"
            f" set_params({_written(name, value)}) or in the grid of a search."
        )
    synonym = synonym_of(name, known)
    if synonym is not None:
        return f"{owner} has no parameter {name!r} ({synonym.library}). {said(synonym, value)}"
    hint = did_you_mean(name, known) or f"Its parameters are {', '.join(known)}."
    return f"{owner} has no parameter {name!r}. {hint}"


def of_method(cls: Any, method: str, name: str, value: Any, known: Collection[str]) -> str:
    """Return the message for an argument that a method of an estimator lacks."""
    owner, of_constructor = cls.__name__, cls._get_param_names()
    if name in of_constructor:
        given = f"{owner}({_written(name, value)})"
        return f"{method} has no argument {name!r}. Give it to the constructor: {given}."
    synonym = synonym_of(name, of_constructor)
    if synonym is not None:
        told = said(synonym, value, f"{owner}({{}})")
        return f"{method} has no argument {name!r} ({synonym.library}). {told}"
    takes = f"{method} has no argument {name!r}; it takes {', '.join(known)}."
    return f"{takes} {did_you_mean(name, known)}".rstrip()


def said(synonym: Synonym, value: Any, within: str = "{}") -> str:
    """Return how another library's parameter is written here, and what differs."""
    if synonym.ours == "loss" and isinstance(value, str):
        found, _ = loss_synonym(value)
        value = found.ours if found else value
    code = synonym.code_of(value)
    written = f"In sklloss this is {within.format(code)}." if code else ""
    return f"{written} {synonym.remark}".strip()


def _written(name: str, value: Any) -> str:
    return f"{name}={value!r}" if isinstance(value, str | int | float | None) else f"{name}=..."
