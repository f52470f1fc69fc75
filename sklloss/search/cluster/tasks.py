"""Tasks of a search, and what is done about those that are lost with their worker process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from joblib import parallel_config

# How often a task may be lost before the search ends: other tasks beside it may have been too
# large together, so the last time it runs with no other beside it, where that can be arranged.
MOST_LOSSES = 3
# Candidates that an error names.
MOST_NAMED = 5


@dataclass(frozen=True, eq=False)
class Task:
    """A call of a method of `Worker`.

    Attributes
    ----------
    title : str
        What it is about, for errors.
    method : str
    arguments : tuple
    """

    title: str
    method: str
    arguments: tuple[Any, ...]


def perform(worker: Any, task: Task) -> Any:
    """Return what comes of a task."""
    return getattr(worker, task.method)(*task.arguments)


def perform_elsewhere(worker: Any, task: Task) -> Any:
    """Return what comes of a task in a process of a cluster, where joblib starts no more of them."""
    with parallel_config(backend="threading"):
        return perform(worker, task)


def title_of(stack: Any) -> str:
    """Return how an error names a stack."""
    numbers = sorted({fit.candidate.number for fit in stack.fits})
    splits = sorted({fit.split for fit in stack.fits})
    n_models = len(stack.fits)
    return (
        f"the stack of {n_models} model{'s' * (n_models > 1)} ({_listed('candidate', numbers)},"
        f" {_listed('split', splits)})"
    )


def _listed(noun: str, numbers: Sequence[int]) -> str:
    """Return a noun with numbers, as few as are read."""
    shown = ", ".join(map(str, numbers[:MOST_NAMED]))
    more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
    return f"{noun}{'s' * (len(numbers) > 1)} {shown}{more}"


class Losses:
    """Counts how often tasks are lost, and raises when one of them is lost too often.

    Parameters
    ----------
    owner : str
        The name of the search's class.
    """

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._counts: Counter[int] = Counter()

    def add(self, position: int, task: Task, cause: BaseException) -> None:
        """Count a task of some position as lost.

        Raises
        ------
        RuntimeError
            If it has been lost `MOST_LOSSES` times.
        """
        self._counts[position] += 1
        if self._counts[position] >= MOST_LOSSES:
            self.give_up(task, self._counts[position], cause)

    def one_more_is_too_many(self, position: int) -> bool:
        """Return whether the next loss of a task ends the search."""
        return self._counts[position] + 1 >= MOST_LOSSES

    def give_up(self, task: Task, n_losses: int, cause: BaseException) -> NoReturn:
        """Raise because a task was lost too often."""
        raise RuntimeError(
            f"{self.owner} has lost {task.title} {n_losses} time{'s' * (n_losses > 1)}: the worker processes that it ran"
            " in were killed or crashed. The likely cause is memory. Set a smaller stack_size, use"
            " fewer workers on a machine, or give each of them more memory."
        ) from cause
