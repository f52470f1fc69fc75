"""Candidates fitted and scored on all splits, spread over the workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from sklearn.base import clone

from ..training.seeds import seed_of
from .candidates import Candidate, Params, candidates_of, check_score_is_one
from .checkpoints.identity import parts_of
from .checkpoints.kept import kept_or_not
from .cluster.active import pool_of
from .cluster.kept import AnySteps
from .cluster.tasks import Task, title_of
from .progress import Counts, Progress
from .results import Key, Result, Results
from .scikit_learn import Data, failed_scores
from .scorers import check_methods
from .stacks import Fit, stacks_of
from .steps import shape_of
from .worker import Worker

# By what is set around the net, and by split.
Steps = Mapping[tuple[Hashable, int], AnySteps]


class Evaluation:
    """Fits and scores candidates: what `_run_search` of a search receives and calls.

    Parameters
    ----------
    search : LossSearch
        Whose parameters count.
    data : Data
        What it fits and scores on.

    Attributes
    ----------
    pool : Pool
        The workers.
    checkpoint : Unkept
        Where the search is kept, if the user wants that.
    results : Results
        Of all calls so far; likewise the candidates and the table.
    candidates : list of Candidate
    table : dict
        ``cv_results_``.
    split_sizes : array of shape (n_splits, 2)
        Training and test rows of the splits of the last call.
    """

    def __init__(self, search: Any, data: Data) -> None:
        self.search = search
        self.data = data
        self.pool = pool_of(search)
        self.checkpoint = kept_or_not(search)
        scores = failed_scores(data.scorer, np.nan)
        train = scores if search.return_train_score else None
        missing = Result((0, 0, 0), None, np.nan, np.nan, scores, train)
        self.results = Results(search.n_splits_, search.n_seeds, missing)
        self.candidates: list[Candidate] = []
        self.seed = seed_of(None)
        self.table: dict[str, Any] = {}
        self.split_sizes = np.zeros((0, 2), dtype=int)

    def __call__(
        self,
        candidate_params: Iterable[Params],
        cv: Any = None,
        more_results: Mapping[str, Sequence[Any]] | None = None,
    ) -> dict[str, Any]:
        """Fit and score candidates on all splits.

        Parameters
        ----------
        candidate_params : iterable of dict
            What is set on clones of the estimator.
        cv : splitter or None, default=None
            Draws the splits; None is the `cv` of the search.
        more_results : mapping of lists or None, default=None
            Further columns of the table, with one value per candidate.

        Returns
        -------
        dict
            ``cv_results_`` over the candidates of all calls.

        Raises
        ------
        ValueError or TypeError
            If a candidate cannot be set up, which is found before any training, or if all fits
            fail.
        """
        settings, start = list(candidate_params), len(self.results.settings)
        candidates, worker = self.begin(settings, cv)
        self.expect(settings, more_results or {})
        fits, failed = self.fits(candidates, worker, done=self.checkpoint.results)
        self.add(failed)
        self.train(fits, worker)
        return self.finish(start)

    def begin(
        self, settings: Sequence[Params], cv: Any = None, seeded: bool = False
    ) -> tuple[list[Candidate], Worker]:
        """Return candidates, all of them checked, and what fits them on the splits of a splitter.

        With `seeded`, and where the search is kept, those without a random_state have the one that
        the search has drawn.
        """
        search, start = self.search, len(self.results.settings)
        data = self.data.split(search._checked_cv_orig if cv is None else cv, search.n_splits_)
        seeded |= self.checkpoint.is_kept
        self.seed = self.checkpoint.begin(lambda: parts_of(search, data, settings), self.seed)
        self.split_sizes = np.array([(len(train), len(test)) for train, test in data.splits])
        how_often = search.n_seeds, self.seed, start, seeded
        candidates = candidates_of(search.estimator, settings, *how_often)
        self.candidates += candidates
        if search.scoring is None:
            check_score_is_one(type(search).__name__, self.candidates)
        check_methods(type(search).__name__, data.scorer, search.scoring, candidates)
        how = search.error_score, search.return_train_score, search.keep_predictions
        return candidates, Worker(clone(search.estimator), data, *how)

    def expect(self, settings: Sequence[Params], more: Mapping[str, Sequence[Any]]) -> None:
        """Note candidates whose results will come, and more columns of the table for them."""
        start = len(self.results.settings)
        self.results.expect(settings, more)
        self.checkpoint.expect(start, settings, more)

    def add(self, results: Sequence[Result]) -> list[int]:
        """Take in new results; return the numbers of the candidates that are finished with them."""
        if results:
            self.checkpoint.add(results)
        return self.results.add(results)

    def finish(self, start: int, told: Container[Key] = ()) -> dict[str, Any]:
        """Return ``cv_results_``; raise or warn of failures among the candidates from a number on.

        `told` are fits of whose failures the user knows.
        """
        search, results = self.search, self.results
        search._check_failures(results.in_order(start), results.settings, told)
        std = self.results.std_over_seeds() if search.n_seeds > 1 else {}
        self.table = self.table_with(std)
        return self.table

    def table_with(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``cv_results_`` of the results so far, with more columns at its end."""
        table = table_of(self.search, self.results)
        return {**table, **{name: np.asarray(column) for name, column in columns.items()}}

    def train(self, fits: Sequence[Fit], worker: Worker, title: str = "search") -> None:
        """Train and score; results are added as they arrive, below a bar with a title."""
        search, pool = self.search, self.pool
        fits = self._left(fits)
        stacks = stacks_of(fits, search.stack_size, pool.n_workers, pool.memory)
        progress = Progress(search, self.results)
        epochs = [sum(fit.epochs for fit in stack.fits) for stack in stacks]
        costs = [sum(fit.cost for fit in stack.fits) for stack in stacks]
        is_counted = search.verbose or self.checkpoint.is_kept
        counts = pool.counts(len(stacks), self.checkpoint) if is_counted else Counts()
        with counts, progress.bar(epochs, costs, counts, title):
            tasks = [
                Task(title_of(stack), "results", (stack, counts.slot(position)))
                for position, stack in enumerate(stacks)
            ]
            for position, results in pool.completed(worker, tasks, counts):
                counts.finish(position, epochs[position])
                progress.show(self.add(results))

    def _left(self, fits: Sequence[Fit]) -> list[Fit]:
        """Return the fits that an earlier run has not finished, from where it was in them.

        Its results are added.
        """
        left, checkpoint = [], self.checkpoint
        for fit in fits if checkpoint.is_kept else ():
            pauses, known = checkpoint.pauses(fit.key), checkpoint.results.pop(fit.key, None)
            if known is not None:
                self.results.add([replace(known, pauses=pauses)])
            else:
                left.append(fit.gone_on(pauses))
        return left if checkpoint.is_kept else list(fits)

    def fits(
        self, candidates: Sequence[Candidate], worker: Worker, done: Container[Key] = ()
    ) -> tuple[list[Fit], list[Result]]:
        """Return candidates on all splits, or the results of those whose steps fail.

        Fits that are done need no steps.
        """
        steps = self._fitted_steps(candidates, worker, done)
        fits, failed = [], []
        for candidate, split in product(candidates, range(self.results.n_splits)):
            around = steps.get((candidate.steps, split))
            if around is None or (candidate.number, split, candidate.seed) in done:
                shape = shape_of(worker.data.X, len(worker.data.splits[split][0]))
                fits.append(Fit(candidate, split, shape))
            elif around.error is None:
                fits.append(Fit(candidate, split, around.shape, around))
            else:
                key = candidate.number, split, candidate.seed
                failed.append(worker.failed(key, around.error, around.seconds))
        return fits, failed

    def _fitted_steps(
        self, candidates: Sequence[Candidate], worker: Worker, done: Container[Key]
    ) -> Steps:
        """Fit the steps around nets, once on each split for all nets that share them."""
        n_nets = Counter(each.steps for each in candidates)
        any_of = {each.steps: each for each in candidates if each.steps is not None}
        pairs = product(candidates, range(self.results.n_splits))
        needed = {(c.steps, i): 0 for c, i in pairs if (c.number, i, c.seed) not in done}
        keys = [key for key in product(any_of, range(self.results.n_splits)) if key in needed]
        method = "keep_steps" if self.pool.keeps_steps else "fitted_steps"
        tasks = [
            Task(
                f"the steps before the network of candidate {any_of[steps].number} on split {split}",
                method,
                (any_of[steps], split, n_nets[steps], *self._seed_of_steps()),
            )
            for steps, split in keys
        ]
        found = dict(self.pool.completed(worker, tasks, Counts()))
        return {key: found[position] for position, key in enumerate(keys)}

    def _seed_of_steps(self) -> list[int]:
        """Return a seed for steps that have none, where several processes fit them alike."""
        return [self.seed] if self.pool.keeps_steps or self.checkpoint.is_kept else []


def table_of(search: Any, results: Results) -> dict[str, Any]:
    """Return ``cv_results_`` of the results so far."""
    return {**search._table(results), **results.course_columns(), **results.n_parameters()}
