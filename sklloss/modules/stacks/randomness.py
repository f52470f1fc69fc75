"""torch's global generator, for code that draws from no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

# All threads share the generator.
_LOCK = threading.RLock()


@contextmanager
def global_generator(state: Tensor) -> Iterator[None]:
    """Run with torch's global generator in a given state, and restore it, one thread at a time."""
    with _LOCK, torch.random.fork_rng(devices=[]):
        torch.set_rng_state(state)
        yield
