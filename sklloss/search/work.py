"""What a worker does: fit the shells around nets, train a stack, score what comes out."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from traceback import format_exception
from typing import Any

from sklearn.base import clone

from ..estimators.fit.together import Fit, fit_together
from .candidates import made_of
from .plan import Run, Task
from .progress import Slot
from .results import Key
from .scikit_learn import Data, Result, failed_scores
from .shell import Parts, dressed, fitted_shell, net_of
from .threads import threads_of_task

NOTHING: Parts = (None, None, {})


@dataclass(frozen=True)
class Arrival:
    """What arrives at the nets of one setting on one split.

    Attributes
    ----------
    shell : estimator or None
        All around the net, fitted; None where there is nothing.
    X, y, params
        What the net is fitted on.
    error : str or None
        The traceback of what fitting the shell has raised.
    seconds : float
        That it took, for each of the nets.
    """

    shell: Any
    X: Any
    y: Any
    params: dict[str, Any]
    error: str | None = None
    seconds: float = 0.0

    @property
    def parts(self) -> Parts:
        """X, y and the parameters of `fit`."""
        return self.X, self.y, self.params


@dataclass(frozen=True)
class Work:
    """What all tasks of a search have in common.

    Attributes
    ----------
    estimator : estimator
        Unfitted; candidates are clones of it.
    data : Data
    error_score : "raise" or float
    return_train_score : bool
    process : int
        The id of the process that searches.
    """

    estimator: Any
    data: Data
    error_score: Any
    return_train_score: bool
    process: int = field(default_factory=os.getpid)

    def arrival(self, run: Run, n_nets: int) -> tuple[tuple[int | None, int], Arrival]:
        """Fit the shell of a run, which `n_nets` nets share; return it by the run's `arrival`."""
        estimator = made_of(self.estimator, run.trial.params)
        X, y, params = self.data.training_part(estimator, run.split)
        start, trace = time.perf_counter(), None
        shell, parts = None, NOTHING
        try:
            with threads_of_task(self.process):
                shell, parts = fitted_shell(estimator, X, y, params)
        except Exception as error:
            trace = self._trace(error)
        seconds = (time.perf_counter() - start) / n_nets
        return run.arrival, Arrival(shell, *parts, trace, seconds)

    def do(self, task: Task, arrivals: Mapping[Any, Arrival], slot: Slot) -> dict[Key, Result]:
        """Do a task; `arrivals` has those of its runs that have a shell."""
        with threads_of_task(self.process):
            if task.stacked:
                return self._stack(task, arrivals, slot)
            return {run.key: self._alone(run, slot) for run in task.runs}

    def _stack(self, task: Task, arrivals: Mapping[Any, Arrival], slot: Slot) -> dict[Key, Result]:
        made = {run: made_of(self.estimator, run.trial.params) for run in task.runs}
        arrived = {**arrivals, **self._direct(made)}
        fits = [
            Fit(clone(net_of(estimator)), *arrived[run.arrival].parts)
            for run, estimator in made.items()
        ]
        outcomes = fit_together(fits, slot.add)
        results = {}
        for run, fit, outcome in zip(made, fits, outcomes, strict=True):
            arrival = arrived[run.arrival]
            seconds = arrival.seconds + outcome.seconds
            if outcome.error is not None:
                results[run.key] = self.failed(self._trace(outcome.error), seconds)
                continue
            fitted = dressed(arrival.shell, made[run], fit.estimator)
            results[run.key] = self._scored(run, fitted, seconds)
        return results

    def _direct(self, made: Mapping[Run, Any]) -> dict[tuple[int | None, int], Arrival]:
        """Return what arrives at nets with nothing around them: the rows of their split, once for all of them."""
        plain = {run.split: run for run in made if run.trial.setting is None}
        parts = {split: self.data.training_part(made[run], split) for split, run in plain.items()}
        return {plain[split].arrival: Arrival(None, *part) for split, part in parts.items()}

    def _alone(self, run: Run, slot: Slot) -> Result:
        """Fit and score as GridSearchCV does."""
        estimator = made_of(self.estimator, run.trial.params)
        X, y, params = self.data.training_part(estimator, run.split)
        given = (X,) if y is None else (X, y)
        start, trace = time.perf_counter(), None
        try:
            estimator.fit(*given, **params)
        except Exception as error:
            trace = self._trace(error)
        seconds = time.perf_counter() - start
        slot.add(run.trial.epochs)
        if trace is not None:
            return self.failed(trace, seconds)
        return self._scored(run, estimator, seconds)

    def _scored(self, run: Run, fitted: Any, seconds: float) -> Result:
        start = time.perf_counter()
        test = self.data.score(fitted, run.split, "test", self.error_score)
        score_time = time.perf_counter() - start
        result = {
            "fit_error": None,
            "fit_time": seconds,
            "score_time": score_time,
            "test_scores": test,
        }
        if self.return_train_score:
            result["train_scores"] = self.data.score(fitted, run.split, "train", self.error_score)
        return result

    def failed(self, trace: str, seconds: float) -> Result:
        """Return the result of a fit that failed."""
        scores = failed_scores(self.data.scorer, self.error_score)
        result = {
            "fit_error": trace,
            "fit_time": seconds,
            "score_time": 0.0,
            "test_scores": scores,
        }
        if self.return_train_score:
            result["train_scores"] = dict(scores) if isinstance(scores, dict) else scores
        return result

    def _trace(self, error: Exception) -> str:
        """Return the traceback of an error, or raise it where the user wants that."""
        if self.error_score == "raise":
            raise error
        return "".join(format_exception(error))
