"""Classes and functions as values: by a name of this format, of torch, NumPy or scikit-learn."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from importlib import import_module
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..container import DamagedFileError
from ..graph import Codec, Reader, Writer
from .names import class_named, name_of
from .own import own_name, own_value

TYPES: Mapping[str, type] = {
    **{t.__name__: t for t in (bool, int, float, complex, str, bytes, object, list, tuple, dict)},
    **{f"numpy.{t.__name__}": t for t in (*np.sctypeDict.values(), np.number, np.integer)},
    **{f"numpy.{t.__name__}": t for t in (np.floating, np.inexact, np.generic)},
    "pandas.DataFrame": pd.DataFrame,
    "pandas.Series": pd.Series,
}
NAMES_OF_TYPES = {cls: name for name, cls in TYPES.items()}
# Other tables, whose libraries may be missing.
FRAMES = {"polars.DataFrame": ("polars", "DataFrame"), "pyarrow.Table": ("pyarrow", "Table")}
# Functions by the module from which they are public.
POINTWISE = ("tanh", "relu", "sigmoid", "exp", "log", "sin", "cos", "abs", "sqrt", "square")
FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "builtins": ("print",),
    "skorch.utils": ("to_numpy", "to_tensor"),
    "torch": POINTWISE,
    "sklloss.training": ("print_line",),
    "sklloss.estimators": (
        *("character_error_rate", "mean_ndcg", "ndcg_at", "recall_at", "token_error_rate"),
        "word_error_rate",
    ),
}
# Modules all of whose public functions may stand in a file: they compute, and do nothing else.
COMPUTING = {"sklearn.metrics": FunctionType, "numpy": np.ufunc, "scipy.special": np.ufunc}
# Where the functions of torch.nn.functional are defined.
MODULES_OF_TORCH = ("torch.nn.functional", "torch._C._nn")
# How selectors of features score columns, by the names that skops gives them.
SCORES = ("f_classif", "f_regression", "chi2", "mutual_info_classif", "mutual_info_regression")
TORCH_FAMILIES: Mapping[str, type] = {
    "torch.nn": torch.nn.Module,
    "torch.optim": torch.optim.Optimizer,
    "torch.optim.lr_scheduler": torch.optim.lr_scheduler.LRScheduler,
}


class Classes(Codec):
    """Classes as values, such as an optimiser or the network of an estimator."""

    kinds = ("type", "class", "torch", "own")

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if not isinstance(value, type):
            return None
        if value in NAMES_OF_TYPES:
            return {"type": NAMES_OF_TYPES[value]}
        for name, (library, own) in FRAMES.items():
            if value.__name__ == own and value.__module__.partition(".")[0] == library:
                return {"type": name}
        return class_node(value, writer)

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a class, or a function of the user."""
        if kind == "class":
            return class_named(payload)
        if kind == "own":
            return own_value(payload, reader)
        if kind == "torch":
            family, _, name = payload.rpartition(".")
            found = _of_torch(family, name)
            if found is None:
                raise DamagedFileError(
                    f"{payload!r:.60} is not a class of torch that a file may name"
                )
            return found
        if payload in FRAMES:
            module, name = FRAMES[payload]
            return getattr(import_module(module), name)
        return TYPES[payload]


def class_node(cls: type, writer: Writer) -> dict[str, Any]:
    """Return the node of a class of this package, of torch, or of the user."""
    name = name_of(cls)
    if name is not None:
        return {"class": name}
    for family in (*TORCH_FAMILIES, cls.__module__):
        if _of_torch(family, cls.__name__) is cls:
            return {"torch": f"{family}.{cls.__name__}"}
    return own_name(cls, writer)


def _of_torch(family: str, name: str) -> type | None:
    """Return a class of torch, a module, an optimiser or a schedule, None for anything else."""
    base = torch.nn.Module if family.startswith("torch.nn.modules.") else TORCH_FAMILIES.get(family)
    # Importing torch has imported all of these.
    found = getattr(sys.modules.get(family), name, None)
    is_allowed = base is not None and isinstance(found, type) and issubclass(found, base)
    return found if is_allowed else None


class Functions(Codec):
    """Functions: of NumPy, scikit-learn and torch by name, of others where they are trusted."""

    kinds = ("function", "partial")

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if type(value) is functools.partial:
            parts = [("func", value.func), ("args", value.args), ("keywords", value.keywords)]
            return {"partial": writer.pairs(parts)}
        if isinstance(value, MethodType):
            raise writer.refuse(
                f"it is the method {value.__qualname__!r} of an object. Give a function instead."
            )
        if not isinstance(value, FunctionType | BuiltinFunctionType | np.ufunc):
            return None
        known = _known_name(value)
        return own_name(value, writer) if known is None else {"function": known}

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if kind == "partial":
            parts = reader.named(payload)
            if not isinstance(parts["args"], tuple):
                raise DamagedFileError("a partial function has something other than arguments")
            return functools.partial(parts["func"], *parts["args"], **parts["keywords"])
        module, _, name = payload.rpartition(".")
        if name in FUNCTIONS.get(module, ()):
            return getattr(import_module(module), name)
        found = None
        if module in COMPUTING and name in _public(module):
            found = getattr(import_module(module), name)
        elif module == "torch.nn.functional" and not name.startswith("_"):
            found = getattr(torch.nn.functional, name)
            # What it imports for itself is none of its own.
            if getattr(found, "__module__", None) not in MODULES_OF_TORCH:
                found = None
        if not isinstance(found, FunctionType | BuiltinFunctionType | np.ufunc):
            raise DamagedFileError(f"{payload!r:.60} is not a function that a file may name")
        return found


def is_ufunc(name: str) -> bool:
    """Return whether a name is that of a function of NumPy or SciPy that works element by element."""
    module, _, own = name.rpartition(".")
    return COMPUTING.get(module) is np.ufunc and own in _public(module)


def is_score_of_features(name: str) -> bool:
    """Return whether a name is that of a function of scikit-learn that scores features."""
    own = name.rpartition(".")[2]
    if own not in SCORES:
        return False
    found = getattr(import_module("sklearn.feature_selection"), own)
    return name == f"{found.__module__}.{own}"


def _known_name(value: Any) -> str | None:
    """Return the name of a function that needs no trust, None for others."""
    name = value.__name__
    for module, names in FUNCTIONS.items():
        if name in names and getattr(import_module(module), name, None) is value:
            return f"{module}.{name}"
    for module, kind in COMPUTING.items():
        if isinstance(value, kind) and getattr(import_module(module), name, None) is value:
            return f"{module}.{name}" if name in _public(module) else None
    is_torch = getattr(torch.nn.functional, name, None) is value
    is_public = value.__module__ in MODULES_OF_TORCH
    return f"torch.nn.functional.{name}" if is_torch and is_public else None


def _public(module: str) -> frozenset[str]:
    """Return the names of a computing module that a file may hold."""
    kind, found = COMPUTING[module], import_module(module)
    return frozenset(n for n in found.__all__ if isinstance(getattr(found, n, None), kind))
