"""Tensors that record as nodes of a graph what torch does with them.

What an estimator answers is defined once, in torch.  Here it runs over tensors whose operations
become nodes.  What depends on no row, such as the state of a loss, is computed at once and becomes
a constant, whatever library computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .graph import Graph
from .operators import COMPOSED, OPERATORS
from .values import OnnxError, Value, dtype_of, name_of, samples_of


class Traced(Value):
    """A value of a graph that records what torch does with it."""

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Record an operation."""
        name, kwargs = func.overloadpacket.__name__, kwargs or {}
        is_in_place = name.endswith("_") and not name.endswith("__")
        name = name.removesuffix("_") if is_in_place else name
        if name in COMPOSED:
            return COMPOSED[name](*args, **kwargs)
        if name not in OPERATORS:
            raise OnnxError(f"torch's operation {name!r} has no translation to ONNX here")
        graph = _graph_of((*args, *kwargs.values()))
        known = {key: value for key, value in kwargs.items() if key != "device"}
        found = func(*samples_of(args), **samples_of(known))
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


def traced(graph: Graph, name: str, shape: Sequence[int], dtype: torch.dtype) -> Traced:
    """Return a value of a graph as a tensor of some shape."""
    return Traced(torch.empty(tuple(shape), dtype=dtype, device="meta"), name, graph)


def _graph_of(values: Any) -> Graph:
    for value in values:
        if isinstance(value, Traced):
            return value.graph
        if isinstance(value, list | tuple) and any(isinstance(each, Traced) for each in value):
            return _graph_of(value)
    raise OnnxError("an operation has no traced argument")


def repeated(
    times: int, step: Callable[..., tuple[Tensor, ...]], *start: Tensor
) -> tuple[Tensor, ...]:
    """Take a step some times, as a loop where values are traced."""
    value = next((each for each in start if isinstance(each, Traced)), None)
    if value is None:
        for _ in range(times):
            start = step(*start)
        return start
    graph, samples = value.graph, [samples_of(each) for each in start]

    def body(number: str, given: list[str]) -> tuple[None, list[str]]:
        values = [Traced(s, name, graph) for s, name in zip(samples, given, strict=True)]
        return None, [name_of(graph, each) for each in step(*values)]

    dtypes = [dtype_of(each.dtype) for each in samples]
    names = graph.repeated(times, body, [name_of(graph, each) for each in start], dtypes)
    pairs = zip(samples, names, strict=True)
    return tuple(Traced(sample, name, graph) for sample, name in pairs)
