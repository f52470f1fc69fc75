"""A U-Net: from an image to numbers for each of its pixels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import prod
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..activations import ACTIVATIONS
from ..layers import Convolution, GroupNorm
from .convolutions import channels_last, checked_channels, checked_image, initialise


class UNet(nn.Module):
    """A U-Net: convolutions on ever coarser grids, and back up, each grid with what was seen on the way down.

    Every level is two 3 x 3 convolutions with an activation each; between levels there is a 2 x 2 maximum on the way down, and a nearest-neighbour
    enlargement on the way up, joined to the way down's output of that level.  A 1 x 1 convolution gives the numbers of each pixel.

    Every level but the finest normalises each image by itself, in up to 8 groups of channels: without that, large learning rates end far
    from a minimum.  The finest does not, so that how bright a pixel is, and not only how it differs from the others, reaches the output.

    Parameters
    ----------
    input_shape : tuple of int
        Channels, height and width of the images.  Height and width need not be multiples of anything: images are padded with zeros inside, and the
        output cut back.
    n_outputs : int
        Numbers for all pixels together: a multiple of height times width.
    channels : tuple of int, default=(16, 32, 64)
        Widths of the levels, finest first; ``len(channels) - 1`` times the grid is halved.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        Behind every 3 x 3 convolution.
    dropout : float, default=0.0
        Probability, in [0, 1), with which a channel of the coarsest level is set to 0 in training.
    start_constant : bool, default=True
        Whether the last convolution starts at 0, so that training starts at its bias, the same for all pixels.
    generator : torch.Generator or None, default=None
        Where the initial weights come from: uniform within He's bounds, as in `CNN`.

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
    Shape: ``(n, channels, height, width)`` to ``(n, height * width, n_outputs / (height * width))``, pixels row by row.

    References
    ----------
    Ronneberger, O., Fischer, P. and Brox, T., U-Net: Convolutional Networks for Biomedical Image Segmentation, 2015, arXiv 1505.04597.
    He, K. et al., Delving Deep into Rectifiers, 2015, arXiv 1502.01852.  Wu, Y. and He, K., Group Normalization, 2018, arXiv 1803.08494.

    Examples
    --------
    >>> network = UNet((3, 10, 13), 10 * 13 * 4, channels=(4, 8))
    >>> network(torch.zeros(2, 3, 10, 13)).shape
    torch.Size([2, 130, 4])
    """

    inputs: ClassVar[str] = "images"

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
        n_in, *self.grid = _checked_grid(input_shape, n_outputs)
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
        self.last = Convolution(widths[0], n_outputs // prod(self.grid), 1)
        initialise([m for m in self.modules() if isinstance(m, Convolution)], activation, generator)
        if start_constant:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.output_bias)

    @property
    def output_bias(self) -> nn.Parameter:
        """The bias of the last convolution: one number per output of a pixel."""
        return self.last.bias

    def forward(self, X: Tensor) -> Tensor:
        """Return the numbers of each pixel, shape (n, height * width, outputs per pixel)."""
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
        act = ACTIVATIONS[self.activation].module
        layers: list[nn.Module] = []
        for width in (n_in, n_out):
            layers.append(Convolution(width, n_out, 3, padding=1))
            layers.extend([] if is_finest else [GroupNorm(n_out)])
            layers.append(act())
        return nn.Sequential(*layers)


def _checked_grid(input_shape: Sequence[int], n_outputs: int) -> tuple[int, ...]:
    shape = checked_image(input_shape)
    if n_outputs % prod(shape[1:]):
        raise ValueError(
            f"module 'unet' puts out numbers for every pixel; {n_outputs} numbers cannot be shared among {shape[1]} x {shape[2]}. Give y of"
            " shape (n_samples, height, width), or set module='cnn'."
        )
    return shape
