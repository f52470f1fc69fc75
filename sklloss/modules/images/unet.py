"""The U-Net: from an image to outputs for each of its pixels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...parameters.domains import Tuple
from ..activations import get_activation
from ..layers import Convolution, GroupNorm
from ..network import Domains
from .convolutions import WIDTH, channels_last, checked_channels, checked_image, initialise


class UNet(nn.Module):
    """A U-Net: convolutions on ever coarser grids and back, with skip connections.

    Every level is two 3 x 3 convolutions with an activation each. Between levels there is a 2 x 2
    maximum on the way down, and a nearest-neighbour enlargement on the way up, which is
    concatenated with the output of the same level on the way down. A 1 x 1 convolution computes the
    outputs of each pixel.

    Every level but the finest normalises each image alone, in up to 8 groups of channels. Without
    this, large learning rates end far from a minimum. The finest level is not normalised, so that
    the brightness of a pixel itself reaches the output, and not only its difference from the
    others.

    Parameters
    ----------
    input_shape : tuple of int
        Channels, height and width of the images. Height and width may be any numbers: images are
        padded with zeros inside, and the output is cropped.
    n_outputs : int
        Number of outputs of all pixels together, a multiple of height times width.
    channels : tuple of int, default=(16, 32, 64)
        Widths of the levels, finest first. The grid is halved ``len(channels) - 1`` times.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        Activation after every 3 x 3 convolution.
    dropout : float, default=0.0
        Probability, in [0, 1), with which a channel of the coarsest level is set to 0 in training.
    start_constant : bool, default=True
        Whether the last convolution starts at 0, so that training starts at its bias, which is the
        same for all pixels.
    generator : torch.Generator or None, default=None
        Source of the initial weights, which are uniform within He's bounds, as in `CNN`.

    Attributes
    ----------
    inputs : str
        What it takes, "images".

    Raises
    ------
    ValueError
        If `input_shape` is not the shape of images, `n_outputs` is no multiple of the number of
        pixels, or `channels` are no widths.

    Notes
    -----
    Shape: ``(n, channels, height, width)`` to
    ``(n, height * width, n_outputs / (height * width))``, with pixels row by row.

    References
    ----------
    Ronneberger, O., Fischer, P. and Brox, T., U-Net: Convolutional Networks for Biomedical Image
    Segmentation, 2015, arXiv 1505.04597. He, K. et al., Delving Deep into Rectifiers, 2015, arXiv
    1502.01852. Wu, Y. and He, K., Group Normalization, 2018, arXiv 1803.08494.

    Examples
    --------
    >>> network = UNet((3, 10, 13), 10 * 13 * 4, channels=(4, 8))
    >>> network(torch.zeros(2, 3, 10, 13)).shape
    torch.Size([2, 130, 4])
    """

    inputs: ClassVar[str] = "images"
    domains: ClassVar[Domains] = {"channels": (Tuple(WIDTH), "")}

    def __init__(
        self,
        input_shape: Sequence[int],
        n_outputs: int,
        *,
        channels: Sequence[int] = (16, 32, 64),
        activation: str = "relu",
        dropout: float = 0.0,
        start_constant: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_in, height, width = checked_image(input_shape)
        if n_outputs % (height * width):
            raise ValueError(
                f"module 'unet' returns numbers for every pixel; {n_outputs} numbers cannot be"
                f" shared among {height} x {width}. Give y of shape (n_samples, height, width), or"
                " set module='cnn'."
            )
        widths = checked_channels(UNet, channels)
        self.activation = activation
        self.down = nn.ModuleList(
            self._level(a, b, is_finest=level == 0)
            for level, (a, b) in enumerate(itertools.pairwise((n_in, *widths)))
        )
        self.up = nn.ModuleList(
            self._level(widths[level] + widths[level + 1], widths[level], is_finest=level == 0)
            for level in reversed(range(len(widths) - 1))
        )
        self.dropout = nn.Dropout2d(dropout)
        self.last = Convolution(widths[0], n_outputs // (height * width), 1)
        initialise([m for m in self.modules() if isinstance(m, Convolution)], activation, generator)
        if start_constant:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.output_bias)

    @property
    def output_bias(self) -> nn.Parameter:
        """The bias of the last convolution, with one entry per output of a pixel."""
        return self.last.bias

    def forward(self, X: Tensor) -> Tensor:
        """Return the outputs of each pixel, shape (n, height * width, outputs per pixel)."""
        height, width = X.shape[-2:]
        step = 2 ** len(self.up)
        hidden = channels_last(nn.functional.pad(X, (0, -width % step, 0, -height % step)))
        seen = []
        for level in self.down[:-1]:
            hidden = level(hidden)
            seen.append(hidden)
            hidden = nn.functional.max_pool2d(hidden, 2)
        hidden = self.dropout(self.down[-1](hidden))
        for level, skipped in zip(self.up, reversed(seen), strict=True):
            enlarged = nn.functional.interpolate(hidden, scale_factor=2.0)
            hidden = level(torch.cat((enlarged, skipped), 1))
        output = self.last(hidden)[..., :height, :width]
        return output.permute(0, 2, 3, 1).flatten(1, 2)

    def _level(self, n_in: int, n_out: int, is_finest: bool) -> nn.Sequential:
        """Return two convolutions with activations, and with normalisation unless finest."""
        activation = get_activation(self.activation).module
        layers: list[nn.Module] = []
        for width in (n_in, n_out):
            layers.append(Convolution(width, n_out, 3, padding=1))
            layers.extend([] if is_finest else [GroupNorm(n_out)])
            layers.append(activation())
        return nn.Sequential(*layers)
