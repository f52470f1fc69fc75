"""The steps of a Pipeline before our estimator, converted by skl2onnx."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import torch
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from ...estimators.inputs.frames import as_frame
from ...estimators.inputs.missing import is_missing
from ...estimators.inputs.tables import Table
from .graph import TRADITIONAL, TRADITIONAL_OPSET, Graph, Port
from .packages import package
from .rows import ABSENT, Feed, encoded_rows, scaled_rows
from .traced import Traced, traced
from .values import TRACED_ROWS, OnnxError

# How far float32 may be from what steps compute in float64, relative or absolute.
TOLERANCE = 1e-3
# How many categories of a column are tried.
MOST_CATEGORIES = 20


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
    _check_takes_table(*steps[0])
    names = getattr(steps[0][1], "feature_names_in_", None)
    ports = tuple(_ports(before, _few_rows(X, names)))
    graph.inputs.extend(ports)
    numbers = _converted(graph, before, ports, facts.shape)
    scaled = scaled_rows(numbers, learned.input_scaler, learned.torch_dtype, True)
    return scaled, Feed(ports, names=None if names is None else tuple(names))


def _check_takes_table(name: str, first: Any) -> None:
    takes = get_tags(first).input_tags if hasattr(first, "__sklearn_tags__") else None
    if takes and not takes.two_d_array and (takes.string or takes.dict):
        raise OnnxError(
            f"its first step, {name!r}, takes {'texts' if takes.string else 'records'} instead of"
            " the columns of a table. Export the last step alone, to_onnx(pipeline[-1], path), and"
            " run the steps before it in Python"
        )


def _few_rows(X: Any, names: Any) -> Any:
    """Return given rows, a table of any library as one of narwhals in the columns of training."""
    if X is None:
        return None
    frame = as_frame(X)
    if frame is None:
        if np.ndim(X) != 2:
            raise OnnxError(
                f"X, of type {type(X).__name__}, is no table. Give a DataFrame of a few rows, X=X[:5]"
            )
        return X
    if names is None:
        return frame
    absent = [repr(name) for name in names if name not in frame.columns]
    if absent:
        raise OnnxError(f"X lacks columns of training: {', '.join(absent)}")
    return frame.select(list(names))


def _names(steps: list[tuple[str, Any]]) -> str:
    return ", ".join(repr(name) for name, _ in steps)


def _converted(graph: Graph, before: Pipeline, ports: tuple[Port, ...], shape: Any) -> Traced:
    """Add the nodes of converted steps, and return the numbers that they give.

    Raises
    ------
    OnnxError
        If skl2onnx does not know a step, or converts it to something else.
    """
    model, dtype = _running_model(before, ports, graph.opset)
    _check_same(before, model, ports, dtype)
    given = {port.name: port.name for port in ports}
    if dtype == "float32":
        numbers = [port.name for port in ports if port.dtype != "str"]
        given |= {name: graph.node("Cast", name, to=1) for name in numbers}
    (name,) = graph.include(model, given)
    output = model.graph.output[0]
    found = {1: torch.float32, 7: torch.int64, 11: torch.float64}[output.type.tensor_type.elem_type]
    return traced(graph, name, (TRACED_ROWS, *shape), found)


def _running_model(before: Pipeline, ports: tuple[Port, ...], opset: int) -> tuple[Any, str]:
    """Return converted steps that onnxruntime loads, and the type of their numbers."""
    package("skl2onnx")
    package("onnxruntime")
    errors = []
    # Some operators, as that of SimpleImputer, are known for float32 alone.
    for dtype, numbers in (("float64", "DoubleTensorType"), ("float32", "FloatTensorType")):
        try:
            model = _model_of(before, ports, opset, numbers)
            _session(model)
            if model.functions:
                raise OnnxError("its graph needs functions of its own")
        except Exception as error:
            errors.append(error)
        else:
            return model, dtype
    said = str(errors[0]).strip().splitlines() or [type(errors[0]).__name__]
    raise OnnxError(
        f"skl2onnx cannot convert the steps before it, {_names(before.steps)}:"
        f" {said[0].rstrip('.')}"
    ) from errors[0]


def _model_of(before: Pipeline, ports: tuple[Port, ...], opset: int, numbers: str) -> Any:
    """Return steps as skl2onnx converts them, their numbers of some type."""
    skl2onnx = package("skl2onnx")
    types = skl2onnx.common.data_types
    kinds = {"str": types.StringTensorType, "float64": getattr(types, numbers)}
    given = [(port.name, kinds[port.dtype]([None, port.shape[1]])) for port in ports]
    opsets = {"": opset, TRADITIONAL: TRADITIONAL_OPSET}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = skl2onnx.convert_sklearn(before, initial_types=given, target_opset=opsets)
    _rename_inputs(model, [port.name for port in ports])
    return model


def _rename_inputs(model: Any, names: list[str]) -> None:
    """Give inputs the names of columns, of which skl2onnx keeps letters and digits alone."""
    renamed = dict(zip((each.name for each in model.graph.input), names, strict=True))
    for given in model.graph.input:
        given.name = renamed[given.name]
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]


def _session(model: Any) -> Any:
    runtime = package("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # Errors are raised, not printed.
    providers = ["CPUExecutionProvider"]
    return runtime.InferenceSession(model.SerializeToString(), options, providers=providers)


# ---------------------------------------------------------------------- what is converted


def _check_same(before: Pipeline, model: Any, ports: tuple[Port, ...], dtype: str) -> None:
    """Raise where converted steps give something other than the steps, for a few rows."""
    session, has_names = _session(model), hasattr(before[0], "feature_names_in_")
    for row in _trial_rows(before, ports):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                wanted = before.transform(row if has_names else row.to_numpy())
        except Exception:
            continue  # A row that the steps refuse.
        wanted = wanted.toarray() if hasattr(wanted, "toarray") else np.asarray(wanted)
        try:
            (found,) = session.run(None, _fed(row, ports, dtype))
        except Exception as error:
            raise _converted_otherwise(before, row, f"onnxruntime raises {error}") from error
        if found.shape != wanted.shape:
            n_found, n_wanted = found.shape[-1], wanted.shape[-1]
            said = f"it gives {n_found} columns instead of {n_wanted}"
            raise _converted_otherwise(before, row, said)
        wanted = wanted.astype(np.float64)
        is_near = np.isclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        if not is_near.all():
            place = tuple(np.argwhere(~is_near)[0])
            said = (
                f"it gives {found[place]:.4g} instead of {wanted[place]:.4g} in column {place[1]}"
            )
            raise _converted_otherwise(before, row, said)


def _trial_rows(before: Pipeline, ports: tuple[Port, ...]) -> Iterator[pd.DataFrame]:
    """Yield rows of some numbers and of categories, and the same with missing values."""
    names = [port.name for port in ports]
    if len(ports) == 1:
        names = _names_of(before[0], int(ports[0].shape[1]))
    known = {name: _some_of(step, i) for name, step, i in _learned_of(before[0], names)}
    n_rows = max(4, *(len(values) for values in known.values()), 4)
    draws = np.random.default_rng(0).standard_normal
    columns: dict[str, Any] = {}
    for name in names:
        values = known.get(name) or draws(n_rows)
        columns[name] = [values[i % len(values)] for i in range(n_rows)]
    table = pd.DataFrame(columns)
    for row in range(n_rows):
        yield table.iloc[[row]]
    for name in table:
        yield table.iloc[[0]].assign(**{name: np.nan})


def _fed(row: pd.DataFrame, ports: tuple[Port, ...], dtype: str) -> dict[str, Any]:
    """Return the inputs of converted steps."""
    if len(ports) == 1 and ports[0].dtype != "str":
        return {ports[0].name: row.to_numpy(dtype)}
    given = Feed(ports).of(row)
    return {name: v if v.dtype == object else v.astype(dtype) for name, v in given.items()}


def _converted_otherwise(before: Pipeline, row: pd.DataFrame, said: str) -> OnnxError:
    shown = ", ".join(map(str, row.iloc[0].tolist()))
    return OnnxError(
        f"skl2onnx converts the steps before it, {_names(before.steps)}, to something else: for the"
        f" row {shown[:200]}, {said[:300]}"
    )


# ---------------------------------------------------------------------- types of columns


def _ports(before: Pipeline, X: Any) -> Iterator[Port]:
    """Return the inputs of steps: one per column of a table, or one of all numbers."""
    name, first = before.steps[0]
    known = _names_of(first, _n_features(name, first, X))
    learned = _learned_of(first, known)
    texts = {each: _absent_of(step, i, each) for each, step, i in learned if _has_text(step, i)}
    is_named = hasattr(first, "feature_names_in_") and isinstance(first, ColumnTransformer)
    if isinstance(X, nw.DataFrame):
        for column, dtype in X.schema.items():
            is_number = dtype.is_numeric() or dtype == nw.Boolean
            yield _port(str(column), None if is_number else texts.get(str(column), ABSENT[0]))
    elif not texts and not is_named:
        yield Port("X", "float64", ("rows", len(known)), "Rows of numbers.")
    else:
        for column in known:
            yield _port(column, texts.get(column))


def _names_of(first: Any, n_features: int) -> list[str]:
    names = getattr(first, "feature_names_in_", None)
    return [f"x{i}" for i in range(n_features)] if names is None else list(names)


def _n_features(name: str, first: Any, X: Any) -> int:
    """Return how many columns the first step takes."""
    if X is not None:
        return int(np.shape(X)[1])
    n_features: int | None = getattr(first, "n_features_in_", None)
    if n_features is None:
        raise OnnxError(
            f"its first step, {name!r}, does not say how many columns it takes (it has no"
            " n_features_in_). Give a few rows, X=X[:5]"
        )
    return n_features


def _port(name: str, absent: str | None) -> Port:
    """Return an input of a column: of numbers, or of text in which something stands for missing."""
    if absent is None:
        return Port(name, "float64", ("rows", 1), "Numbers.")
    return Port(name, "str", ("rows", 1), f"Text; {absent!r} is a missing value.", absent)


def _learned_of(first: Any, names: list[str]) -> list[tuple[str, Any, int]]:
    """Return columns of which something was learned, the step that has it, and where."""
    if not isinstance(first, ColumnTransformer):
        return list(_learned_by([first], names))
    table = pd.DataFrame([range(len(names))], columns=names)
    found: list[tuple[str, Any, int]] = []
    for _, each, columns in first.transformers_:
        if isinstance(each, str):
            continue
        is_single = isinstance(columns, str | int)
        listed = [columns] if is_single else columns
        by_name = not isinstance(listed, slice) and any(isinstance(c, str) for c in listed)
        chosen = (table.loc[:, listed] if by_name else table.iloc[:, listed]).columns
        steps = [step for _, step in each.steps] if isinstance(each, Pipeline) else [each]
        found += _learned_by(steps, chosen)
    return found


def _learned_by(steps: list[Any], names: Iterable[str]) -> Iterator[tuple[str, Any, int]]:
    """Yield columns of which steps have learned text, or else categories."""
    for i, name in enumerate(names):
        of_text = (step for step in steps if _has_text(step, i))
        of_numbers = (step for step in steps if hasattr(step, "categories_"))
        step = next(of_text, None) or next(of_numbers, None)
        if step is not None:
            yield name, step, i


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


def _some_of(step: Any, column: int) -> list[Any]:
    """Return some values that a step has learned of a column."""
    if not hasattr(step, "categories_"):
        return ["a", "b"]
    found = [each for each in step.categories_[column].tolist() if not is_missing(each)]
    return found[:MOST_CATEGORIES]


def _absent_of(step: Any, column: int, name: str) -> str:
    """Return the text that an encoder, as skl2onnx writes it, takes for a missing value.

    Raises
    ------
    OnnxError
        If there is none, or if skl2onnx writes another encoder.
    """
    if not hasattr(step, "categories_"):
        return ABSENT[0]
    categories = step.categories_[column].tolist()
    texts = {each for each in categories if isinstance(each, str)}
    # skl2onnx has the text of every category: of NaN "nan", of None "None".
    absent = [str(each) for each in categories if is_missing(each)]
    other = next(each for each in (*ABSENT, f"<missing of {len(texts)}>") if each not in texts)
    kind, unknown = type(step).__name__, getattr(step, "handle_unknown", None)
    if kind == "OneHotEncoder" and unknown in ("infrequent_if_exist", "warn"):
        raise OnnxError(
            f"skl2onnx does not convert a OneHotEncoder with handle_unknown={unknown!r}, whose graph"
            " would fail at categories that training did not have. Fit it with"
            " handle_unknown='ignore'"
        )
    if absent and kind == "OrdinalEncoder" and is_missing(step.encoded_missing_value):
        if unknown == "use_encoded_value" and is_missing(step.unknown_value):
            return other
        raise OnnxError(
            f"the OrdinalEncoder of column {name!r} encodes missing text as NaN, which skl2onnx does"
            " not convert. Fit it with a number as encoded_missing_value"
        )
    if absent and absent[0] in texts:
        raise OnnxError(
            f"column {name!r} has the text {absent[0]!r} and missing values, which skl2onnx takes"
            " for the same. Give the text another name"
        )
    return absent[0] if absent else other
