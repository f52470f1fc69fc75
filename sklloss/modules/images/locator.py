"""A network that locates objects: from an image to coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...parameters.domains import Interval, Satisfies, Tuple
from ...parameters.plain import plain
from ..activations import get_activation
from ..layers import Convolution
from ..network import Domains, check_network_arguments
from .convolutions import WIDTH, channels_last, checked_channels, checked_image, initialise
from .unet import UNet

CORNERS = 4


def is_scale(value: Any) -> bool:
    """Return whether a plain value is a finite number, or four of them."""
    numbers = value if isinstance(value, tuple) else CORNERS * (value,)
    return len(numbers) == CORNERS and all(number in Interval() for number in numbers)


SCALE = Satisfies(is_scale, "a finite number, or four of them")


class Locator(nn.Module):
    """A network for coordinates in an image, such as corners, as the means of heat maps.

    A convolution and a maximum halve the grid, and a `UNet`, with its normalisation, then computes
    one map of logits per output. The softmax over the positions of a map is a distribution of
    positions, and its mean along an axis is a coordinate: along x for the first and third quarter
    of the outputs and along y for the others, as for the corners x1, y1, x2, y2. The map for an
    edge can be anything from which the edge follows. A dense layer on all pixels must see an object
    at every position to recognise it there. A map moves with the object, so far fewer images
    suffice, and coordinates are not rounded to the grid.

    An output is ``scale * coordinate + bias``, with coordinates from -1 to 1 along the longer side.
    Scale and bias are trained, one of each per output.

    Parameters
    ----------
    input_shape : tuple of int
        Channels, height and width of an image.
    n_outputs : int
        Width of the output, a multiple of 4: a quarter of it for each of x1, y1, x2, y2, in this
        order.
    channels : tuple of int, default=(16, 32, 64)
        Widths of the levels of the U-Net, finest first. The convolution before it has the first of
        them.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        Activation after every 3 x 3 convolution.
    scale : float or array-like of shape (4,), default=0.5
        Initial scales of x1, y1, x2, y2: half the longer side in units of the target, which
        `NeuralBoxRegressor` passes.
    dropout : float, default=0.0
        Probability, in [0, 1), with which a channel of the coarsest level is set to 0 in training.
    start_constant : bool, default=True
        Whether maps start flat, so that training starts at the bias for every image.
    generator : torch.Generator or None, default=None
        Source of the initial weights, as in `CNN`.

    Attributes
    ----------
    inputs : str
        What it takes, "images".
    domains : dict
        Domains of ``channels`` and ``scale``, with remedies.

    Raises
    ------
    ValueError
        If `input_shape` is not the shape of images, `channels` are no widths, `scale` is not one
        finite number or four, or `n_outputs` is no multiple of 4.

    Notes
    -----
    Shape: (n, channels, height, width) to (n, n_outputs).

    References
    ----------
    Nibali, A. et al., Numerical Coordinate Regression with Convolutional Neural Networks, 2018,
    arXiv 1801.07372. Sun, X. et al., Integral Human Pose Regression, 2018, arXiv 1711.08229.

    Examples
    --------
    >>> network = Locator((1, 24, 32), 4, channels=(4, 8))
    >>> network(torch.zeros(5, 1, 24, 32)).shape
    torch.Size([5, 4])
    """

    inputs: ClassVar[str] = "images"
    domains: ClassVar[Domains] = {
        "channels": (Tuple(WIDTH), ""),
        "scale": (SCALE, "Give module__scale half the longer side of the images, or leave it out."),
    }
    places: Tensor

    def __init__(
        self,
        input_shape: Sequence[int],
        n_outputs: int,
        *,
        channels: Sequence[int] = (16, 32, 64),
        scale: Any = 0.5,
        activation: str = "relu",
        dropout: float = 0.0,
        start_constant: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_in, *size = checked_image(input_shape)
        if n_outputs % CORNERS:
            raise ValueError(
                "module 'locator' returns numbers for the four corners x1, y1, x2, y2;"
                f" {n_outputs} numbers cannot be shared among them. Give y of shape (n_samples, 4),"
                " or set module='cnn'."
            )
        widths = checked_channels(Locator, channels)
        check_network_arguments(Locator, "Locator", {"scale": plain(scale)})
        grid = [-(-side // 2) for side in size]
        self.first = Convolution(n_in, widths[0], 3, padding=1)
        self.activate = get_activation(activation).module()
        initialise([self.first], activation, generator)
        self.maps = UNet(
            (widths[0], *grid),
            grid[0] * grid[1] * n_outputs,
            channels=widths,
            activation=activation,
            dropout=dropout,
            start_constant=start_constant,
            generator=generator,
        )
        self.register_buffer("places", places_of_cells(grid, size, n_outputs), persistent=False)
        scales = torch.as_tensor(scale, dtype=torch.float32).expand(CORNERS)
        self.scale = nn.Parameter(scales.repeat_interleave(n_outputs // CORNERS))
        self.output_bias = nn.Parameter(torch.zeros(n_outputs))

    def forward(self, X: Tensor) -> Tensor:
        """Return the outputs for images (n, channels, height, width)."""
        hidden = self.activate(self.first(channels_last(X)))
        hidden = nn.functional.max_pool2d(hidden, 2, ceil_mode=True)
        # (n, cells, outputs)
        heat = self.maps(hidden).softmax(1)
        return (heat * self.places).sum(1) * self.scale + self.output_bias


def places_of_cells(grid: Sequence[int], size: Sequence[int], n_outputs: int) -> Tensor:
    """Return the coordinate of each cell along the axis of each output, (cells, n_outputs).

    Coordinates range from -1 to 1 along the longer side.
    """
    axes = [
        (2 * torch.arange(cells) + 1 - side / 2) / (max(size) / 2)
        for cells, side in zip(grid, size, strict=True)
    ]
    y, x = torch.meshgrid(*axes, indexing="ij")
    pair = torch.stack((x.flatten(), y.flatten()), 1)
    return pair.repeat_interleave(n_outputs // CORNERS, 1).repeat(1, CORNERS // 2)
