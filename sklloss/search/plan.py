"""Which fits are done together, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from scipy import sparse

from .candidates import Trial
from .stack_size import physical_memory, sizes, stack_size


class Shape(NamedTuple):
    """What the data of models of one stack have in common."""

    n_rows: int
    n_columns: int
    is_sparse: bool


@dataclass(frozen=True, eq=False)
class Run:
    """A trial on a split: one fit."""

    trial: Trial
    split: int

    @property
    def key(self) -> tuple[int, int, int]:
        """Candidate, split and seed."""
        return self.trial.candidate, self.split, self.trial.seed

    @property
    def arrival(self) -> tuple[int | None, int]:
        """Equal for runs whose nets are fitted on the same data."""
        return self.trial.setting, self.split


@dataclass(frozen=True)
class Task:
    """What a worker does at a time: a stack, or one fit that cannot be in one."""

    runs: tuple[Run, ...]
    stacked: bool


def shape_of(X: Any, n_rows: int) -> Shape:
    """Return the shape of n_rows rows of X."""
    shape: tuple[int, ...] = getattr(X, "shape", ())
    return Shape(n_rows, shape[-1] if len(shape) > 1 else 1, sparse.issparse(X))


def tasks_of(
    runs: Iterable[Run], shape: Callable[[Run], Shape], at_most: int | str, n_workers: int
) -> list[Task]:
    """Put runs that can share a program into stacks, the others into tasks of their own.

    Parameters
    ----------
    runs : iterable of Run
    shape : callable
        From a run that can be stacked to the shape of what its net is fitted on.
    at_most : int or "auto"
        Models of a stack.
    n_workers : int
        That the stacks are spread over.

    Returns
    -------
    list of Task
        A stack covers as few splits as its size allows; in it, equal losses are neighbours.
    """
    alone: list[Task] = []
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        if run.trial.sharing is None:
            alone.append(Task((run,), stacked=False))
        else:
            groups.setdefault((run.trial.sharing, shape(run)), []).append(run)
    stacks = [
        stack
        for group in groups.values()
        for stack in _stacks(group, shape(group[0]), at_most, n_workers)
    ]
    return stacks + alone


def _stacks(group: list[Run], shape: Shape, at_most: int | str, n_workers: int) -> list[Task]:
    losses: dict[Hashable, int] = {}
    for run in group:
        losses.setdefault(run.trial.loss, len(losses))
    most = automatic_size(group[0], shape, n_workers) if at_most == "auto" else int(at_most)

    def by_loss(run: Run) -> tuple[int, ...]:
        return losses[run.trial.loss], run.split, *run.key

    queue = iter(sorted(group, key=lambda run: (run.split, *by_loss(run))))
    parts = [list(islice(queue, size)) for size in sizes(len(group), most, n_workers)]
    return [Task(tuple(sorted(part, key=by_loss)), stacked=True) for part in parts]


def automatic_size(run: Run, shape: Shape, n_workers: int) -> int:
    """Return the size of a stack of models like that of a run."""
    net = run.trial.net
    loss_outputs = 1 if net._task == "regression" else 2
    widths = (shape.n_columns, *net._module_params().get("hidden_layer_sizes", ()), loss_outputs)
    itemsize = net._torch_dtype(shape.n_rows).itemsize
    batch = min(net._batch_size(shape.n_rows), shape.n_rows)
    return stack_size(
        _numbers(widths),
        batch,
        shape.n_rows,
        n_workers=n_workers,
        memory=physical_memory(),
        itemsize=itemsize,
    )


def _numbers(widths: Sequence[Any]) -> tuple[int, ...]:
    return tuple(int(width) for width in widths)
