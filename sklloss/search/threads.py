"""How many threads compute in a search: in its own process, and in those of its workers.

A search with one worker leaves the number of threads as it is.  One with several computes with one
thread in each of them, in torch and in BLAS alike, because the workers share the cores.  Its refit
follows the same rule, so that the refitted model has the bits that the same candidate has in a
stack.

In the search's own process the number is set once, around all of it: threads that joblib starts
there take torch's number over when they first compute, and that of BLAS belongs to the whole
process.  Worker processes set their own in every task.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from threadpoolctl import threadpool_limits

from ..training.threads import one_thread_of_torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and BLAS compute with one thread; put their numbers back afterwards."""
    with threadpool_limits(1), one_thread_of_torch():
        yield


def threads_of_search(n_workers: int) -> AbstractContextManager[None]:
    """Return what the process that searches, and refits, runs in."""
    return one_thread() if n_workers > 1 else nullcontext()


def threads_of_task(search_process: int) -> AbstractContextManager[None]:
    """Return what a task runs in, given the id of the process that searches."""
    return nullcontext() if os.getpid() == search_process else one_thread()
