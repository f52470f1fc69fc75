"""A wrapper for networks that score the rows of groups."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class RowScores(nn.Module):
    """A network that scores every row of a group independently.

    Parameters
    ----------
    network : nn.Module
        Maps rows (n, n_features) to a score each, (n, 1) or (n,). It sees the rows of all groups of
        a batch together, and nothing after the end of a group.

    Notes
    -----
    Shape: (n_groups, size, n_features + 1) to (n_groups, size). The last column of the input is 1
    for rows and 0 after the end of a group, where the output is 0. Rows without groups, (n,
    n_features), are passed to the network as they are.

    Examples
    --------
    >>> import torch
    >>> groups = torch.tensor(
    ...     [[[1.0, 2.0, 1.0], [3.0, 4.0, 1.0]], [[5.0, 6.0, 1.0], [0.0, 0.0, 0.0]]]
    ... )
    >>> network = nn.Linear(2, 1, bias=False)
    >>> network.weight.data = torch.tensor([[1.0, 10.0]])
    >>> RowScores(network)(groups).tolist()
    [[21.0, 43.0], [65.0, 0.0]]
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    @property
    def output_bias(self) -> Any:
        """The bias of the last layer of the network."""
        return self.network.output_bias

    def forward(self, X: Tensor) -> Tensor:
        """Return the scores of groups, (n_groups, size), or of rows."""
        if X.ndim == 2:
            return self.network(X)
        is_row = X[..., -1] != 0
        scores = self.network(X[..., :-1][is_row]).flatten()
        return scores.new_zeros(is_row.shape).masked_scatter(is_row, scores)
