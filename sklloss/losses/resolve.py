"""Resolve a `Loss` from any form in which it may be given."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, overload

from torch import nn

from ..parameters.names import did_you_mean
from ..parameters.synonyms import loss_synonym, said_of_loss
from . import listing
from .base import ClassificationLoss, Loss, RegressionLoss, Task
from .listing import PARENTS, TASKS, is_called_as_named, losses_of, names_of
from .own import ON_CLASSES, ON_LABELS, class_of, own_loss

# What torch's classes for a task take, where estimators pass something else.
TAKEN_BY_TORCH: dict[Task, str] = {
    "transcription": "flattened transcripts and lengths",
    "embedding": "rows paired by hand",
}


@overload
def get_loss(loss: Any, *, task: Literal["regression"], **params: Any) -> RegressionLoss: ...
@overload
def get_loss(
    loss: Any, *, task: Literal["classification"], **params: Any
) -> ClassificationLoss: ...
@overload
def get_loss(loss: Any, *, task: Task, **params: Any) -> Loss: ...
def get_loss(loss: Any, *, task: Task, **params: Any) -> Loss:
    """Return the `Loss` for a name, class, instance, module or function.

    Parameters
    ----------
    loss : str, Loss class or instance, nn.Module class or instance, or callable
        A name, alias or torch class name of the catalogue, in upper or lower case; a class or
        instance of the catalogue; one of torch's loss classes or an instance of one; or your own
        loss, which is called with prediction and y.
    task : str
        The task of the loss, as in `list_losses`. With "multitask", a name that regression and
        classification share stands for the class of the same name: "huber" is `Huber`, not
        `ProbabilityHuber`. A function is then a loss for regression.
    **params
        Hyperparameters of the loss.

    Returns
    -------
    Loss
        The loss, a frozen value.

    Raises
    ------
    ValueError
        If the task has no such loss, or the loss has no such parameter.
    TypeError
        If `loss` has none of these forms.

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
        _refuse_twin_of_torch(loss, task)
        return own_loss(loss, _task_of_own(loss, task))
    raise TypeError(
        f"loss must be a name, a Loss, a torch.nn loss, an nn.Module or a function; got {loss!r}"
        f" of type {type(loss).__name__}. list_losses({task!r}) shows the names."
    )


def _task_of_own(loss: Any, task: Task) -> Task:
    """Return the task of a user's own loss, which differs where a task takes losses of others."""
    cls = class_of(loss)
    if task == "multitask" and cls and issubclass(cls, (*ON_CLASSES, *ON_LABELS)):
        return "classification"
    return PARENTS.get(task, (task,))[0]


def _refuse_twin_of_torch(loss: Any, task: Task) -> None:
    """Raise a ValueError for a torch loss whose arguments differ, naming its twin."""
    name = (loss if isinstance(loss, type) else type(loss)).__name__
    is_torchs = isinstance(getattr(nn, name, None), type) and isinstance(loss, nn.Module | type)
    known = _by_alias(task, tuple(listing._registered))
    if task in TAKEN_BY_TORCH and is_torchs and name.lower() in known:
        raise ValueError(
            f"nn.{name} takes {TAKEN_BY_TORCH[task]}, which no estimator passes. Give its name:"
            f" loss={name!r}."
        )


def _by_name(name: str, task: Task) -> Loss:
    wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
    table = _by_alias(task, tuple(listing._registered))
    if wanted in table:
        return table[wanted]()
    elsewhere = [cls for cls in losses_of() if wanted in map(str.lower, names_of(cls))]
    if elsewhere:
        namesake = min(elsewhere, key=lambda cls: cls.name != wanted)
        raise ValueError(_wrong_task_message(namesake(), task))
    _explain_synonym(name, task)
    known = {alias.lower(): alias for cls in losses_of(task) for alias in names_of(cls)}
    hint = did_you_mean(wanted, known.values())
    all_names = ", ".join(cls.name for cls in losses_of(task))
    raise ValueError(
        f"There is no {task} loss {name!r}. {hint or 'The names are ' + all_names + '.'} Your own"
        " loss has a name only in processes that have registered it: with n_jobs, give the class or"
        " an instance."
    )


def _explain_synonym(name: str, task: Task) -> None:
    """Raise a ValueError that says what a loss of another library is called here, if it is one."""
    found, _ = loss_synonym(name)
    if found is None:
        return
    which = f"There is no {task} loss {name!r} ({found.library})."
    if found.task in (task, *PARENTS.get(task, ())):
        raise ValueError(f"{which} {said_of_loss(name)}")
    raise ValueError(
        f"{which} In sklloss this is the {found.task} loss {found.ours!r}; this needs one for"
        f" {task}."
    )


@cache
def _by_alias(task: Task, registered: tuple[type[Loss], ...]) -> dict[str, type[Loss]]:
    """Return the losses of a task by alias; `registered` is there to invalidate the cache."""
    last_wins = sorted(losses_of(task), key=is_called_as_named)
    return {alias.lower(): cls for cls in last_wins for alias in names_of(cls)}


def _wrong_task_message(loss: Loss, task: Task) -> str:
    twins = [cls for cls in losses_of(task) if cls.name == loss.name]
    loss_name = f"{type(loss).__name__} ({loss.label!r})"
    what = f"{loss_name} is a {loss.task} loss, and this needs one for {task}."
    if twins:
        return f"{what} Its counterpart there is {twins[0].__name__}, by name {twins[0].name!r}."
    names = ", ".join(cls.name for cls in losses_of(task))
    return f"{what} Choose one of {names}."
