"""The convolutional network for images."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...parameters.domains import Tuple
from ..activations import get_activation
from ..layers import Convolution
from ..network import Domains
from ..tables.mlp import MLP
from .convolutions import WIDTH, channels_last, checked_channels, checked_image, initialise


class CNN(nn.Module):
    """A convolutional network for images: blocks of convolution and maximum, then a perceptron.

    A block is a 3x3 convolution, the activation and the maximum over 2x2 pixels. It pads the image
    with zeros, and halves height and width, rounded up, so that no pixel is lost. An axis of one
    pixel stays as it is, so images of any size pass any number of blocks.

    Weights of convolutions start uniform within He's bounds, which keep the variance constant from
    layer to layer for activations like ReLU, and biases start at 0. For other activations the
    bounds compensate for their slope at 0, such as 1/4 of the logistic. The dense layers start as
    in `MLP`.

    Parameters
    ----------
    input_shape : tuple of int
        Channels, height and width of an image.
    n_outputs : int
        Width of the output.
    channels : tuple of int, default=(16, 32, 64)
        Width of each block, >= 1. Without blocks, the perceptron takes all pixels.
    hidden_layer_sizes, activation, dropout : tuple of int, str, float
        As in `MLP`, of the dense layers. The blocks have the same activation.
    start_constant : bool, default=True
        Whether the last layer starts at 0.
    generator : torch.Generator or None, default=None
        Source of the initial weights.

    Attributes
    ----------
    inputs : str
        What it takes, "images".

    Raises
    ------
    ValueError
        If `input_shape` is not the shape of images, or `channels` are no widths.

    Notes
    -----
    Shape: (n_samples, channels, height, width) to (n_samples, n_outputs).

    The channels are last in memory, for which torch's convolutions and maxima are fastest. The
    maximum is taken before the activation if that is monotone, with the same result from a quarter
    of the computation.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing human-level
    performance on ImageNet classification", 2015. X. Glorot, Y. Bengio, "Understanding the
    difficulty of training deep feedforward neural networks", 2010, for the slopes.

    Examples
    --------
    >>> network = CNN((1, 28, 28), 10, channels=(8, 16))
    >>> network(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 10])
    >>> network.head
    MLP(
      (0): Linear(in_features=784, out_features=100, bias=True)
      (1): ReLU()
      (2): Linear(in_features=100, out_features=10, bias=True)
    )
    """

    inputs: ClassVar[str] = "images"
    domains: ClassVar[Domains] = {"channels": (Tuple(WIDTH, min_length=0), "")}

    def __init__(
        self,
        input_shape: Sequence[int],
        n_outputs: int,
        channels: Sequence[int] = (16, 32, 64),
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        start_constant: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_channels, height, width = checked_image(input_shape)
        widths = (n_channels, *checked_channels(CNN, channels))
        layers = [
            Convolution(n_in, n_out, 3, padding=1) for n_in, n_out in itertools.pairwise(widths)
        ]
        initialise(layers, activation, generator)
        self.convolutions = nn.ModuleList(layers)
        self.activation = activation
        self.activate = get_activation(activation).module()
        step = 2 ** (len(widths) - 1)
        n_pooled = widths[-1] * -(-height // step) * -(-width // step)
        dense = hidden_layer_sizes, activation, dropout, start_constant, generator
        self.head = MLP(n_pooled, n_outputs, *dense)

    @property
    def output_bias(self) -> nn.Parameter:
        """The bias of the last layer."""
        return self.head.output_bias

    def forward(self, X: Tensor) -> Tensor:
        """Return the output for images (n_samples, channels, height, width)."""
        hidden = channels_last(X)
        for convolution in self.convolutions:
            hidden = self._activated_maxima(convolution(hidden))
        output: Tensor = self.head(hidden.flatten(1))
        return output

    def _activated_maxima(self, hidden: Tensor) -> Tensor:
        """Return the maximum of the activation over every 2x2 pixels."""
        window = [min(side, 2) for side in hidden.shape[2:]]
        if get_activation(self.activation).is_monotone:
            return self.activate(nn.functional.max_pool2d(hidden, window, ceil_mode=True))
        return nn.functional.max_pool2d(self.activate(hidden), window, ceil_mode=True)
