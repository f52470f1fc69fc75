"""Docstrings completed from what is declared once: parameters, attributes, paragraphs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ...parameters.arguments import explaining_unknown
from ...parameters.declared import numpydoc_of

Class = TypeVar("Class", bound=type)
Function = TypeVar("Function", bound=Callable[..., Any])

ATTRIBUTES = """\
loss_ : Loss
    The resolved loss.
loss_state_ : State
    What the loss learned: hyperparameters, bins, class shares and trained parameters as tensors.
net_ : LossNet
    The fitted skorch net, from scaled X to raw output; the first member.
members_ : list of LossNet
    One per member.
history_ : skorch.history.History
    Training loss, validation loss and time per epoch; of the first member.
n_iter_ : int
    Epochs trained; of the member that took longest.
n_features_in_ : int
    Features seen in fit."""

NAMES = """
feature_names_in_ : ndarray of shape (n_features_in_,)
    Their names, where X had string column names."""

# What a line ``%(name)s`` in the docstring of a method stands for.
PARAGRAPHS = {
    "X": """\
X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)""",
    "sample_weight": """\
sample_weight : array-like of shape (n_samples,) or None, default=None
    Weights >= 0; weight 2 is a row repeated, weight 0 a row removed.""",
    "images": """\
X : array-like of shape (n_samples, n_channels, height, width) or (n_samples, height, width)""",
    "image_weight": """\
sample_weight : array-like of shape (n_samples,) or None, default=None
    Weights of images, >= 0; weight 2 is an image repeated, weight 0 an image removed.""",
    "fitted": """\
Returns
-------
self

Raises
------
ValueError, TypeError
    If data or parameters are outside what is allowed; the message names the parameter, or the row,
    column or group of the data.
FloatingPointError
    If training turns NaN or infinite.""",
    "continued": """\
X, y, sample_weight
    As in `fit`.

Returns
-------
self""",
    "continued_with_classes": """\
X, y, sample_weight
    As in `fit`.
classes : array-like of shape (n_classes,) or None, default=None
    All labels that later calls may bring; by default those of the first call's y.

Returns
-------
self""",
    "module": """\
It is a copy of its own, in evaluation mode, runs without the estimator and exports with
``torch.export``, as shown in `NeuralRegressor.to_module`.""",
    "exported": """\
Returns
-------
FittedModule
    From a dense tensor of shape (n_samples, n_features), not scaled.

Raises
------
ValueError
    If `output` is none of these, or the loss has no such output.
NotFittedError
    If the estimator is not fitted.""",
}
PARAGRAPHS["exported_from_images"] = PARAGRAPHS["exported"].replace(
    "From a dense tensor of shape (n_samples, n_features)", "From a tensor of images"
)

PLACE = re.compile(r"^( *)%\((\w+)\)s$", re.MULTILINE)


def documented(cls: Class) -> Class:
    """Complete the docstrings of an estimator, whose parameters are declared as fields.

    ``%(parameters)s`` and ``%(attributes)s`` in the docstring of the class become the Parameters
    section and the attributes of every estimator; names of `PARAGRAPHS` in those of its methods
    become these. Keywords that the constructor or a fit does not have are explained.
    """
    for name in {"__init__", "fit", "partial_fit"} & vars(cls).keys():
        setattr(cls, name, explaining_unknown(getattr(cls, name)))
    entries = {
        "parameters": numpydoc_of(cls),
        "attributes": ATTRIBUTES,
        "attributes_and_names": ATTRIBUTES + NAMES,
        "attributes_of_images": ATTRIBUTES.replace("Features seen", "Channels of the images seen"),
    }
    cls.__doc__ = _completed(inspect.cleandoc(cls.__doc__ or ""), entries)
    for method in vars(cls).values():
        # What wraps a method, as scikit-learn does with `transform`, has a copy of its docstring.
        wrapper = getattr(method, "fn", method)
        function = inspect.unwrap(wrapper)
        if inspect.isfunction(function) and function.__doc__:
            text = _completed(inspect.cleandoc(function.__doc__), PARAGRAPHS)
            function.__doc__ = wrapper.__doc__ = text
    return cls


def completed(**entries: str) -> Callable[[Function], Function]:
    """Return a decorator that fills the placeholders in the docstring of a function."""

    def complete(function: Function) -> Function:
        function.__doc__ = _completed(inspect.cleandoc(function.__doc__ or ""), entries)
        return function

    return complete


def _completed(text: str, entries: Mapping[str, str]) -> str:
    """Return a docstring with its placeholders filled, each at its own indentation."""

    def filled(match: re.Match[str]) -> str:
        lines = entries[match[2]].splitlines()
        return "\n".join(match[1] + line if line else "" for line in lines)

    return PLACE.sub(filled, text)
