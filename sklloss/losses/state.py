"""What a loss learnt from data, trains, or is told by its hyperparameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor


class State(dict[str, Tensor]):
    """What a loss learnt from data, trains, or is told by its hyperparameters: named tensors.

    Every tensor broadcasts against ``(*models, n_samples, n_targets)``, or has that shape and more axes behind.
    `trained` names the entries that train beside the network; the others are constants.
    """

    def __init__(self, tensors: Mapping[str, Tensor] = {}, trained: Iterable[str] = ()) -> None:
        super().__init__(tensors)
        self.trained = frozenset(trained)

    def model(self, index: int) -> State:
        """Return the state of one of the stacked models, its axis kept."""
        return State({k: v[index : index + 1] for k, v in self.items()}, self.trained)

    def detached(self) -> State:
        """Return the state without a link to what trains it."""
        return State({k: v.detach() for k, v in self.items()}, self.trained)

    def without_models(self) -> State:
        """Return the state of a stack of one, its axis of models removed."""
        return State({k: v.squeeze(0) for k, v in self.items()}, self.trained)

    @staticmethod
    def stack(states: Sequence[State]) -> State:
        """Stack the states of single models along a new leading axis."""
        tensors = {key: torch.stack([state[key] for state in states]) for key in states[0]}
        return State(tensors, states[0].trained)
