"""Refusals of what would not fit into the memory of the machine."""

from __future__ import annotations

import os

# Bytes of a number in double precision.
NUMBER = 8
# Share of the memory that one array may take: others stand beside it.
SHARE = 0.5


def memory_of_machine() -> float:
    """Return the bytes of memory of this machine, infinity where the system does not say it."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


def check_memory(n_bytes: int, what: str, remedy: str) -> None:
    """Raise if something is too large for this machine.

    Parameters
    ----------
    n_bytes : int
        How much memory it takes.
    what : str
        Which parameter asks for it, and for what, as in ``max_length=5 makes rows that``.
    remedy : str
        What to do, a whole sentence.

    Raises
    ------
    ValueError
        If it takes more than half of the memory.
    """
    memory = memory_of_machine()
    if n_bytes > SHARE * memory:
        raise ValueError(
            f"{what} need {n_bytes // 2**30:,} GiB of memory, and this machine has"
            f" {memory / 2**30:,.0f}. {remedy}"
        )
