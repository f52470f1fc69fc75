"""The parameter that says what is minimised: what it resolves to, and its nested parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...losses.base import Loss, Task
from ...losses.resolve import get_loss


@dataclass(frozen=True)
class LossParameter:
    """The parameter `loss` of an estimator.

    Attributes
    ----------
    task : str
        What the loss is for.
    name : str
        The name of the parameter.
    """

    task: Task
    name: ClassVar[str] = "loss"

    def resolved(self, estimator: Any, tasks: Sequence[Any] | None = None) -> Loss:
        """Return the loss that an estimator is to be trained on; `tasks` names several."""
        return get_loss(estimator.loss, task=self.task)

    def params(self, value: Any) -> dict[str, Any]:
        """Return the nested parameters of a value; none where it does not resolve."""
        try:
            return get_loss(value, task=self.task).params
        except (TypeError, ValueError):
            return {}

    def with_params(self, value: Any, params: dict[str, Any]) -> Any:
        """Return the value with nested parameters set."""
        return get_loss(value, task=self.task, **params)
