"""What a worker does: fit the steps around nets, train a stack, score what comes out."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from traceback import format_exception
from typing import Any

from ..estimators.fit.together import epochs_of, fit_data, fit_together, n_rows_of, pauses_of
from ..training.checkpoints.keeper import Keeping
from ..training.checkpoints.packed_pauses import Pauses
from ..training.outcome import no_warning_of_few_epochs
from .candidates import Candidate
from .checkpoints.records import packed_states
from .cluster.kept import Kept, KeptSteps
from .records.course import FAILED, Course
from .records.predictions import Piece, classes_of, predictions_of
from .results import Key, Result
from .scikit_learn import Data, failed_scores, with_params
from .stacks import Fit, Stack
from .steps import (
    NO_ROWS,
    Arguments,
    FittedSteps,
    fitted_around_net,
    fitted_net_of,
    net_of,
    shape_of,
    with_net,
    with_seeds,
)
from .threads import Place, here, threads_of_task


@dataclass(frozen=True)
class Worker:
    """Fits and scores; the same for all stacks of a search.

    Attributes
    ----------
    estimator : estimator
        The one that is searched, unfitted.
    data : Data
    error_score : "raise" or float
    return_train_score : bool
    keep_predictions : bool
    search : tuple
        The process and the thread that search.
    kept : Kept
        The steps that this process keeps, where it is a worker of a cluster.
    """

    estimator: Any
    data: Data
    error_score: Any
    return_train_score: bool
    keep_predictions: bool
    search: Place = field(default_factory=here)
    kept: Kept = field(default_factory=Kept, repr=False)

    def without_rows(self) -> Worker:
        """Return all but the rows."""
        return replace(self, data=self.data.without_rows())

    def with_rows_of(self, data: Data) -> Worker:
        """Return the same on the rows of some data."""
        return replace(self, data=self.data.with_rows_of(data))

    def fitted_steps(
        self, candidate: Candidate, split: int, n_nets: int, seed: int | None = None
    ) -> FittedSteps:
        """Fit the steps around the net of a candidate, which `n_nets` nets share on a split.

        `seed` is that of steps that have none; None leaves them without.
        """
        estimator = with_params(self.estimator, candidate.params)
        if seed is not None:
            estimator = with_seeds(estimator, seed)
        X, y, params = self.data.training_rows(estimator, split)
        start = time.perf_counter()
        try:
            with threads_of_task(self.search):
                fitted, arguments = fitted_around_net(estimator, X, y, params)
            trace, shape = None, shape_of(arguments[0], n_rows_of(arguments[0]))
        except Exception as error:
            fitted, arguments, trace, shape = None, (None, None, {}), self._trace(error), NO_ROWS
        return FittedSteps(fitted, arguments, trace, (time.perf_counter() - start) / n_nets, shape)

    def steps_kept(
        self, candidate: Candidate, split: int, seed: int, n_nets: int = 1
    ) -> FittedSteps:
        """Return fitted steps that this process keeps."""
        key = candidate.steps, split
        return self.kept.steps(key, lambda: self.fitted_steps(candidate, split, n_nets, seed))

    def keep_steps(self, candidate: Candidate, split: int, n_nets: int, seed: int) -> KeptSteps:
        """Fit steps that stay in this process, and return what is to be known of them."""
        steps = self.steps_kept(candidate, split, seed, n_nets)
        return KeptSteps(seed, steps.error, steps.seconds, steps.shape)

    def results(self, stack: Stack, slot: Any) -> list[Result]:
        """Fit and score a stack; its epochs are counted in a slot."""
        with threads_of_task(self.search):
            if stack.alone:
                return [self._alone(fit, slot) for fit in stack.fits]
            return self._together(stack.fits, slot)

    def failed(self, key: Key, trace: str, seconds: float) -> Result:
        """Return the result of a fit that raised an error."""
        scores = failed_scores(self.data.scorer, self.error_score)
        train = scores if self.return_train_score else None
        return Result(key, trace, seconds, 0.0, scores, train, course=FAILED)

    def _together(self, fits: Sequence[Fit], slot: Any) -> list[Result]:
        made = [with_params(self.estimator, fit.candidate.params) for fit in fits]
        nets = [net_of(each) for each in made]
        direct = {fit.split for fit in fits if fit.steps is None}
        rows = {split: self.data.training_rows(self.estimator, split) for split in direct}
        steps = [fit.steps.here(self, fit) if fit.steps else None for fit in fits]
        pairs = list(zip(fits, steps, strict=True))
        arguments = [around.arguments if around else rows[fit.split] for fit, around in pairs]
        start = time.perf_counter()
        errors = _train(nets, arguments, fits, slot)
        seconds = (time.perf_counter() - start) / len(fits)
        return [
            self._result(fit, with_net(around and around.estimator, each, net), error, seconds)
            for (fit, around), each, net, error in zip(pairs, made, nets, errors, strict=True)
        ]

    def _alone(self, fit: Fit, slot: Any) -> Result:
        """Fit and score as GridSearchCV does."""
        estimator = with_params(self.estimator, fit.params)
        X, y, params = self.data.training_rows(estimator, fit.split)
        start, failure = time.perf_counter(), None
        try:
            with no_warning_of_few_epochs():
                estimator.fit(*((X,) if y is None else (X, y)), **params)
        except Exception as error:
            failure = error
        seconds = time.perf_counter() - start
        slot.add(fit.epochs)
        return self._result(fit, estimator, failure, seconds)

    def _result(self, fit: Fit, fitted: Any, error: Exception | None, seconds: float) -> Result:
        """Return the scores of a fitted estimator, or what stopped its fit."""
        seconds += fit.steps.seconds if fit.steps else 0.0
        if error is not None:
            return self.failed(fit.key, self._trace(error), seconds)
        start, train = time.perf_counter(), None
        test = self.data.score(fitted, fit.split, "test", self.error_score)
        score_time = time.perf_counter() - start
        if self.return_train_score:
            train = self.data.score(fitted, fit.split, "train", self.error_score)
        net, course = fitted_net_of(fitted), Course.of(fitted, fit.is_cut)
        may_improve = fit.until is None and getattr(net, "_may_improve", False)
        n_parameters = getattr(net, "_n_parameters", math.nan)
        pauses = pauses_of(net) if fit.until is not None else None
        of_net = may_improve, course, n_parameters, self._predictions(fitted, fit.split), pauses
        return Result(fit.key, None, seconds, score_time, test, train, *of_net)

    def _predictions(self, fitted: Any, split: int) -> Piece | None:
        """Return what a fitted estimator says of the test rows of a split, where that is kept."""
        if not self.keep_predictions:
            return None
        X, rows = self.data.test_rows(fitted, split), self.data.splits[split][1]
        return predictions_of(fitted, X, rows, classes_of(fitted, self.data.y))

    def _trace(self, error: Exception) -> str:
        """Return the traceback of an error, or raise it where the user wants that."""
        if self.error_score == "raise":
            raise error
        return "".join(format_exception(error))


def _train(
    nets: Sequence[Any], arguments: Sequence[Arguments], fits: Sequence[Fit], slot: Any
) -> list[Exception | None]:
    """Train the nets of fits in place, each on arguments; return what stopped each of them.

    Trainings go on where they have paused, and pause after the epoch that fits say.  Epochs are
    counted, and states kept, in a slot.
    """
    errors: dict[int, Exception | None] = {}
    data, until = {}, fits[0].until
    for i, (net, given) in enumerate(zip(nets, arguments, strict=True)):
        try:
            data[i] = fit_data(net, *given)
        except TypeError as error:
            errors[i] = error
            slot.add(epochs_of(net, n_rows_of(given[0]), until=until))
    keys, paused = [fits[i].key for i in data], [fits[i].pauses for i in data]

    def save(pauses: Sequence[Pauses]) -> None:
        stands = zip(keys, pauses, strict=True)
        slot.keep(slot.position, packed_states({key: each for key, each in stands if any(each)}))

    of_data = [nets[i] for i in data], list(data.values())
    stopped = fit_together(*of_data, slot.add, until, paused, Keeping(slot.wants_state, save))
    errors.update(zip(data, stopped, strict=True))
    return [errors[i] for i in range(len(nets))]
