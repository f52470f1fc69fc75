"""Activation functions with their derivatives, applied in place to the hidden layers of a stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..parameters.names import did_you_mean

aten = torch.ops.aten


@dataclass(frozen=True)
class Activation:
    """An activation: as a module, in place on a tensor, and its derivative.

    Attributes
    ----------
    module : type of nn.Module
        The plain module.
    forward : callable
        ``forward(z)`` overwrites z with the activation, or returns a new tensor if `backward` needs
        z.
    backward : callable
        ``backward(grad, z, h)`` overwrites the gradient by the output h with that by the input z.
    gain : float
        Numerator of the bound of the initial weights, ``sqrt(gain / (n_in + n_out))``: 6 as in
        Glorot's bound, or 2 for the logistic, as in scikit-learn.
    is_monotone : bool
        Whether it never decreases, so that a maximum may be taken before it.
    """

    module: type[nn.Module]
    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor, Tensor], None]
    gain: float = 6.0
    is_monotone: bool = True


def _relu_backward(grad: Tensor, z: Tensor, h: Tensor) -> None:
    aten.threshold_backward.grad_input(grad, h, 0, grad_input=grad)


def _tanh_backward(grad: Tensor, z: Tensor, h: Tensor) -> None:
    aten.tanh_backward.grad_input(grad, h, grad_input=grad)


def _logistic_backward(grad: Tensor, z: Tensor, h: Tensor) -> None:
    aten.sigmoid_backward.grad_input(grad, h, grad_input=grad)


def _identity_backward(grad: Tensor, z: Tensor, h: Tensor) -> None:
    pass


def _elu_backward(grad: Tensor, z: Tensor, h: Tensor) -> None:
    aten.elu_backward.grad_input(grad, 1.0, 1.0, 1.0, True, h, grad_input=grad)


def _gelu_backward(grad: Tensor, z: Tensor, h: Tensor) -> None:
    aten.gelu_backward.grad_input(grad, z, grad_input=grad)


def _silu_backward(grad: Tensor, z: Tensor, h: Tensor) -> None:
    aten.silu_backward.grad_input(grad, z, grad_input=grad)


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(nn.ReLU, torch.relu_, _relu_backward),
    "tanh": Activation(nn.Tanh, torch.tanh_, _tanh_backward),
    "logistic": Activation(nn.Sigmoid, torch.sigmoid_, _logistic_backward, gain=2.0),
    "identity": Activation(nn.Identity, lambda z: z, _identity_backward),
    "elu": Activation(nn.ELU, nn.functional.elu_, _elu_backward),
    "gelu": Activation(nn.GELU, nn.functional.gelu, _gelu_backward, is_monotone=False),
    "silu": Activation(nn.SiLU, nn.functional.silu, _silu_backward, is_monotone=False),
}


def get_activation(name: str) -> Activation:
    """Return an activation by name.

    Raises
    ------
    ValueError
        If there is no activation of this name; the message suggests the nearest ones.

    Examples
    --------
    >>> get_activation("tahn")
    Traceback (most recent call last):
    ...
    ValueError: There is no activation 'tahn'; the names are 'relu', ... Did you mean 'tanh'?
    """
    if name not in ACTIVATIONS:
        names = ", ".join(map(repr, ACTIVATIONS))
        hint = did_you_mean(name, ACTIVATIONS)
        raise ValueError(f"There is no activation {name!r}; the names are {names}. {hint}".rstrip())
    return ACTIVATIONS[name]
