"""ONNX: fitted estimators and Pipelines as graphs from raw rows to every answer."""

from .converter import register
from .export import OnnxFile, to_onnx

__all__ = ["OnnxFile", "register", "to_onnx"]
