"""Plain values, tensors and arrays as bytes: JSON and safetensors, never pickles.

So reading them runs no code, whoever has written them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

# Kinds of arrays whose numbers safetensors takes.
NUMBERS = "biuf"
# Kinds of arrays that are listed in JSON.
LISTED = "OUSmM"
# Most bytes of an array of texts, at all or for each character: a file may claim any length.
MOST_BYTES, MOST_PADDING = 2**27, 100
LENGTH = struct.Struct("<Q")
Tensors = dict[str, Tensor]


def pack(value: Any) -> bytes:
    """Return a value as bytes.

    Parameters
    ----------
    value : object
        None, a bool, number, string or bytes, a tensor, an array or scalar of NumPy, or a list, tuple or
        dict of such values.

    Raises
    ------
    TypeError
        If it holds anything else.

    Examples
    --------
    >>> unpack(pack({"epoch": 3, "betas": (0.9, 0.999), "loss": [float("inf"), None]}))
    {'epoch': 3, 'betas': (0.9, 0.999), 'loss': [inf, None]}
    """
    import safetensors.torch

    tensors: Tensors = {}
    structure = json.dumps(_plain(value, tensors)).encode()
    return LENGTH.pack(len(structure)) + structure + safetensors.torch.save(tensors)


class DamagedStateError(ValueError):
    """Bytes that are none of `pack`."""


def unpack(data: bytes) -> Any:
    """Return the value that `pack` has made bytes of.

    Raises
    ------
    DamagedStateError
        If the bytes are none of `pack`.
    """
    import safetensors.torch

    try:
        (length,) = LENGTH.unpack_from(data)
        structure = json.loads(data[LENGTH.size : LENGTH.size + length])
        tensors = safetensors.torch.load(data[LENGTH.size + length :])
        return _value(structure, tensors)
    except Exception as error:
        # Whatever others have written there.
        reason = str(error) or type(error).__name__
        raise DamagedStateError(
            f"These bytes hold no state of a training: {reason:.300}"
        ) from error


def is_plain(value: Any) -> bool:
    """Return whether `pack` takes a value."""
    try:
        _plain(value, {})
    except TypeError:
        return False
    return True


def _plain(value: Any, tensors: Tensors) -> Any:
    """Return a value as JSON takes it; its numbers by the million are added to the tensors."""
    if value is None or isinstance(value, bool | int | float | str):
        # Subclasses, as np.float64 and enumerations are, would come back as something else.
        if type(value) in (type(None), bool, int, float, str):
            return value
    elif isinstance(value, list):
        return [_plain(each, tensors) for each in value]
    elif isinstance(value, tuple):
        return {"tuple": [_plain(each, tensors) for each in value]}
    elif isinstance(value, Mapping):
        pairs = value.items()
        return {"dict": [[_plain(k, tensors), _plain(held, tensors)] for k, held in pairs]}
    elif isinstance(value, bytes):
        return {"bytes": _of_numpy(np.frombuffer(value, np.uint8), tensors)}
    elif isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, np.generic | np.ndarray):
        return _of_numpy(value, tensors)
    raise TypeError(f"{type(value).__name__} cannot be kept in a checkpoint: {value!r}")


def _of_numpy(value: Any, tensors: Tensors) -> Any:
    array = np.asarray(value)
    is_scalar = isinstance(value, np.generic)
    dtype = array.dtype.newbyteorder("=")
    if array.dtype.kind in NUMBERS and dtype.itemsize <= 8:
        name = str(len(tensors))
        raw = np.frombuffer(np.ascontiguousarray(array, dtype).tobytes(), np.uint8)
        tensors[name] = torch.from_numpy(raw.copy())
        held: Any = name
    elif array.dtype.kind in LISTED:
        of_numbers = array.dtype.kind in "mM"
        flat = (array.view(np.int64) if of_numbers else array).ravel().tolist()
        if array.dtype.kind == "S":
            flat = [each.decode("latin-1") for each in flat]
        held = [_plain(each, tensors) for each in flat]
    else:
        raise TypeError(f"An array of {array.dtype} cannot be kept in a checkpoint.")
    return {"array": held, "dtype": dtype.str, "shape": list(array.shape), "scalar": is_scalar}


def _value(structure: Any, tensors: Tensors) -> Any:
    if isinstance(structure, list):
        return [_value(each, tensors) for each in structure]
    if not isinstance(structure, dict):
        return structure
    if "tuple" in structure:
        return tuple(_value(each, tensors) for each in structure["tuple"])
    if "dict" in structure:
        return {_value(k, tensors): _value(held, tensors) for k, held in structure["dict"]}
    if "bytes" in structure:
        return _value(structure["bytes"], tensors).tobytes()
    if "tensor" in structure:
        # A copy, whose memory is aligned.
        return tensors[structure["tensor"]].clone()
    return _array(structure, tensors)


def _array(structure: dict[str, Any], tensors: Tensors) -> Any:
    dtype, held = np.dtype(structure["dtype"]), structure["array"]
    if dtype.kind not in NUMBERS + LISTED:
        raise ValueError(f"An array has the type {dtype.str!r:.40}.")
    most = max(MOST_BYTES, MOST_PADDING * sum(map(len, held))) if dtype.kind in "US" else 0
    if most and dtype.itemsize * len(held) > most:
        raise ValueError(f"An array of {len(held)} texts has the type {dtype.str!r}.")
    if isinstance(held, str):
        array = np.frombuffer(tensors[held].numpy().tobytes(), dtype).copy()
    elif dtype.kind in "mM":
        array = np.array(held, np.int64).view(dtype)
    elif dtype.kind == "S":
        array = np.array([each.encode("latin-1") for each in held], dtype)
    else:
        array = np.empty(len(held), dtype)
        array[:] = [_value(each, tensors) for each in held]
    array = array.reshape(structure["shape"])
    return array[()] if structure["scalar"] else array
