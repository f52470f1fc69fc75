"""How torch multiplies matrices of float32 numbers: the faster of two ways that are as exact.

``torch.set_float32_matmul_precision("medium")`` allows products of bfloat16.  On chips without them
it only sends products to another library, oneDNN, which on some of these takes half the time with
the same error.  So a fit gives the same bits again on the same kind of machine, but not on others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor

EXACT, OTHER = "highest", "medium"

# The products by which the two are compared: models, rows, and widths of two layers.
MODELS, ROWS, INPUTS, OUTPUTS = 8, 128, 256, 128

# The other way is taken if it is so much faster, which no noise of the clock imitates, and its
# error against float64 is at most so much larger.
LEAST_GAIN, MOST_ERROR = 1.25, 1.5

REPEATS = 15


class _Switch:
    """The setting of this process, which threads that train at once share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0

    def take(self) -> bool:
        """Set the other way if it is better; return whether it is, and has to be given back."""
        with self._lock:
            is_free = self._users == 0
            if is_free and (torch.get_float32_matmul_precision() != EXACT or not other_is_better()):
                return False
            torch.set_float32_matmul_precision(OTHER)
            self._users += 1
            return True

    def give_back(self) -> None:
        """Restore the setting after its last user."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                torch.set_float32_matmul_precision(EXACT)


_SWITCH = _Switch()


@contextmanager
def fastest_products() -> Iterator[None]:
    """Multiply in the faster of two ways that are as exact, unless the user has chosen one."""
    if not _SWITCH.take():
        yield
        return
    try:
        yield
    finally:
        _SWITCH.give_back()


@cache
def other_is_better() -> bool:
    """Return whether the other way is faster, as exact, and gives a model in a stack its own bits.

    It is found out once per process, in a few milliseconds.
    """
    source = torch.Generator().manual_seed(0)
    X = torch.randn(MODELS, ROWS, INPUTS, generator=source)
    weight = torch.randn(MODELS, INPUTS, OUTPUTS, generator=source) / INPUTS**0.5
    true = X.double() @ weight.double()
    seconds, errors = {}, {}
    try:
        for way in (EXACT, OTHER):
            torch.set_float32_matmul_precision(way)
            product = torch.bmm(X, weight)
            errors[way] = float((product.double() - true).abs().max())
        alone = torch.stack([torch.bmm(X[k : k + 1], weight[k : k + 1])[0] for k in range(MODELS)])
        if errors[OTHER] > MOST_ERROR * errors[EXACT] or not torch.equal(alone, product):
            return False
        for way in (EXACT, OTHER):
            torch.set_float32_matmul_precision(way)
            seconds[way] = least_seconds(lambda: torch.bmm(X, weight))
    finally:
        torch.set_float32_matmul_precision(EXACT)
    return seconds[EXACT] > LEAST_GAIN * seconds[OTHER]


def least_seconds(product: Callable[[], Tensor]) -> float:
    """Return the least time of several calls, which other programs disturb least."""
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        product()
        found.append(time.perf_counter() - start)
    return min(found)
