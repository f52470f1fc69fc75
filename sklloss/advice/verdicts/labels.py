"""What candidates of a search are called in tables and sentences."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from ...losses.base import Loss
from ...parameters.plain import plain

# Longest text of a value.
MOST_LETTERS = 40


def labels_of(settings: Sequence[Any]) -> list[str]:
    """Return a label per candidate: its loss, then what else differs between candidates.

    Parameters
    ----------
    settings : sequence of dict
        The column ``params`` of ``cv_results_``.

    Examples
    --------
    >>> labels_of([{"loss": "mse", "lr": 0.1}, {"loss": "huber", "loss__delta": 0.5, "lr": 0.1}])
    ['mse', 'huber(delta=0.5)']
    >>> labels_of([{"C": 1, "kernel": "rbf"}, {"C": 10, "kernel": "rbf"}])
    ['C=1', 'C=10']
    """
    texts = [{key: value_text(value) for key, value in _named(each).items()} for each in settings]
    key = loss_key(settings)
    keys = list(dict.fromkeys(name for each in texts for name in each))
    varying = [k for k in keys if k != key and len({each.get(k) for each in texts}) > 1]
    return [_label(each, key, varying) for each in texts]


def distinct(labels: Sequence[str], rows: Sequence[int]) -> list[str]:
    """Return labels with the row of ``cv_results_`` where several candidates are called the same.

    Examples
    --------
    >>> distinct(["mse", "f", "f"], [0, 1, 2])
    ['mse', 'f [row 1]', 'f [row 2]']
    """
    count = Counter(labels)
    return [
        label if count[label] == 1 else f"{label} [row {row}]"
        for label, row in zip(labels, rows, strict=True)
    ]


def losses_of(settings: Sequence[Any]) -> list[str | None]:
    """Return the name of each candidate's loss, None where its parameters have none."""
    key = loss_key(settings)
    return [loss_name(each[key]) if key in _named(each) else None for each in settings]


def loss_key(settings: Sequence[Any]) -> str | None:
    """Return the parameter that holds the loss, such as ``net__loss``, or None."""
    keys = dict.fromkeys(key for each in settings for key in _named(each))
    return next((key for key in keys if key.split("__")[-1] == "loss"), None)


def loss_name(value: Any) -> str:
    """Return the name of a loss, without its parameters."""
    if isinstance(value, Loss):
        return value.label
    if isinstance(value, type) and issubclass(value, Loss):
        return value.name or value.__name__
    if isinstance(value, nn.Module):
        return type(value).__name__
    return value_text(value)


def value_text(value: Any) -> str:
    """Return a short text of the value of a parameter."""
    if isinstance(value, Loss):
        known = {f.name: f.default for f in dataclasses.fields(value)}
        own = dict(getattr(value, "keywords", ()))  # What is set on a user's own loss.
        given = own or {k: v for k, v in value.params.items() if k in known and v != known[k]}
        return _called(value.label, [f"{k}={value_text(v)}" for k, v in given.items()])
    if isinstance(value, type):
        return loss_name(value) if issubclass(value, Loss) else value.__name__
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {value_text(held)}" for name, held in value.items())
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    value = plain(value)
    text = f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."


def _label(texts: Mapping[str, str], key: str | None, varying: Sequence[str]) -> str:
    """Return the label of a candidate from the texts of its parameters."""
    inside = f"{key}__"
    # Parameters of the loss come first.
    shown = sorted((k for k in varying if k in texts), key=lambda k: not k.startswith(inside))
    ends = Counter(k.split("__")[-1] for k in shown if not k.startswith(inside))
    parts = [f"{_short(k, inside, ends)}={texts[k]}" for k in shown]
    if key is not None and key in texts:
        return _called(texts[key], parts)
    return " ".join(parts or [f"{k}={text}" for k, text in texts.items()]) or "defaults"


def _short(key: str, inside: str, ends: Counter[str]) -> str:
    """Return the last part of a parameter's name where no other parameter ends like it."""
    if key.startswith(inside):
        return key.removeprefix(inside)
    end = key.split("__")[-1]
    return end if ends[end] == 1 else key


def _called(name: str, arguments: Sequence[str]) -> str:
    """Return a name with arguments, which follow those that it may have."""
    if not arguments:
        return name
    start = f"{name}(" if not name.endswith(")") else name[:-1]
    separator = "" if start.endswith("(") else ", "
    return f"{start}{separator}{', '.join(arguments)})"


def _named(params: Any) -> Mapping[str, Any]:
    """Return parameters by name; what was read from a file may be text."""
    return params if isinstance(params, Mapping) else {"params": params}
