"""Every private name of scikit-learn that the search uses, in this one file.

`OpenGridSearchCV` is GridSearchCV taken apart: what its `fit` does before, between and after the fits of candidates, as methods
that call scikit-learn's own functions, so that scores, warnings and `cv_results_` are made by the code that makes them there.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection import GridSearchCV, check_cv
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _score,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils import get_tags, indexable
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params, _num_samples

CHECKED_WITH = "1.9.1"  # the version whose private names these are

Result = dict[str, Any]  # of one fit, or of a candidate on a split: scores and times

fit_context = _fit_context(prefer_skip_nested_validation=False)


@dataclass(frozen=True)
class Data:
    """What a search fits and scores on.

    Attributes
    ----------
    X, y
        All rows.
    splits : list of (train, test)
        Indices of rows.
    fit_params, score_params : mapping
        What `fit` and the scorers receive besides, for all rows.
    scorer : callable
        As scikit-learn's functions take it.
    """

    X: Any
    y: Any
    splits: list[tuple[np.ndarray, np.ndarray]]
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    scorer: Any

    def training_part(self, estimator: Any, split: int) -> tuple[Any, Any, dict[str, Any]]:
        """Return X, y and the parameters of `fit` of a split's training rows."""
        train, _ = self.splits[split]
        X, y = _safe_split(estimator, self.X, self.y, train)
        return X, y, dict(_check_method_params(self.X, params=self.fit_params, indices=train))

    def score(self, estimator: Any, split: int, part: str, error_score: Any) -> Any:
        """Return the scores of a fitted estimator on the "train" or the "test" rows of a split."""
        train, test = self.splits[split]
        rows, other = (train, None) if part == "train" else (test, train)
        X, y = _safe_split(estimator, self.X, self.y, rows, other)
        params = _check_method_params(self.X, params=self.score_params, indices=rows)
        return _score(estimator, X, y, self.scorer, params, error_score)


def failed_scores(scorer: Any, error_score: Any) -> Any:
    """Return `error_score`, for each metric where there are several."""
    if isinstance(scorer, _MultimetricScorer):
        return dict.fromkeys(scorer._scorers, error_score)
    return error_score


def has_callbacks(estimator: Any) -> bool:
    """Tell whether scikit-learn's callbacks are set on an estimator (from its version 1.9 on)."""
    return bool(getattr(estimator, "_skl_callbacks", None))


def n_rows_of(X: Any) -> int:
    """Return the number of rows of anything that an estimator takes."""
    return _num_samples(X)


class OpenGridSearchCV(GridSearchCV):
    """GridSearchCV in parts."""

    def _data(self, X: Any, y: Any, params: dict[str, Any]) -> Data:
        """Route the parameters of `fit` and draw the splits."""
        scorer, _ = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        split_params = routed.splitter.split
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self._checked_cv_orig = cv
        self.n_splits_ = cv.get_n_splits(X, y, **split_params)
        drawn = cv.split(X, y, **split_params)
        splits = [(np.asarray(train), np.asarray(test)) for train, test in drawn]
        if len(splits) != self.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {self.n_splits_} splits, got {len(splits)}"
            )
        return Data(X, y, splits, routed.estimator.fit, routed.scorer.score, scorer)

    def _tell_of_failures(self, results: Sequence[Result]) -> None:
        """Warn of the fits that failed; raise where all did."""
        if not results:
            raise ValueError(
                "No fits were performed. Was the CV iterator empty? Were there no candidates?"
            )
        _warn_or_raise_about_fit_failures(results, self.error_score)

    def _name_failed_scores(self, results: Sequence[Result]) -> None:
        """Give fits that failed the metrics that a callable `scoring` has given the others."""
        if callable(self.scoring):
            _insert_error_scores(results, self.error_score)

    def _table(
        self, candidates: list[dict[str, Any]], results: list[Result], more: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return `cv_results_`, with more columns at its end; `results` has one entry per candidate and split."""
        table = self._format_results(candidates, self.n_splits_, results)
        return {**table, **{name: np.asarray(column) for name, column in more.items()}}

    def _quiet_table(
        self, candidates: list[dict[str, Any]], results: list[Result], more: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return `cv_results_` of which parts are missing, without scikit-learn's warning of NaN."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "One or more of the", UserWarning)
            return self._table(candidates, results, more)

    def _choose(self, table: dict[str, Any], first_scores: Any) -> None:
        """Set what says which candidate is best."""
        scorer, metric = self._get_scorers()
        self.multimetric_ = isinstance(first_scores, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first_scores)
            metric = self.refit
        self.scorer_ = scorer._scorers if isinstance(scorer, _MultimetricScorer) else scorer
        if not (self.refit or not self.multimetric_):
            return
        self.best_index_ = self._select_best_index(self.refit, metric, table)
        if not callable(self.refit):
            self.best_score_ = table[f"mean_test_{metric}"][self.best_index_]
        self.best_params_ = table["params"][self.best_index_]

    def _refit_best(self, data: Data) -> None:
        """Fit the best candidate on all rows."""
        estimator = clone(clone(self.estimator)).set_params(**clone(self.best_params_, safe=False))
        start = time.time()
        if data.y is None:
            estimator.fit(data.X, **data.fit_params)
        else:
            estimator.fit(data.X, data.y, **data.fit_params)
        self.refit_time_ = time.time() - start
        self.best_estimator_ = estimator
        if hasattr(estimator, "feature_names_in_"):
            self.feature_names_in_ = estimator.feature_names_in_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags = deepcopy(get_tags(self.estimator).target_tags)
        return tags
