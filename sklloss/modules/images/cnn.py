"""The convolutional network for images."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..activations import ACTIVATIONS
from ..layers import Convolution
from ..tables.mlp import MLP
from .convolutions import channels_last, checked_channels, checked_image, initialise


class CNN(nn.Module):
    """A convolutional network: blocks of convolution 3x3, activation and maximum over 2x2 pixels, then a perceptron.

    A block keeps height and width with a border of zeros, then halves both, rounded up, so that no pixel is lost; an axis of one
    pixel stays as it is, so that images of any size pass any number of blocks.

    Weights of convolutions start uniform within He's bounds, which keep the variance of the numbers from layer to layer where the
    activation is of the ReLU kind, and their biases at 0; the bounds of other activations make up for their slope at 0, 1/4 of the
    logistic.  The dense layers start as in `MLP`.

    Parameters
    ----------
    input_shape : tuple of int
        Channels, height and width of an image.
    n_outputs : int
        Width of the output.
    channels : tuple of int, default=(16, 32, 64)
        Width of each block, >= 1; none for the perceptron on all pixels.
    hidden_layer_sizes, activation, dropout : tuple of int, str, float
        As in `MLP`: of the dense layers; the activation is that of the blocks, too.
    start_constant : bool, default=True
        Whether the last layer starts at 0.
    generator : torch.Generator or None, default=None
        Where the initial weights come from.

    Attributes
    ----------
    inputs : str
        What an estimator takes for it: images.

    Raises
    ------
    ValueError
        If `input_shape` is not that of images, or `channels` are no widths.

    Notes
    -----
    Shape: (n_samples, channels, height, width) to (n_samples, n_outputs).

    Numbers lie in memory with the channels of a pixel side by side, for which torch's convolutions and maxima are fastest, and the
    maximum is taken before the activation wherever that does not fall: it has the same result, from a quarter of the numbers.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing human-level performance on ImageNet classification",
    2015.  X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, for the slopes.

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
        widths = (n_channels, *checked_channels(CNN, channels, at_least=0))
        layers = [
            Convolution(n_in, n_out, 3, padding=1) for n_in, n_out in itertools.pairwise(widths)
        ]
        initialise(layers, activation, generator)
        self.convolutions = nn.ModuleList(layers)
        self.activation = activation
        self.activate = ACTIVATIONS[activation].module()
        halvings = len(widths) - 1
        self.head = MLP(
            widths[-1] * _halved(height, halvings) * _halved(width, halvings),
            n_outputs,
            hidden_layer_sizes,
            activation,
            dropout,
            start_constant,
            generator,
        )

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
        if ACTIVATIONS[self.activation].is_monotone:
            return self.activate(_maxima(hidden))
        return _maxima(self.activate(hidden))


def _maxima(hidden: Tensor) -> Tensor:
    """Return the maximum of every 2x2 pixels."""
    height, width = hidden.shape[2:]
    window = (min(height, 2), min(width, 2))
    return nn.functional.max_pool2d(hidden, window, ceil_mode=True)


def _halved(size: int, times: int) -> int:
    """Halve so many times, rounding up."""
    return -(-size // 2**times)
