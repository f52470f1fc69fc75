"""Fitted estimators in files: safetensors and JSON, so that reading one runs no code of its writer."""

from .loading import load
from .saving import save

__all__ = ["load", "save"]
