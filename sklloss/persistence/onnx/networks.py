"""The networks of an estimator in ONNX: perceptrons of all members at once, others by torch."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...estimators.fit.estimator import NeuralEstimator
from ...modules import MLP
from ...modules.ranking.row_scores import RowScores
from .graph import Graph
from .packages import package
from .traced import Traced, traced
from .values import TRACED_ROWS, OnnxError, dtype_of, name_of

# Layers that onnxruntime has in single precision alone.
SINGLE_PRECISION = (nn.modules.conv._ConvNd, nn.RNNBase)

# The severity of onnxruntime's messages from which they are printed.
FATAL = 4

# The built-in activations that are an operator.
ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "elu": "Elu"}


def raw_output(estimator: NeuralEstimator, scaled: Traced) -> Tensor:
    """Return the raw output of all members, (members, n_samples, n_targets, n_outputs)."""
    nets = estimator.members_
    modules: list[Any] = [_of_rows(net.module_) for net in nets]
    baseline = nets[0].criterion_.baseline
    scaled = scaled.to(baseline.dtype)  # type: ignore[assignment]
    if all(type(module) is MLP for module in modules):
        output: Tensor = _perceptrons(modules, scaled)
    else:
        output = torch.stack([_by_torch(module, scaled) for module in modules])
    shape = nets[0].raw_shape or (nets[0].criterion_.constant.shape[1], -1)
    return output.flatten(2).unflatten(2, shape) if output.ndim > 2 else output[..., None, None]


def _of_rows(module: Any) -> Any:
    """Return the network that scores rows, of one that scores those of groups."""
    return module.network if isinstance(module, RowScores) else module


def _perceptrons(modules: list[MLP], scaled: Traced) -> Traced:
    """Return what perceptrons of one shape return, (members, n_samples, n_outputs)."""
    graph, hidden = scaled.graph, scaled.value
    layers = list(zip(*(module.linears for module in modules), strict=True))
    for i, members in enumerate(layers):
        hidden = _layer(graph, members, hidden)
        if i < len(layers) - 1:
            hidden = _activated(graph, modules[0].activation, hidden, scaled.dtype)
    if modules[0].path is not None:
        weights = np.stack([_values(module.path).T for module in modules])
        path = graph.node("MatMul", scaled.value, graph.constant(weights))
        hidden = graph.node("Add", hidden, path)
    scales = np.array([[[module.output_scale]] for module in modules])
    if (scales != 1).any():
        number = graph.constant(scales.astype(dtype_of(scaled.dtype)))
        hidden = graph.node("Mul", hidden, number)
    n_outputs = layers[-1][0].out_features
    return traced(graph, hidden, (len(modules), TRACED_ROWS, n_outputs), scaled.dtype)


def _layer(graph: Graph, members: tuple[nn.Linear, ...], hidden: str) -> str:
    weights = np.stack([_values(layer.weight).T for layer in members])
    biases = np.stack([_values(layer.bias)[None] for layer in members])
    return graph.node("Add", graph.node("MatMul", hidden, graph.constant(weights)),
                      graph.constant(biases))  # fmt: skip


def _activated(graph: Graph, name: str, x: str, dtype: torch.dtype) -> str:
    if name == "identity":
        return x
    if name == "silu":
        return graph.node("Mul", x, graph.node("Sigmoid", x))
    if name == "gelu":
        return name_of(graph, _gelu(traced(graph, x, (TRACED_ROWS,), dtype)))
    return graph.node(ACTIVATIONS[name], x)


def _gelu(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + torch.erf(x * 0.5**0.5))


def _values(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _by_torch(module: nn.Module, scaled: Traced) -> Traced:
    """Return what any network returns, exported by torch and made part of the graph."""
    graph, dtype = scaled.graph, scaled.dtype
    own = _flat(module)
    if any(isinstance(layer, SINGLE_PRECISION) for layer in own.modules()):
        own, scaled = own.float(), scaled.to(torch.float32)  # type: ignore[assignment]
    with torch.no_grad():
        output = own(_few_rows(scaled))
    model = _exported(own, scaled, graph.opset, type(module).__name__)
    inlined = package("onnx.inliner").inline_local_functions(model)
    _check_runs(inlined, own, scaled, type(module).__name__)
    (name,) = graph.include(inlined, {inlined.graph.input[0].name: scaled.value})
    shape = TRACED_ROWS, *output.shape[1:]
    return traced(graph, name, shape, output.dtype).to(dtype)  # type: ignore[return-value]


def _few_rows(scaled: Traced) -> Tensor:
    """Return some rows of whole numbers, which are token ids as well."""
    source = torch.Generator().manual_seed(0)
    drawn = torch.randn(3, *scaled.shape[1:], generator=source)
    return (3 * drawn).abs().round().to(scaled.dtype)


def _exported(module: nn.Module, scaled: Traced, opset: int, name: str) -> Any:
    """Return a network as torch's exporter writes it.

    Raises
    ------
    OnnxError
        If it cannot.
    """
    package("onnxscript")
    rows = _few_rows(scaled)
    try:
        with warnings.catch_warnings(), _silenced():
            warnings.simplefilter("ignore")
            found = torch.onnx.export(
                module,
                (rows,),
                dynamo=True,
                opset_version=opset,
                dynamic_shapes=({0: torch.export.Dim("rows")},),
                verbose=False,
            )
    except Exception as error:
        # torch.onnx has errors of its own, and passes on those of the network.
        cause = error.__cause__ or error
        said = str(cause).strip().splitlines() or [type(cause).__name__]
        raise OnnxError(f"torch.onnx.export cannot export module {name}: {said[0]}") from error
    assert found is not None
    return found.model_proto


def _check_runs(model: Any, module: nn.Module, scaled: Traced, name: str) -> None:
    """Raise if onnxruntime does not compute what a network does: exporters have faults."""
    runtime = package("onnxruntime")
    rows = _few_rows(scaled)
    options = runtime.SessionOptions()
    options.log_severity_level = FATAL
    with torch.no_grad():
        wanted = module(rows)
    try:
        session = runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        feed = {session.get_inputs()[0].name: rows.numpy()}
        found = torch.from_numpy(session.run(None, feed)[0])
    except Exception as error:
        raise OnnxError(
            f"onnxruntime cannot run what torch.onnx.export makes of module {name}:"
            f" {str(error).splitlines()[0]}"
        ) from error
    if found.shape != wanted.shape or not torch.allclose(found, wanted, rtol=1e-3, atol=1e-4):
        raise OnnxError(
            f"torch.onnx.export makes something else of module {name}: onnxruntime returns"
            f" {found.flatten()[:3].tolist()} for rows of which the module makes"
            f" {wanted.flatten()[:3].tolist()}"
        )


def _flat(module: nn.Module) -> nn.Module:
    """Return a copy of a network on the CPU that returns (n_samples, width)."""
    own = copy.deepcopy(module).cpu().eval().requires_grad_(False)
    for tensor in (*own.parameters(), *own.buffers()):
        # Training may lay weights out transposed.
        tensor.data = tensor.data.contiguous()
    return _Flat(own)


class _Flat(nn.Module):
    """A network whose output is (n_samples, width)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, X: Tensor) -> Tensor:
        """Flatten the output of the network."""
        # A network may write into what it is given.
        output = self.network(X.clone())
        return output.flatten(1) if output.ndim > 1 else output.unsqueeze(1)


@contextlib.contextmanager
def _silenced() -> Any:
    """Keep what torch's exporter prints and logs to itself."""
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
