"""The state of a loss: what it learned from data, what it trains, and its hyperparameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

# A trained entry of a state is this many times the number that the optimiser moves, so that it
# moves this many times faster than a weight.
PACE = 5.0


class State(dict[str, Tensor]):
    """What a loss learned from data, what it trains, and its hyperparameters, as named tensors.

    Every tensor broadcasts against ``(..., n_samples, n_targets)``, or has that shape and
    further axes.

    Parameters
    ----------
    tensors : dict of str to Tensor, default={}
        The entries.
    trained : iterable of str, default=()
        Names of the entries that are trained along with the network; the others are constants.

    Examples
    --------
    >>> one = State({"delta": torch.tensor([[1.0]])})
    >>> State.stack([one, one])["delta"].shape
    torch.Size([2, 1, 1])
    """

    def __init__(self, tensors: Mapping[str, Tensor] = {}, trained: Iterable[str] = ()) -> None:
        super().__init__(tensors)
        self.trained = frozenset(trained)

    def model(self, index: int) -> State:
        """Return the state of one of the stacked models, with the axis of models kept.

        Parameters
        ----------
        index : int
            Position of the model in the stack.

        Returns
        -------
        State
            Tensors whose first axis has length 1.
        """
        return State({k: v[index : index + 1] for k, v in self.items()}, self.trained)

    def detached(self) -> State:
        """Return the state detached from the graph of autograd.

        Returns
        -------
        State
            Detached tensors, which share memory with these.
        """
        return State({k: v.detach() for k, v in self.items()}, self.trained)

    def without_models(self) -> State:
        """Return the state of a stack of one model without the axis of models.

        Returns
        -------
        State
            Tensors without their first axis.
        """
        return State({k: v.squeeze(0) for k, v in self.items()}, self.trained)

    @staticmethod
    def stack(states: Sequence[State]) -> State:
        """Stack the states of single models along a new leading axis.

        Parameters
        ----------
        states : sequence of State
            States with the same entries.

        Returns
        -------
        State
            Tensors with one more axis, of the models.
        """
        tensors = {key: torch.stack([state[key] for state in states]) for key in states[0]}
        return State(tensors, states[0].trained)
