"""Our estimators as skl2onnx converts them, inside the Pipelines of scikit-learn."""

from __future__ import annotations

from typing import Any

import torch

from ...estimators import NeuralClassifier, NeuralRanker, NeuralRegressor
from ...estimators.targets.labels import LearnedLabels
from .answers import Members, outputs_of
from .graph import TRADITIONAL, TRADITIONAL_OPSET, Graph, Port
from .packages import package
from .rows import numbers_of, scaled_rows
from .traced import traced
from .values import TRACED_ROWS, OnnxError, name_of

# The least version of ONNX's operators that the nodes are written in.
LEAST_OPSET = 18


def register() -> None:
    """Let skl2onnx convert our estimators, alone and inside Pipelines, stacks and other wrappers.

    Afterwards ``skl2onnx.to_onnx(pipeline, X)`` works as for the estimators of scikit-learn:
    regressors and rankers have one output, classifiers a label and probabilities (scores where the
    loss has none), with the option ``zipmap``.  `to_onnx` needs no registration and writes all
    answers.

    Raises
    ------
    ImportError
        If skl2onnx is missing.

    Examples
    --------
    >>> import skl2onnx
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklloss import NeuralRegressor
    >>> from sklloss.persistence.onnx import register
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), NeuralRegressor("huber", max_epochs=3)).fit(X, y)
    >>> register()
    >>> [output.name for output in skl2onnx.to_onnx(model, X[:1]).graph.output]
    ['variable']
    """
    update = package("skl2onnx").update_registered_converter
    for kind in (NeuralRegressor, NeuralRanker):
        update(kind, f"Sklloss{kind.__name__}", _shape_of_numbers, _convert_numbers)
    options = {"zipmap": [True, False, "columns"], "nocl": [True, False],
               "output_class_labels": [False, True]}  # fmt: skip
    name = f"Sklloss{NeuralClassifier.__name__}"
    update(NeuralClassifier, name, _shape_of_labels, _convert_labels, options=options)


# ---------------------------------------------------------------------- shapes


def _shape_of_numbers(operator: Any) -> None:
    types = package("skl2onnx").common.data_types
    model = operator.raw_operator
    n_targets = getattr(model._learned.target, "n_targets", 1)
    kind = _float_type(operator, types)
    operator.outputs[0].type = kind([operator.inputs[0].get_first_dimension(), n_targets])


def _shape_of_labels(operator: Any) -> None:
    types = package("skl2onnx").common.data_types
    labels: LearnedLabels = operator.raw_operator._learned.target
    n, width = operator.inputs[0].get_first_dimension(), len(labels.classes)
    is_text = not labels.is_multi_label and labels.classes.dtype.kind in "OUS"
    kind = types.StringTensorType if is_text else types.Int64TensorType
    operator.outputs[0].type = kind([n, width] if labels.is_multi_label else [n])
    is_column = width == 2 and not hasattr(operator.raw_operator, "predict_proba")
    shape = [n, 1 if is_column and not labels.is_multi_label else width]
    # ZipMap, which makes dictionaries of probabilities, takes single precision alone.
    operator.outputs[1].type = types.FloatTensorType(shape)


def _float_type(operator: Any, types: Any) -> Any:
    is_double = any(isinstance(each.type, types.DoubleTensorType) for each in operator.inputs)
    return types.DoubleTensorType if is_double else types.FloatTensorType


# ---------------------------------------------------------------------- nodes


def _convert_numbers(scope: Any, operator: Any, container: Any) -> None:
    graph, members = _members(scope, operator, container)
    (output,) = outputs_of(operator.raw_operator, ["predict"], None, None)
    found = output.compute(members)
    found = found.unsqueeze(1) if found.ndim == 1 else found
    graph.rename(_as_declared(graph, found, operator.outputs[0]), operator.outputs[0].full_name)
    _add(graph, container)


def _convert_labels(scope: Any, operator: Any, container: Any) -> None:
    graph, members = _members(scope, operator, container)
    model = operator.raw_operator
    scores = "predict_proba" if hasattr(model, "predict_proba") else "decision_function"
    label, probability = outputs_of(model, ["predict", scores], None, None)
    name, dtype = label.named(graph, label.compute(members))
    if dtype not in ("str", "int64"):
        name = graph.node("Cast", name, to=7)
    graph.rename(name, operator.outputs[0].full_name)
    found = probability.compute(members)
    found = found.unsqueeze(1) if found.ndim == 1 else found
    graph.rename(_as_declared(graph, found, operator.outputs[1]), operator.outputs[1].full_name)
    _add(graph, container)


def _as_declared(graph: Graph, found: torch.Tensor, variable: Any) -> str:
    types = package("skl2onnx").common.data_types
    is_double = isinstance(variable.type, types.DoubleTensorType)
    return name_of(graph, found, torch.float64 if is_double else torch.float32)


def _members(scope: Any, operator: Any, container: Any) -> tuple[Graph, Members]:
    """Return a graph of the networks of an operator, from the names of its inputs."""
    model = operator.raw_operator
    opset = container.target_opset_any_domain("")
    if opset < LEAST_OPSET:
        raise ValueError(
            f"{type(model).__name__} is converted to opset {LEAST_OPSET} and later; got"
            f" target_opset={opset}. Leave target_opset out, or set it to {LEAST_OPSET}."
        )
    graph = Graph(opset, scope.get_unique_operator_name("sklloss") + "_")
    names = [variable.full_name for variable in operator.inputs]
    graph.inputs.append(Port(names[0], "float64", ("rows",)))
    learned = model._learned
    columns = learned.inputs.raw_columns
    if columns is None:
        wide = [graph.node("Cast", name, to=11) for name in names]
        name = graph.node("Concat", *wide, axis=1) if len(wide) > 1 else wide[0]
        shape = TRACED_ROWS, *learned.inputs.shape
        numbers: Any = traced(graph, name, shape, torch.float64)
    else:
        numbers = _raw_numbers(graph, columns, operator.inputs)
    scaled = scaled_rows(numbers, learned.input_scaler, learned.torch_dtype, True)
    return graph, Members.of(model, scaled)


def _raw_numbers(graph: Graph, columns: Any, variables: list[Any]) -> Any:
    """Return the numbers of the columns of a raw table, each a variable of its own."""
    from .rows import port_of

    if len(variables) != len(columns.columns):
        raise OnnxError(
            f"a table of {len(columns.columns)} columns of several kinds needs an input for each;"
            f" skl2onnx gave {len(variables)}. Give a DataFrame, or initial_types of columns"
        )
    names = []
    for column, variable in zip(columns.columns, variables, strict=True):
        dtype, _ = port_of(column)
        number = {"float64": 11, "int64": 7}.get(dtype)
        name = variable.full_name
        names.append(name if number is None else graph.node("Cast", name, to=number))
    return numbers_of(graph, columns, names)


def _add(graph: Graph, container: Any) -> None:
    """Add the nodes and constants of a graph to what skl2onnx builds."""
    container.initializers.extend(graph.constants.values())
    container.nodes.extend(graph.nodes)
    container.node_domain_version_pair_sets.add(("", graph.opset))
    if any(node.domain == TRADITIONAL for node in graph.nodes):
        container.node_domain_version_pair_sets.add((TRADITIONAL, TRADITIONAL_OPSET))
