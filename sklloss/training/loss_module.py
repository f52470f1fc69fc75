"""A loss with its state and its best constants as one module: the ``criterion_`` of a net."""

from __future__ import annotations

from collections.abc import Hashable

import torch
from torch import Tensor, nn

from ..losses.base import Loss, State


class StateModule(nn.Module):
    """Base of the modules that hold the state of a loss.

    Its entries are buffers, or parameters where they train, so that they are moved, saved and
    loaded as torch does it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, str] = {}

    @property
    def state(self) -> State:
        """The state."""
        tensors = {key: getattr(self, name) for key, name in self._entries.items()}
        return State(tensors, {k for k, v in tensors.items() if isinstance(v, nn.Parameter)})

    def hold(self, state: State) -> None:
        """Register the entries of a state as buffers and parameters.

        Parameters
        ----------
        state : State
            The entries; those that are trained become parameters.
        """
        for key, value in state.items():
            # Names with dots are those of submodules in torch.
            name = f"state_{key}".replace("%", "%25").replace(".", "%2E")
            self._entries[key] = name
            if key in state.trained:
                self.register_parameter(name, nn.Parameter(value))
            else:
                self.register_buffer(name, value)


class LossModule(StateModule):
    """What a net learns by: a loss whose state is known.

    Parameters
    ----------
    loss : Loss
    state : State
        Stacked along a leading axis of models.
    baseline : Tensor of shape (models, n_targets, n_outputs)
        Raw output of the best constants.
    """

    baseline: Tensor

    def __init__(self, loss: Loss, state: State, baseline: Tensor) -> None:
        super().__init__()
        self.loss = loss
        self.hold(state)
        self.register_buffer("baseline", baseline)

    @property
    def constant(self) -> Tensor:
        """Raw output of the best constants, (models, n_targets, n_outputs)."""
        return self.baseline

    @property
    def structure(self) -> Hashable:
        """What models must have in common for their losses to be computed at once."""
        shapes = [(key, tuple(value.shape)) for key, value in self.state.items()]
        return (self.loss.structure, *shapes)

    def copy_state(self, state: State) -> None:
        """Copy the values that the state has after training in a stack."""
        with torch.no_grad():
            for key, value in self.state.items():
                value.copy_(state[key])

    def forward(self, prediction: Tensor, y: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Return the weighted mean loss of a batch of one model.

        Parameters
        ----------
        prediction : Tensor of shape (n_samples,), (n_samples, width) or \
(n_samples, n_targets, n_outputs)
            Raw output of the network.
        y : Tensor of shape (n_samples,) or (n_samples, n_targets)
            Scaled targets, or class indices.
        sample_weight : Tensor of shape (n_samples,) or None
            Weights.
        """
        raw, targets = in_contract_shape(prediction, y)
        return mean_loss(self.loss, self.state, raw, targets, sample_weight)


def in_contract_shape(prediction: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return raw output (n_samples, n_targets, n_outputs) and targets (n_samples, n_targets).

    Raises
    ------
    ValueError
        If prediction and y do not have the same number of rows or the wrong widths.
    """
    targets = y.reshape(len(y), -1)
    n, n_targets = targets.shape
    width = prediction[0].numel() if len(prediction) else n_targets
    if len(prediction) != n or width % n_targets:
        raise ValueError(
            "Criterion needs a prediction with one row per row of y and a multiple of its"
            f" {n_targets} columns; got {tuple(prediction.shape)} for y of shape"
            f" {tuple(targets.shape)}."
        )
    return prediction.reshape(n, n_targets, -1), targets


def mean_loss(
    loss: Loss, state: State, raw: Tensor, y: Tensor, sample_weight: Tensor | None
) -> Tensor:
    """Return the weighted mean loss of a batch, given without an axis of models.

    Raises
    ------
    ValueError
        If a class index is outside those that the state knows.
    """
    y = y.long() if loss.y_is_index else y.to(raw.dtype)
    if loss.task == "classification":
        n_classes = state["prior"].shape[-1]
        outside = y[(y < 0) | (y >= n_classes)]
        if len(outside):
            raise ValueError(
                f"Criterion takes whole-number y as class indices from 0 to {n_classes - 1}, as"
                f" many as the prediction's columns; got {outside[0].item()}. For regression give"
                " y as floats, or criterion__task='regression'."
            )
    weight = None if sample_weight is None else sample_weight.unsqueeze(0)
    return loss(raw.unsqueeze(0), y.unsqueeze(0), state, weight)[0]
