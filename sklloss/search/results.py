"""From the results of single fits to those of candidates on splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from .scikit_learn import Result

Key = tuple[int, int, int]  # candidate, split, seed
PARTS = ("fit_time", "score_time", "test_scores", "train_scores")


class Tally:
    """The results that are there so far.

    Parameters
    ----------
    n_candidates, n_splits, n_seeds : int
        Whose product is the number of fits.
    example : Result
        What a result looks like, where none is there yet.
    """

    def __init__(self, n_candidates: int, n_splits: int, n_seeds: int, example: Result) -> None:
        self.shape = (n_candidates, n_splits, n_seeds)
        self.results: dict[Key, Result] = {}
        self._example = example
        self._n_fits: Counter[int] = Counter()

    def add(self, results: Mapping[Key, Result]) -> list[int]:
        """Take results in; return the candidates that are finished with them."""
        self.results.update(results)
        self._n_fits.update(candidate for candidate, _, _ in results)
        return [
            candidate
            for candidate in sorted({key[0] for key in results})
            if self.has_all(candidate)
        ]

    def has_all(self, candidate: int) -> bool:
        """Tell whether all fits of a candidate are there."""
        _, n_splits, n_seeds = self.shape
        return self._n_fits[candidate] == n_splits * n_seeds

    @property
    def finished(self) -> list[bool]:
        """Of each candidate, whether all its fits are there."""
        return [self.has_all(candidate) for candidate in range(self.shape[0])]

    def in_order(self) -> list[Result]:
        """Return the results of fits that are there, in the order of candidates, splits and seeds."""
        return [self.results[key] for key in sorted(self.results)]

    def by_split(self) -> list[Result]:
        """Return one result per candidate and split, in this order: the mean over its seeds, NaN where a fit is missing."""
        n_candidates, n_splits, n_seeds = self.shape
        missing = _without_numbers(next(iter(self.results.values()), self._example))
        return [
            _mean([self.results.get((candidate, split, seed), missing) for seed in range(n_seeds)])
            for candidate in range(n_candidates)
            for split in range(n_splits)
        ]

    def std_over_seeds(self) -> dict[str, list[float]]:
        """Return columns that say how much seeds matter: the standard deviation over them, averaged over splits."""
        columns = {}
        for metric, scores in self._test_scores().items():
            columns[f"std_over_seeds_test_{metric}"] = scores.std(2).mean(1).tolist()
        return columns

    def mean_scores(self, candidate: int) -> dict[str, float]:
        """Return the mean test scores of a candidate, by metric; NaN where a fit lacks a metric."""
        splits, seeds = self.shape[1:]
        keys = [(candidate, split, seed) for split in range(splits) for seed in range(seeds)]
        scores = [_by_metric(self.results[key]["test_scores"]) for key in keys]
        metrics = dict.fromkeys(metric for of_fit in scores for metric in of_fit)
        return {m: float(np.mean([s.get(m, np.nan) for s in scores])) for m in metrics}

    def _test_scores(self) -> dict[str, np.ndarray]:
        """Return, by metric, an array of shape (candidates, splits, seeds)."""
        found: dict[str, np.ndarray] = {}
        for key, result in self.results.items():
            for metric, score in _by_metric(result["test_scores"]).items():
                found.setdefault(metric, np.full(self.shape, np.nan))[key] = score
        return found


def _by_metric(scores: Any) -> dict[str, float]:
    return scores if isinstance(scores, dict) else {"score": scores}


def _without_numbers(result: Result) -> Result:
    return {name: _nan_like(result[name]) for name in PARTS if name in result}


def _nan_like(value: Any) -> Any:
    return dict.fromkeys(value, np.nan) if isinstance(value, dict) else np.nan


def _mean(results: list[Result]) -> Result:
    names = [name for name in PARTS if name in results[0]]
    return {name: _mean_of([result[name] for result in results]) for name in names}


def _mean_of(values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    if isinstance(values[0], dict):
        return {name: np.mean([value[name] for value in values]) for name in values[0]}
    return np.mean(values)
