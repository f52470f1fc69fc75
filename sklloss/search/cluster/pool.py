"""What a search asks of the workers that its tasks run in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ..progress import Counts
from .tasks import Task


class Pool(AbstractContextManager["Pool"], ABC):
    """Workers of a search.

    Attributes
    ----------
    n_workers : int
        How many tasks run at a time.
    memory : float
        Bytes that these have together.
    is_spread : bool
        Whether tasks run elsewhere than in the thread that searches, with one thread each.
    keeps_steps : bool
        Whether worker processes keep the fitted steps around nets, which then are not sent.
    """

    n_workers: int
    memory: float
    is_spread: bool
    keeps_steps: bool

    def __exit__(self, *_: object) -> None:
        """Let go of what workers hold of the search."""

    @abstractmethod
    def counts(self, n_stacks: int, checkpoint: Any = None) -> Counts:
        """Return what counts the epochs of stacks that run in the workers.

        It also brings half-finished states to a checkpoint: to `checkpoint.keep`, every
        `checkpoint.seconds`, unless these are None.
        """

    @abstractmethod
    def completed(
        self, worker: Any, tasks: Sequence[Task], counts: Counts
    ) -> Iterator[tuple[int, Any]]:
        """Yield positions and results of tasks as they arrive.

        A task whose worker process is lost runs again, a bounded number of times.

        Parameters
        ----------
        worker : Worker
            Has the methods that tasks call.
        tasks : sequence of Task
        counts : Counts
            In which those that run again start again.

        Raises
        ------
        RuntimeError
            If one of them is lost too often.
        """
