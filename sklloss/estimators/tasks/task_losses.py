"""The parameter `losses`: a loss per task, and nested parameters as ``losses__price__delta``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...losses.base import Loss, Task
from ...losses.resolve import get_loss
from ...losses.tasks.joint import JointLoss, naming_task
from ...losses.tasks.weightings import get_weighting
from ...parameters.names import did_you_mean
from ..fit.loss_parameter import LossParameter


@dataclass(frozen=True)
class LossPerTask(LossParameter):
    """The parameter `losses` of an estimator of several tasks.

    ``losses__price`` is the loss of a task, ``losses__price__delta`` a parameter of it.
    """

    task: Task = "multitask"
    name: ClassVar[str] = "losses"

    def resolved(self, estimator: Any, tasks: Sequence[Any] | None = None) -> JointLoss:
        """Return the loss of all tasks, of those that the parameter names where there is no y."""
        if tasks is None:
            losses = estimator.losses
            named = list(losses) if isinstance(losses, Mapping) else [0]
            tasks = getattr(estimator, "tasks_", named)
        of_tasks = losses_by_task(estimator.losses, tasks)
        pairs = tuple((str(name), loss) for name, loss in of_tasks.items())
        return JointLoss(pairs, get_weighting(estimator.weighting))

    def params(self, value: Any) -> dict[str, Any]:
        """Return the losses of the tasks and their parameters; none where they do not resolve."""
        if not isinstance(value, Mapping):
            return super().params(value)
        found: dict[str, Any] = {}
        for name, loss in value.items():
            found[str(name)] = loss
            found |= {f"{name}__{key}": held for key, held in super().params(loss).items()}
        return found

    def with_params(self, value: Any, params: dict[str, Any]) -> Any:
        """Return `losses` with some tasks' losses, and then parameters of losses, set."""
        if not isinstance(value, Mapping):
            return super().with_params(value, params)
        losses = dict(value)
        placed = [(*_place_of(key, losses), given) for key, given in params.items()]
        for name, parameter, given in sorted(placed, key=lambda each: bool(each[1])):
            with naming_task(name):
                losses[name] = (
                    super().with_params(losses[name], {parameter: given}) if parameter else given
                )
        return losses


def losses_by_task(losses: Any, tasks: Sequence[Any]) -> dict[Any, Loss]:
    """Return the loss of each task.

    Parameters
    ----------
    losses : dict of task to loss, or one loss for all
    tasks : sequence
        The tasks' names.

    Raises
    ------
    ValueError
        If a task has no loss, or a loss is of no task.
    TypeError
        If `losses` is neither a dict nor a loss.
    """
    if not (isinstance(losses, Mapping | str | Loss) or callable(losses)):
        raise TypeError(
            f"losses needs to be a dict of task to loss, or one loss for all tasks; got {losses!r}"
            f" of type {type(losses).__name__}. list_losses('multitask') shows the names."
        )
    given = losses if isinstance(losses, Mapping) else dict.fromkeys(tasks, losses)
    _check_names(given, tasks)
    found = {}
    for name in tasks:
        with naming_task(name):
            found[name] = get_loss(given[name], task="multitask")
    return found


def _check_names(given: Mapping[Any, Any], tasks: Sequence[Any]) -> None:
    """Raise if losses are not of these tasks."""
    unknown = [name for name in given if name not in tasks]
    if unknown:
        hint = did_you_mean(unknown[0], tasks, n=1)
        if list(tasks) == list(range(len(tasks))):
            hint = "An array's columns are numbered: give y as a DataFrame, or losses by number."
        raise ValueError(
            f"losses has a loss for the task {unknown[0]!r}, which y does not have; its tasks are"
            f" {list(tasks)}. {hint}".rstrip()
        )
    without = [name for name in tasks if name not in given]
    if without:
        raise ValueError(
            f"losses has no loss for the task {without[0]!r}; it has {list(given)}, and y the tasks"
            f" {list(tasks)}. Add one, or leave the column out of y."
        )


def _place_of(key: str, tasks: Iterable[Any]) -> tuple[Any, str]:
    """Return the task of a nested parameter, and the parameter of its loss, '' for the loss.

    The name of a task may begin with that of another: ``a__b`` is found before ``a``.
    """
    for name in sorted(tasks, key=lambda name: -len(str(name))):
        if key == str(name):
            return name, ""
        parameter = key.removeprefix(f"{name}__")
        if parameter not in ("", key):
            return name, parameter
    raise ValueError(
        f"losses has no task for the parameter losses__{key}; its tasks are {list(tasks)}. Name a"
        " task, or one of its loss's parameters as losses__<task>__<parameter>."
    )
