"""``to_onnx``: a fitted estimator, or a Pipeline that ends in one, as an ONNX file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ...estimators.fit.estimator import NeuralEstimator
from ..atomic import write_whole
from ..saving import explained, path_of
from .answers import Members, outputs_of
from .graph import Graph, Port
from .packages import package
from .pipelines import rows_after_steps
from .rows import Feed, encoded_rows
from .values import OnnxError

# The versions of ONNX's operators that are written; the first is the default.
OPSETS = range(18, 24)


@dataclass(frozen=True)
class OnnxFile:
    """The file that `to_onnx` wrote, with its inputs and outputs.

    Parameters
    ----------
    path : Path
        The file.
    opset : int
        The version of ONNX's operator set.
    inputs, outputs : tuple of Port
        Each with ``name``, ``dtype``, ``shape`` and ``meaning``.
    _feed : Feed
        Encodes rows for the inputs.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklloss import NeuralClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = NeuralClassifier(max_epochs=2, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = to_onnx(model, f"{folder}/model.onnx", outputs=["predict"])
    >>> file.outputs[0].name, sorted(file.feed(X[:2]))
    ('predict', ['X'])
    """

    path: Path
    opset: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    _feed: Feed

    def feed(self, X: Any) -> dict[str, np.ndarray]:
        """Return rows as ``onnxruntime.InferenceSession.run`` takes them.

        Parameters
        ----------
        X : array-like or DataFrame
            Rows as `predict` takes them.  Columns of a DataFrame are found by their names.

        Returns
        -------
        dict of str to ndarray
            One array per input.

        Raises
        ------
        ValueError
            If X lacks a column of training, or holds something else in it.
        """
        return self._feed.of(X)

    def __repr__(self) -> str:
        lines = [f"OnnxFile({str(self.path)!r}, opset={self.opset})"]
        for title, ports in (("inputs", self.inputs), ("outputs", self.outputs)):
            lines.append(title)
            for port in ports:
                shape = ", ".join(map(str, port.shape)) + ("," if len(port.shape) == 1 else "")
                lines.append(f"  {port.name}: {port.dtype} ({shape})  {port.meaning}")
        return "\n".join(lines)


def to_onnx(
    estimator: Any,
    path: str | os.PathLike[str],
    *,
    outputs: Sequence[str] | None = None,
    quantiles: Any = None,
    coverage: float | None = None,
    X: Any = None,
    opset: int = OPSETS[0],
) -> OnnxFile:
    """Write a fitted estimator to an ONNX file that takes raw rows.

    The graph encodes X itself: numbers, missing values, text, dates and durations.  It includes all
    members of an ensemble, decisions and calibrated quantiles, and takes any number of rows.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of sklloss, a Pipeline of scikit-learn steps that ends in one (skl2onnx
        converts its steps), or a fitted search over either, whose best estimator is written.
    path : str or path-like
        The file.  An existing file is replaced only when the new one is complete.
    outputs : sequence of str or None, default=None
        Outputs of the graph, by the names of methods: "predict", "predict_proba",
        "decision_function", "predict_quantiles", "predict_interval", "predict_std",
        "predict_mean", "transform", or "raw"; for `NeuralMultiTask` such as "task.predict".  None
        is all except "raw".  Fewer outputs are faster.
    quantiles : array-like of shape (n_quantiles,) or None, default=None
        Levels of "predict_quantiles", in (0, 1).  None is 0.1, 0.5 and 0.9, or the levels of
        `multi_quantile`.
    coverage : float or None, default=None
        Coverage of "predict_interval", in (0, 1).  None is 0.8.
    X : DataFrame, array-like or None, default=None
        A few rows with the types of all columns; required for a Pipeline whose steps do not know
        them.
    opset : int, default=18
        The version of ONNX's operator set, 18 to 23.

    Returns
    -------
    OnnxFile
        Names, types and meanings of inputs and outputs; ``feed(X)`` encodes rows for the inputs.

    Raises
    ------
    ImportError
        If onnx is not installed, or skl2onnx for a Pipeline.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is neither an estimator of sklloss nor a Pipeline that ends in one.
    ValueError
        If the estimator, its network or a step cannot be converted to ONNX, or if there is no such
        output, level or opset.
    OSError
        If the file cannot be written.

    Notes
    -----
    Labels are strings, integers, floats or booleans, as in training.  Outputs agree with the
    estimator's methods to 1e-5, relative or absolute.  ONNX has no missing strings; the meaning of
    a text input says which string stands for a missing value.  Dates are integers, microseconds
    since 1970.

    Examples
    --------
    >>> import tempfile, onnxruntime
    >>> from sklearn.datasets import load_iris
    >>> from sklloss import NeuralClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = NeuralClassifier("focal", max_epochs=5, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = to_onnx(model, f"{folder}/model.onnx")
    ...     session = onnxruntime.InferenceSession(file.path)
    >>> [port.name for port in file.outputs]
    ['predict', 'decision_function', 'predict_proba']
    >>> (label,) = session.run(["predict"], file.feed(X[:3]))
    >>> bool((label == model.predict(X[:3])).all())
    True
    """
    package("onnx")
    _check_opset(opset)
    target = _checked_path(path)
    steps, final = _parts(estimator)
    graph = Graph(opset)
    try:
        if steps is None:
            scaled, feed = encoded_rows(graph, final._inputs, final._learned)
        else:
            scaled, feed = rows_after_steps(graph, steps, final, X)
        members = Members.of(final, scaled)
        for output in outputs_of(final, outputs, quantiles, coverage):
            output.add(graph, members)
        _check_names(graph)
        model = graph.model(f"{type(final).__name__} of sklloss, loss {final.loss_.label}")
        _describe(model, final, graph)
    except (OnnxError, UnicodeEncodeError) as error:
        reason = (
            f"it holds text as UTF-8, in which {error.object!r} cannot be written. Replace this label,"
            " category or name"
            if isinstance(error, UnicodeEncodeError)
            else error
        )
        raise ValueError(
            f"{type(final).__name__} with loss {final.loss_.label!r} and module {final.module!r}"
            f" cannot be written to ONNX: {reason}."
        ) from error
    _write(model.SerializeToString(), target)
    return OnnxFile(Path(target), opset, tuple(graph.inputs), tuple(graph.outputs), feed)


def _check_names(graph: Graph) -> None:
    """Raise where a column of a Pipeline, which keeps its name, is called as an output is."""
    inputs, outputs = ({port.name for port in ports} for ports in (graph.inputs, graph.outputs))
    for name in sorted(inputs & outputs):
        raise OnnxError(
            f"its column {name!r} has the name of an output. Rename the column, or give outputs="
            " without it"
        )


def _parts(estimator: Any) -> tuple[Pipeline | None, Any]:
    """Return the steps before an estimator of ours, None without any, and the estimator."""
    found = estimator
    if hasattr(found, "best_estimator_") or hasattr(found, "param_grid"):
        check_is_fitted(found, "best_estimator_")
        found = found.best_estimator_
    steps = None
    if isinstance(found, Pipeline):
        check_is_fitted(found)
        steps, found = found, found.steps[-1][1]
    if not isinstance(found, NeuralEstimator):
        what = (
            f"a {type(found).__name__}"
            if not isinstance(found, type)
            else f"the class {found.__name__}"
        )
        raise TypeError(
            "to_onnx takes a fitted estimator of sklloss, a Pipeline that ends in one, or a search"
            f" over either; got {what}. For estimators of scikit-learn use skl2onnx.to_onnx, after"
            " sklloss.persistence.onnx.register() where ours are inside."
        )
    check_is_fitted(found, "net_")
    return steps, found


def _check_opset(opset: Any) -> None:
    if isinstance(opset, bool) or not isinstance(opset, int | np.integer) or opset not in OPSETS:
        raise ValueError(
            f"to_onnx writes the opsets {OPSETS[0]} to {OPSETS[-1]}; got opset={opset!r}. Leave it"
            f" at {OPSETS[0]}, which every onnxruntime since 1.14 reads."
        )


def _describe(model: Any, final: Any, graph: Graph) -> None:
    """Write into a model what made it, and what its inputs and outputs mean."""
    ports = [(port.name, port.meaning) for port in (*graph.inputs, *graph.outputs)]
    about = [("sklloss", version("sklloss")), ("loss", repr(final.loss_)), *ports]
    for key, value in about:
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    values = (*model.graph.input, *model.graph.output)
    for value, (_, meaning) in zip(values, ports, strict=True):
        value.doc_string = meaning


def _checked_path(path: Any) -> str:
    """Return the path of a file that can be written."""
    target = path_of(path)
    folder = Path(target).parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"to_onnx cannot write {target!r}: there is no folder {str(folder)!r}. Make it first."
        )
    return target


def _write(content: bytes, target: str) -> None:
    """Write a file as a whole: one that exists is replaced at the end."""
    try:
        write_whole(target, content)
    except OSError as error:
        raise explained(error, target, "written") from error
