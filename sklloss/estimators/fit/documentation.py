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
    The loss that was trained.
loss_state_ : State
    What the loss learned: hyperparameters, bins, class shares and trained parameters as tensors.
net_ : LossNet
    The fitted skorch net of the first member, from scaled X to raw output.
members_ : list of LossNet
    The fitted skorch nets of all members.
history_ : skorch.history.History
    Training loss, validation loss and time per epoch, of the first member.
n_iter_ : int
    Number of epochs, of the member that trained longest.
n_features_in_ : int
    Number of features seen in `fit`."""

NAMES = """
feature_names_in_ : ndarray of shape (n_features_in_,)
    Names of the features seen in `fit`, if X had column names that are all strings."""

TABLE = "X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)"
IMAGES = (
    "X : array-like of shape (n_samples, n_channels, height, width) or (n_samples, height, width)"
)
ITSELF = """\
Returns
-------
self
    The estimator itself."""
AS_IN_FIT = """\
y : array-like
    Targets, as in `fit`."""
SAME_WEIGHT = """\
sample_weight : array-like of shape (n_samples,) or None, default=None
    Weights, as in `fit`."""
CLASSES = """\
classes : array-like of shape (n_classes,) or None, default=None
    All labels that later calls may contain; by default those in y of the first call."""

# What a line ``%(name)s`` in the docstring of a method stands for.
PARAGRAPHS = {
    "X": TABLE,
    "new_X": f"{TABLE}\n    Rows, as in `fit`.",
    "sample_weight": """\
sample_weight : array-like of shape (n_samples,) or None, default=None
    Weights of the rows, >= 0.  A row of weight 2 counts as two equal rows, one of weight 0 as
    none.""",
    "images": IMAGES,
    "new_images": f"{IMAGES}\n    Images, as in `fit`.",
    "image_weight": """\
sample_weight : array-like of shape (n_samples,) or None, default=None
    Weights of the images, >= 0.  An image of weight 2 counts as two equal images, one of weight 0
    as none.""",
    "fitted": f"""\
{ITSELF}

Raises
------
ValueError, TypeError
    If the data or a parameter is invalid; the message names the parameter, or the row, column or
    group of the data.
FloatingPointError
    If training diverges to NaN or infinity.""",
    "continued": f"""\
{TABLE}
    Rows, as in `fit`.
{AS_IN_FIT}
{SAME_WEIGHT}

{ITSELF}""",
    "continued_with_classes": f"""\
{TABLE}
    Rows, as in `fit`.
{AS_IN_FIT}
{CLASSES}
{SAME_WEIGHT}

{ITSELF}""",
    "continued_with_images": f"""\
{IMAGES}
    Images, as in `fit`.
{AS_IN_FIT}
{SAME_WEIGHT}

{ITSELF}""",
    "continued_with_images_and_classes": f"""\
{IMAGES}
    Images, as in `fit`.
{AS_IN_FIT}
{CLASSES}
{SAME_WEIGHT}

{ITSELF}""",
    "module": """\
The module is an independent copy in evaluation mode.  It needs no estimator and can be exported
with ``torch.export``, as in the example of `NeuralRegressor.to_module`.""",
    "exported": """\
Returns
-------
FittedModule
    A module that takes a dense tensor of unscaled rows, of shape (n_samples, n_features).

Raises
------
ValueError
    If `output` is not one of these, or the loss has no such output.
NotFittedError
    If the estimator is not fitted.""",
}
PARAGRAPHS["exported_from_images"] = PARAGRAPHS["exported"].replace(
    "a dense tensor of unscaled rows, of shape (n_samples, n_features)",
    "a tensor of unscaled images",
)

PLACE = re.compile(r"^( *)%\((\w+)\)s$", re.MULTILINE)


def documented(cls: Class) -> Class:
    """Complete the docstrings of an estimator, whose parameters are declared as fields.

    ``%(parameters)s`` and ``%(attributes)s`` in the docstring of the class become the Parameters
    section and the attributes of every estimator; names of `PARAGRAPHS` in the docstrings of its
    methods become these paragraphs. Unknown keywords of the constructor and of fits raise an error
    that suggests the right name.
    """
    for name in {"__init__", "fit", "partial_fit"} & vars(cls).keys():
        setattr(cls, name, explaining_unknown(getattr(cls, name)))
    entries = {
        "parameters": numpydoc_of(cls),
        "attributes": ATTRIBUTES,
        "attributes_and_names": ATTRIBUTES + NAMES,
        "attributes_of_images": ATTRIBUTES.replace("features seen", "channels of the images seen"),
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

    return f"{PLACE.sub(filled, text)}\n"
