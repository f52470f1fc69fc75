"""torch's global generator, lent to code that draws from nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_LOCK = threading.RLock()  # the generator is one for all threads


@contextmanager
def global_generator(state: Tensor) -> Iterator[None]:
    """Run with torch's global generator in a given state, and put its own back after; one thread at a time."""
    with _LOCK, torch.random.fork_rng(devices=[]):
        torch.set_rng_state(state)
        yield
