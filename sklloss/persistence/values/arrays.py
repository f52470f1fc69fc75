"""Arrays of NumPy, SciPy and torch, their types, and generators of random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import torch
from scipy import sparse

from ..container import DamagedFileError
from ..graph import Codec, Reader, Writer

# What safetensors has a type for; arrays of other types are written as their bytes.
DIRECT = frozenset(
    ["<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "|b1"]
)
# Kinds of NumPy's types that are nothing but bytes.
OF_BYTES = "biufcSUMm"
TORCH_DTYPES = (
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128", "bool"),
    *("uint8", "int8", "int16", "int32", "int64"),
)
COMPRESSED = ("csr", "csc", "bsr")


def dtype_of(text: str) -> np.dtype:
    """Return a type of NumPy by its name, only of those that hold no objects."""
    dtype = np.dtype(text) if type(text) is str else None
    if dtype is None or not _is_plain(dtype):
        raise DamagedFileError(f"it has an array of type {text!r:.40}")
    return dtype


def _is_plain(dtype: np.dtype) -> bool:
    """Return whether a type is nothing but bytes, the same on every machine."""
    is_known = dtype.kind in OF_BYTES and not (dtype.names or dtype.subdtype)
    return is_known and dtype.itemsize <= {"f": 8, "c": 16}.get(dtype.kind, dtype.itemsize)


def stored(value: Any, what: str) -> np.ndarray:
    """Return an array that a file holds; a range, say, would be far more numbers than the file."""
    if not isinstance(value, np.ndarray):
        raise DamagedFileError(f"{what} is not an array, but a {type(value).__name__:.40}")
    return value


class Arrays(Codec):
    """Arrays and scalars of NumPy, and their types."""

    kinds = ("array", "objects", "masked", "scalar", "dtype")

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if isinstance(value, np.dtype):
            return {"dtype": "O" if value.kind == "O" else self._text(value, writer)}
        if isinstance(value, np.generic):
            array = np.asarray(value)
            text = self._text(array.dtype, writer)
            return {"scalar": [text, array.astype(text).tobytes().hex()]}
        if type(value) is np.ma.MaskedArray:
            parts = writer.pairs(
                [
                    ("data", value.data),
                    ("mask", np.ma.getmaskarray(value)),
                    ("fill", value.fill_value),
                ]
            )
            return {"masked": parts}
        if not isinstance(value, np.ndarray):
            return None
        if type(value) not in (np.ndarray, np.memmap):
            raise writer.refuse(
                f"it is a {type(value).__name__}. Give an array of NumPy's own class."
            )
        if value.dtype.kind == "O":
            items = [writer.node(each, f"{k}") for k, each in enumerate(value.ravel().tolist())]
            return {"objects": [list(value.shape), items]}
        return {"array": self._of_bytes(value, writer)}

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if kind == "dtype":
            return np.dtype("O") if payload == "O" else dtype_of(payload)
        if kind == "scalar":
            text, digits = payload
            return np.frombuffer(bytes.fromhex(digits), dtype_of(text), 1)[0]
        if kind == "masked":
            parts = reader.named(payload)
            data, mask = (
                stored(parts[name], f"the {name} of a column") for name in ("data", "mask")
            )
            return np.ma.MaskedArray(data, mask, fill_value=parts["fill"])
        if kind == "objects":
            shape, items = payload
            found = np.empty(len(items), dtype=object)
            found[:] = [reader.value(each) for each in items]
            return found.reshape(shape)
        return array_of(payload, reader)

    def _text(self, dtype: np.dtype, writer: Writer) -> str:
        """Return the name of a type of little-endian numbers."""
        if not _is_plain(dtype):
            raise writer.refuse(f"it has NumPy's type {dtype}. Give numbers, texts or objects.")
        return dtype.newbyteorder("<").str

    def _of_bytes(self, value: np.ndarray, writer: Writer) -> Mapping[str, Any]:
        # Texts that are all empty have a type of no bytes.
        plain = value if value.dtype.itemsize else value.astype(f"{value.dtype.kind}1")
        text = self._text(plain.dtype, writer)
        is_fortran = value.flags.f_contiguous and not value.flags.c_contiguous
        stored = np.ascontiguousarray(plain.T if is_fortran else plain, dtype=text)
        shape = list(value.shape)
        payload = {"type": text, "shape": shape, **({"order": "F"} if is_fortran else {})}
        if value.size == 0:
            return payload
        if text not in DIRECT:
            stored = np.frombuffer(stored.tobytes(), np.uint8)
        return {**payload, "in": writer.array(stored)}


def array_of(payload: Mapping[str, Any], reader: Reader) -> np.ndarray:
    """Return the array of a payload, whose size has to be that of what is stored."""
    dtype, shape = dtype_of(payload["type"]), tuple(payload["shape"])
    if dtype.itemsize == 0:
        raise DamagedFileError(f"it has an array of type {dtype.str}")
    if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32:
        raise DamagedFileError(f"an array has the shape {str(shape)[:40]}")
    if "in" not in payload:
        if prod(shape) * dtype.itemsize:
            raise DamagedFileError(f"an array of shape {str(shape)[:40]} has no numbers")
        return np.empty(shape, dtype)
    stored = reader.arrays[payload["in"]]
    if stored.nbytes != prod(shape) * dtype.itemsize:
        raise DamagedFileError(f"an array of shape {str(shape)[:40]} has {stored.nbytes} bytes")
    # Without a copy: arrays of files are writable, and one that is wanted twice is a reference.
    values = stored.reshape(-1).view(np.uint8).view(dtype)
    return values.reshape(shape[::-1]).T if payload.get("order") == "F" else values.reshape(shape)


class Tensors(Codec):
    """Tensors of torch, their types and devices."""

    kinds = ("tensor", "torch dtype", "device")

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if isinstance(value, torch.dtype):
            return {"torch dtype": str(value).removeprefix("torch.")}
        if isinstance(value, torch.device):
            return {"device": str(value)}
        if not isinstance(value, torch.Tensor):
            return None
        name = str(value.dtype).removeprefix("torch.")
        is_plain = type(value) in (torch.Tensor, torch.nn.Parameter)
        if not is_plain or name not in TORCH_DTYPES or value.layout is not torch.strided:
            raise writer.refuse(f"it is a {type(value).__name__} of {name}, {value.layout}.")
        plain = value.detach().cpu().contiguous()
        payload = {
            "type": name,
            "shape": list(plain.shape),
            "parameter": isinstance(value, torch.nn.Parameter),
            "grad": value.requires_grad,
        }
        if not plain.numel():
            return {"tensor": payload}
        is_native = name not in ("bfloat16", "complex64", "complex128")
        stored = plain.numpy() if is_native else plain.reshape(-1).view(torch.uint8).numpy()
        return {"tensor": {**payload, "in": writer.array(stored)}}

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if kind == "device":
            return torch.device(payload)
        name = payload if kind == "torch dtype" else payload["type"]
        if name not in TORCH_DTYPES:
            raise DamagedFileError(f"it has a tensor of type {name!r:.40}")
        dtype = getattr(torch, name)
        if kind == "torch dtype":
            return dtype
        shape = payload["shape"]
        flat = array_of({**payload, "type": "|u1", "shape": [*shape, dtype.itemsize]}, reader)
        values = torch.from_numpy(flat.reshape(-1)).view(dtype).reshape(shape)
        if payload["parameter"]:
            return torch.nn.Parameter(values, requires_grad=bool(payload["grad"]))
        return values.requires_grad_() if payload["grad"] else values


class SparseArrays(Codec):
    """Sparse arrays and matrices of SciPy."""

    kinds = ("sparse",)

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if not sparse.issparse(value):
            return None
        if value.format not in COMPRESSED:
            value = value.tocsr()
        names = "data", "indices", "indptr"
        parts = writer.pairs((name, getattr(value, name)) for name in names)
        name = f"{value.format}_{'matrix' if isinstance(value, sparse.spmatrix) else 'array'}"
        return {"sparse": [name, list(value.shape), parts]}

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        name, shape, parts = payload
        if name not in {f"{form}_{what}" for form in COMPRESSED for what in ("matrix", "array")}:
            raise DamagedFileError(f"it has a sparse array of form {name!r:.40}")
        found = reader.named(parts)
        arrays = tuple(stored(found[part], part) for part in ("data", "indices", "indptr"))
        made = getattr(sparse, name)(arrays, shape=tuple(shape))
        # Products read memory at these indices without a check.
        made.check_format(full_check=True)
        return made


class Generators(Codec):
    """NumPy's generators of random numbers."""

    kinds = ("random state", "generator")
    _bits = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if type(value) is np.random.RandomState:
            return {"random state": writer.node(value.get_state(legacy=False))}
        if type(value) is np.random.Generator:
            return {"generator": writer.node(value.bit_generator.state)}
        return None

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        state = reader.value(payload)
        name = state["bit_generator"]
        if name not in self._bits:
            raise DamagedFileError(f"it has a generator {name!r:.40}")
        bits = getattr(np.random, name)()
        if kind == "generator":
            bits.state = state
            return np.random.Generator(bits)
        made = np.random.RandomState(bits)
        made.set_state(state)
        return made
