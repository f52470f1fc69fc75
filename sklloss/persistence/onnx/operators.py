"""torch's operations as ONNX's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .graph import Graph
from .special import normal_quantile, normal_share
from .values import OnnxError, Value, cast, is_of_rows, name_of, sizes_name

Operator = Callable[..., Any]

UNARY = {
    "abs": "Abs",
    "ceil": "Ceil",
    "exp": "Exp",
    "floor": "Floor",
    "isnan": "IsNaN",
    "log": "Log",
    "logical_not": "Not",
    "bitwise_not": "Not",
    "neg": "Neg",
    "reciprocal": "Reciprocal",
    "relu": "Relu",
    "round": "Round",
    "sigmoid": "Sigmoid",
    "sign": "Sign",
    "sqrt": "Sqrt",
    "tanh": "Tanh",
}
BINARY = {
    "mul": "Mul",
    "div": "Div",
    "pow": "Pow",
    "minimum": "Min",
    "maximum": "Max",
    **dict.fromkeys(("__and__", "bitwise_and", "logical_and"), "And"),
    **dict.fromkeys(("__or__", "bitwise_or", "logical_or"), "Or"),
}
COMPARISONS = {
    "eq": "Equal",
    "gt": "Greater",
    "ge": "GreaterOrEqual",
    "lt": "Less",
    "le": "LessOrEqual",
}
REDUCTIONS = {
    "sum": "ReduceSum",
    "mean": "ReduceMean",
    "amax": "ReduceMax",
    "amin": "ReduceMin",
    "logsumexp": "ReduceLogSumExp",
    "prod": "ReduceProd",
}
# Operations that pass on their values as they are.
IDENTITIES = ("alias", "clone", "detach", "lift_fresh", "contiguous", "positive")
# Those that give the same numbers another shape.
SHAPES = ("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "_reshape_alias")


# ---------------------------------------------------------------------- numbers


def _unary(operator: str, graph: Graph, out: Tensor, x: Any, *_: Any, **__: Any) -> str:
    takes_any = operator in ("IsNaN", "Not")
    return graph.node(operator, name_of(graph, x, None if takes_any else out.dtype))


def _binary(operator: str, graph: Graph, out: Tensor, x: Any, y: Any, **_: Any) -> str:
    return graph.node(operator, *_alike(graph, out.dtype, x, y))


def _sum_of(operator: str, graph: Graph, out: Tensor, x: Any, y: Any, *, alpha: Any = 1) -> str:
    if out.dtype == torch.bool:
        raise OnnxError("booleans are not added in ONNX")
    first, second = _alike(graph, out.dtype, x, y)
    if alpha != 1:
        second = graph.node("Mul", second, name_of(graph, alpha, out.dtype))
    return graph.node(operator, first, second)


def _reversed_difference(graph: Graph, out: Tensor, x: Any, y: Any, *_: Any) -> str:
    return graph.node("Sub", *_alike(graph, out.dtype, y, x))


def _alike(graph: Graph, dtype: torch.dtype, *values: Any) -> list[str]:
    return [name_of(graph, each, dtype) for each in values]


def _comparison(operator: str, graph: Graph, out: Tensor, x: Any, y: Any) -> str:
    samples = [each.sample if isinstance(each, Value) else each for each in (x, y)]
    return graph.node(operator, *_alike(graph, torch.result_type(*samples), x, y))


def _unequal(graph: Graph, out: Tensor, x: Any, y: Any) -> str:
    return graph.node("Not", _comparison("Equal", graph, out, x, y))


def _to_copy(graph: Graph, out: Tensor, x: Value, *_: Any, **__: Any) -> str:
    return name_of(graph, x, out.dtype)


def _clamp(graph: Graph, out: Tensor, x: Any, *given: Any, **named: Any) -> str:
    ends = {**dict(zip(("min", "max"), given, strict=False)), **named}
    found = name_of(graph, x, out.dtype)
    if ends.get("min") is not None:
        found = graph.node("Max", found, name_of(graph, ends["min"], out.dtype))
    if ends.get("max") is None:
        return found
    return graph.node("Min", found, name_of(graph, ends["max"], out.dtype))


def _where(graph: Graph, out: Tensor, condition: Any, x: Any, y: Any) -> str:
    return graph.node("Where", name_of(graph, condition), *_alike(graph, out.dtype, x, y))


def _softplus(graph: Graph, out: Tensor, x: Any, beta: float = 1, threshold: float = 20) -> str:
    if beta != 1:
        raise OnnxError("softplus with beta has no translation to ONNX here")
    return graph.node("Softplus", name_of(graph, x, out.dtype))


def _log_sigmoid(graph: Graph, out: Any, x: Any) -> tuple[str, None]:
    minus = graph.node("Neg", name_of(graph, x))
    return graph.node("Neg", graph.node("Softplus", minus)), None


def _erf(graph: Graph, out: Tensor, x: Any) -> str:
    # onnxruntime has it in single precision alone.
    found = graph.node("Erf", name_of(graph, x, torch.float32))
    return found if out.dtype == torch.float32 else cast(graph, found, out.dtype)


def _softmax(operator: str, graph: Graph, out: Tensor, x: Any, axis: int, *_: Any) -> str:
    return graph.node(operator, name_of(graph, x, out.dtype), axis=axis)


# ---------------------------------------------------------------------- along axes


def _reduce(
    operator: str,
    graph: Graph,
    out: Tensor,
    x: Any,
    dim: Any = None,
    keepdim: bool = False,
    **_: Any,
) -> str:
    axes = list(range(x.ndim)) if dim is None or dim == [] else np.atleast_1d(dim).tolist()
    given = name_of(graph, x, out.dtype)
    return graph.node(operator, given, graph.constant(np.array(axes)), keepdims=int(keepdim))


def _quantifier(
    operator: str, graph: Graph, out: Tensor, x: Any, dim: Any = None, keepdim: bool = False
) -> str:
    found = _reduce(operator, graph, out.to(torch.int32), x, dim, keepdim)
    return cast(graph, found, torch.bool)


def _argmax(graph: Graph, out: Tensor, x: Any, dim: int = -1, keepdim: bool = False) -> str:
    return graph.node("ArgMax", name_of(graph, x), axis=dim, keepdims=int(keepdim))


def _cumsum(graph: Graph, out: Tensor, x: Any, dim: int, **_: Any) -> str:
    return graph.node("CumSum", name_of(graph, x, out.dtype), graph.constant(np.int64(dim)))


def _sort(graph: Graph, out: Any, x: Any, dim: int = -1, descending: bool = False) -> list[str]:
    size = graph.constant(np.array([x.shape[dim]]))
    given = [name_of(graph, x), size]
    return graph.node_of_many("TopK", given, 2, axis=dim, largest=int(descending), sorted=1)


def _flip(graph: Graph, out: Tensor, x: Any, dims: Sequence[int]) -> str:
    axes = graph.constant(np.array(list(dims)))
    n = len(dims)
    first, last = np.full(n, -1), np.full(n, np.iinfo(np.int64).min)
    ends = graph.constant(first), graph.constant(last)
    return graph.node("Slice", name_of(graph, x), *ends, axes, graph.constant(np.full(n, -1)))


# ---------------------------------------------------------------------- shapes


def _shaped(graph: Graph, out: Tensor, x: Any, *_: Any, **__: Any) -> str:
    return graph.node("Reshape", name_of(graph, x), shape_name(graph, out.shape))


def shape_name(graph: Graph, shape: Sequence[int]) -> str:
    """Return the name of a shape, whose axis of rows has any length."""
    free = [-1 if is_of_rows(size) else size for size in shape]
    if free.count(-1) > 1:
        raise OnnxError("two axes of a tensor are as long as there are rows")
    return graph.constant(np.array(free, dtype=np.int64))


def _expanded(graph: Graph, out: Tensor, x: Any, *_: Any, **__: Any) -> str:
    old = (1,) * (out.ndim - x.ndim) + tuple(x.shape)
    if all(mine == theirs for mine, theirs in zip(old, out.shape, strict=True)):
        return _shaped(graph, out, x)
    sizes = [1 if a == b else b for a, b in zip(old, out.shape, strict=True)]
    return graph.node("Expand", name_of(graph, x), sizes_name(graph, sizes))


def _filled(value: Any, graph: Graph, out: Tensor, x: Any, *given: Any, **_: Any) -> str:
    fill = given[-1] if value is None else value
    number = name_of(graph, fill, out.dtype)
    return graph.node("Expand", number, sizes_name(graph, list(out.shape)))


def _permuted(graph: Graph, out: Tensor, x: Any, dims: Sequence[int]) -> str:
    return graph.node("Transpose", name_of(graph, x), perm=[d % x.ndim for d in dims])


def _transposed(graph: Graph, out: Tensor, x: Any, one: int = 0, other: int = 1) -> str:
    axes = list(range(x.ndim))
    axes[one], axes[other] = axes[other], axes[one]
    return graph.node("Transpose", name_of(graph, x), perm=axes)


def _selected(graph: Graph, out: Tensor, x: Any, dim: int, index: int) -> str:
    return graph.node("Gather", name_of(graph, x), graph.constant(np.int64(index)), axis=dim)


def _sliced(
    graph: Graph,
    out: Tensor,
    x: Any,
    dim: int = 0,
    start: Any = None,
    end: Any = None,
    step: int = 1,
) -> str:
    ends = start or 0, np.iinfo(np.int64).max if end is None else end
    names = [graph.constant(np.array([each])) for each in (*ends, dim, step)]
    return graph.node("Slice", name_of(graph, x), *names)


def _unbound(graph: Graph, out: Any, x: Any, dim: int = 0) -> list[str]:
    return [_selected(graph, each, x, dim, i) for i, each in enumerate(out)]


def _split(graph: Graph, out: Any, x: Any, sizes: Sequence[int], dim: int = 0) -> list[str]:
    given = [name_of(graph, x), graph.constant(np.array(list(sizes)))]
    return graph.node_of_many("Split", given, len(sizes), axis=dim)


def _joined(graph: Graph, out: Tensor, parts: Sequence[Any], dim: int = 0) -> str:
    names = [name_of(graph, each, out.dtype) for each in parts]
    return graph.node("Concat", *names, axis=dim % out.ndim)


def _stacked(graph: Graph, out: Tensor, parts: Sequence[Any], dim: int = 0) -> str:
    axis = graph.constant(np.array([dim % out.ndim]))
    names = [graph.node("Unsqueeze", name_of(graph, each, out.dtype), axis) for each in parts]
    return graph.node("Concat", *names, axis=dim % out.ndim)


def _padded(graph: Graph, out: Tensor, x: Any, pads: Sequence[int], value: float = 0) -> str:
    before, after = [0] * x.ndim, [0] * x.ndim
    for i in range(len(pads) // 2):
        before[-1 - i], after[-1 - i] = pads[2 * i], pads[2 * i + 1]
    sizes = graph.constant(np.array([*before, *after]))
    return graph.node("Pad", name_of(graph, x), sizes, name_of(graph, value, out.dtype))


def _taken(graph: Graph, out: Tensor, x: Any, dim: int, index: Any) -> str:
    return graph.node("Gather", name_of(graph, x), name_of(graph, index), axis=dim)


def _indexed(graph: Graph, out: Tensor, x: Any, indices: Sequence[Any]) -> str:
    given = [(axis, index) for axis, index in enumerate(indices) if index is not None]
    if len(given) != 1 or given[0][1].dtype == torch.bool:
        raise OnnxError("indexing by several tensors, or by a mask, has no translation here")
    return _taken(graph, out, x, *given[0])


def _gathered(graph: Graph, out: Tensor, x: Any, dim: int, index: Any, **_: Any) -> str:
    return graph.node("GatherElements", name_of(graph, x), name_of(graph, index), axis=dim)


def _scattered(graph: Graph, out: Tensor, x: Any, dim: int, index: Any, given: Any) -> str:
    indices = name_of(graph, index)
    if not isinstance(given, Tensor):
        number = name_of(graph, given, out.dtype)
        given = graph.node("Expand", number, sizes_name(graph, list(index.shape)))
    else:
        given = name_of(graph, given, out.dtype)
    return graph.node("ScatterElements", name_of(graph, x), indices, given, axis=dim)


def _product(graph: Graph, out: Tensor, x: Any, y: Any) -> str:
    return graph.node("MatMul", *_alike(graph, out.dtype, x, y))


def _product_plus(graph: Graph, out: Tensor, bias: Any, x: Any, y: Any) -> str:
    return graph.node("Add", _product(graph, out, x, y), name_of(graph, bias, out.dtype))


def _identity(graph: Graph, out: Tensor, x: Any, *_: Any, **__: Any) -> str:
    return name_of(graph, x)


OPERATORS: dict[str, Operator] = {
    **{name: partial(_unary, operator) for name, operator in UNARY.items()},
    **{name: partial(_binary, operator) for name, operator in BINARY.items()},
    **{name: partial(_comparison, operator) for name, operator in COMPARISONS.items()},
    **{name: partial(_reduce, operator) for name, operator in REDUCTIONS.items()},
    **dict.fromkeys(IDENTITIES, _identity),
    **dict.fromkeys(SHAPES, _shaped),
    "add": partial(_sum_of, "Add"),
    "sub": partial(_sum_of, "Sub"),
    "rsub": _reversed_difference,
    "ne": _unequal,
    **dict.fromkeys(("to", "_to_copy"), _to_copy),
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clamp_max": lambda graph, out, x, most: _clamp(graph, out, x, None, most),
    "where": _where,
    "masked_fill": lambda graph, out, x, mask, value: _where(graph, out, mask, value, x),
    "softplus": _softplus,
    "log_sigmoid_forward": _log_sigmoid,
    "erf": _erf,
    "_softmax": partial(_softmax, "Softmax"),
    "_log_softmax": partial(_softmax, "LogSoftmax"),
    "all": partial(_quantifier, "ReduceMin"),
    "any": partial(_quantifier, "ReduceMax"),
    "argmax": _argmax,
    "cumsum": _cumsum,
    "sort": _sort,
    "flip": _flip,
    "expand": _expanded,
    "zeros_like": partial(_filled, 0),
    "ones_like": partial(_filled, 1),
    "full_like": partial(_filled, None),
    "permute": _permuted,
    "transpose": _transposed,
    "t": _transposed,
    "select": _selected,
    "slice": _sliced,
    "unbind": _unbound,
    "split_with_sizes": _split,
    "cat": _joined,
    "stack": _stacked,
    "constant_pad_nd": _padded,
    "index_select": _taken,
    "index": _indexed,
    "gather": _gathered,
    "scatter": _scattered,
    "mm": _product,
    "bmm": _product,
    "addmm": _product_plus,
    "baddbmm": _product_plus,
}

# ---------------------------------------------------------------------- made of others


def _log1p(x: Tensor) -> Tensor:
    """Return log(1 + x) to full precision: the rounding of 1 + x cancels."""
    wide = 1 + x
    away = wide - 1
    return torch.where(away == 0, x, wide.log() * x / torch.where(away == 0, 1.0, away))


def _expm1(x: Tensor) -> Tensor:
    """Return exp(x) - 1, near 0 by its series."""
    series = x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5))))
    return torch.where(x.abs() < 0.01, series, x.exp() - 1)


def _logaddexp(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(x, y) + torch.nn.functional.softplus(-(x - y).abs())


def _nan_to_num(x: Tensor, nan: float | None = None, *_: Any) -> Tensor:
    return torch.where(x.isnan(), 0.0 if nan is None else nan, x)


def _lerp(start: Tensor, end: Tensor, weight: Any) -> Tensor:
    return start + weight * (end - start)


def _searchsorted(known: Tensor, values: Tensor, *, right: bool = False, **_: Any) -> Tensor:
    """Return how many of sorted numbers are less, or at most, by halving."""
    size = known.shape[-1]
    found = torch.zeros_like(values, dtype=torch.int64)
    for step in (2**k for k in range(math.floor(math.log2(size)), -1, -1)):
        tried = found + step
        inside = tried.clamp(max=size) - 1
        at = known[inside] if known.ndim == 1 else known.gather(-1, inside)
        is_below = at <= values if right else at < values
        found = torch.where(is_below & (tried <= size), tried, found)
    return found


COMPOSED: dict[str, Operator] = {
    "log1p": _log1p,
    "expm1": _expm1,
    "logaddexp": _logaddexp,
    "nan_to_num": _nan_to_num,
    "lerp": _lerp,
    "searchsorted": _searchsorted,
    "special_ndtr": normal_share,
    "special_ndtri": normal_quantile,
    "square": lambda x: x * x,
    "rsqrt": lambda x: 1 / x.sqrt(),
    "silu": lambda x: x * x.sigmoid(),
    "logit": lambda x: x.log() - (1 - x).log(),
}
