"""Sums over pairs of rows of a group, in blocks, so that memory stays bounded for large groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Pairs that are computed at once.
PAIRS_AT_ONCE = 2**20

OfBlock = Callable[[Sequence[Tensor], Sequence[Tensor]], Sequence[Tensor]]


def group_by_group(of_groups: Callable[..., Tensor], y: Tensor, *items: Tensor) -> Tensor:
    """Apply a function to groups of similar size together, without most of their padding.

    Parameters
    ----------
    of_groups : callable
        Maps y and items, each (n_groups, size), to one number per group.
    y : Tensor of shape (..., n_groups, size)
        Relevance, -1 after the end of a group.
    *items : Tensor
        Broadcast to the shape of y.

    Returns
    -------
    Tensor of shape (..., n_groups)
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


def over_pairs(
    of_block: OfBlock, items: Sequence[Tensor], n_first: int | None = None
) -> tuple[Tensor, ...]:
    """Sum functions of blocks of rows i and all rows j over every group.

    Parameters
    ----------
    of_block : callable
        Maps the items of a block of rows i, each (n_groups, block, 1, ...), and those of all rows
        j, each (n_groups, 1, size, ...), to sums over these pairs, each (n_groups,).
    items : sequence of Tensor of shape (n_groups, size) or (n_groups, size, ...)
        The first has no more axes.
    n_first : int or None, default=None
        Number of rows i, from the first on; by default all.

    Returns
    -------
    tuple of Tensor of shape (n_groups,)
    """
    size = items[0].shape[1]
    n_first = size if n_first is None else min(n_first, size)
    given = items if torch.is_grad_enabled() else [each.detach() for each in items]
    sums: tuple[Tensor, ...] = _OverPairs.apply(of_block, n_first, *given)
    return sums


class _OverPairs(torch.autograd.Function):
    """Sums over pairs, whose slopes are found along with them.

    Only one block of pairs is in memory at a time, and nothing of it is kept.
    """

    @staticmethod
    def forward(ctx: Any, of_block: OfBlock, n_first: int, *items: Tensor) -> tuple[Tensor, ...]:
        ctx.varies = [k for k, needed in enumerate(ctx.needs_input_grad[2:]) if needed]
        leaves = [each.detach().requires_grad_(k in ctx.varies) for k, each in enumerate(items)]
        step = max(1, PAIRS_AT_ONCE // max(1, items[0].numel()))
        sums: list[Tensor] = []
        slopes: list[list[Tensor]] = []
        for start in range(0, n_first, step):
            block = slice(start, min(start + step, n_first))
            with torch.set_grad_enabled(bool(ctx.varies)):
                of_rows = [each[:, block].unsqueeze(2) for each in leaves]
                found = of_block(of_rows, [each.unsqueeze(1) for each in leaves])
            if not sums:
                sums = [torch.zeros_like(each) for each in found]
                slopes = [[torch.zeros_like(leaves[k]) for k in ctx.varies] for _ in found]
            for n, each in enumerate(found):
                sums[n] += each.detach()
                if each.requires_grad:
                    _add_slopes(slopes[n], each, [leaves[k] for k in ctx.varies])
        ctx.slopes = slopes
        return tuple(sums)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *of_sums: Tensor) -> tuple[Tensor | None, ...]:
        by_item: list[Tensor | None] = [None] * (len(ctx.needs_input_grad) - 2)
        for place, k in enumerate(ctx.varies):
            pairs = zip(of_sums, ctx.slopes, strict=True)
            parts = [of_sum.unsqueeze(1) * of_items[place] for of_sum, of_items in pairs]
            by_item[k] = torch.stack(parts).sum(0)
        return None, None, *by_item


def _add_slopes(slopes: Sequence[Tensor], sums: Tensor, leaves: Sequence[Tensor]) -> None:
    """Add the slopes of sums (n_groups,) by items (n_groups, size), each within its group."""
    ones = torch.ones_like(sums)
    found = torch.autograd.grad(sums, leaves, ones, retain_graph=True, allow_unused=True)
    for slope, more in zip(slopes, found, strict=True):
        if more is not None:
            slope += more
