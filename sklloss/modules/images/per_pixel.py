"""A wrapper for users' networks that return numbers for every pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class PerPixel(nn.Module):
    """A network that returns an image per class, as usual in torch, with the classes moved last.

    Parameters
    ----------
    network : nn.Module
        Maps images to a tensor of shape (n, n_outputs, height, width), or to a mapping that has it
        as ``"out"``, like torchvision's networks for segmentation.

    Notes
    -----
    Shape: (n, channels, height, width) to (n, height * width, n_outputs). Output without four axes
    is returned as it is.

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
        """Return the output of each pixel, shape (n, height * width, n_outputs)."""
        output = self.network(X)
        output = output["out"] if isinstance(output, Mapping) and "out" in output else output
        is_image = isinstance(output, Tensor) and output.ndim == 4
        return output.permute(0, 2, 3, 1).flatten(1, 2) if is_image else output
