"""Whether an ONNX file says what the estimator says."""

import numpy as np
import pytest
import torch

from sklloss.persistence.onnx import to_onnx

onnxruntime = pytest.importorskip("onnxruntime")

# Of each number, or of 1 where that is larger.
TOLERANCE = 1e-5


def ran(file, X):
    """Return the outputs of a file for some rows, by name."""
    session = onnxruntime.InferenceSession(file.path, providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == [port.name for port in file.inputs]
    names = [port.name for port in file.outputs]
    return dict(zip(names, session.run(names, file.feed(X)), strict=True))


def answer_of(model, name, X):
    """Return what the method of an estimator, or of the last step of a Pipeline, says."""
    if hasattr(model, "steps"):
        return answer_of(model[-1], name, model[:-1].transform(X))
    if name == "predict_mean":
        means = model._mixture(X).mean().numpy()
        return means[:, 0] if model.predict(X).ndim == 1 else means
    if name == "raw":
        return model.to_module("raw")(torch.from_numpy(model.as_numbers(X))).numpy()
    if name == "predict_quantiles" and not hasattr(model.loss_, "cdf"):
        return model.predict_quantiles(X, getattr(model.loss_, "quantiles", (0.1, 0.5, 0.9)))
    return getattr(model, name)(X)


def difference(found, wanted):
    """Return the largest difference, relative or absolute; for labels the share that differs."""
    assert found.shape == wanted.shape
    if wanted.dtype.kind in "OUSb":
        return float((found != wanted).mean())
    return float((np.abs(found - wanted) / np.maximum(1, np.abs(wanted))).max())


def head(table, n):
    return table.iloc[:n] if hasattr(table, "iloc") else table[:n]


def assert_agrees(model, table, path, **how):
    """Write a model, and compare all outputs for one row and for all rows; return the file."""
    file = to_onnx(model, path / "model.onnx", **how)
    assert list(path.iterdir()) == [path / "model.onnx"]
    for n in (1, len(table)):
        rows = head(table, n)
        for name, found in ran(file, rows).items():
            assert difference(found, answer_of(model, name, rows)) <= TOLERANCE, name
    return file
