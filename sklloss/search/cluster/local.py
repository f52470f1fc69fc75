"""Workers of joblib on this machine: processes of loky, threads, or the process that searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from joblib import effective_n_jobs
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.utils.parallel import Parallel, delayed

from ..progress import Counts, CountsInFile
from ..stacks import physical_memory
from .orphans import end_with, ends_from_start
from .pool import Pool
from .tasks import Losses, Task, perform


class LocalPool(Pool):
    """Workers of any backend of joblib that is not a cluster.

    Parameters
    ----------
    search : LossSearch
        Whose `n_jobs` and `pre_dispatch` count.
    **options
        Of joblib's Parallel.
    """

    keeps_steps = False

    def __init__(self, search: Any, **options: Any) -> None:
        self.search = search
        self.options = {"n_jobs": search.n_jobs, "pre_dispatch": search.pre_dispatch, **options}
        self.n_workers = effective_n_jobs(search.n_jobs)
        self.memory = physical_memory()
        self.is_spread = self.n_workers > 1
        if self.is_spread and search.checkpoint is not None:
            self.options |= ends_from_start()

    def counts(self, n_stacks: int, checkpoint: Any = None) -> Counts:
        """Return what counts epochs in a file."""
        return CountsInFile(n_stacks, checkpoint)

    def completed(
        self, worker: Any, tasks: Sequence[Task], counts: Counts
    ) -> Iterator[tuple[int, Any]]:
        """Yield positions and results of tasks as they arrive.

        Where a process of loky is killed, joblib ends all others with it, and does not say whose
        task it was.  So all tasks that were begun run again; those that were lost nearly too often
        run one at a time, so that the one at fault is known.
        """
        waiting = dict(enumerate(tasks))
        losses = Losses(type(self.search).__name__)
        while waiting:
            suspects = [i for i in waiting if losses.one_more_is_too_many(i)]
            batch = {i: waiting[i] for i in suspects[:1]} or dict(waiting)
            begun: list[int] = []
            try:
                for position, result in self._as_completed(worker, batch, begun):
                    del waiting[position]
                    yield position, result
            except TerminatedWorkerError as error:
                for position in begun:
                    if position in waiting:
                        counts.reset(position)
                        losses.add(position, waiting[position], error)

    def _as_completed(
        self, worker: Any, tasks: Mapping[int, Task], begun: list[int]
    ) -> Iterator[tuple[int, Any]]:
        """Yield positions and results as soon as joblib's backend gives them; note those begun."""

        def calls() -> Iterator[Any]:
            for position, task in tasks.items():
                begun.append(position)
                yield delayed(_numbered)(position, worker, task)

        try:
            parallel = Parallel(return_as="generator_unordered", **self.options)
        except ValueError:  # A backend that returns all at once.
            parallel = Parallel(**self.options)
        yield from parallel(calls())


def _numbered(position: int, worker: Any, task: Task) -> tuple[int, Any]:
    process, _, _ = worker.search
    end_with(process)
    return position, perform(worker, task)
