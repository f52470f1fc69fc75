"""The public names of sklloss: what the API reference must show, and whose docstrings are checked."""

import importlib
import inspect
from collections.abc import Mapping
from types import ModuleType

# Every public module, with the heading that the reference gives it. What the README and the guide import is in one of
# these; `sklloss.training` and `sklloss.modules` are for those who change the package.
MODULES: Mapping[str, str] = {
    "sklloss": "Estimators, searches and functions",
    "sklloss.losses": "Losses",
    "sklloss.metrics": "Metrics",
    "sklloss.inspection": "Displays",
    "sklloss.persistence.onnx": "ONNX",
    "sklloss.persistence.mlflow": "MLflow",
    "sklloss.persistence.torch_module": "PyTorch modules",
}


def public_names() -> dict[str, object]:
    """Return the public objects by their dotted names, each under the first module that has it."""
    found: dict[str, object] = {}
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in names_of(module):
            value = getattr(module, name)
            if not any(value is other for other in found.values()):
                found[f"{module_name}.{name}"] = value
    return found


def names_of(module: ModuleType) -> list[str]:
    """Return the classes and functions that a module offers."""
    names = getattr(module, "__all__", None) or vars(module)
    offered = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return sorted(name for name, value in offered.items() if _is_ours(value))


def _is_ours(value: object) -> bool:
    is_definition = inspect.isclass(value) or inspect.isfunction(value)
    return is_definition and value.__module__.startswith("sklloss")
