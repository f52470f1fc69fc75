"""How many models train together."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from itertools import pairwise

# Bytes that each step of a stack touches again: about what a core's share of the caches holds.
CACHE = 6 * 2**20
# Share of the machine's memory for the data of all stacks that train at a time.
MEMORY_SHARE = 0.25
# Models beyond which a stack saves no more time.
MOST = 100


def stack_size(
    widths: Sequence[int],
    batch_size: int,
    n_rows: int,
    *,
    n_workers: int = 1,
    memory: float = 2**33,
    itemsize: int = 4,
) -> int:
    """Return how many models of one shape train together at most.

    Parameters
    ----------
    widths : sequence of int
        Of the layers, from features to outputs.
    batch_size : int
        Rows per step.
    n_rows : int
        Rows that each model is trained on.
    n_workers : int, default=1
        Stacks that train at a time.
    memory : float, default=2**33
        Bytes of the machine.
    itemsize : int, default=4
        Bytes of a number.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> stack_size((10, 64, 64, 1), 128, 10_000)
    29
    >>> stack_size((10, 1), 64, 300), stack_size((100, 1024, 1024, 1), 1024, 100_000)
    (100, 1)
    """
    n_weights = sum(a * b + b for a, b in pairwise(widths))
    activations = 2 * batch_size * sum(widths[1:])  # values and gradients
    in_cache = CACHE // (itemsize * (activations + 4 * n_weights))  # with gradient and two moments
    rows = n_rows * (widths[0] + 2) * itemsize
    in_memory = int(MEMORY_SHARE * memory / n_workers // max(rows, 1))
    return max(1, min(in_cache, in_memory, MOST))


def sizes(n_models: int, at_most: int, n_workers: int) -> list[int]:
    """Return the sizes of the stacks that models are spread over.

    They are nearly equal, and as many as keep all workers busy.

    Examples
    --------
    >>> sizes(50, 22, 1), sizes(50, 22, 2), sizes(3, 22, 2), sizes(1, 22, 2)
    ([17, 17, 16], [13, 13, 12, 12], [2, 1], [1])
    """
    n_stacks = math.ceil(n_models / at_most)
    n_stacks = min(n_models, math.ceil(n_stacks / n_workers) * n_workers)
    return [n_models // n_stacks + (i < n_models % n_stacks) for i in range(n_stacks)]


def physical_memory() -> float:
    """Return the bytes of the machine's memory, 8 GiB where that is unknown."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return float(2**33)
