"""torch's global generator, for code that draws from no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

# All threads share the generator.
_LOCK = threading.RLock()


@contextmanager
def global_generator(state: Tensor) -> Iterator[None]:
    """Run with torch's global generator in a given state, and restore it, one thread at a time."""
    with _LOCK, torch.random.fork_rng(devices=[]):
        torch.set_rng_state(state)
        yield


def evaluated(module: nn.Module, X: Tensor) -> Any:
    """Run a module in evaluation mode, with the same random numbers each time if it draws any."""
    with torch.no_grad(), global_generator(torch.Generator().manual_seed(0).get_state()):
        # The module may write into its input.
        return module.eval()(X.clone())
