"""Tensors that record as nodes of a graph what torch does with them.

What an estimator answers is defined once, in torch.  Here it runs over tensors whose operations
become nodes.  What depends on no row, such as the state of a loss, is computed at once and becomes
a constant, whatever library computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .graph import Graph

# How many rows are traced. No network has this width, nor a multiple of it, so that an axis of this
# length is that of rows.
TRACED_ROWS = 1009


class OnnxError(ValueError):
    """Raised where something has no form in ONNX."""


class Traced(Tensor):
    """A value of a graph, with what it is for some rows.

    Parameters
    ----------
    sample : Tensor
        The values for `TRACED_ROWS` rows.
    value : str
        The name of the value in the graph.
    graph : Graph
    """

    sample: Tensor
    value: str
    graph: Graph

    @staticmethod
    def __new__(cls, sample: Tensor, value: str, graph: Graph) -> Traced:
        """Make a tensor without memory of its own."""
        return torch.Tensor._make_wrapper_subclass(
            cls, sample.shape, strides=sample.stride(), dtype=sample.dtype
        )

    def __init__(self, sample: Tensor, value: str, graph: Graph) -> None:
        self.sample, self.value, self.graph = sample, value, graph

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Traced({self.value!r}, {tuple(self.shape)}, {self.dtype})"

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Record an operation."""
        from .operators import COMPOSED, OPERATORS

        name, kwargs = func.overloadpacket.__name__, kwargs or {}
        is_in_place = name.endswith("_") and not name.endswith("__")
        name = name.removesuffix("_") if is_in_place else name
        if name in COMPOSED:
            return COMPOSED[name](*args, **kwargs)
        graph = _graph_of((*args, *kwargs.values()))
        found = func(*samples_of(args), **samples_of(kwargs))
        if name not in OPERATORS:
            raise OnnxError(f"torch's operation {name!r} has no translation to ONNX here")
        names = OPERATORS[name](graph, found, *args, **kwargs)
        if is_in_place:
            args[0].value = names
            return args[0]
        if isinstance(found, Tensor):
            return Traced(found, names, graph)
        return type(found)(
            None if name is None else Traced(each, name, graph)
            for each, name in zip(found, names, strict=True)
        )


def _graph_of(values: Any) -> Graph:
    for value in values:
        if isinstance(value, Traced):
            return value.graph
        if isinstance(value, list | tuple) and any(isinstance(each, Traced) for each in value):
            return _graph_of(value)
    raise OnnxError("an operation has no traced argument")


def samples_of(values: Any) -> Any:
    """Return values with samples for what is traced."""
    if isinstance(values, Traced):
        return values.sample
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
    if isinstance(value, Traced):
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
    from .graph import element_type

    return element_type(dtype_of(dtype))


def cast(graph: Graph, name: str, dtype: torch.dtype) -> str:
    """Return a value in another dtype."""
    return graph.node("Cast", name, to=_type_number(dtype))


def repeated(
    times: int, step: Callable[..., tuple[Tensor, ...]], *start: Tensor
) -> tuple[Tensor, ...]:
    """Take a step some times, as a loop where values are traced."""
    traced = next((each for each in start if isinstance(each, Traced)), None)
    if traced is None:
        for _ in range(times):
            start = step(*start)
        return start
    graph, samples = traced.graph, [samples_of(each) for each in start]

    def body(number: str, given: list[str]) -> tuple[None, list[str]]:
        values = [Traced(s, name, graph) for s, name in zip(samples, given, strict=True)]
        return None, [name_of(graph, each) for each in step(*values)]

    dtypes = [dtype_of(each.dtype) for each in samples]
    names = graph.repeated(times, body, [name_of(graph, each) for each in start], dtypes)
    pairs = zip(samples, names, strict=True)
    return tuple(Traced(sample, name, graph) for sample, name in pairs)


def rows_of(graph: Graph) -> str:
    """Return the name of the number of rows, (1,)."""
    shape = graph.node("Shape", graph.inputs[0].name)
    ends = graph.constant(np.array([0])), graph.constant(np.array([1]))
    return graph.node("Slice", shape, *ends)
