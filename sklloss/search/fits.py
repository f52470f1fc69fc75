"""All fits of a search, spread over the workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sklearn.utils.parallel import Parallel, delayed

from .plan import Run, Shape, Task, shape_of, tasks_of
from .report import Report
from .results import Key
from .scikit_learn import Result, n_rows_of
from .work import Arrival, Work

Arrivals = dict[tuple[int | None, int], Arrival]


@dataclass(frozen=True)
class Workers:
    """Who does the fits.

    Attributes
    ----------
    n_jobs, pre_dispatch
        As joblib takes them.
    number : int
        How many there are.
    """

    n_jobs: int | None
    pre_dispatch: int | str
    number: int

    def do(self, calls: Iterable[Any]) -> Iterator[Any]:
        """Yield what calls return, as soon as joblib's backend gives it."""
        options = {"n_jobs": self.n_jobs, "pre_dispatch": self.pre_dispatch}
        try:
            parallel = Parallel(**options, return_as="generator_unordered")
        except ValueError:  # a backend that returns all at once
            parallel = Parallel(**options)
        yield from parallel(calls)


def fit_all(
    work: Work, runs: list[Run], stack_size: int | str, workers: Workers, report: Report
) -> None:
    """Do all runs; the report receives what comes out, as it comes.

    What is around nets is fitted first, once for each of its settings on each split.
    """
    arrivals = _arrivals(work, runs, workers)
    report.tally.add(_failures(work, runs, arrivals))
    going = [run for run in runs if run.key not in report.tally.results]

    def shape(run: Run) -> Shape:
        if run.arrival in arrivals:
            X = arrivals[run.arrival].X
            return shape_of(X, n_rows_of(X))
        return shape_of(work.data.X, len(work.data.splits[run.split][0]))

    tasks = tasks_of(going, shape, stack_size, workers.number)
    with report.progress(sum(run.trial.epochs for run in going), len(tasks)) as progress:
        calls = (
            delayed(work.do)(task, _needed(task, arrivals), progress.slot(position))
            for position, task in enumerate(tasks)
        )
        for results in workers.do(calls):
            report.take(results, progress)


def _arrivals(work: Work, runs: list[Run], workers: Workers) -> Arrivals:
    """Fit what is around the nets that can be stacked."""
    inside = [
        run for run in runs if run.trial.sharing is not None and run.trial.setting is not None
    ]
    n_nets = Counter(run.arrival for run in inside)
    first = {run.arrival: run for run in reversed(inside)}
    calls = [delayed(work.arrival)(run, n_nets[run.arrival]) for run in first.values()]
    return dict(workers.do(calls)) if calls else {}


def _failures(work: Work, runs: list[Run], arrivals: Arrivals) -> dict[Key, Result]:
    """Return the results of the runs whose data never arrive."""
    failures = {}
    for run in runs:
        arrival = arrivals.get(run.arrival)
        if run.trial.sharing is not None and arrival is not None and arrival.error is not None:
            failures[run.key] = work.failed(arrival.error, arrival.seconds)
    return failures


def _needed(task: Task, arrivals: Arrivals) -> Arrivals:
    if not task.stacked:
        return {}
    return {run.arrival: arrivals[run.arrival] for run in task.runs if run.arrival in arrivals}
