"""A loss per task: from the parameter to losses by task, and nested parameters as ``losses__price__delta``."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...losses.base import Loss, Task
from ...losses.resolve import get_loss
from ...losses.tasks.joint import JointLoss, naming_task
from ...losses.tasks.weightings import get_weighting
from ..fit.parameters import NestedParameters


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
            f"losses needs to be a dict of task to loss, or one loss for all tasks; got {losses!r} of type {type(losses).__name__}."
            " list_losses('multitask') shows the names."
        )
    given = losses if isinstance(losses, Mapping) else dict.fromkeys(tasks, losses)
    unknown = [name for name in given if name not in tasks]
    if unknown:
        nearest = difflib.get_close_matches(str(unknown[0]), list(map(str, tasks)), n=1)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        if list(tasks) == list(range(len(tasks))):
            hint = " An array's columns are numbered: give y as a DataFrame, or losses by number."
        raise ValueError(
            f"losses has one for the task {unknown[0]!r}, which y does not have; its tasks are {list(tasks)}.{hint}"
        )
    without = [name for name in tasks if name not in given]
    if without:
        raise ValueError(
            f"losses has none for the task {without[0]!r}; it has {list(given)}, and y the tasks {list(tasks)}. Add one, or leave the"
            " column out of y."
        )
    return {name: _loss_of(name, given[name]) for name in tasks}


def _loss_of(name: Any, loss: Any) -> Loss:
    with naming_task(name):
        return get_loss(loss, task="multitask")


class TaskLosses(NestedParameters):
    """An estimator with a loss per task: ``losses__price`` is that of a task, ``losses__price__delta`` a parameter of it."""

    _loss_owner: ClassVar[str] = "losses"
    _task: Task = "multitask"
    losses: Any
    weighting: Any
    tasks_: list[Any]

    def _resolved_loss(self) -> JointLoss:
        tasks = getattr(self, "tasks_", None) or self._tasks_told
        pairs = losses_by_task(self.losses, tasks).items()
        named = tuple((str(name), loss) for name, loss in pairs)
        return JointLoss(named, get_weighting(self.weighting))

    @property
    def _tasks_told(self) -> list[Any]:
        """The tasks that the parameters name, before there is a y."""
        return list(self.losses) if isinstance(self.losses, Mapping) else [0]

    def _loss_params(self) -> dict[str, Any]:
        if not isinstance(self.losses, Mapping):
            return _params_of(self.losses)
        found: dict[str, Any] = {}
        for name, loss in self.losses.items():
            found[str(name)] = loss
            found |= {f"{name}__{key}": value for key, value in _params_of(loss).items()}
        return found

    def _set_loss_params(self, own: dict[str, Any]) -> None:
        if not isinstance(self.losses, Mapping):
            self.losses = get_loss(self.losses, task="multitask", **own)
            return
        losses = dict(self.losses)
        for key, (name, parameter) in sorted(
            ((key, self._place_of(key)) for key in own), key=lambda found: bool(found[1][1])
        ):
            given = own[key]
            with naming_task(name):
                losses[name] = (
                    get_loss(losses[name], task="multitask", **{parameter: given})
                    if parameter
                    else given
                )
        self.losses = losses

    def _place_of(self, key: str) -> tuple[Any, str]:
        """Return the task of a nested parameter, and the parameter of its loss, '' for the loss itself."""
        tasks = sorted(self.losses, key=lambda name: -len(str(name)))
        for name in tasks:
            if key == str(name):
                return name, ""
        for name in tasks:
            if key.startswith(f"{name}__") and key != f"{name}__":
                return name, key.removeprefix(f"{name}__")
        raise ValueError(
            f"losses has no task for the parameter losses__{key}; its tasks are {list(self.losses)}. Name a task, or one of its loss's"
            " parameters as losses__<task>__<parameter>."
        )


def _params_of(loss: Any) -> dict[str, Any]:
    try:
        return get_loss(loss, task="multitask").params
    except (TypeError, ValueError):
        return {}
