"""The code that rebuilds an estimator: its imports, and a call with the parameters that differ."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ...losses import Loss

# Longest line.
WIDTH = 88
# Names that plain numbers need.
SPECIAL = {"nan": 'float("nan")', "inf": 'float("inf")', "-inf": 'float("-inf")'}


def code_of(estimator: Any, name: str = "model") -> str:
    """Return code that rebuilds an unfitted estimator.

    Parameters
    ----------
    estimator : estimator
        Its own parameters and those of what it wraps are written where they differ from defaults.
    name : str, default="model"
        What the code calls it.

    Returns
    -------
    str
        Imports, then one assignment.  What no code rebuilds, such as a module with trained weights
        or a lambda, becomes a name to be defined, with a comment that says so.

    Examples
    --------
    >>> from sklloss import NeuralRegressor
    >>> from sklloss.losses import Huber
    >>> print(code_of(NeuralRegressor(Huber(delta=2.0), random_state=0)))
    from sklloss import NeuralRegressor
    from sklloss.losses import Huber
    <BLANKLINE>
    model = NeuralRegressor(loss=Huber(delta=2.0), random_state=0)
    """
    writer = _Writer()
    value = writer.text(estimator, indent=0, used=len(name) + len(" = "))
    blocks = [writer.import_lines(), writer.open_lines(), [f"{name} = {value}"]]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


class _Writer:
    """Writes values as code, and notes what that code needs.

    Attributes
    ----------
    imports : dict of set of str
        Names by module.
    modules : dict of str
        Aliases of modules.
    undefined : dict of str
        What stands for things that no code rebuilds, by the name that it has in the code.
    local : set of str
        Names that the user's own script defines.
    """

    def __init__(self) -> None:
        self.imports: dict[str, set[str]] = {}
        self.modules: dict[str, str] = {}
        self.undefined: dict[str, str] = {}
        self.local: set[str] = set()

    def import_lines(self) -> list[str]:
        """Return the imports, in alphabetical order."""
        lines = [f"import {module} as {alias}" for module, alias in self.modules.items()]
        named = sorted(self.imports.items())
        return lines + [
            f"from {module} import {', '.join(sorted(names))}" for module, names in named
        ]

    def open_lines(self) -> list[str]:
        """Return what the reader has to add."""
        defined = [f"# {name} is defined in your script: define it here." for name in self.local]
        return defined + [f"{name} = ...  # {what}" for name, what in self.undefined.items()]

    def text(self, value: Any, indent: int, used: int) -> str:
        """Return the code of a value, on lines that begin after `used` columns."""
        for kind, write in WRITERS:
            if isinstance(value, kind):
                return write(self, value, indent, used)
        return self._undefined(value)

    def call(
        self, head: str, entries: list[tuple[str, Any]], tail: str, indent: int, used: int
    ) -> str:
        """Return entries between brackets, on one line if they fit, else on one line each."""
        inside = [
            f"{key}{self.text(each, indent + 4, indent + 4 + len(key))}" for key, each in entries
        ]
        one_line = f"{head}{', '.join(inside)}{tail}"
        if "\n" not in one_line and used + len(one_line) <= WIDTH:
            return one_line
        pad = " " * (indent + 4)
        lines = "".join(f"{pad}{each},\n" for each in inside)
        return f"{head}\n{lines}{' ' * indent}{tail}"

    def imported(self, thing: Any) -> str:
        """Return the name of a class or function, imported from where users import it."""
        name = thing.__qualname__
        if not name.isidentifier():
            return self._undefined(thing)
        if thing.__module__ == "__main__":
            self.local.add(name)
            return name
        module = public_module(thing)
        if module == "builtins":
            return name
        self.imports.setdefault(module, set()).add(name)
        return name

    def estimator(self, value: BaseEstimator, indent: int, used: int) -> str:
        """Return the call of its class with the parameters that differ from defaults."""
        return self.call(f"{self.imported(type(value))}(", _changed(value), ")", indent, used)

    def loss(self, value: Loss, indent: int, used: int) -> str:
        """Return the call of its class, or of `get_loss` for a user's own."""
        function = getattr(value, "function", None)
        if function is None:
            entries = [(f"{name}=", held) for name, held in value.params.items()]
            return self.call(f"{self.imported(type(value))}(", entries, ")", indent, used)
        self.imports.setdefault("sklloss", set()).add("get_loss")
        keywords: Iterable[tuple[str, Any]] = getattr(value, "keywords", ())
        entries = [("", function), ("task=", value.task), *((f"{k}=", v) for k, v in keywords)]
        return self.call("get_loss(", entries, ")", indent, used)

    def array(self, value: np.ndarray, indent: int, used: int) -> str:
        """Return ``np.array`` of its numbers."""
        self.modules["numpy"] = "np"
        return self.call("np.array(", [("", value.tolist())], ")", indent, used)

    def mapping(self, value: Mapping[Any, Any], indent: int, used: int) -> str:
        """Return a dict."""
        entries = [(f"{self.text(key, indent, 0)}: ", held) for key, held in value.items()]
        return self.call("{", entries, "}", indent, used)

    def sequence(self, value: Any, indent: int, used: int) -> str:
        """Return a list or a tuple."""
        if isinstance(value, tuple) and len(value) == 1:
            return f"({self.text(value[0], indent, used + 1)},)"
        start, stop = "()" if isinstance(value, tuple) else "[]"
        return self.call(start, [("", each) for each in value], stop, indent, used)

    def number(self, value: float, indent: int, used: int) -> str:
        """Return a number."""
        return SPECIAL.get(repr(value), repr(value))

    def scalar(self, value: np.generic, indent: int, used: int) -> str:
        """Return a number of NumPy as one of Python."""
        return self.text(value.item(), indent, used)

    def constant(self, value: Any, indent: int, used: int) -> str:
        """Return what prints as code: text, a whole number, None."""
        quoted = repr(value)
        is_plain_text = isinstance(value, str) and '"' not in quoted
        return f'"{quoted[1:-1]}"' if is_plain_text and quoted[0] == "'" else quoted

    def named(self, value: Any, indent: int, used: int) -> str:
        """Return the name of a class or function."""
        return self.imported(value)

    def ufunc(self, value: np.ufunc, indent: int, used: int) -> str:
        """Return the name of a function of NumPy; others have no module that they know."""
        if getattr(np, value.__name__, None) is not value:
            return self._undefined(value)
        self.modules["numpy"] = "np"
        return f"np.{value.__name__}"

    def _undefined(self, value: Any) -> str:
        what = value if isinstance(value, type | FunctionType) else type(value)
        given = getattr(what, "__name__", "value").strip("<>").lower() or "value"
        name = f"your_{given}" + "_2" * (f"your_{given}" in self.undefined)
        self.undefined[name] = " ".join(f"put it here: {value!r}".split())[:WIDTH]
        return name


def public_module(thing: Any) -> str:
    """Return the shortest module that exports a class or function.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> public_module(StandardScaler)
    'sklearn.preprocessing'
    """
    parts = thing.__module__.split(".")
    for n_parts in range(1, len(parts)):
        module = ".".join(parts[:n_parts])
        if getattr(importlib.import_module(module), thing.__name__, None) is thing:
            return module
    return thing.__module__


def _changed(estimator: BaseEstimator) -> list[tuple[str, Any]]:
    """Return the parameters that differ from their defaults, as keywords."""
    defaults = inspect.signature(type(estimator)).parameters
    params = estimator.get_params(deep=False).items()
    return [(f"{name}=", value) for name, value in params if _differs(value, defaults.get(name))]


def _differs(value: Any, parameter: inspect.Parameter | None) -> bool:
    """Return whether a value differs from the default of its parameter; arrays print alike."""
    return (
        parameter is None
        or type(value) is not type(parameter.default)
        or (repr(value) != repr(parameter.default))
    )


Write = Callable[[_Writer, Any, int, int], str]
WRITERS: tuple[tuple[Any, Write], ...] = (
    ((type, FunctionType, BuiltinFunctionType), _Writer.named),
    (np.ufunc, _Writer.ufunc),
    (Loss, _Writer.loss),
    (BaseEstimator, _Writer.estimator),
    (np.ndarray, _Writer.array),
    (np.generic, _Writer.scalar),
    (Mapping, _Writer.mapping),
    ((list, tuple), _Writer.sequence),
    (bool, _Writer.constant),
    (float, _Writer.number),
    ((str, bytes, int, complex, type(None)), _Writer.constant),
)
