"""Training on a worker of dask without what slows its small steps down."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from ...training.threads import SharedSetting

# The periodic callback of a worker of dask that samples what its threads do, every 10 milliseconds.
PROFILER = "profile"
# The variable through which dask tells glibc, in its worker processes, to give memory back soon.
TRIM_VARIABLE = "MALLOC_TRIM_THRESHOLD_"
# Options of glibc's mallopt, and what glibc itself comes to set in a process without the variable.
M_TRIM_THRESHOLD, KEPT_FREE = -1, 64 * 2**20
M_MMAP_THRESHOLD, LARGEST_ON_HEAP = -3, 32 * 2**20
# What M_MMAP_THRESHOLD is beside the variable.
FIXED_MMAP_THRESHOLD = 128 * 2**10


@contextmanager
def undisturbed() -> Iterator[None]:
    """Stop the profiler of this worker of dask, and keep memory, while any of its threads is here.

    A network of a table takes thousands of small steps. Each of them waits for the interpreter
    while the profiler has it, and allocates the same arrays again: a search takes a sixth less time
    without the profiler, and again with memory that is kept.
    """
    with without_profiler(), kept_memory():
        yield


class WithoutProfiler(SharedSetting):
    """The statistical profilers of the workers in this process rest."""

    def note(self) -> None:
        """Begin without any that rests."""
        self._resting: list[tuple[Any, Any]] = []

    def set(self) -> None:
        """Stop that of the worker of this thread."""
        worker = _worker()
        if profiler := worker.periodic_callbacks.get(PROFILER):
            self._resting.append((worker, profiler))
            # Only the event loop of the worker may do so, and it keeps the order.
            worker.loop.add_callback(profiler.stop)

    def put_back(self, is_last: bool) -> None:
        """Start all of them again after the last thread."""
        if is_last:
            for worker, profiler in self._resting:
                worker.loop.add_callback(profiler.start)


class KeptMemory(SharedSetting):
    """The allocator of a worker process keeps what is freed, for what is allocated next.

    A worker process starts with a variable for glibc: whatever is larger than 128 KiB comes fresh
    from the system, as pages that have to be cleared first, and goes back there when it is freed.
    In a process without that variable glibc stops doing so as soon as it frees such an array.
    """

    def note(self) -> None:
        """Do nothing: glibc does not say what is set."""

    def set(self) -> None:
        """Set what glibc comes to by itself."""
        if self._is_wanted():
            self._set_options(KEPT_FREE, LARGEST_ON_HEAP)

    def put_back(self, is_last: bool) -> None:
        """Set what the variable says, and give back what is free."""
        if is_last and self._is_wanted():
            self._set_options(int(os.environ[TRIM_VARIABLE]), FIXED_MMAP_THRESHOLD)
            glibc().malloc_trim(0)

    def _is_wanted(self) -> bool:
        # Only a nanny starts processes with the variable; it also leaves it in its own.
        has_nanny = _worker().nanny is not None
        return has_nanny and os.environ.get(TRIM_VARIABLE, "").isdigit() and glibc() is not None

    def _set_options(self, trim: int, mmap: int) -> None:
        glibc().mallopt(M_TRIM_THRESHOLD, trim)
        glibc().mallopt(M_MMAP_THRESHOLD, mmap)


@cache
def glibc() -> Any:
    """Return the C library of this process, None where it is another than glibc."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if hasattr(library, "gnu_get_libc_version") else None


def _worker() -> Any:
    from distributed import get_worker

    return get_worker()


without_profiler, kept_memory = WithoutProfiler(), KeptMemory()
