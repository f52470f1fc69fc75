"""How many threads compute in a fit, whether it is one of several, and who interrupts it.

One thread computes where a step of a model is so small that sharing it among threads costs more
than it brings, however many models are trained together; otherwise as many as torch has.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

import torch

# Multiplications of a model's forward pass over a batch, below which one thread is faster; measured
# on two cores.
SMALL_STEP = 4e6


def threads_of_steps(n_multiplications: float) -> AbstractContextManager[None]:
    """Return what training runs in, given the multiplications of one model's forward pass."""
    return one_thread_of_torch() if n_multiplications < SMALL_STEP else nullcontext()


@contextmanager
def one_thread_of_torch() -> Iterator[None]:
    """Let torch compute with one thread; put its number back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
