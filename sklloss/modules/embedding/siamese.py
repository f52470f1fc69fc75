"""Networks that see the two sides of a pair."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class Siamese(nn.Module):
    """One network for both sides of a pair.

    Parameters
    ----------
    network : nn.Module
        Maps rows (n, *row_shape) to vectors (n, n_components).
    n_axes : int
        Number of axes of a row: 1 for tables, 3 for images.

    Notes
    -----
    Shape: pairs (n, 2, *row_shape) to (n, 2, n_components). Rows (n, *row_shape) are passed to the
    network as they are.

    References
    ----------
    Bromley, J. et al., Signature Verification using a "Siamese" Time Delay Neural Network, 1993.

    Examples
    --------
    >>> import torch
    >>> Siamese(nn.Linear(5, 3), n_axes=1)(torch.zeros(4, 2, 5)).shape
    torch.Size([4, 2, 3])
    """

    def __init__(self, network: nn.Module, n_axes: int) -> None:
        super().__init__()
        self.network = network
        self.n_axes = n_axes

    def forward(self, X: Tensor) -> Any:
        """Return the vectors of both sides, or of single rows."""
        if X.ndim != self.n_axes + 2:
            return self.network(X)
        output = self.network(X.flatten(0, 1))
        return output.reshape(len(X), 2, -1)
