"""Pauses: what a training needs to go on where it has stopped."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from skorch.history import History
from torch import Tensor

from ..modules.stacks.stack import Snapshot
from .model import Trainable
from .steps.fused import without_compiler
from .stopping import Standing

# What a net says of its last training.
ENDS = ("may_improve_", "stopped_by_", "best_epoch_")


@dataclass(frozen=True)
class Pause:
    """A net in the middle of its training, or at the end of it, without the net itself.

    Attributes
    ----------
    weights : Snapshot
        Those of the last epoch; of a training that is over, those that it has kept.
    constants : dict of Tensor
        The buffers of the loss.
    history : list of dict
    lowest : dict of float
        The lowest loss of each kind.
    ends : dict
        What the net says of its last training.
    optimizer : dict or None
        The optimiser's state; None for a training that is over.
    standing : Standing or None
        Where the stopping rule stands; None for a training that is over.
    seed : int
        That of the net.
    """

    weights: Snapshot
    constants: dict[str, Tensor]
    history: list[dict[str, Any]]
    lowest: dict[str, float]
    ends: dict[str, Any]
    optimizer: dict[str, Any] | None
    standing: Standing | None
    seed: int

    @classmethod
    def of(cls, net: Trainable) -> Pause:
        """Return the pause of a net that the engine has trained."""
        is_over = net.interrupted_ is None
        last, standing = net.interrupted_ or (net.attach().snapshot(), None)
        return cls(
            last,
            {name: value.clone() for name, value in net.criterion_.named_buffers()},
            net.history.to_list(),
            dict(net.lowest_),
            {name: getattr(net, name) for name in ENDS},
            None if is_over else _state_of_optimizer(net),
            standing,
            net.seed,
        )

    @property
    def is_over(self) -> bool:
        """Whether the training has ended by itself."""
        return self.standing is None

    def restore(self, net: Trainable) -> None:
        """Bring a net that has just been initialised to where the other was."""
        net.attach().restore(self.weights)
        for name, value in net.criterion_.named_buffers():
            value.copy_(self.constants[name])
        net.history_ = History(self.history)
        net.lowest_ = dict(self.lowest)
        net.__dict__.update(self.ends)
        if self.optimizer is not None:
            with without_compiler():
                net.optimizer_.load_state_dict(self.optimizer)
        device = net.stack_.flat.values.device
        last = self.weights.to(device)
        standing = self.standing
        net.interrupted_ = None if standing is None else (last, standing.to(device))


def _state_of_optimizer(net: Trainable) -> dict[str, Any]:
    with without_compiler():
        return copy.deepcopy(net.optimizer_.state_dict())
