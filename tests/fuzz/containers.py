"""What data may come in: layouts of arrays, tables of several libraries, sparse matrices, lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import torch
from scipy import sparse

Twist = Callable[[Any], Any]


def _strided(array: np.ndarray) -> np.ndarray:
    return np.repeat(array, 2, axis=0)[::2]


def _read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.setflags(write=False)
    return array


def _frame(array: np.ndarray, names: str = "abcdefgh") -> pd.DataFrame:
    return pd.DataFrame(array, columns=list(names[: array.shape[1]]))


def _columns(array: np.ndarray) -> dict[str, Any]:
    return {name: array[:, i].tolist() for i, name in enumerate("abcdefgh"[: array.shape[1]])}


def _masked(array: np.ndarray) -> np.ma.MaskedArray:
    mask = np.zeros(array.shape, dtype=bool)
    mask[:1] = True
    return np.ma.array(array, mask=mask)


CONTAINERS: dict[str, Twist] = {
    "array": lambda a: a,
    "Fortran": np.asfortranarray,
    "strided": _strided,
    "reversed twice": lambda a: a[::-1].copy()[::-1],
    "read-only": _read_only,
    "unaligned": lambda a: np.frombuffer(b"\0" + a.tobytes(), a.dtype, offset=1).reshape(a.shape),
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(map(tuple, a.tolist())),
    "list of arrays": list,
    "memoryview": lambda a: memoryview(np.ascontiguousarray(a)),
    "frame": _frame,
    "frame of numbered columns": pd.DataFrame,
    "frame of one name": lambda a: _frame(a, "aaaaaaaa"),
    "frame of mixed names": lambda a: pd.DataFrame(a, columns=[0, "b", *range(2, a.shape[1])]),
    "frame of an odd index": lambda a: _frame(a).set_index(np.full(len(a), 7)),
    "nullable frame": lambda a: _frame(a).convert_dtypes(),
    "categorical frame": lambda a: _frame(a).astype("category"),
    "frame of Arrow": lambda a: _frame(a).convert_dtypes(dtype_backend="pyarrow"),
    "sparse frame": lambda a: _frame(a).astype(pd.SparseDtype("float", 0.0)),
    "series": lambda a: pd.Series(list(a)),
    "polars": lambda a: pl.DataFrame(_columns(a), strict=False),
    "lazy polars": lambda a: pl.LazyFrame(_columns(a), strict=False),
    "Arrow table": lambda a: pa.table(_columns(a)),
    "Arrow batch": lambda a: pa.RecordBatch.from_pydict(_columns(a)),
    **{
        kind: lambda a, kind=kind: getattr(sparse, kind)(a)
        for kind in (
            *("csr_array", "csc_array", "coo_array", "lil_array", "dok_array", "bsr_array"),
            *("dia_array", "csr_matrix", "csc_matrix"),
        )
    },
    "tensor": torch.as_tensor,
    "tensor of bfloat16": lambda a: torch.as_tensor(a).bfloat16(),
    "tensor with grad": lambda a: torch.as_tensor(a).clone().requires_grad_(),
    "masked, nothing hidden": lambda a: np.ma.array(a),
    "masked": _masked,
    "matrix": lambda a: np.asmatrix(a),
    "one axis": lambda a: np.ravel(a),
    "three axes": lambda a: a[..., None],
    "no axis": lambda a: a.flat[0],
    "dict": _columns,
    "set": lambda a: set(np.ravel(a).tolist()),
    "generator": lambda a: (row for row in a),
    "None": lambda a: None,
    "text": lambda a: "text",
    "class": lambda a: object,
    "objects of rows": lambda a: pd.Series(list(a)).to_numpy(),
}

# Containers of numbers that mean the same as a plain array.
ALIKE = {
    *("Fortran", "strided", "reversed twice", "read-only", "unaligned", "list", "tuple"),
    *(
        "list of arrays",
        "memoryview",
        "frame",
        "frame of numbered columns",
        "frame of an odd index",
    ),
    *("nullable frame", "frame of Arrow", "polars", "Arrow table", "Arrow batch", "tensor"),
    *("masked, nothing hidden",),
}
