"""Values of a graph as tensors: their names, types and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .graph import Graph, element_type

# How many rows are traced: a prime, so that hardly any width is a multiple; an axis of this length is
# that of rows. Of them samples have the shapes alone; constants may be repeated for each.
TRACED_ROWS = 10_007


class OnnxError(ValueError):
    """Raised where something has no form in ONNX."""


class Value(Tensor):
    """A value of a graph, in the shape that it has for `TRACED_ROWS` rows.

    Parameters
    ----------
    sample : Tensor
        A tensor of torch's device "meta", of the shape and dtype.
    value : str
        The name of the value in the graph.
    graph : Graph
    """

    sample: Tensor
    value: str
    graph: Graph

    @staticmethod
    def __new__(cls, sample: Tensor, value: str, graph: Graph) -> Value:
        """Make a tensor without memory of its own."""
        return torch.Tensor._make_wrapper_subclass(
            cls, sample.shape, strides=sample.stride(), dtype=sample.dtype
        )

    def __init__(self, sample: Tensor, value: str, graph: Graph) -> None:
        self.sample, self.value, self.graph = sample, value, graph

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Traced({self.value!r}, {tuple(self.shape)}, {self.dtype})"


def samples_of(values: Any) -> Any:
    """Return values with samples for tensors."""
    if isinstance(values, Value):
        return values.sample
    if isinstance(values, Tensor):
        return values.to("meta")
    if isinstance(values, dict):
        return {key: samples_of(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(samples_of(value) for value in values)
    return values


def dtype_of(dtype: torch.dtype) -> str:
    """Return NumPy's name of a dtype of torch."""
    return str(dtype).removeprefix("torch.")


def name_of(graph: Graph, value: Any, dtype: torch.dtype | None = None) -> str:
    """Return the name of a tensor or number in a graph, of some dtype."""
    if isinstance(value, Value):
        if dtype is None or value.dtype == dtype:
            return value.value
        return graph.node("Cast", value.value, to=_type_number(dtype))
    array = torch.as_tensor(value, dtype=dtype).detach().cpu().numpy()
    if not any(map(is_of_rows, array.shape)):
        return graph.constant(array)
    # Numbers that were repeated for each of the rows that are traced.
    one = array[tuple(slice(1) if is_of_rows(size) else slice(None) for size in array.shape)]
    # Sums over other axes may be rounded otherwise at the end of a vector.
    if not np.allclose(one, array, rtol=1e-6, atol=0, equal_nan=True):
        raise OnnxError("numbers of the rows that are traced are not computed from rows")
    return graph.node("Expand", graph.constant(one), sizes_name(graph, array.shape))


def is_of_rows(size: int) -> bool:
    """Return whether an axis is as long as there are rows, or a multiple of that."""
    return size > 0 and size % TRACED_ROWS == 0


def sizes_name(graph: Graph, sizes: Sequence[int]) -> str:
    """Return the name of a shape as numbers, those of rows read from the input."""
    if not any(map(is_of_rows, sizes)):
        return graph.constant(np.array(sizes, dtype=np.int64))
    n = rows_of(graph)
    parts = [
        graph.node("Mul", n, graph.constant(np.array([size // TRACED_ROWS])))
        if is_of_rows(size)
        else graph.constant(np.array([size]))
        for size in sizes
    ]
    return graph.node("Concat", *parts, axis=0) if len(parts) > 1 else parts[0]


def _type_number(dtype: torch.dtype) -> int:

    return element_type(dtype_of(dtype))


def cast(graph: Graph, name: str, dtype: torch.dtype) -> str:
    """Return a value in another dtype."""
    return graph.node("Cast", name, to=_type_number(dtype))


def rows_of(graph: Graph) -> str:
    """Return the name of the number of rows, (1,)."""
    shape = graph.node("Shape", graph.inputs[0].name)
    ends = graph.constant(np.array([0])), graph.constant(np.array([1]))
    return graph.node("Slice", shape, *ends)
