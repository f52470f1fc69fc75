"""Persistence: fitted estimators as files, in formats that run no code of their writer."""

from .loading import load
from .saving import save

__all__ = ["load", "save"]
