"""The catalogue as a table, and losses that users register."""

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
# Tasks whose losses another task takes as well.
PARENTS: dict[Task, tuple[Task, ...]] = {
    "segmentation": ("classification",),
    "boxes": ("regression",),
    "recommendation": ("regression",),
    "multitask": ("regression", "classification"),
}


def losses_of(task: Task | None = None) -> list[type[Loss]]:
    """Return the classes of the catalogue and the registered ones, for a task or for all tasks.

    A task also takes the losses of its parents, except those that share a name with a loss of its
    own.
    """
    known = (*CATALOGUE, *_registered)
    if task is None:
        return list(known)
    own = [cls for cls in known if cls.task == task]
    taken = {name for cls in own for name in names_of(cls)}
    inherited = [cls for cls in known if cls.task in PARENTS.get(task, ())]
    return own + [cls for cls in inherited if not taken & {*names_of(cls)}]


def is_called_as_named(cls: type[Loss]) -> bool:
    """Return whether a class is called by the name of its losses.

    `Huber` is; `ProbabilityHuber`, whose losses are named "huber" as well, is not.
    """
    return cls.__name__.lower() == cls.name.replace("_", "")


def names_of(cls: type[Loss]) -> list[str]:
    """Return the name of a loss and its aliases."""
    return [cls.name, *cls.aliases]


def register_loss(cls: type[Loss]) -> type[Loss]:
    """Class decorator that makes your own loss available by its name.

    Estimators, `get_loss` and `list_losses` then know the name, in every process that has imported
    the module with the class. Without registration, pass the class itself or an instance.

    Parameters
    ----------
    cls : type
        A frozen dataclass, subclass of `RegressionLoss` or `ClassificationLoss`, with a ``name``.

    Returns
    -------
    type
        The class itself.

    Raises
    ------
    TypeError
        If `cls` is no such class.
    ValueError
        If the class has no name, or another loss of its task has one of its names.

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
            f"register_loss takes a subclass of RegressionLoss or ClassificationLoss; got {cls!r}."
            " A function or an nn.Module needs no name: pass it to the estimator as it is."
        )
    check_fields(cls)
    _check_names(cls)
    if cls.pointwise is Loss.pointwise and cls.total is Loss.total:
        raise TypeError(f"{cls.__name__} needs a method pointwise(raw, y, state).")
    # A notebook defines a class again each time its cell runs; the latest definition counts.
    place = (cls.__module__, cls.__qualname__)
    _registered[:] = [c for c in _registered if (c.__module__, c.__qualname__) != place]
    taken = {alias.lower(): known for known in losses_of(cls.task) for alias in names_of(known)}
    for alias in names_of(cls):
        if alias.lower() in taken:
            raise ValueError(
                f"{cls.__name__} cannot have the name {alias!r}: {taken[alias.lower()].__name__}"
                " has it. Choose another."
            )
    _registered.append(cls)
    return cls


def _check_names(cls: type[Loss]) -> None:
    """Raise a ValueError if a class has no name, or if its names are no identifiers."""
    if not cls.name:
        raise ValueError(
            f"{cls.__name__} has no name to register it by; set name = '...' in its body."
        )
    names = names_of(cls) if isinstance(cls.aliases, tuple) else [cls.aliases]
    bad = [n for n in names if not isinstance(n, str) or not n.isidentifier() or "__" in n]
    if bad or not isinstance(cls.aliases, tuple):
        raise ValueError(
            f"{cls.__name__} needs a name, and a tuple of aliases, of letters, digits and single"
            f" underscores; got {(bad or names)[0]!r}."
        )


def list_losses(task: Task | None = None) -> pd.DataFrame:
    """Return the catalogue as a table with one row per loss.

    Parameters
    ----------
    task : str or None, default=None
        List only the losses for this task: "regression", "classification", "segmentation", "boxes",
        "transcription", "ranking", "recommendation", "embedding" or "multitask" (several tasks at
        once). The losses for classification are also losses for segmentation, those for regression
        also for boxes and for recommendation (of ratings), and both also for multitask.

    Returns
    -------
    DataFrame
        One row per loss, with the columns name, task, aliases, parameters (defaults and domains),
        functional, y_domain, predict_proba (bool), reference and class.

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
            f"list_losses needs task to be one of {', '.join(map(repr, TASKS))}, or None; got"
            f" {task!r}."
        )
    # A task does not take the losses of whole batches of the tasks whose losses it takes.
    taken = [cls for cls in losses_of(task) if task not in PARENTS or not cls.whole_batch]
    return pd.DataFrame([_row(cls) for cls in taken])


def _row(cls: type[Loss]) -> dict[str, Any]:
    loss, declared = cls(), declared_by(cls)
    parameters = []
    for field in dataclasses.fields(cls):
        domain = declared[field.name].domain if field.name in declared else None
        condition = f" ({domain.describe(field.name)})" if domain else ""
        parameters.append(f"{field.name}={field.default!r}{condition}")
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
