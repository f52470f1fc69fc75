"""What the networks for images have in common: checks of their arguments, initial weights, and how numbers lie in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from ...parameters.domains import Interval, Tuple, check_arguments

GAINS = {"tanh": 5 / 3, "logistic": 4.0, "identity": 1.0}  # of weights' spread; others as for ReLU
WIDTH = Interval(1, integer=True)


def checked_image(input_shape: Sequence[int]) -> tuple[int, ...]:
    """Return channels, height and width; refuse the shape of anything but images."""
    if len(input_shape) != 3:
        shape = ", ".join(map(str, input_shape))
        raise ValueError(
            f"A network for images takes X of shape (n_samples, channels, height, width) or (n_samples, height, width); got rows of shape"
            f" ({shape}). Reshape X, for example X.reshape(-1, height, width), or give tables to module='mlp'."
        )
    return tuple(input_shape)


def checked_channels(
    network: Callable[..., nn.Module], channels: Any, at_least: int = 1
) -> tuple[int, ...]:
    """Return a network's argument `channels`, one width per block or level; refuse what are none."""
    widths = tuple(channels) if isinstance(channels, Iterable) else (channels,)
    domains = {"channels": Tuple(WIDTH, min_length=at_least)}
    check_arguments(
        network, getattr(network, "__name__", "The network"), {"channels": widths}, domains
    )
    return tuple(map(int, widths))


def initialise(
    layers: Sequence[nn.Conv2d], activation: str, generator: torch.Generator | None
) -> None:
    """Draw weights of convolutions within He's bounds for the activation; biases are 0."""
    for layer in layers:
        bound = GAINS.get(activation, sqrt(2)) * sqrt(3 / layer.weight[0].numel())
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def channels_last(X: Tensor) -> Tensor:
    """Return a copy of images (n, channels, height, width) in which the channels of a pixel lie side by side.

    Its strides say so for a single channel, too: those of torch's own ``memory_format`` do not, and the layers that follow take the
    slow path then.
    """
    pixels = X.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)
    return pixels.permute(0, 3, 1, 2)
