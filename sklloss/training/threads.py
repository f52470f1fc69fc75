"""How many threads compute in a fit, whether it is one of several, and who interrupts it.

One thread computes where a step of a model is so small that sharing it among threads costs more
than it brings, however many models are trained together; otherwise as many as torch has.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

import torch

# Multiplications of a model's forward pass over a batch, below which one thread is faster; measured
# on two cores.
SMALL_STEP = 4e6


def threads_of_steps(n_multiplications: float) -> AbstractContextManager[None]:
    """Return what training runs in, given the multiplications of one model's forward pass."""
    return one_thread_of_torch() if n_multiplications < SMALL_STEP else nullcontext()


class SharedSetting(ABC):
    """A setting of the process that lasts while any of its threads needs it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._of_thread = threading.local()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Keep it set."""
        with self._lock:
            if not self._n_users:
                self.note()
            self._n_users += 1
            self._of_thread.depth = getattr(self._of_thread, "depth", 0) + 1
            self.set()
        try:
            yield
        finally:
            with self._lock:
                self._n_users -= 1
                self._of_thread.depth -= 1
                if not self._of_thread.depth:
                    self.put_back(is_last=not self._n_users)

    @abstractmethod
    def note(self) -> None:
        """Note what was before."""

    @abstractmethod
    def set(self) -> None:
        """Set it, from every thread that needs it."""

    @abstractmethod
    def put_back(self, is_last: bool) -> None:
        """Put back what was before, in a thread; `is_last` says that no other still needs it."""


class OneThreadOfTorch(SharedSetting):
    """Torch computes with one thread.

    Every thread has a number of its own, which it takes from the process when it first computes:
    one that began beside another's fit has 1.
    """

    def note(self) -> None:
        """Note the number of the process."""
        if threading.current_thread() is threading.main_thread():
            self._before = torch.get_num_threads()
        else:
            with ThreadPoolExecutor(1) as new_thread:
                self._before = new_thread.submit(torch.get_num_threads).result()

    def set(self) -> None:
        """Set the number of this thread, and of those that begin from now on."""
        torch.set_num_threads(1)

    def put_back(self, is_last: bool) -> None:
        """Put back the number of this thread."""
        torch.set_num_threads(self._before)
        if not is_last:
            # That was for this thread; the process goes on with one.
            with ThreadPoolExecutor(1) as new_thread:
                new_thread.submit(torch.set_num_threads, 1).result()


one_thread_of_torch = OneThreadOfTorch()


def is_worker() -> bool:
    """Return whether this process is a worker of joblib, which has others beside it."""
    return multiprocessing.current_process().name.startswith("Loky")


@contextmanager
def noted_interruptions() -> Iterator[list[int]]:
    """Yield a list that gets an item whenever the user interrupts the program.

    skorch's callbacks raise KeyboardInterrupt too, where they stop training.
    """
    noted: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    # No other thread is interrupted, or may change what happens then.
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield noted
        return

    def note(signum: int, frame: FrameType | None) -> None:
        noted.append(signum)
        before(signum, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
