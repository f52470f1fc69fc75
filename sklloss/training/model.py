"""What the engine trains: a net, as far as training knows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn, optim

from ..losses.base import Loss
from ..modules import Snapshot, Stack
from .loss_module import LossModule
from .rows.augment import BatchChange
from .rows.data import TrainingSet
from .stopping import StoppingRule


@dataclass(frozen=True)
class Checkpoint:
    """All that training changes in a net.

    Attributes
    ----------
    snapshot : Snapshot
        Parameters and buffers of the module, and what the loss trains.
    constants : dict of str to Tensor
        Buffers of the loss.
    optimizer : dict or None
        State of the optimiser; None before the first epoch.
    n_epochs : int
        How many epochs were trained.
    lowest : dict of str to float
        The lowest loss of each kind so far.
    """

    snapshot: Snapshot
    constants: dict[str, Tensor]
    optimizer: dict[str, Any] | None
    n_epochs: int
    lowest: dict[str, float]


class Trainable(Protocol):
    """One model as the engine, its batches and its steps see it; `LossNet` is one.

    Attributes
    ----------
    module_ : nn.Module
    criterion_ : LossModule
    optimizer_ : torch.optim.Optimizer
        Over one flat parameter of shape (1, size).
    history : skorch.history.History
    seed : int
        Where shuffles and dropout come from.
    max_epochs, batch_size, verbose
        As in skorch.
    full_batch : bool
        Whether a step evaluates the loss of all rows several times.
    stopping : StoppingRule
    batch_change : BatchChange or None
    weight_decay, l1 : float
        Penalties on weights.
    decoupled : bool
        Whether weight decay shrinks the weights instead of entering the gradient.
    callbacks
        As they were given.
    callbacks_ : list of (str, Callback) pairs
        As skorch calls them.
    """

    module_: nn.Module
    criterion_: LossModule
    optimizer_: optim.Optimizer
    history: Any
    seed: int
    max_epochs: int
    batch_size: int
    verbose: int
    full_batch: bool
    stopping: StoppingRule
    batch_change: BatchChange | None
    weight_decay: float
    l1: float
    decoupled: bool
    callbacks: Any
    callbacks_: list[tuple[str, Any]]

    @property
    def loss(self) -> Loss:
        """The loss that is trained."""
        ...

    def attach(self) -> Stack:
        """Return the stack of this model alone, its parameters in the stack's buffer."""
        ...

    def build_optimizer(self, groups: list[dict[str, Any]]) -> optim.Optimizer:
        """Return another optimiser of this net's kind over groups of parameters."""
        ...

    def checkpoint(self) -> Checkpoint:
        """Return a copy of the present state."""
        ...

    def rewind(self, checkpoint: Checkpoint) -> None:
        """Go back to a state."""
        ...

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call a method of all callbacks."""
        ...

    def get_all_learnable_params(self) -> Iterable[tuple[str, nn.Parameter]]:
        """Return the names and parameters that callbacks see."""
        ...

    def ends_by_callback(self, **datasets: Any) -> bool:
        """Report the end of an epoch to callbacks; return whether one of them stops training."""
        ...

    def record(self, losses: dict[str, float]) -> None:
        """Write an epoch's losses into the history."""
        ...


def step_rows(net: Trainable, data: TrainingSet) -> int:
    """Return how many rows a step of a net takes.

    Where its loss needs all classes, there are at most as many batches as the rarest class has
    rows, so that each can hold all.
    """
    if net.full_batch:
        return len(data.train)
    if not net.loss.needs_all_classes:
        return net.batch_size
    labels = data.y[data.train]
    counts = torch.stack([(labels == k).sum(0) for k in labels.unique()])
    return max(net.batch_size, -(-len(labels) // int(counts[counts > 0].min())))
