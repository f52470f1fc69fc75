"""The candidates of a fitted search as pictures show them: scores, intervals and ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.stats import t
from sklearn.exceptions import NotFittedError

from ..advice.verdicts.comparison import compare_losses
from ..advice.verdicts.cv_results import last_iteration, metrics_in, scores_of
from ..advice.verdicts.labels import distinct, labels_of
from ..advice.verdicts.metric import Metric, metric_of, metric_that_refits
from ..advice.verdicts.resampled_tests import corrected_scale
from ..advice.verdicts.split_sizes import ratio_of_rows
from .given import kind_of

# Probability that an interval holds a difference of means.
CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class MetricScores:
    """What candidates scored by one metric, in its own units.

    Attributes
    ----------
    metric : Metric
    splits : ndarray of shape (n_candidates, n_splits)
    intervals : ndarray of shape (n_candidates, 2) or None
        Around each mean over splits, that of its difference to the best mean, by the corrected
        standard error of Nadeau and Bengio; NaN for the best itself, None where the share of test
        rows is not known.
    tied : ndarray of bool of shape (n_candidates,) or None
        Which candidates have the best mean or cannot be told from it.
    """

    metric: Metric
    splits: np.ndarray
    intervals: np.ndarray | None = None
    tied: np.ndarray | None = None

    @property
    def goodness(self) -> np.ndarray:
        """Mean scores of which the higher is better."""
        return self.metric.shown(self.splits.mean(axis=1))

    @classmethod
    def of_search(
        cls, search: Any, rows: np.ndarray, name: str, test_size: float | None, owner: str
    ) -> Self:
        """Return what some rows of ``cv_results_`` scored."""
        metric = metric_of(search.cv_results_, search, name, owner)
        splits = metric.shown(scores_of(search.cv_results_, metric.column)[rows])
        n_splits = splits.shape[1]
        ratio = _ratio(search, n_splits, test_size, owner)
        if ratio is None or not np.isfinite(splits).all(axis=1).any():
            return cls(metric, splits)
        share = ratio / (1 + ratio)
        frame = compare_losses(search, metric=metric.column, test_size=share).to_frame()
        best = np.flatnonzero(rows == frame.index[0])
        tied = np.isin(rows, [*frame.index[frame["tied"]], frame.index[0]])
        return cls(metric, splits, _intervals(splits, splits[best], ratio), tied)


def _intervals(splits: np.ndarray, best: np.ndarray, ratio: float) -> np.ndarray:
    """Return intervals of differences to the best, around the means, (n_candidates, 2)."""
    factor = t.ppf((1 + CONFIDENCE) / 2, splits.shape[1] - 1)
    reach = factor * corrected_scale(splits - best, ratio)
    ends = splits.mean(axis=1)[:, None] + reach[:, None] * [-1, 1]
    ends[(splits == best).all(axis=1)] = np.nan
    return ends


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates of a search; of successive halving, those of the last iteration.

    Attributes
    ----------
    rows : ndarray of int
        Their rows of ``cv_results_``.
    labels : list of str
    scores : list of MetricScores
        The one that decides comes first.
    chosen : int
        The position of the one that the search chose, or of the best mean.
    """

    rows: np.ndarray
    labels: list[str]
    scores: list[MetricScores]
    chosen: int

    @classmethod
    def of_search(
        cls,
        search: Any,
        owner: str,
        metrics: Sequence[str] | str | None = None,
        test_size: float | None = None,
    ) -> Self:
        """Read a fitted search.

        Raises
        ------
        TypeError
            If it is not a search.
        NotFittedError
            If it is not fitted.
        ValueError
            If it has no such metric, or if no candidate has a finite mean score.
        """
        check_is_search(search, owner)
        table = search.cv_results_
        rows = last_iteration(table)
        asked = [metrics] if isinstance(metrics, str) else metrics
        if asked is not None and not isinstance(asked, Sequence):
            raise TypeError(f"{owner} needs names of metrics; got metrics={metrics!r}.")
        names = _deciding_first(search, metrics_in(table) if asked is None else list(asked))
        if not names:
            raise ValueError(f"{owner} needs a metric; got metrics={metrics!r}.")
        scores = [MetricScores.of_search(search, rows, n, test_size, owner) for n in names]
        labels = distinct(labels_of([table["params"][row] for row in rows]), list(rows))
        return cls(rows, labels, scores, _chosen(search, rows, scores[0].goodness, owner))

    @property
    def order(self) -> np.ndarray:
        """Positions from the best mean to the worst, those without a mean last."""
        means = self.scores[0].goodness
        return np.argsort(np.where(np.isfinite(means), -means, np.inf), kind="stable")


def last_rows(table: Mapping[str, Any]) -> list[int]:
    """Return rows of ``cv_results_``, of successive halving the last of each candidate."""
    settings = table["params"]
    if "iter" not in table:
        return list(range(len(settings)))
    texts = [repr(sorted(each.items(), key=lambda item: item[0])) for each in settings]
    return sorted({text: row for row, text in enumerate(texts)}.values())


def check_is_search(search: Any, owner: str) -> None:
    """Raise if something is no fitted search."""
    if hasattr(search, "cv_results_"):
        return
    kind = kind_of(search)
    if isinstance(search, type) or not (hasattr(search, "fit") and hasattr(search, "scoring")):
        raise TypeError(
            f"{owner} needs a fitted search, such as LossSearchCV or GridSearchCV; got {kind}."
        )
    remedy = "Call fit(X, y) first."
    if hasattr(search, "partial_results_"):
        remedy = "It ended early; fit it again, or read partial_results_."
    raise NotFittedError(f"{owner} needs cv_results_, and this {kind} has none. {remedy}")


def _deciding_first(search: Any, names: list[str]) -> list[str]:
    """Return metrics with the one that the search refits by in front, where it is among them."""
    return sorted(names, key=lambda name: name != metric_that_refits(search))


def _chosen(search: Any, rows: np.ndarray, means: np.ndarray, owner: str) -> int:
    if not np.isfinite(means).any():
        raise ValueError(
            f"{owner} needs a candidate with a score on every split; all {len(rows)} have failed."
            " Search with error_score='raise' to see why."
        )
    found = np.flatnonzero(rows == getattr(search, "best_index_", -1))
    return int(found[0]) if len(found) else int(np.nanargmax(means))


def _ratio(search: Any, n_splits: int, test_size: float | None, owner: str) -> float | None:
    """Return test rows by training rows; None where nobody knows, or one split shows no spread."""
    if n_splits == 1:
        return None
    try:
        return ratio_of_rows(search, n_splits, test_size, owner)
    except ValueError:
        if test_size is not None:
            raise
        return None
