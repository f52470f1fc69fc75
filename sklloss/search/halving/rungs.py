"""A search by rungs: all candidates train for a few epochs, the best of them go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from ..candidates import Candidate, Params
from ..evaluation import Evaluation
from ..results import Key, Result
from ..scikit_learn import has_several_metrics
from ..stacks import Fit
from ..steps import path_to_net
from ..worker import Worker
from .schedule import Halving


class Rungs:
    """Trains and scores candidates rung by rung; those that stay go on where they have paused.

    Parameters
    ----------
    evaluation : Evaluation
    halving : Halving
    """

    def __init__(self, evaluation: Evaluation, halving: Halving) -> None:
        self.evaluation, self.halving = evaluation, halving
        # By the numbers of candidates in the first rung, splits and seeds: what is trained, and
        # what came of it at the last rung.
        self.fits: dict[Key, Fit] = {}
        self.last: dict[Key, Result] = {}
        self.epochs: list[int] = []

    def run(self, settings: Iterable[Params]) -> dict[str, Any]:
        """Search; return the attributes that scikit-learn's halving searches have besides.

        Raises
        ------
        ValueError
            If a candidate is none of sklloss's estimators, which alone have epochs, or if it is
            open which of several metrics decides.
        """
        given, results, n_candidates = list(settings), self.evaluation.results, []
        worker = self._begin(given)
        staying = list(range(len(given)))
        for rung, n_epochs in enumerate(self.epochs):
            n, start = len(staying), len(results.settings)
            more = {"iter": [rung] * n, "n_resources": [n_epochs] * n}
            self.evaluation.expect([given[i] for i in staying], more)
            copied = self._train(staying, start, rung, worker)
            scores = self._scores(self.evaluation.finish(start, copied))[start:]
            staying = [staying[i] for i in top(scores, self.halving.n_staying(n))]
            self._let_go_of_all_but(staying)
            self.evaluation.checkpoint.forget_before(start)
            n_candidates.append(n)
        return {
            "n_candidates_": n_candidates,
            "n_resources_": self.epochs,
            "n_remaining_candidates_": len(staying),
            "n_iterations_": len(self.epochs),
            "min_resources_": self.epochs[0],
            "max_resources_": self.epochs[-1],
        }

    def _begin(self, settings: Sequence[Params]) -> Worker:
        """Check candidates, fit the steps around them, and decide on the rungs."""
        evaluation = self.evaluation
        self._check_one_decides(has_several_metrics(evaluation.data.scorer))
        candidates, worker = evaluation.begin(settings, seeded=True)
        check_have_epochs(type(evaluation.search).__name__, candidates)
        fits, failed = evaluation.fits(candidates, worker)
        self.fits = {fit.key: fit for fit in fits}
        self.last = {result.key: result for result in failed}
        most = max((fit.max_epochs for fit in fits), default=1)
        self.epochs = self.halving.rungs(max(len(settings), 1), most)
        return worker

    def _train(self, staying: Sequence[int], start: int, rung: int, worker: Worker) -> set[Key]:
        """Train and score candidates at a rung, which are rows of ``cv_results_`` from `start` on.

        Those whose training is over keep their results; return the keys of these.
        """
        results, going, copied = self.evaluation.results, [], set()
        keys = {
            (i, *of_fit): (number, *of_fit)
            for number, i in enumerate(staying, start)
            for of_fit in product(range(results.n_splits), range(results.n_seeds))
        }
        for key, new in keys.items():
            before = self.last.get(key)
            if before is not None and is_over(before):
                self.evaluation.add([replace(before, key=new, fit_time=0.0, may_improve=False)])
                copied.add(new)
            else:
                going.append(self._fit(key, new[0], rung))
        title = f"search, rung {rung + 1} of {len(self.epochs)}"
        self.evaluation.train(going, worker, title)
        self.last = {key: results.found[new] for key, new in keys.items()}
        return copied

    def _fit(self, key: Key, number: int, rung: int) -> Fit:
        """Return a fit that goes on to a rung, as that of a candidate with another number."""
        fit, before = self.fits[key], self.last.get(key)
        pauses = None if before is None else before.pauses
        return replace(
            fit,
            candidate=replace(fit.candidate, number=number),
            pauses=pauses,
            start=0 if pauses is None else self.epochs[rung - 1],
            until=None if rung + 1 == len(self.epochs) else self.epochs[rung],
        )

    def _let_go_of_all_but(self, staying: Sequence[int]) -> None:
        """Let go of the weights of candidates that leave."""
        for key, result in self.last.items():
            if key[0] not in staying:
                result.pauses = None

    def _scores(self, table: Mapping[str, Any]) -> np.ndarray:
        """Return the scores by which candidates are ranked."""
        refit = self.evaluation.search.refit
        decides = refit if f"mean_test_{refit}" in table else "score"
        self._check_one_decides(f"mean_test_{decides}" not in table)
        return np.asarray(table[f"mean_test_{decides}"])

    def _check_one_decides(self, are_several: bool) -> None:
        """Raise a ValueError if there are several metrics, and nothing says which one decides."""
        search = self.evaluation.search
        if are_several and not isinstance(search.refit, str):
            raise ValueError(
                f"{type(search).__name__} with halving ranks candidates by one metric, and scoring"
                f" gives several. Set refit to the name of one; got refit={search.refit!r}."
            )


def is_over(result: Result) -> bool:
    """Return whether a fit would give the same result with more epochs."""
    return result.fit_error is not None or result.course.stopped_by != "halving"


def top(scores: np.ndarray, n: int) -> list[int]:
    """Return the places of the n highest scores, lowest first; NaN is lower than any number.

    Examples
    --------
    >>> top(np.array([0.3, np.nan, 0.5, 0.1]), 3)
    [3, 0, 2]
    """
    order = np.roll(np.argsort(scores), np.count_nonzero(np.isnan(scores)))
    return [int(i) for i in order[-n:]]


def check_have_epochs(owner: str, candidates: Sequence[Candidate]) -> None:
    """Raise a ValueError for a candidate that does not train for epochs."""
    for candidate in candidates:
        if path_to_net(candidate.estimator) is None:
            raise ValueError(
                f"{owner} with halving compares candidates after a few epochs, which"
                f" {candidate.estimator!r} does not have. Set halving=None, or leave it out."
            )
