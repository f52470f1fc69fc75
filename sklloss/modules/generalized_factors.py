"""Generalised matrix factorisation: several numbers for a user and an item."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .factors import Factors, rows_of_table


class GeneralizedFactors(Factors):
    """Matrix factorisation that puts out several numbers per pair, for losses that need a law of ratings.

    Number j is ``<w_j, p * q> + v_j (b_user + b_item) + output_bias_j``: the factors are those of `Factors`, and each number has its own
    weights w_j and v_j of them.

    Parameters
    ----------
    n_users, n_items, n_factors
        As in `Factors`.
    n_outputs : int
        How many numbers.
    generator : torch.Generator or None, default=None
        Where the initial numbers come from.

    Attributes
    ----------
    weight : nn.Parameter of shape (n_outputs, n_factors + 1)
        w and, in the last column, v.
    output_bias : nn.Parameter of shape (n_outputs,)

    References
    ----------
    X. He et al., Neural collaborative filtering, WWW 2017 (there called GMF).

    Examples
    --------
    >>> net = GeneralizedFactors(3, 5, n_factors=2, n_outputs=4, generator=torch.Generator().manual_seed(0))
    >>> net(torch.tensor([[0, 4], [2, -1]])).shape
    torch.Size([2, 1, 4])
    """

    def __init__(
        self,
        n_users: int,
        n_items: int,
        n_factors: int,
        n_outputs: int,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(n_users, n_items, n_factors, generator)
        self.weight = nn.Parameter(torch.randn(n_outputs, n_factors + 1, generator=generator))
        self.output_bias = nn.Parameter(torch.zeros(n_outputs))

    def forward(self, X: Tensor) -> Tensor:
        """Return raw output (n, k, n_outputs) for ids (n, 1 + k): a user, then items; -1 stands for one never seen."""
        ids = X.long()
        user = rows_of_table(self.user_table, ids[:, :1])
        items = rows_of_table(self.item_table, ids[:, 1:])
        joined = torch.cat((user[..., :-1] * items[..., :-1], user[..., -1:] + items[..., -1:]), -1)
        return joined @ self.weight.T + self.output_bias

    def of_all_items(self, users: Tensor) -> Tensor:
        """Return raw output (n, n_items, n_outputs) for the ids (n,) of users with every item."""
        user = rows_of_table(self.user_table, users)
        weighted = user[:, None, :-1] * self.weight[:, :-1]  # (n, n_outputs, n_factors)
        products = (weighted @ self.item_table[:, :-1].T).mT
        biases = (user[:, -1:] + self.item_table[:, -1]).unsqueeze(-1) * self.weight[:, -1]
        return products + biases + self.output_bias
