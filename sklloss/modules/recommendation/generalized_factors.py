"""Generalised matrix factorisation: several outputs for a user and an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..stacks.embedding_tables import RowGradient
from ..stacks.stack import Stack
from .factors import Factors, FactorStack, rows_of_table


class GeneralizedFactors(Factors):
    """Matrix factorisation with several outputs per pair, for predictive distributions of ratings.

    Output j is ``<w_j, p * q> + v_j (b_user + b_item) + output_bias_j``. The factors are those of
    `Factors`, and each output has weights w_j and v_j of its own. These start as linear functions
    of the output's index, so that neighbouring bins start similar: w with a random slope and height
    for each factor, and v from -1 to 1.

    Parameters
    ----------
    n_users, n_items, n_factors
        As in `Factors`.
    n_outputs : int
        Number of outputs.
    generator : torch.Generator or None, default=None
        Source of the initial weights.

    Attributes
    ----------
    weight : nn.Parameter of shape (n_outputs, n_factors + 1)
        w and, in the last column, v.
    output_bias : nn.Parameter of shape (n_outputs,)
    stack : type of Stack
        How it is trained, with sparse updates.

    References
    ----------
    X. He et al., Neural collaborative filtering, WWW 2017 (there called GMF).

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> net = GeneralizedFactors(3, 5, n_factors=2, n_outputs=4, generator=generator)
    >>> net(torch.tensor([[0, 4], [2, -1]])).shape
    torch.Size([2, 1, 4])
    """

    stack: ClassVar[type[Stack]]

    def __init__(
        self,
        n_users: int,
        n_items: int,
        n_factors: int,
        n_outputs: int,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(n_users, n_items, n_factors, generator)
        slope, height = torch.randn(2, n_factors, generator=generator)
        line = torch.linspace(-1, 1, n_outputs).unsqueeze(1)
        self.weight = nn.Parameter(torch.cat((height + slope * line, line), 1))
        self.output_bias = nn.Parameter(torch.zeros(n_outputs))

    def forward(self, X: Tensor) -> Tensor:
        """Return raw output (n, k, n_outputs) for ids (n, 1 + k): a user, then items.

        Ids are integers of any dtype, with -1 for an unseen user or item.
        """
        ids = X.long()
        user = rows_of_table(self.user_table, ids[:, :1])
        items = rows_of_table(self.item_table, ids[:, 1:])
        return joined(user, items) @ self.weight.T + self.output_bias

    def of_all_items(self, users: Tensor) -> Tensor:
        """Return raw output (n, n_items, n_outputs) of users (n,) and all items."""
        user = rows_of_table(self.user_table, users)
        # (n, n_outputs, n_factors)
        weighted = user[:, None, :-1] * self.weight[:, :-1]
        products = (weighted @ self.item_table[:, :-1].T).mT
        biases = (user[:, -1:] + self.item_table[:, -1]).unsqueeze(-1) * self.weight[:, -1]
        return products + biases + self.output_bias


def joined(user: Tensor, items: Tensor) -> Tensor:
    """Return products of factors and, in the last column, sums of biases, of rows (..., width)."""
    return torch.cat((user[..., :-1] * items[..., :-1], user[..., -1:] + items[..., -1:]), -1)


class GeneralizedFactorStack(FactorStack):
    """One generalised matrix factorisation, without autograd, for single items."""

    def forward(self, X: Tensor) -> Tensor:
        """Return raw output (1, rows, n_outputs) for known ids (1, rows, 2)."""
        users, items, bias, weight = (self.flat.piece(index)[0][0] for index in range(4))
        self._ids = X[0].long()
        self._user, self._items = users[self._ids[:, 0]], items[self._ids[:, 1]]
        self._joined = joined(self._user, self._items)
        return (self._joined @ weight.T + bias).unsqueeze(0)

    def backward(self, slopes: Sequence[Tensor]) -> None:
        """Keep the gradients of the rows of the tables, and write those of weights and biases."""
        # (rows, n_outputs)
        (slope,) = (slope[0] for slope in slopes)
        (_, of_bias), (weight, of_weight) = (self.flat.piece(self.n_tables + k) for k in range(2))
        of_bias.copy_(slope.sum(0))
        of_weight.copy_(slope.T @ self._joined)
        by_joined = slope @ weight[0]
        self.touched = []
        for ids, other in zip(self._ids.unbind(1), (self._items, self._user), strict=True):
            through = torch.cat((by_joined[:, :-1] * other[:, :-1], by_joined[:, -1:]), 1)
            self.touched.append(RowGradient.of(ids, through, len(slope)))


GeneralizedFactors.stack = GeneralizedFactorStack
