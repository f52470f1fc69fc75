"""From any form in which a loss may be given to a `Loss`."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, overload

from torch import nn

from ..parameters.names import did_you_mean
from . import listing
from .base import ClassificationLoss, Loss, RegressionLoss, Task
from .listing import PARENTS, TASKS, is_called_as_named, losses_of, names_of
from .own import ON_CLASSES, ON_LABELS, class_of, own_loss

TAKEN_BY_TORCH: dict[Task, str] = {
    "transcription": "flattened transcripts and lengths",
    "embedding": "rows paired by hand",
}  # what torch's classes take, where estimators give something else


@overload
def get_loss(loss: Any, *, task: Literal["regression"], **params: Any) -> RegressionLoss: ...
@overload
def get_loss(
    loss: Any, *, task: Literal["classification"], **params: Any
) -> ClassificationLoss: ...
@overload
def get_loss(loss: Any, *, task: Task, **params: Any) -> Loss: ...
def get_loss(loss: Any, *, task: Task, **params: Any) -> Loss:
    """Return the `Loss` that a name, class, instance, module or function stands for.

    Parameters
    ----------
    loss : str, Loss class or instance, nn.Module class or instance, or callable
        A name, alias or torch class name of the catalogue (upper and lower case alike); a class or instance of the
        catalogue; one of torch's loss classes or an instance; or an own loss, called with prediction and y.
    task : str
        What the loss is for, as in `list_losses`.  Where a name stands for a loss of regression and for one of classification,
        "multitask" takes the class called so, as "huber" is `Huber`, not `ProbabilityHuber`; there a function is for regression.
    **params
        Hyperparameters of the loss.

    Returns
    -------
    Loss
        A frozen value.

    Raises
    ------
    ValueError
        If there is no such loss for the task, or it has no such parameter.
    TypeError
        If `loss` is none of the accepted forms.

    Examples
    --------
    >>> get_loss("huber", task="regression", delta=2.0)
    Huber(delta=2.0)
    >>> get_loss("mse", task="classification")
    Brier()
    """
    if task not in TASKS:
        raise ValueError(
            f"get_loss needs task to be one of {', '.join(map(repr, TASKS))}; got {task!r}."
        )
    resolved = _resolve(loss, task)
    if resolved.task not in (task, *PARENTS.get(task, ())):
        raise ValueError(_wrong_task_message(resolved, task))
    return resolved.replace(**params) if params else resolved


def _resolve(loss: Any, task: Task) -> Loss:
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        return _by_name(loss, task)
    if isinstance(loss, type) and issubclass(loss, Loss):
        return loss()
    is_other_class = isinstance(loss, type) and not issubclass(loss, nn.Module)
    if callable(loss) and not is_other_class:
        _point_to_name(loss, task)
        return own_loss(loss, _task_of_own(loss, task))
    raise TypeError(
        f"loss must be a name, a Loss, a torch.nn loss, an nn.Module or a function; got {loss!r} of type"
        f" {type(loss).__name__}. list_losses({task!r}) shows the names."
    )


def _task_of_own(loss: Any, task: Task) -> Task:
    """Return what a loss of one's own is for, in a task that may take several kinds."""
    cls = class_of(loss)
    if task == "multitask" and cls and issubclass(cls, (*ON_CLASSES, *ON_LABELS)):
        return "classification"
    return PARENTS.get(task, (task,))[0]


def _point_to_name(loss: Any, task: Task) -> None:
    """Refuse a torch loss of a task that takes none as it is, where it has one by that name."""
    name = (loss if isinstance(loss, type) else type(loss)).__name__
    is_torchs = isinstance(getattr(nn, name, None), type) and isinstance(loss, nn.Module | type)
    if (
        task in TAKEN_BY_TORCH
        and is_torchs
        and name.lower() in _by_alias(task, tuple(listing._registered))
    ):
        raise ValueError(
            f"nn.{name} takes {TAKEN_BY_TORCH[task]}, which no estimator gives. Name it: loss={name!r}."
        )


def _by_name(name: str, task: Task) -> Loss:
    wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
    table = _by_alias(task, tuple(listing._registered))
    if wanted in table:
        return table[wanted]()
    elsewhere = [cls for cls in losses_of() if wanted in map(str.lower, names_of(cls))]
    if elsewhere:
        called_so_first = min(elsewhere, key=lambda cls: cls.name != wanted)
        raise ValueError(_wrong_task_message(called_so_first(), task))
    known = {alias.lower(): alias for cls in losses_of(task) for alias in names_of(cls)}
    hint = did_you_mean(wanted, known.values())
    all_names = ", ".join(cls.name for cls in losses_of(task))
    raise ValueError(
        f"There is no {task} loss {name!r}. {hint or 'The names are ' + all_names + '.'} A loss of your own is known by name only in a"
        " process that has registered it: with n_jobs give the class or an instance."
    )


@cache
def _by_alias(task: Task, registered: tuple[type[Loss], ...]) -> dict[str, type[Loss]]:
    """Return the losses of a task by alias; what is registered tells whether an earlier answer still holds."""
    last_wins = sorted(losses_of(task), key=is_called_as_named)
    return {alias.lower(): cls for cls in last_wins for alias in names_of(cls)}


def _wrong_task_message(loss: Loss, task: Task) -> str:
    twins = [cls for cls in losses_of(task) if cls.name == loss.name]
    what = f"{type(loss).__name__} ({loss.label!r}) is a {loss.task} loss, and this needs one for {task}."
    if twins:
        return f"{what} Its twin there is {twins[0].__name__}, by name {twins[0].name!r}."
    names = ", ".join(cls.name for cls in losses_of(task))
    return f"{what} Choose one of {names}."
