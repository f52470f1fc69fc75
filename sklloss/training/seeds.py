"""Randomness as a pure function of (seed, purpose, epoch, step)."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch

SEED_LIMIT = 2**32


def derived_seed(seed: int, purpose: str, epoch: int = 0, step: int = 0) -> int:
    """Return a 63-bit seed for one purpose at one time of one model."""
    text = f"{seed}/{purpose}/{epoch}/{step}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def generator(seed: int, purpose: str, epoch: int = 0, step: int = 0) -> torch.Generator:
    """Return a fresh generator for one purpose at one time of one model."""
    return torch.Generator().manual_seed(derived_seed(seed, purpose, epoch, step))


def seed_of(random_state: Any) -> int:
    """Return a seed for scikit-learn's random_state.

    None takes fresh entropy from the system; a RandomState is advanced once.

    Raises
    ------
    ValueError
        If it is none of the accepted forms.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(SEED_LIMIT, dtype=np.uint64))
    if isinstance(random_state, int | np.integer) and 0 <= random_state < SEED_LIMIT:
        return int(random_state)
    remedy = ""
    if isinstance(random_state, np.random.Generator):
        remedy = " Draw an int from it, as int(generator.integers(2**32))."
    raise ValueError(
        "random_state must be None, an int in [0, 2**32) or a numpy.random.RandomState; got"
        f" {random_state!r}.{remedy}"
    )
