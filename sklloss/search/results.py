"""From the results of single fits to those of candidates on splits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ..training import Pause
from .records.course import UNKNOWN, Columns, Course, History, columns_of
from .records.predictions import Piece, Predictions, combined

Key = tuple[int, int, int]
COLUMNS = ("fit_time", "score_time", "test_scores", "train_scores")


@dataclass
class Result:
    """What came of a fit.

    Attributes
    ----------
    key : tuple of int
        The numbers of its candidate, split and seed.
    fit_error : str or None
        The traceback of what it raised.
    fit_time, score_time : float
        In seconds.
    test_scores, train_scores : float or dict of float
        By metric where there are several; `train_scores` is None where nobody asked for them.
    may_improve : bool
        Whether `max_epochs` has ended a training that still improved.
    course : Course
        That of its training.
    n_parameters : float
        Trained numbers of what was fitted; NaN where it is no net.
    predictions : Piece or None
        What it says of the test rows, where that is kept.
    pauses : list of Pause or None
        Where the trainings of its members have paused; None where they are over.
    """

    key: Key
    fit_error: str | None
    fit_time: float
    score_time: float
    test_scores: Any
    train_scores: Any = None
    may_improve: bool = False
    course: Course = UNKNOWN
    n_parameters: float = np.nan
    predictions: Piece | None = None
    pauses: list[Pause] | None = None


class Results:
    """The results so far.

    Parameters
    ----------
    n_splits, n_seeds : int
        Each candidate is fitted on every split with every seed.
    missing : Result
        Stands for a fit whose result is not there, and for its metrics where there is none at all.
    """

    def __init__(self, n_splits: int, n_seeds: int, missing: Result) -> None:
        self.n_splits = n_splits
        self.n_seeds = n_seeds
        self.settings: list[dict[str, Any]] = []
        self.more: dict[str, list[Any]] = defaultdict(list)
        self.found: dict[Key, Result] = {}
        self._missing = missing
        self._columns = [name for name in COLUMNS if getattr(missing, name) is not None]
        self._n_fits: Counter[int] = Counter()

    def expect(self, settings: Sequence[dict[str, Any]], more: Mapping[str, Sequence[Any]]) -> None:
        """Add candidates whose results will come, and more columns of the table for them.

        Raises
        ------
        ValueError
            If a column lacks values of some candidates, or has too many.
        """
        self.settings.extend(settings)
        for name, column in more.items():
            self.more[name].extend(column)
        for name, column in self.more.items():
            if len(column) != len(self.settings):
                raise ValueError(
                    "more_results needs the same columns in every call, with one value per"
                    f" candidate; {name!r} has {len(column)} values for {len(self.settings)}"
                    " candidates so far."
                )

    def add(self, results: Sequence[Result]) -> list[int]:
        """Add results; return the numbers of the candidates that are finished with them."""
        self.found.update((result.key, result) for result in results)
        numbers = [result.key[0] for result in results]
        self._n_fits.update(numbers)
        finished = self.finished
        return [number for number in sorted(set(numbers)) if finished[number]]

    @property
    def _splits(self) -> range:
        return range(self.n_splits)

    @property
    def finished(self) -> list[bool]:
        """Of each candidate, whether all its fits are there."""
        n_fits = self.n_splits * self.n_seeds
        return [self._n_fits[number] == n_fits for number in range(len(self.settings))]

    def in_order(self, start: int = 0) -> list[Result]:
        """Return results from a candidate on, in the order of candidates, splits and seeds."""
        return [self.found[key] for key in sorted(self.found) if key[0] >= start]

    def by_split(self) -> list[dict[str, Any]]:
        """Return means over seeds, by candidate and split; NaN where a fit is missing."""
        like = next(iter(self.found.values()), self._missing)
        missing = {name: _nan_like(getattr(like, name)) for name in self._columns}
        found = {key: vars(result) for key, result in self.found.items()}
        of_seeds = (
            [found.get((*key, seed), missing) for seed in range(self.n_seeds)]
            for key in product(range(len(self.settings)), self._splits)
        )
        return [{c: _mean([each[c] for each in fits]) for c in self._columns} for fits in of_seeds]

    def std_over_seeds(self) -> dict[str, np.ndarray]:
        """Return, by metric, the standard deviations over seeds, averaged over splits."""
        shape = len(self.settings), self.n_splits, self.n_seeds
        scores: dict[str, np.ndarray] = {}
        for key, result in self.found.items():
            for metric, score in _by_metric(result.test_scores).items():
                scores.setdefault(metric, np.full(shape, np.nan))[key] = score
        return {
            f"std_over_seeds_test_{metric}": each.std(2).mean(1) for metric, each in scores.items()
        }

    def courses(self) -> list[list[list[Course]]]:
        """Return the courses of trainings by candidate, split and seed."""
        courses = {key: result.course for key, result in self.found.items()}
        seeds = range(self.n_seeds)
        return [
            [[courses.get((i, split, seed), UNKNOWN) for seed in seeds] for split in self._splits]
            for i in range(len(self.settings))
        ]

    def course_columns(self) -> Columns:
        """Return, by split and on average, how many epochs trainings took and why they ended."""
        return columns_of(self.courses(), self.n_splits)

    def histories(self) -> list[list[History | None]]:
        """Return the losses by epoch of every candidate on every split, with its first seed."""
        return [[seeds[0].history for seeds in of_splits] for of_splits in self.courses()]

    def n_parameters(self) -> dict[str, np.ndarray]:
        """Return the mean number of trained numbers of each candidate, if any has a number."""
        counts: dict[int, list[float]] = defaultdict(list)
        for (number, *_), result in self.found.items():
            if not np.isnan(result.n_parameters):
                counts[number].append(result.n_parameters)
        means = [np.mean(counts.get(number, np.nan)) for number in range(len(self.settings))]
        return {"n_parameters": np.array(means)} if counts else {}

    def predictions(self, n_rows: int, are_labels: bool) -> list[Predictions | None]:
        """Return what the fits of every candidate say of their test rows, of all n_rows."""
        pieces: dict[int, list[Piece]] = defaultdict(list)
        for key in sorted(self.found):
            if (piece := self.found[key].predictions) is not None:
                pieces[key[0]].append(piece)
        return [combined(pieces[i], n_rows, are_labels) for i in range(len(self.settings))]

    def that_may_improve(self) -> list[int]:
        """Return the candidates of which `max_epochs` has ended a training that still improved."""
        return sorted({key[0] for key, result in self.found.items() if result.may_improve})

    def mean_scores(self, number: int) -> dict[str, float]:
        """Return the mean test scores of a candidate, by metric; NaN where a fit lacks a metric."""
        keys = product([number], self._splits, range(self.n_seeds))
        scores = [_by_metric(self.found[key].test_scores) for key in keys]
        metrics = dict.fromkeys(metric for of_fit in scores for metric in of_fit)
        return {m: float(np.mean([s.get(m, np.nan) for s in scores])) for m in metrics}


def _by_metric(scores: Any) -> dict[str, float]:
    return scores if isinstance(scores, dict) else {"score": scores}


def _nan_like(value: Any) -> Any:
    return dict.fromkeys(value, np.nan) if isinstance(value, dict) else np.nan


def _mean(values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    if isinstance(values[0], dict):
        return {name: np.mean([value[name] for value in values]) for name in values[0]}
    return np.mean(values)
