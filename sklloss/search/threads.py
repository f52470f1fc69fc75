"""How many threads compute in a search: in its own process, and in those of its workers.

A search in its own process alone leaves the number of threads as it is.  One with several workers,
or on a cluster, computes with one thread in each of them, in torch and in BLAS alike, because the
workers share the cores.  Its refit follows the same rule, so that the refitted model has the bits
that the same candidate has in a stack.

The thread that searches sets the number once, around all of it; workers, be they processes or
threads, in every task.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from threadpoolctl import threadpool_limits

from ..training.threads import SharedSetting, one_thread_of_torch

# Process, thread, and a name that tells this process from those of other machines.
Place = tuple[int, int, str]
NAME_OF_PROCESS = uuid.uuid4().hex


class OneThreadOfBlas(SharedSetting):
    """BLAS computes with one thread; its number is one for the whole process."""

    def note(self) -> None:
        """Limit it, which notes what was before."""
        self._limits = threadpool_limits(1, user_api="blas")

    def set(self) -> None:
        """Nothing: it is limited for all threads."""

    def put_back(self, is_last: bool) -> None:
        """Put back the process's number."""
        if is_last:
            self._limits.restore_original_limits()


one_thread_of_blas = OneThreadOfBlas()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and BLAS compute with one thread; put their numbers back afterwards."""
    with one_thread_of_torch(), one_thread_of_blas():
        yield


def threads_of_search(is_spread: bool) -> AbstractContextManager[None]:
    """Return what the process that searches, and refits, runs in."""
    return one_thread() if is_spread else nullcontext()


def threads_of_task(search: Place) -> AbstractContextManager[None]:
    """Return what a task runs in, given where the search runs."""
    return nullcontext() if here() == search else one_thread()


def here() -> Place:
    """Return this process and this thread, which no other machine has."""
    return os.getpid(), threading.get_ident(), NAME_OF_PROCESS
