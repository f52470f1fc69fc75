"""Networks of one's own that put out numbers for every pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class PerPixel(nn.Module):
    """A network whose output is an image per class, as torch has it, with the numbers of a pixel side by side.

    Parameters
    ----------
    network : nn.Module
        From images to a tensor of shape (n, n_outputs, height, width), or a mapping that has it as ``"out"``, as torchvision's networks
        for segmentation return it.

    Notes
    -----
    Shape: (n, channels, height, width) to (n, height * width, n_outputs).  What has not four axes is passed on as it is.

    Examples
    --------
    >>> import torch
    >>> PerPixel(nn.Conv2d(1, 5, 3, padding=1))(torch.zeros(2, 1, 4, 6)).shape
    torch.Size([2, 24, 5])
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, X: Tensor) -> Any:
        """Return the numbers of each pixel, shape (n, height * width, n_outputs)."""
        output = self.network(X)
        output = output["out"] if isinstance(output, Mapping) and "out" in output else output
        is_image = isinstance(output, Tensor) and output.ndim == 4
        return output.permute(0, 2, 3, 1).flatten(1, 2) if is_image else output
