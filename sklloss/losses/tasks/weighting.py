"""The contract of a weighting of several tasks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...parameters.declared import check_declared
from ..base import State
from ..documentation import inherit_sections


@dataclass(frozen=True)
class Sizes:
    """Properties of the tasks before training, each a tensor of shape (n_tasks,).

    Attributes
    ----------
    constant : Tensor
        Loss of the best constant, minus the lower bound of the loss.
    is_label : Tensor
        1 for tasks with class labels, 0 for those with numbers.
    """

    constant: Tensor
    is_label: Tensor


@dataclass(frozen=True)
class Weighting:
    """Base of the weightings: every task counts the same.

    Attributes
    ----------
    name : str
        The name that `NeuralMultiTask` takes.
    reference : str
        Author and year, or arXiv number, of its source.
    when : str
        When to choose the weighting and when not to.
    compares_sizes : bool
        Whether it compares the sizes of losses, each of which then needs a lower bound.
    draws : bool
        Whether it uses standard normal numbers, ``state["draws"]``, at every step.
    """

    name: ClassVar[str] = ""
    reference: ClassVar[str] = ""
    when: ClassVar[str] = ""
    compares_sizes: ClassVar[bool] = False
    draws: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        inherit_sections(cls)

    @property
    def structure(self) -> tuple[Any, ...]:
        """What models must have in common to be trained as one stack."""
        return type(self), *(getattr(self, f.name) for f in dataclasses.fields(self))

    def check_params(self) -> None:
        """Raise a ValueError if a parameter lies outside its domain."""
        check_declared(type(self).__name__, self, vars(self))

    def fixed(self, names: tuple[str, ...]) -> tuple[float, ...]:
        """Return the factors of the reported loss, which early stopping uses; their mean is 1.

        Parameters
        ----------
        names : tuple of str
            Names of the tasks.

        Returns
        -------
        tuple of float
            One factor per task.
        """
        return (1.0,) * len(names)

    def prepare(self, sizes: Sizes) -> State:
        """Return what the weighting remembers and trains.

        Parameters
        ----------
        sizes : Sizes
            The tasks' losses before training.

        Returns
        -------
        State
            Tensors of shape (1, n_tasks).
        """
        return State()

    def factors(self, state: State) -> Tensor:
        """Return the factors of the tasks' losses in training.

        Parameters
        ----------
        state : State
            The state of the joint loss.

        Returns
        -------
        Tensor of shape (..., 1, n_tasks)
            One factor per task.
        """
        return state["fixed"]

    def penalty(self, state: State) -> Tensor:
        """Return the penalty of the factors, which is added to the tasks' losses in training.

        Parameters
        ----------
        state : State
            The state of the joint loss.

        Returns
        -------
        Tensor of shape (..., 1, n_tasks)
            One penalty per task.
        """
        return torch.zeros_like(state["fixed"])

    def note_epoch(self, sizes: Tensor, state: State) -> None:
        """Remember the tasks' mean losses of an epoch.

        Parameters
        ----------
        sizes : Tensor of shape (..., 1, n_tasks)
            Mean loss of each task, less its lower bound.
        state : State
            The state of the joint loss, which is changed in place.
        """

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return the trained entries of the state on their natural scale.

        Parameters
        ----------
        state : State
            The state of the joint loss.

        Returns
        -------
        dict of str to Tensor
            The entries by name.
        """
        return {}
