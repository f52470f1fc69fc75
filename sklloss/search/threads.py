"""How many threads compute in a search: in its own process, and in those of its workers.

A search with one worker leaves the number of threads as it is.  One with several computes with one
thread in each of them, in torch and in BLAS alike, because the workers share the cores.  Its refit
follows the same rule, so that the refitted model has the bits that the same candidate has in a
stack.

The thread that searches sets the number once, around all of it; workers, be they processes or
threads, in every task.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from threadpoolctl import threadpool_limits

from ..training.threads import SharedSetting, one_thread_of_torch


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


def threads_of_search(n_workers: int) -> AbstractContextManager[None]:
    """Return what the process that searches, and refits, runs in."""
    return one_thread() if n_workers > 1 else nullcontext()


def threads_of_task(search: tuple[int, int]) -> AbstractContextManager[None]:
    """Return what a task runs in, given which process and thread searches."""
    return nullcontext() if here() == search else one_thread()


def here() -> tuple[int, int]:
    """Return the ids of this process and of this thread."""
    return os.getpid(), threading.get_ident()
