"""numpydoc's checks of every public name: of classes and functions, and of their public methods.

The names are those of the API reference. ``python -m numpydoc validate <name>`` checks one of them,
without the exceptions below.
"""

import functools
import importlib.util
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from numpydoc.validate import validate

PUBLIC_NAMES = Path(__file__).parents[1] / "docs" / "public_names.py"

# Checks of numpydoc that are switched off everywhere.
OFF = {
    "ES01": "an extended summary is written where the first line does not suffice",
    "SA01": "See Also is written where a reader might look for something else",
}
# Checks that are switched off for methods.
OFF_FOR_METHODS = {"EX01": "the example of a class shows its methods"}
# Checks that are switched off for single names.
OFF_FOR_NAMES = {
    "sklloss.losses.register_loss": {"PR02": "numpydoc takes the parameter cls for that of a class"}
}


def _public_names() -> dict[str, object]:
    spec = importlib.util.spec_from_file_location("public_names", PUBLIC_NAMES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.public_names()


def _definition(attribute: Any) -> Any:
    """Return the function behind an attribute of a class; None if it is something else."""
    if isinstance(attribute, property):
        return attribute.fget
    # classmethod, staticmethod and scikit-learn's available_if wrap a function.
    attribute = getattr(attribute, "__func__", getattr(attribute, "fn", attribute))
    return inspect.unwrap(attribute) if inspect.isfunction(attribute) else None


def _methods(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods and properties that are defined in this package."""
    for name in dir(cls):
        function = _definition(inspect.getattr_static(cls, name))
        if not name.startswith("_") and function and function.__module__.startswith("sklloss"):
            yield name, function


@functools.cache
def names() -> dict[str, bool]:
    """Return all names to check, and whether they are methods; a method under its first class."""
    found, seen = {}, set()
    for name, value in _public_names().items():
        found[name] = False
        for method, function in _methods(value) if inspect.isclass(value) else ():
            if function not in seen:
                found[f"{name}.{method}"] = True
            seen.add(function)
    return found


@pytest.mark.parametrize("name", names())
def test_the_docstring_is_valid(name):
    off = OFF.keys() | OFF_FOR_NAMES.get(name, {}).keys()
    if names()[name]:
        off |= OFF_FOR_METHODS.keys()
    errors = [f"{code}: {text}" for code, text in validate(name)["errors"] if code not in off]
    assert not errors, "\n".join(errors)


def test_methods_of_every_kind_are_checked():
    checked = names()
    assert "sklloss.NeuralClassifier.predict_proba" in checked  # available_if
    assert "sklloss.LossSearchCV.from_checkpoint" in checked  # a class method
    assert "sklloss.losses.State.stack" in checked  # a static method
    assert "sklloss.NeuralMultiTask.task_weights_" in checked  # a property
    assert len(checked) > 500
