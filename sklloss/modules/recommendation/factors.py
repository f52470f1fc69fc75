"""Matrix factorisation: scores of users and items from an embedding table each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..stacks.embedding_tables import RowGradient
from ..stacks.stack import Stack

# Initial standard deviation of a factor, times the root of the number of factors.
INIT_SCALE = 0.1


class Factors(nn.Module):
    """Matrix factorisation with biases.

    The score of a user and an item is <p, q> + b_user + b_item + output_bias. An unseen user or
    item has factors and bias 0, which leaves what is known of the other and of all scores.

    Parameters
    ----------
    n_users, n_items : int
        Numbers of rows of the two tables.
    n_factors : int
        Length of the vectors p and q.
    generator : torch.Generator or None, default=None
        Source of the initial factors.

    Attributes
    ----------
    user_table : nn.Parameter of shape (n_users, n_factors + 1)
        Factors, and in the last column biases, which start at 0.
    item_table : nn.Parameter of shape (n_items, n_factors + 1)
        Likewise.
    output_bias : nn.Parameter of shape (1,)
        Starts at 0.
    inputs : str
        What it takes, "pairs".
    stack : type of Stack
        How it is trained, with sparse updates.

    References
    ----------
    Y. Koren, R. Bell and C. Volinsky, Matrix factorization techniques for recommender systems,
    Computer 42 (2009).

    Examples
    --------
    >>> net = Factors(n_users=3, n_items=5, n_factors=2, generator=torch.Generator().manual_seed(0))
    >>> net(torch.tensor([[0, 4, 1, 2], [2, 3, 0, -1]])).shape
    torch.Size([2, 3])
    """

    inputs: ClassVar[str] = "pairs"
    stack: ClassVar[type[Stack]]

    def __init__(
        self, n_users: int, n_items: int, n_factors: int, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.user_table = nn.Parameter(_drawn(n_users, n_factors, generator))
        self.item_table = nn.Parameter(_drawn(n_items, n_factors, generator))
        self.output_bias = nn.Parameter(torch.zeros(1))

    def forward(self, X: Tensor) -> Tensor:
        """Return scores (n, k) for ids (n, 1 + k): a user, then items.

        Ids are integers of any dtype, with -1 for an unseen user or item.
        """
        ids = X.long()
        user = rows_of_table(self.user_table, ids[:, 0])
        return scores_of(user, rows_of_table(self.item_table, ids[:, 1:])) + self.output_bias

    def of_all_items(self, users: Tensor) -> Tensor:
        """Return raw output (n, n_items, n_outputs) of users (n,) and all items."""
        user = rows_of_table(self.user_table, users)
        products = user[:, :-1] @ self.item_table[:, :-1].T
        biases = user[:, -1:] + self.item_table[:, -1] + self.output_bias
        return (products + biases).unsqueeze(-1)


def rows_of_table(table: Tensor, ids: Tensor) -> Tensor:
    """Return the rows of a table, (*ids.shape, width), with zeros for ids outside of it."""
    known = (ids >= 0) & (ids < len(table))
    rows = table[torch.where(known, ids, 0)]
    return torch.where(known.unsqueeze(-1), rows, 0)


def scores_of(user: Tensor, items: Tensor) -> Tensor:
    """Return <p, q> + b_user + b_item, (n, k), for rows (n, width) and (n, k, width)."""
    products = (user[:, None, :-1] * items[..., :-1]).sum(-1)
    return products + user[:, -1:] + items[..., -1]


def _drawn(n_rows: int, n_factors: int, generator: torch.Generator | None) -> Tensor:
    """Return small random factors, with biases of 0 in the last column."""
    factors = torch.randn(n_rows, n_factors, generator=generator) * (INIT_SCALE / sqrt(n_factors))
    return nn.functional.pad(factors, (0, 1))


class FactorStack(Stack):
    """One matrix factorisation, without autograd and with sparse updates.

    The cost of a backward pass depends on the rows of its batch, not on the size of the tables.
    """

    benefits_from_stacking = False
    n_tables = 2

    def __init__(self, modules: Sequence[Factors], loss_parameters: Sequence[nn.Parameter]) -> None:
        super().__init__(modules, loss_parameters)
        (module,) = modules
        # Per item; they are few compared with the cost of gathering rows.
        self.multiplications_per_row = module.user_table.shape[1]
        # The tables come first.
        shapes = [tuple(p.shape) for p in module.parameters()]
        self.lay_out(shapes, [True] * self.n_tables, self.n_tables)
        # The last columns of the tables are biases, to which no penalty applies.
        for index in range(self.n_tables):
            self.flat.view(self.flat.is_weight.unsqueeze(0), index)[..., -1] = 0

    def forward(self, X: Tensor) -> Tensor:
        """Return scores (1, rows, items) for known ids (1, rows, 1 + items)."""
        users, items, bias = (self.flat.piece(index)[0][0] for index in range(3))
        self._ids = X[0].long()
        self._user = users.index_select(0, self._ids[:, 0])
        taken = items.index_select(0, self._ids[:, 1:].flatten())
        self._items = taken.unflatten(0, (len(X[0]), -1))
        return scores_of(self._user, self._items).add_(bias).unsqueeze(0)

    def backward(self, slopes: Sequence[Tensor]) -> None:
        """Keep the gradients of the rows of the tables, and write that of the output bias."""
        # (rows, items)
        (slope,) = (slope[0] for slope in slopes)
        by_user = (slope.unsqueeze(2) * self._items).sum(1)
        by_user[:, -1] = slope.sum(1)
        by_item = slope.unsqueeze(2) * self._user.unsqueeze(1)
        by_item[..., -1] = slope
        self.flat.piece(self.n_tables)[1].copy_(slope.sum())
        n_rows = len(slope)
        self.touched = (
            RowGradient.of(self._ids[:, 0], by_user, n_rows),
            RowGradient.of(self._ids[:, 1:].flatten(), by_item.flatten(0, 1), n_rows),
        )

    def release(self) -> None:
        """Let go of the last batch."""
        self._ids = self._user = self._items = torch.empty(0)

    def inference(self) -> Callable[[Tensor], Tensor]:
        """Return what computes raw output, (1, rows, items) or (1, rows, n_outputs)."""
        return lambda X: self.modules[0](X[0]).flatten(1).unsqueeze(0)


Factors.stack = FactorStack
