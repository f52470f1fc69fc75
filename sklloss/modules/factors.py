"""Matrix factorisation: scores of users with items from a table of rows each."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

INIT_SCALE = 0.1  # standard deviation of a factor, times the root of their number


class Factors(nn.Module):
    """Matrix factorisation with biases: the score of a user with an item is <p, q> + b_user + b_item + output_bias.

    A user or item that was never seen has factors and bias 0: what is known of the other one, and of all of them, is left.

    Parameters
    ----------
    n_users, n_items : int
        Rows of the two tables.
    n_factors : int
        Length of the vectors p and q.
    generator : torch.Generator or None, default=None
        Where the initial factors come from.

    Attributes
    ----------
    user_table : nn.Parameter of shape (n_users, n_factors + 1)
        Factors, and in the last column biases, which start at 0.
    item_table : nn.Parameter of shape (n_items, n_factors + 1)
        Likewise.
    output_bias : nn.Parameter of shape (1,)
        Starts at 0.
    inputs : str
        What it takes.

    References
    ----------
    Y. Koren, R. Bell and C. Volinsky, Matrix factorization techniques for recommender systems, Computer 42 (2009).

    Examples
    --------
    >>> net = Factors(n_users=3, n_items=5, n_factors=2, generator=torch.Generator().manual_seed(0))
    >>> net(torch.tensor([[0, 4, 1, 2], [2, 3, 0, -1]])).shape
    torch.Size([2, 3])
    """

    inputs: ClassVar[str] = "pairs"

    def __init__(
        self,
        n_users: int,
        n_items: int,
        n_factors: int,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.user_table = nn.Parameter(_drawn(n_users, n_factors, generator))
        self.item_table = nn.Parameter(_drawn(n_items, n_factors, generator))
        self.output_bias = nn.Parameter(torch.zeros(1))

    def forward(self, X: Tensor) -> Tensor:
        """Return scores (n, k) for ids (n, 1 + k), whole numbers in any dtype: a user, then items; -1 stands for one never seen."""
        ids = X.long()
        user = rows_of_table(self.user_table, ids[:, :1])
        items = rows_of_table(self.item_table, ids[:, 1:])
        products = (user[..., :-1] * items[..., :-1]).sum(-1)
        return products + user[..., -1] + items[..., -1] + self.output_bias


def rows_of_table(table: Tensor, ids: Tensor) -> Tensor:
    """Return the rows of a table, (*ids.shape, width); zeros for ids outside of it."""
    known = (ids >= 0) & (ids < len(table))
    rows = table[torch.where(known, ids, 0)]
    return torch.where(known.unsqueeze(-1), rows, 0)


def _drawn(n_rows: int, n_factors: int, generator: torch.Generator | None) -> Tensor:
    """Return small random factors, with biases of 0 behind them."""
    factors = torch.randn(n_rows, n_factors, generator=generator) * (INIT_SCALE / sqrt(n_factors))
    return nn.functional.pad(factors, (0, 1))
