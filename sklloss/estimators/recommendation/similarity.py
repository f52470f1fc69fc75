"""The items, or the users, whose vectors point in nearly the same direction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from .top_items import NUMBERS_AT_ONCE, Top, best_of


def most_similar(
    tables: Sequence[Tensor], rows: np.ndarray, n: int, may_be: np.ndarray | None = None
) -> Iterator[Top]:
    """Yield, for some rows of a table, the n rows of the largest cosine.

    Parameters
    ----------
    tables : sequence of Tensor of shape (n_rows, n_factors + 1)
        One per member, whose cosines are averaged.  The last column has biases, which are no part
        of the vectors.
    rows : ndarray of shape (n,)
        Numbers of the rows that others are compared with.
    n : int
    may_be : ndarray of bool of shape (n_rows,) or None, default=None
        Which rows may be found; None is all.
    """
    directions = [normalize(table.detach()[:, :-1].cpu(), dim=1) for table in tables]
    size = max(1, NUMBERS_AT_ONCE // len(directions[0]))
    for start in range(0, len(rows), size):
        some = torch.from_numpy(rows[start : start + size])
        cosine = torch.stack([each[some] @ each.T for each in directions]).mean(0)
        if may_be is not None:
            cosine[:, ~torch.from_numpy(may_be)] = -torch.inf
        yield from best_of(cosine, n)
