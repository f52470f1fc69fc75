"""What a training is known by: descriptions of data and parameters that compare and hash.

Two trainings are the same where all their descriptions are equal; otherwise the descriptions say
what differs.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import platform
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import joblib
import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

# Descriptions by name, in parts such as "data" and "versions".
Parts = Mapping[str, Mapping[str, str]]

# Libraries whose numbers may change from one version to the next.
LIBRARIES = ("sklloss", "torch", "skorch", "scikit-learn", "numpy", "scipy")
# Characters of a description, and bytes that are hashed at a time.
WIDEST, BYTES_AT_ONCE = 160, 2**26
# Objects inside of objects that are described.
DEEPEST = 12
# Differences of a part that a message names.
MOST_NAMED = 3
# Precedes what stands for values that are too many to show.
HASH = " #"


def fingerprint(parts: Parts) -> str:
    """Return a short name of a training, equal for equal descriptions."""
    return digest(json.dumps(parts, sort_keys=True).encode(), 6)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that compute."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # Used from its folder, without being installed.
            found[name] = "unknown"
    return found


def digest(data: bytes, n_bytes: int = 12) -> str:
    """Return what stands for bytes."""
    return hashlib.blake2b(data, digest_size=n_bytes).hexdigest()


# ---------------------------------------------------------------------- data


def described_data(name: str, value: Any) -> dict[str, str]:
    """Describe X, y or other values by row, column by column where it is a DataFrame.

    Examples
    --------
    >>> list(described_data("y", np.zeros(3)).items())
    [('y', 'float64 of shape (3,) #b4cfca2c0ccc3f6bd7cbf05b')]
    """
    columns = getattr(value, "columns", None)
    if columns is None or not hasattr(value, "__getitem__") or callable(columns):
        return {name: described_values(value)}
    names = [str(each) for each in columns]
    if len(set(names)) < len(names):
        return {name: f"{type(value).__name__}{HASH}{joblib.hash(value)}"}
    of_columns = {
        f"{name}[{column!r}]": f"{getattr(value[key], 'dtype', '')} {_of_column(value[key])}"
        for key, column in zip(columns, names, strict=True)
    }
    return {f"columns of {name}": described(names), **of_columns}


def described_values(value: Any) -> str:
    """Describe an array, a sparse matrix, a tensor, or a list of rows of any kind."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if sparse.issparse(value):
        rows = value.tocsr()
        parts = "".join(described_values(each) for each in (rows.data, rows.indices, rows.indptr))
        return f"sparse of shape {value.shape}{HASH}{digest(parts.encode())}"
    if not isinstance(value, np.ndarray):
        return f"{type(value).__name__} of {_length(value)}{HASH}{_hash(value)}"
    what = f"{value.dtype} of shape {value.shape}{HASH}"
    return what + (_hash(value) if value.dtype.hasobject else _digest_of_array(value))


def _digest_of_array(array: np.ndarray) -> str:
    made = hashlib.blake2b(digest_size=12)
    if array.ndim == 0:
        return digest(array.tobytes())
    n_rows = max(1, BYTES_AT_ONCE // max(1, array.itemsize * array[:1].size))
    for start in range(0, len(array), n_rows):
        # A part at a time, because the array may be memory-mapped.
        made.update(np.ascontiguousarray(array[start : start + n_rows]).tobytes())
    return made.hexdigest()


def _of_column(column: Any) -> str:
    values = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    return described_values(values)


def _length(value: Any) -> str:
    return f"length {len(value)}" if hasattr(value, "__len__") else "one object"


def _hash(value: Any) -> str:
    try:
        return str(joblib.hash(value))
    except Exception:  # It does not pickle.
        return digest(re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value)).encode())


# ---------------------------------------------------------------------- parameters


def described(value: Any, depth: int = 0) -> str:
    """Describe the value of a parameter in a line, equal in every process for equal values.

    Examples
    --------
    >>> described({"lr": np.float64(0.1), "betas": [0.9, 0.999], "loss": "mse"})
    "{'lr': 0.1, 'betas': [0.9, 0.999], 'loss': 'mse'}"
    >>> described(digest)
    'sklloss.training.checkpoints.identity.digest'
    """
    text = _described(value, depth)
    if len(text) <= WIDEST:
        return text
    return f"{text[: WIDEST // 2]}...{HASH}{digest(text.encode())}"


def _described(value: Any, depth: int) -> str:
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value.item() if isinstance(value, np.generic) else value)
    if isinstance(value, np.generic):
        return repr(value.item())
    if depth > DEEPEST:
        return _name_of(type(value))
    if isinstance(value, list | tuple | set | frozenset):
        items = [described(each, depth + 1) for each in value]
        items = sorted(items) if isinstance(value, set | frozenset) else items
        return "[" + ", ".join(items) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(_pairs(value, depth, "{!r}: {}")) + "}"
    if isinstance(value, np.ndarray | Tensor) or sparse.issparse(value) or _is_frame(value):
        few = isinstance(value, np.ndarray) and value.size <= 10 and not value.dtype.hasobject
        return described(value.tolist(), depth + 1) if few else _in_a_line(value)
    if isinstance(value, type) or inspect.isroutine(value):
        return _name_of(value) + _digest_of_code(value)
    return _described_object(value, depth)


def _described_object(value: Any, depth: int) -> str:
    if isinstance(value, functools.partial):
        held: dict[str, Any] = {"f": value.func, "args": value.args, **value.keywords}
    elif isinstance(value, np.random.RandomState):
        held = {"state": value.get_state(legacy=False)}
    elif isinstance(value, np.random.Generator):
        held = {"state": value.bit_generator.state}
    elif isinstance(value, torch.Generator):
        held = {"state": value.get_state()}
    elif isinstance(value, nn.Module):
        held = {"code": repr(value), "kind": type(value), **value.state_dict()}
    elif hasattr(value, "get_params"):
        held = value.get_params(deep=False)
    elif hasattr(value, "__dict__"):
        held = vars(value)
    else:
        return _name_of(type(value)) + HASH + _hash(value)
    code = "" if isinstance(value, nn.Module) else _digest_of_code(type(value))
    return f"{_name_of(type(value))}({', '.join(_pairs(held, depth, '{}={}'))}){code}"


def _pairs(held: Mapping[Any, Any], depth: int, form: str) -> Iterator[str]:
    return (form.format(name, described(each, depth + 1)) for name, each in held.items())


def _is_frame(value: Any) -> bool:
    return hasattr(value, "to_numpy") or hasattr(value, "__dataframe__")


def _in_a_line(value: Any) -> str:
    return "; ".join(f"{name} {text}" for name, text in described_data("values", value).items())


def _name_of(value: Any) -> str:
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", repr(value))
    return f"{module}.{name}" if module not in (None, "builtins") else str(name)


def _digest_of_code(value: Any) -> str:
    """Return what stands for the code of a user's class or function.

    That of libraries is known by its version.
    """
    package = (getattr(value, "__module__", None) or "builtins").partition(".")[0]
    try:
        file = inspect.getsourcefile(value) or ""
        if package == __name__.partition(".")[0] or "-packages" in file:
            return ""
        return HASH + digest(inspect.getsource(value).encode(), 6)
    except (OSError, TypeError):
        code = getattr(value, "__code__", None)
        return (
            "" if code is None else HASH + digest(code.co_code + repr(code.co_consts).encode(), 6)
        )


# ---------------------------------------------------------------------- differences


def differences(there: Parts, here: Parts) -> list[str]:
    """Return what differs between two trainings, a sentence per part.

    Examples
    --------
    >>> there = {"data": {"y": "float64 of shape (3,) #ab"}, "estimator": {"lr": "0.1"}}
    >>> here = {"data": {"y": "float64 of shape (3,) #cd"}, "estimator": {"lr": "0.2"}}
    >>> differences(there, here)
    ['data: y has other values', 'estimator: lr is 0.2, was 0.1']
    """
    found = []
    for part in dict.fromkeys([*there, *here]):
        was, now = there.get(part, {}), here.get(part, {})
        names = [name for name in dict.fromkeys([*was, *now]) if was.get(name) != now.get(name)]
        if names:
            told = [_difference(name, was.get(name), now.get(name)) for name in names[:MOST_NAMED]]
            more = f", and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            found.append(f"{part}: {', '.join(told)}{more}")
    return found


def _difference(name: str, was: str | None, now: str | None) -> str:
    if was is None or now is None:
        return f"{name} is new" if was is None else f"{name} is missing"
    before, after = (text.partition(HASH)[0] for text in (was, now))
    return f"{name} has other values" if before == after else f"{name} is {after}, was {before}"
