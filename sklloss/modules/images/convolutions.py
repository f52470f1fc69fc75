"""What the networks for images share: checks, initial weights and the layout in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from ...parameters.domains import Interval
from ..network import check_network_arguments

# Factors of the spread of initial weights; other activations have that of ReLU.
GAINS = {"tanh": 5 / 3, "logistic": 4.0, "identity": 1.0}
WIDTH = Interval(1, integer=True)


def checked_image(input_shape: Sequence[int]) -> tuple[int, ...]:
    """Return channels, height and width, or raise a ValueError if rows are no images."""
    if len(input_shape) != 3:
        shape = ", ".join(map(str, input_shape))
        raise ValueError(
            "A network for images takes X of shape (n_samples, channels, height, width) or"
            f" (n_samples, height, width); got rows of shape ({shape}). Reshape X, for example"
            " X.reshape(-1, height, width), or use module='mlp' for tables."
        )
    return tuple(input_shape)


def checked_channels(network: type[nn.Module], channels: Any) -> tuple[int, ...]:
    """Return the argument `channels` of a network, one width per block or level.

    Raises
    ------
    ValueError
        If these are no widths.
    """
    widths = tuple(channels) if isinstance(channels, Iterable) else (channels,)
    check_network_arguments(network, network.__name__, {"channels": widths})
    return tuple(map(int, widths))


def initialise(
    layers: Sequence[nn.Conv2d], activation: str, generator: torch.Generator | None
) -> None:
    """Draw weights of convolutions within He's bounds for the activation, and set biases to 0."""
    for layer in layers:
        bound = GAINS.get(activation, sqrt(2)) * sqrt(3 / layer.weight[0].numel())
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def channels_last(X: Tensor) -> Tensor:
    """Return a copy of images (n, channels, height, width) with the channels last in memory.

    Its strides show this for a single channel, too. Those of torch's own ``memory_format`` do not,
    and the layers that follow would take a slow path.
    """
    pixels = X.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)
    return pixels.permute(0, 3, 1, 2)
