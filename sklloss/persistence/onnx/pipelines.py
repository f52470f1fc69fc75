"""The steps of a Pipeline before our estimator, converted by skl2onnx."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from ...estimators.inputs.tables import Table
from .graph import TRADITIONAL, TRADITIONAL_OPSET, Graph, Port
from .packages import package
from .rows import Feed, encoded_rows, scaled_rows
from .traced import Traced, traced
from .values import TRACED_ROWS, OnnxError


def rows_after_steps(graph: Graph, pipeline: Pipeline, final: Any, X: Any) -> tuple[Any, Feed]:
    """Add inputs and steps to a graph, and return what the networks see, scaled.

    Parameters
    ----------
    graph : Graph
    pipeline : Pipeline
        Fitted, with our estimator at its end.
    final : NeuralEstimator
    X : DataFrame, array-like or None
        A few rows, which tell the types of columns.
    """
    steps = [each for each in pipeline.steps[:-1] if each[1] not in (None, "passthrough")]
    inputs, learned = final._inputs, final._learned
    if not steps:
        return encoded_rows(graph, inputs, learned)
    facts = learned.inputs
    if facts.raw_columns is not None or not isinstance(inputs, Table):
        raise OnnxError(
            f"the steps before it, {_names(steps)}, pass on something other than numbers, which"
            " skl2onnx does not convert. Export the last step alone"
        )
    before = Pipeline(steps)
    ports = tuple(_ports(before, X))
    graph.inputs.extend(ports)
    numbers = _converted(graph, before, ports, facts.shape)
    scaled = scaled_rows(numbers, learned.input_scaler, learned.torch_dtype, True)
    return scaled, Feed(ports)


def _names(steps: list[tuple[str, Any]]) -> str:
    return ", ".join(repr(name) for name, _ in steps)


def _converted(graph: Graph, before: Pipeline, ports: tuple[Port, ...], shape: Any) -> Traced:
    """Add the nodes of converted steps, and return the numbers that they give."""
    model = _model_of(before, ports, graph.opset, "DoubleTensorType")
    given = {port.name: port.name for port in ports}
    if not _runs(model):
        # Some operators, as that of SimpleImputer, have no kernel for float64.
        model = _model_of(before, ports, graph.opset, "FloatTensorType")
        numbers = [port.name for port in ports if port.dtype != "str"]
        given |= {name: graph.node("Cast", name, to=1) for name in numbers}
    (name,) = graph.include(model, given)
    output = model.graph.output[0]
    dtype = {1: torch.float32, 7: torch.int64, 11: torch.float64}[output.type.tensor_type.elem_type]
    return traced(graph, name, (TRACED_ROWS, *shape), dtype)


def _model_of(before: Pipeline, ports: tuple[Port, ...], opset: int, numbers: str) -> Any:
    """Return steps as skl2onnx converts them, their numbers of some type.

    Raises
    ------
    OnnxError
        If it does not know a step.
    """
    skl2onnx = package("skl2onnx")
    types = skl2onnx.common.data_types
    kinds = {"str": types.StringTensorType, "float64": getattr(types, numbers)}
    given = [(port.name, kinds[port.dtype]([None, port.shape[1]])) for port in ports]
    opsets = {"": opset, TRADITIONAL: TRADITIONAL_OPSET}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return skl2onnx.convert_sklearn(before, initial_types=given, target_opset=opsets)
    except Exception as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise OnnxError(
            f"skl2onnx cannot convert the steps before it, {_names(before.steps)}: {said[0]}"
        ) from error


def _runs(model: Any) -> bool:
    """Return whether onnxruntime has all operators of a model."""
    runtime = package("onnxruntime")
    try:
        runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except runtime.capi.onnxruntime_pybind11_state.NotImplemented:
        return False
    return True


# ---------------------------------------------------------------------- types of columns


def _ports(before: Pipeline, X: Any) -> Iterator[Port]:
    """Return the inputs of steps: one per column of a DataFrame, or one of all numbers."""
    if isinstance(X, pd.DataFrame):
        for name, column in X.items():
            is_number = pd.api.types.is_numeric_dtype(column) or column.dtype == bool
            yield _port(str(name), not is_number)
        return
    first = before.steps[0][1]
    n_features, names = before.n_features_in_, getattr(before, "feature_names_in_", None)
    if not isinstance(first, ColumnTransformer):
        yield Port("X", "float64", ("rows", n_features), "Rows of numbers.")
        return
    known = [f"x{i}" for i in range(n_features)] if names is None else list(names)
    text = set(_text_columns(first, known))
    if names is None and not text:
        yield Port("X", "float64", ("rows", n_features), "Rows of numbers.")
        return
    for name in known:
        yield _port(name, name in text)


def _port(name: str, is_text: bool) -> Port:
    if is_text:
        return Port(name, "str", ("rows", 1), "Text.")
    return Port(name, "float64", ("rows", 1), "Numbers.")


def _text_columns(transformer: ColumnTransformer, names: list[str]) -> Iterator[str]:
    """Yield the columns whose transformers have learned text."""
    table = pd.DataFrame([range(len(names))], columns=names)
    for _, each, columns in transformer.transformers_:
        if isinstance(each, str):
            continue
        is_single = isinstance(columns, str | int)
        listed = [columns] if is_single else columns
        by_name = not isinstance(listed, slice) and any(isinstance(c, str) for c in listed)
        chosen = (table.loc[:, listed] if by_name else table.iloc[:, listed]).columns
        steps = [step for _, step in each.steps] if isinstance(each, Pipeline) else [each]
        for i, name in enumerate(chosen):
            if any(_has_text(step, i) for step in steps):
                yield name


def _has_text(step: Any, column: int) -> bool:
    """Return whether a step has learned text of its column of some number."""
    if hasattr(step, "vocabulary_"):
        return True
    learned: Any = getattr(step, "categories_", None)
    if learned is None:
        learned = getattr(step, "statistics_", None)
    if learned is None or column >= len(learned):
        return False
    return any(isinstance(each, str) for each in np.atleast_1d(learned[column]).tolist())
