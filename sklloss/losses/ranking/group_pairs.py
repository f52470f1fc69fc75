"""Sums over pairs of rows of a group, in blocks, so that memory stays bounded for large groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Pairs that are computed at once.
PAIRS_AT_ONCE = 2**20
# Pairs that are kept in memory for the backward pass; if there are more, all are computed twice.
PAIRS_KEPT = 2**22

OfBlock = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]


def group_by_group(of_groups: Callable[..., Tensor], y: Tensor, *items: Tensor) -> Tensor:
    """Apply a function to groups of similar size together, without most of their padding.

    Parameters
    ----------
    of_groups : callable
        Maps y and items, each (n_groups, size), to one number per group.
    y : Tensor of shape (*models, n_groups, size)
        Relevance, -1 after the end of a group.
    *items : Tensor
        Broadcast to the shape of y.

    Returns
    -------
    Tensor of shape (*models, n_groups)
    """
    tables = [each.expand(y.shape).reshape(-1, y.shape[-1]) for each in (y, *items)]
    sizes = (tables[0] >= 0).sum(-1)
    order = sizes.argsort(stable=True)
    values = []
    for together in order.split(_batch_sizes(sizes[order].tolist())):
        largest = int(sizes[together[-1]])
        values.append(of_groups(*(each[together, :largest] for each in tables)))
    return torch.cat(values)[order.argsort()].view(y.shape[:-1])


def _batch_sizes(sizes: Sequence[int]) -> list[int]:
    """Return how many of the groups, smallest first, are computed together."""
    counts: list[int] = [0]
    for size in sizes:
        if counts[-1] and (counts[-1] + 1) * size**2 > PAIRS_AT_ONCE:
            counts.append(0)
        counts[-1] += 1
    return counts


def over_pairs(of_block: OfBlock, items: Sequence[Tensor], n_first: int | None = None) -> Tensor:
    """Sum a function of blocks of rows i and all rows j over every group.

    Parameters
    ----------
    of_block : callable
        Maps the items of a block of rows i, each (n_groups, block, 1), and those of all rows j,
        each (n_groups, 1, size), to sums over these pairs, (..., n_groups).
    items : sequence of Tensor of shape (n_groups, size)
    n_first : int or None, default=None
        Number of rows i, from the first on; by default all.

    Returns
    -------
    Tensor of shape (..., n_groups)
    """
    n_groups, size = items[0].shape
    n_first = size if n_first is None else min(n_first, size)
    is_kept = n_groups * n_first * size <= PAIRS_KEPT
    sum_of = of_block if is_kept else partial(checkpoint, of_block, use_reentrant=False)
    step = max(1, PAIRS_AT_ONCE // max(1, items[0].numel()))
    all_j = [each.unsqueeze(1) for each in items]
    sums = []
    for start in range(0, n_first, step):
        block = [each[:, start : min(start + step, n_first)].unsqueeze(2) for each in items]
        sums.append(sum_of(block, all_j))
    return torch.stack(sums).sum(0)
