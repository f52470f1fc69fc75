"""What is known of each loss of the catalogue, as a table."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, get_args

from ..parameters.declared import declared_by
from .base import Loss, Task
from .catalogue import CATALOGUE
from .fields import check_fields

if TYPE_CHECKING:
    import pandas as pd


_registered: list[type[Loss]] = []


TASKS: tuple[Task, ...] = get_args(Task)
PARENTS: dict[Task, tuple[Task, ...]] = {
    "segmentation": ("classification",),
    "boxes": ("regression",),
    "recommendation": ("regression",),
    "multitask": ("regression", "classification"),
}  # whose losses a task takes, too


def losses_of(task: Task | None = None) -> list[type[Loss]]:
    """Return the classes of the catalogue and those that users registered, of all tasks or of one and its parent.

    A loss of the task hides those of the parent that have one of its names.
    """
    known = (*CATALOGUE, *_registered)
    if task is None:
        return list(known)
    own = [cls for cls in known if cls.task == task]
    taken = {name for cls in own for name in names_of(cls)}
    inherited = [cls for cls in known if cls.task in PARENTS.get(task, ())]
    return own + [cls for cls in inherited if not taken & {*names_of(cls)}]


def is_called_as_named(cls: type[Loss]) -> bool:
    """Tell whether a class is called what its losses are named: `Huber` is, and `ProbabilityHuber`, its twin of that name, is not."""
    return cls.__name__.lower() == cls.name.replace("_", "")


def names_of(cls: type[Loss]) -> list[str]:
    """Return the name of a loss and its aliases."""
    return [cls.name, *cls.aliases]


def register_loss(cls: type[Loss]) -> type[Loss]:
    """Make a loss of your own known by its name, to estimators, `get_loss` and `list_losses`; a class decorator.

    It holds in this process: another one knows the name once it has imported the module that registers it.  Without, the class
    itself or an instance does as well.

    Parameters
    ----------
    cls : type
        A frozen dataclass, subclass of `RegressionLoss` or `ClassificationLoss`, with a ``name``.

    Returns
    -------
    type
        The class.

    Raises
    ------
    TypeError
        If it is no such class.
    ValueError
        If it has no name, or another loss of its task has one of its names.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from sklloss.losses import RegressionLoss
    >>> @register_loss
    ... @dataclass(frozen=True)
    ... class Cubic(RegressionLoss):
    ...     name = "cubic"
    ...
    ...     def pointwise(self, raw, y, state):
    ...         return (raw.squeeze(-1) - y).abs() ** 3
    >>> "cubic" in set(list_losses("regression").name)
    True
    """
    if not (isinstance(cls, type) and issubclass(cls, Loss) and hasattr(cls, "task")):
        raise TypeError(
            f"register_loss takes a subclass of RegressionLoss or ClassificationLoss; got {cls!r}. A function or an nn.Module needs"
            " no name: give it to the estimator as it is."
        )
    check_fields(cls)
    _check_names(cls)
    if cls.pointwise is Loss.pointwise and cls.total is Loss.total:
        raise TypeError(f"{cls.__name__} needs a method pointwise(raw, y, state).")
    same = [known for known in _registered if _is_new_version(known, cls)]
    for known in same:
        _registered.remove(known)
    taken = {alias.lower(): known for known in losses_of(cls.task) for alias in names_of(known)}
    for alias in names_of(cls):
        if alias.lower() in taken:
            raise ValueError(
                f"{cls.__name__} cannot have the name {alias!r}: {taken[alias.lower()].__name__} has it. Choose another."
            )
    _registered.append(cls)
    return cls


def _check_names(cls: type[Loss]) -> None:
    """Raise a ValueError if a class lacks a name, or its names are no identifiers."""
    if not cls.name:
        raise ValueError(
            f"{cls.__name__} has no name to register it by; set name = '...' in its body."
        )
    names = names_of(cls) if isinstance(cls.aliases, tuple) else [cls.aliases]
    bad = [n for n in names if not isinstance(n, str) or not n.isidentifier() or "__" in n]
    if bad or not isinstance(cls.aliases, tuple):
        raise ValueError(
            f"{cls.__name__} needs a name, and a tuple of aliases, of letters, digits and single underscores; got {(bad or names)[0]!r}."
        )


def _is_new_version(known: type, cls: type) -> bool:
    """Tell whether a class is another's definition run again, as in a notebook."""
    return (known.__module__, known.__qualname__) == (cls.__module__, cls.__qualname__)


def list_losses(task: Task | None = None) -> pd.DataFrame:
    """Return the catalogue as a table, one row per loss.

    Parameters
    ----------
    task : str or None, default=None
        "regression", "classification", "segmentation", "boxes", "transcription", "ranking", "recommendation", "embedding" or "multitask":
        only the losses that this task takes.  Segmentation also takes those for classification, boxes and recommendation (of ratings)
        those for regression, multitask, which is one of several tasks, both.

    Returns
    -------
    DataFrame
        With the columns name, task, aliases, parameters (defaults and domains), functional, y_domain, predict_proba (bool),
        reference and class.

    Examples
    --------
    >>> table = list_losses("regression").set_index("name")
    >>> table.loc["quantile", "parameters"]
    'quantile=0.5 (0 < quantile < 1)'
    >>> table.loc["huber", "aliases"]
    ('HuberLoss',)
    """
    import pandas as pd

    if task not in (None, *TASKS):
        raise ValueError(
            f"list_losses needs task to be one of {', '.join(map(repr, TASKS))}, or None; got {task!r}."
        )
    return pd.DataFrame([_row(cls) for cls in losses_of(task) if _is_taken(cls, task)])


def _is_taken(cls: type[Loss], task: Task | None) -> bool:
    """Tell whether the estimators of a task train a loss; a child takes none of its parent's losses of whole batches."""
    return task not in PARENTS or not cls.whole_batch


def _row(cls: type[Loss]) -> dict[str, Any]:
    loss = cls()
    parameters = (
        f"{f.name}={f.default!r}" + _domain_of(loss, f.name) for f in dataclasses.fields(cls)
    )
    return {
        "name": cls.name,
        "task": cls.task,
        "aliases": cls.aliases,
        "parameters": "; ".join(parameters),
        "functional": cls.functional,
        "y_domain": "class labels" if loss.y_is_index else loss.y_domain.describe("y"),
        "predict_proba": hasattr(cls, "predict_proba"),
        "reference": cls.reference,
        "class": cls.__name__,
    }


def _domain_of(loss: Loss, name: str) -> str:
    declared = declared_by(loss).get(name)
    return f" ({declared.domain.describe(name)})" if declared and declared.domain else ""
