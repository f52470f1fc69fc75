"""Sums over pairs of rows of the same group, a part at a time, so that memory stays bounded however large a group is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

PAIRS_AT_ONCE = 2**20  # that are looked at
PAIRS_KEPT = 2**22  # in memory until their gradients are found; of more, all are looked at twice

OfBlock = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]


def group_by_group(of_groups: Callable[..., Tensor], y: Tensor, *items: Tensor) -> Tensor:
    """Return what a function makes of groups of rows, those of about the same size at once and without most of their padding.

    Parameters
    ----------
    of_groups : callable
        From y and items, each (n_groups, size), to one number per group.
    y : Tensor of shape (*models, n_groups, size)
        Relevance, -1 behind the end of a group.
    *items : Tensor that broadcasts to the shape of y

    Returns
    -------
    Tensor of shape (*models, n_groups)
    """
    tables = [each.expand(y.shape).reshape(-1, y.shape[-1]) for each in (y, *items)]
    sizes = (tables[0] >= 0).sum(-1)
    order = sizes.argsort(stable=True)
    parts = order.split(_counts(sizes[order].tolist()))
    found = [of_groups(*(each[part, : int(sizes[part[-1]])] for each in tables)) for part in parts]
    return torch.cat(found)[order.argsort()].view(y.shape[:-1])


def _counts(sizes: Sequence[int]) -> list[int]:
    """Return how many of the groups, smallest first, are looked at together."""
    counts: list[int] = [0]
    for size in sizes:
        if counts[-1] and (counts[-1] + 1) * size**2 > PAIRS_AT_ONCE:
            counts.append(0)
        counts[-1] += 1
    return counts


def over_pairs(of_block: OfBlock, items: Sequence[Tensor], n_first: int | None = None) -> Tensor:
    """Add up what a function makes of some rows i of every group beside all rows j.

    Parameters
    ----------
    of_block : callable
        From the items of rows i, (n_groups, some, 1) each, and of rows j, (n_groups, 1, size) each, to sums over them, (..., n_groups).
    items : sequence of Tensor of shape (n_groups, size)
    n_first : int or None, default=None
        Only so many rows i, the first; by default all.

    Returns
    -------
    Tensor of shape (..., n_groups)
    """
    n_groups, size = items[0].shape
    n_first = size if n_first is None else min(n_first, size)
    keeps = n_groups * n_first * size <= PAIRS_KEPT
    beside = [each.unsqueeze(1) for each in items]
    sums = [
        of_block(rows, beside) if keeps else checkpoint(of_block, rows, beside, use_reentrant=False)
        for rows in _blocks(items, n_first)
    ]
    return torch.stack(sums).sum(0)


def _blocks(items: Sequence[Tensor], n_first: int) -> Iterator[list[Tensor]]:
    """Yield a few rows of each item at a time, (n_groups, some, 1)."""
    step = max(1, PAIRS_AT_ONCE // max(1, items[0].numel()))
    for start in range(0, n_first, step):
        yield [each[:, start : min(start + step, n_first)].unsqueeze(2) for each in items]
