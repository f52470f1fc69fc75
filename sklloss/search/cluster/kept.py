"""What the worker processes of a cluster keep between tasks: the fitted steps around nets.

The rows that such steps make of X are as large as X, so they are not sent around: every process
fits the steps that it needs for itself, once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from ..steps import FittedSteps, Shape


class Kept:
    """Fitted steps by what is set around the net and by split; a copy in another process is empty.

    Threads that need the same steps wait for the first of them to fit them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._steps: dict[Hashable, FittedSteps] = {}

    def __reduce__(self) -> tuple[type[Kept], tuple[()]]:
        return Kept, ()

    def steps(self, key: Hashable, fitted: Callable[[], FittedSteps]) -> FittedSteps:
        """Return the steps of a key, fitted if they are not here."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._steps:
                self._steps[key] = fitted()
            return self._steps[key]


@dataclass(frozen=True)
class KeptSteps:
    """What the searching process knows of steps that worker processes keep.

    Attributes
    ----------
    seed : int
        The seed of steps that have none, so that they are the same in every process.
    error, seconds, shape
        As in FittedSteps.
    """

    seed: int
    error: str | None
    seconds: float
    shape: Shape

    def here(self, worker: Any, fit: Any) -> FittedSteps:
        """Return them as this process has fitted them, for a fit.

        Raises
        ------
        RuntimeError
            If fitting them fails in this process, although it has succeeded in another.
        """
        found: FittedSteps = worker.steps_kept(fit.candidate, fit.split, self.seed)
        if found.error is not None:
            raise RuntimeError(
                "The steps before the network could be fitted in one worker process, and not in"
                f" another, on split {fit.split}. Does it lack a file or memory? {found.error}"
            )
        return found


AnySteps = FittedSteps | KeptSteps
