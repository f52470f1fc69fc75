"""How many threads compute in a fit.

One, where a step of a model is so small that sharing it among threads costs more than it brings,
however many models are trained together; otherwise as many as torch has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

# Multiplications of a model's forward pass over a batch, below which one thread is faster; measured
# on two cores.
SMALL_STEP = 4e6


def threads_of_steps(n_multiplications: float) -> AbstractContextManager[None]:
    """Return what training runs in, given the multiplications of one model's forward pass."""
    return one_thread_of_torch() if n_multiplications < SMALL_STEP else nullcontext()


@contextmanager
def one_thread_of_torch() -> Iterator[None]:
    """Let torch compute with one thread; put its number back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
