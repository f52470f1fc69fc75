"""An ONNX graph that is built node by node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# The domain of ONNX's own operators, and that of traditional models.
MAIN, TRADITIONAL = "", "ai.onnx.ml"

# The version of the traditional operators that tables of text need.
TRADITIONAL_OPSET = 3


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Attributes
    ----------
    name : str
    dtype : str
        NumPy's name of the element type, "str" for text.
    shape : tuple of int or str
        The first axis is "rows", whose length is free.
    meaning : str
        What it holds, in a sentence.
    absent : str
        What stands for missing text.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    meaning: str = ""
    absent: str = ""


class Graph:
    """Nodes, constants and ports; values are known by their names.

    Parameters
    ----------
    opset : int
        The version of ONNX's operators.
    prefix : str, default=""
        What internal names begin with.
    """

    def __init__(self, opset: int, prefix: str = "") -> None:
        self.opset = opset
        self.prefix = prefix
        self.inputs: list[Port] = []
        self.outputs: list[Port] = []
        self.constants: dict[str, Any] = {}
        self._known: dict[tuple[Any, ...], str] = {}
        self._scopes: list[list[Any]] = [[]]
        self._count = 0

    @property
    def nodes(self) -> list[Any]:
        """The nodes, each behind those that it needs."""
        return self._scopes[-1]

    def new_name(self, stem: str) -> str:
        """Return a name that nothing else has."""
        self._count += 1
        return f"{self.prefix}{stem}_{self._count}"

    def node(self, operator: str, *inputs: str, domain: str = MAIN, **attributes: Any) -> str:
        """Add a node of one output, and return its name."""
        return self.node_of_many(operator, inputs, 1, domain, **attributes)[0]

    def node_of_many(
        self,
        operator: str,
        inputs: Sequence[str],
        n_outputs: int,
        domain: str = MAIN,
        **attributes: Any,
    ) -> list[str]:
        """Add a node, and return the names of its outputs."""
        from onnx import helper

        names = [self.new_name(operator.lower()) for _ in range(n_outputs)]
        self.nodes.append(
            helper.make_node(
                operator, list(inputs), names, domain=domain, name=names[0], **attributes
            )
        )
        return names

    def rename(self, value: str, name: str) -> None:
        """Give a value another name too."""
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [value], [name], name=self.new_name("id")))

    def constant(self, values: Any) -> str:
        """Return the name of a constant, an array or a list of text; equal ones are stored once."""
        from onnx import numpy_helper

        array = np.asarray(values)
        if array.dtype.kind in "OUS":
            array = array.astype(object)
            key: tuple[Any, ...] = ("str", array.shape, tuple(array.ravel()))
        else:
            key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            name = self._known[key] = self.new_name("constant")
            # ascontiguousarray gives a single number an axis.
            held = np.ascontiguousarray(array).reshape(array.shape)
            self.constants[name] = numpy_helper.from_array(held, name)
        return self._known[key]

    def repeated(
        self,
        times: int,
        step: Callable[[str, list[str]], tuple[str | None, list[str]]],
        start: Sequence[str],
        dtypes: Sequence[str],
    ) -> list[str]:
        """Add a loop, and return the names of its last values.

        Parameters
        ----------
        times : int
            How often at most.
        step : callable
            From the names of the number of the step and of the values to whether to go on, None for
            always, and the next values; it adds its nodes to this graph.
        start : sequence of str
            The first values.
        dtypes : sequence of str
            Their element types.
        """
        from onnx import helper

        number, going = self.new_name("step"), self.new_name("going")
        given = [self.new_name("carried") for _ in start]
        self._scopes.append([])
        go_on, found = step(number, given)
        out = [self.new_name("next") for _ in found]
        for value, name in zip(found, out, strict=True):
            self.rename(value, name)
        condition = self.new_name("go_on")
        self.rename(going if go_on is None else go_on, condition)
        nodes = self._scopes.pop()
        ports = [(number, "int64", ()), (going, "bool", ())]
        body = helper.make_graph(
            nodes,
            self.new_name("body"),
            [value_info(*each) for each in ports]
            + [value_info(*each, None) for each in zip(given, dtypes, strict=True)],
            [value_info(condition, "bool", ())]
            + [value_info(*each, None) for each in zip(out, dtypes, strict=True)],
        )
        most, always = self.constant(np.int64(times)), self.constant(np.bool_(True))
        return self.node_of_many("Loop", [most, always, *start], len(start), body=body)

    def include(self, model: Any, given: Mapping[str, str]) -> list[str]:
        """Add the nodes of another model, and return the names of its outputs.

        Parameters
        ----------
        model : onnx.ModelProto
            Without functions of its own.
        given : mapping of str to str
            From its inputs to values here.
        """
        prefix = self.new_name("part") + "_"
        copy = type(model)()
        copy.CopyFrom(model)
        _prefix(copy.graph, prefix)
        for name, value in given.items():
            self.rename(value, prefix + name)
        for constant in copy.graph.initializer:
            self.constants[constant.name] = constant
        self.nodes.extend(copy.graph.node)
        return [output.name for output in copy.graph.output]

    def model(self, description: str = "") -> Any:
        """Return the graph as a model."""
        from onnx import helper

        graph = helper.make_graph(
            self.nodes,
            "sklloss",
            [value_info(port.name, port.dtype, port.shape) for port in self.inputs],
            [value_info(port.name, port.dtype, port.shape) for port in self.outputs],
            list(self.constants.values()),
        )
        versions = [helper.make_opsetid(MAIN, self.opset)]
        versions.append(helper.make_opsetid(TRADITIONAL, TRADITIONAL_OPSET))
        return helper.make_model(
            graph,
            opset_imports=versions,
            ir_version=min(helper.find_min_ir_version_for(versions), 10),
            producer_name="sklloss",
            doc_string=description,
        )


def _prefix(graph: Any, prefix: str) -> None:
    """Put a prefix before all names of a graph, those of graphs inside its nodes too."""
    for node in graph.node:
        node.name = prefix + node.name
        # An empty name stands for what is left out.
        node.input[:] = [name and prefix + name for name in node.input]
        node.output[:] = [name and prefix + name for name in node.output]
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                _prefix(inner, prefix)
    for each in (*graph.initializer, *graph.input, *graph.output, *graph.value_info):
        each.name = prefix + each.name


def element_type(dtype: str) -> int:
    """Return ONNX's number of an element type."""
    from onnx import TensorProto, helper

    return (
        TensorProto.STRING if dtype == "str" else helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    )


def value_info(name: str, dtype: str, shape: Sequence[Any] | None) -> Any:
    """Return what ONNX says of a value."""
    from onnx import helper

    return helper.make_tensor_value_info(name, element_type(dtype), shape)
