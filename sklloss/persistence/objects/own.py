"""Names of what users bring: written where it can be imported, imported where it is trusted."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from ..graph import Reader, Writer

REMEDY = "Define it at the top level of a module that can be imported, and give it from there."


class UntrustedNamesError(ValueError):
    """Names of a file that the caller has not allowed."""


def full_name(module: str, name: str) -> str:
    """Return the name by which something is trusted."""
    return f"{module}.{name}"


def own_name(value: Any, writer: Writer) -> dict[str, Any]:
    """Return the node of a class or function of the user.

    Raises
    ------
    CannotWriteError
        If it cannot be imported by its name.
    """
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        raise writer.refuse(f"{value!r:.80} has no name by which it can be imported. {REMEDY}")
    called = f"{'class' if isinstance(value, type) else 'function'} {name!r}"
    if module.partition(".")[0] == __name__.partition(".")[0]:
        raise writer.refuse(f"the {called} of {module} has no name in the format.")
    if "<lambda>" in name:
        raise writer.refuse(f"it is a lambda, which has no name. {REMEDY}")
    if "<locals>" in name:
        raise writer.refuse(f"the {called} is defined inside a function. {REMEDY}")
    if module == "__main__":
        raise writer.refuse(
            f"the {called} is defined in __main__, the script or notebook itself, where another"
            f" process cannot find it. {REMEDY}"
        )
    if _found(sys.modules.get(module), name) is not value:
        raise writer.refuse(f"{module}.{name} is something other than this {called}. {REMEDY}")
    return {"own": [module, name]}


def own_value(payload: Any, reader: Reader) -> Any:
    """Import a class or function of the user, only if its name is trusted."""
    module, name = payload
    check_trusted([full_name(module, name)], reader.trusted)
    try:
        return _found(import_module(module), name)
    except ImportError as error:
        raise ImportError(
            f"{full_name(module, name)} is needed by the file, and cannot be imported: {error}."
            " Install the package, or make its module importable."
        ) from error


def check_trusted(names: Iterable[str], trusted: frozenset[str]) -> None:
    """Raise for names that are not trusted."""
    unknown = sorted(set(names) - trusted)
    if unknown:
        raise UntrustedNamesError(
            f"It needs {', '.join(unknown)}. Importing runs code, so it is done only for names that"
            f" you trust. If you do, load(path, trusted={unknown})."
        )


def _found(module: Any, name: str) -> Any:
    return functools.reduce(getattr, name.split("."), module) if module is not None else None
