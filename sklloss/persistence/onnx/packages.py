"""The packages that an export needs, which are no dependencies of sklloss."""

from __future__ import annotations

import importlib
from typing import Any


def package(name: str) -> Any:
    """Return a package of the extra ``onnx``, or a module of it.

    Raises
    ------
    ImportError
        If it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = name.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != missing:
            raise
        raise ImportError(
            f'ONNX export needs {missing}, which is not installed: pip install "sklloss[onnx]"'
        ) from error
