"""Every private name of scikit-learn that the search uses, in this one file.

`OpenSearchCV` is scikit-learn's search taken apart: what its `fit` does before, between and after
the fits of candidates, as methods that call scikit-learn's own functions, so that scores, warnings
and ``cv_results_`` are made by the code that makes them there.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import get_config
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer
from sklearn.model_selection import check_cv
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _score,
)
from sklearn.utils import get_tags, indexable
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import _FuncWrapper
from sklearn.utils.validation import _check_method_params, _num_samples
from torch import nn

from ..metrics.scorers import with_scorers
from .records.failures import warn_or_raise
from .results import Key, Result, Results

if TYPE_CHECKING:
    # Where a base has no types, mypy takes any argument of a constructor.

    class BaseSearchCV:
        """scikit-learn's, with any attribute."""

        scoring: Any

        def _get_scorers(self) -> Any: ...

        def _validate_params(self) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

        def __sklearn_tags__(self) -> Any: ...

    GridSearchCV = BaseSearchCV
else:
    from sklearn.model_selection import GridSearchCV as GridOfDicts
    from sklearn.model_selection._search import BaseSearchCV

    class GridSearchCV(GridOfDicts):
        """scikit-learn's, whose grid may also be suggested."""

        _parameter_constraints = {  # noqa: RUF012
            **GridOfDicts._parameter_constraints,
            "param_grid": [dict, list, StrOptions({"suggested"})],
        }


CHECKED_WITH = "1.9.1"  # The version whose private names these are.

# The number of rows of anything that an estimator takes.
n_rows_of = _num_samples
fit_context = _fit_context(prefer_skip_nested_validation=False)


@dataclass(frozen=True)
class Data:
    """What a search fits and scores on.

    Attributes
    ----------
    X, y
        All rows.
    fit_params, split_params, score_params : mapping
        What `fit`, the splitter and the scorers receive besides, for all rows.
    scorer : callable
        As scikit-learn's functions take it.
    splits : sequence of (train, test)
        Indices of rows.
    """

    X: Any
    y: Any
    fit_params: Mapping[str, Any]
    split_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    scorer: Any
    splits: Sequence[tuple[np.ndarray, np.ndarray]] = ()

    def split(self, cv: Any, n_splits: int) -> Data:
        """Return the data with the splits that a splitter draws."""
        drawn = cv.split(self.X, self.y, **self.split_params)
        splits = [(np.asarray(train), np.asarray(test)) for train, test in drawn]
        if len(splits) != n_splits:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {n_splits} splits, got {len(splits)}"
            )
        n_rows = _num_samples(self.X)
        for number, parts in enumerate(splits):
            for name, rows in zip(("training", "test"), parts, strict=True):
                _check_rows(rows, n_rows, f"the {name} rows of split {number}")
        return replace(self, splits=splits)

    def without_rows(self) -> Data:
        """Return the splits and the scorer alone, for a worker that has the rows already."""
        return replace(self, X=None, y=None, fit_params={}, split_params={}, score_params={})

    def without_splits(self) -> Data:
        """Return the rows alone."""
        return replace(self, splits=())

    def with_rows_of(self, other: Data) -> Data:
        """Return these splits of the rows of another."""
        return replace(other, splits=self.splits, scorer=self.scorer)

    def training_rows(self, estimator: Any, split: int) -> tuple[Any, Any, dict[str, Any]]:
        """Return X, y and the parameters of `fit` of a split's training rows."""
        train, _ = self.splits[split]
        X, y = _safe_split(estimator, self.X, self.y, train)
        return X, y, dict(_check_method_params(self.X, params=self.fit_params, indices=train))

    def test_rows(self, estimator: Any, split: int) -> Any:
        """Return X of a split's test rows."""
        train, test = self.splits[split]
        return _safe_split(estimator, self.X, None, test, train)[0]

    def score(self, estimator: Any, split: int, rows: str, error_score: Any) -> Any:
        """Return the scores of a fitted estimator on the "train" or the "test" rows of a split."""
        train, test = self.splits[split]
        indices, other = (train, None) if rows == "train" else (test, train)
        X, y = _safe_split(estimator, self.X, self.y, indices, other)
        params = _check_method_params(self.X, params=self.score_params, indices=indices)
        return _score(estimator, X, y, self.scorer, params, error_score)


def in_settings_of_now(function: Any) -> Any:
    """Return a function that runs elsewhere with scikit-learn's settings and the warning filters.

    They are those of now, as for the tasks of scikit-learn's Parallel.
    """
    return _FuncWrapper(function).with_config_and_warning_filters(get_config(), warnings.filters)


def _check_rows(rows: np.ndarray, n_rows: int, what: str) -> None:
    """Raise if indices of rows are none, or lie outside of X; a mask of all rows will do."""
    if rows.dtype.kind == "b" and rows.shape == (n_rows,):
        return
    if rows.dtype.kind not in "iu" and rows.size:
        raise ValueError(
            f"cv gives {what} as {rows.dtype} of shape {rows.shape}. Give integers from 0 to"
            f" {n_rows - 1}, or a mask of the {n_rows} rows."
        )
    outside = rows[(rows < -n_rows) | (rows >= n_rows)]
    if outside.size:
        raise ValueError(
            f"cv gives {what} indices beyond the {n_rows} rows of X; {outside.size} of {rows.size}"
            f" are, for example {outside[0]}. Give integers from 0 to {n_rows - 1}, which count the"
            " rows of the X that fit receives."
        )


def with_params(estimator: Any, params: Mapping[str, Any]) -> Any:
    """Return a clone of an estimator with parameters set, themselves cloned as in GridSearchCV."""
    copies = {name: copied(value) for name, value in params.items()}
    return clone(estimator).set_params(**copies)


def copied(value: Any) -> Any:
    """Return a copy of the value of a parameter.

    Modules of torch are no estimators, although torchvision's have a method ``get_params``.
    """
    return copy.deepcopy(value) if isinstance(value, nn.Module) else clone(value, safe=False)


def failed_scores(scorer: Any, error_score: Any) -> Any:
    """Return `error_score`, for each metric where there are several."""
    if has_several_metrics(scorer):
        return dict.fromkeys(scorer._scorers, error_score)
    return error_score


def has_several_metrics(scorer: Any) -> bool:
    """Return whether a scorer, as scikit-learn's functions take it, is known to give several."""
    return isinstance(scorer, _MultimetricScorer)


def scorers_by_name(scorer: Any, scoring: Any) -> dict[str, Any]:
    """Return the scorers of scikit-learn's form, each by the name that the user gave."""
    found = scorer._scorers if has_several_metrics(scorer) else {"scoring": scorer}
    given = scoring if isinstance(scoring, Mapping) else {"scoring": scoring}
    names = {key: value for key, value in given.items() if isinstance(value, str)}
    return {names.get(k, k): each for k, each in found.items() if isinstance(each, _BaseScorer)}


def methods_of_scorer(scorer: Any) -> tuple[str, ...]:
    """Return the methods of an estimator of which a scorer calls one."""
    methods = scorer._response_method
    return (methods,) if isinstance(methods, str) else tuple(methods)


def code_of_scorer(scorer: Any, pos_label: Any) -> str:
    """Return code that makes a scorer again, for a positive class of another name."""
    arguments = [scorer._score_func.__name__, f"pos_label={pos_label!r}"]
    if scorer._response_method != "predict":
        arguments.append(f"response_method={scorer._response_method!r}")
    if scorer._sign < 0:
        arguments.append("greater_is_better=False")
    kept = {k: v for k, v in scorer._kwargs.items() if k not in ("average", "pos_label")}
    return f"make_scorer({', '.join([*arguments, *(f'{k}={v!r}' for k, v in kept.items())])})"


def has_callbacks(estimator: Any) -> bool:
    """Return whether scikit-learn's callbacks are set on an estimator (from its version 1.9 on)."""
    return bool(getattr(estimator, "_skl_callbacks", None))


class OpenSearchCV(BaseSearchCV):
    """scikit-learn's search in parts."""

    def _validate_params(self) -> None:
        """Check parameters as scikit-learn does, with scorers instead of names of ours."""
        super(OpenSearchCV, self._with_scorers())._validate_params()

    def _get_scorers(self) -> Any:
        """Return the scorers, among them those that `sklloss.metrics` has names for."""
        return super(OpenSearchCV, self._with_scorers())._get_scorers()

    def _with_scorers(self) -> OpenSearchCV:
        search = copy.copy(self)
        search.scoring = with_scorers(self.scoring)
        return search

    def _data(self, X: Any, y: Any, params: dict[str, Any]) -> Data:
        """Route the parameters of `fit` and check the splitter."""
        scorer, _ = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        split_params = routed.splitter.split
        self._checked_cv_orig = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self._check_input_parameters(X=X, y=y, split_params=split_params)
        self.n_splits_ = self._checked_cv_orig.get_n_splits(X, y, **split_params)
        return Data(X, y, routed.estimator.fit, split_params, routed.scorer.score, scorer)

    def _check_failures(
        self, results: Sequence[Result], settings: Sequence[Mapping[str, Any]], told: Container[Key]
    ) -> None:
        """Raise where all fits failed, or there are none; warn of failures not told before."""
        if not results:
            raise ValueError(
                "No fits were performed. Was the CV iterator empty? Were there no candidates?"
            )
        failed = [each for each in results if each.fit_error is not None]
        if len(failed) < len(results):
            failed = [each for each in failed if each.key not in told]
        of_candidates = [(each.key[0], str(each.fit_error)) for each in failed]
        warn_or_raise(of_candidates, len(results), settings, self.error_score)

    def _table(self, results: Results) -> Any:
        """Return ``cv_results_`` of the results so far."""
        if callable(self.scoring):
            # Fits that failed get the metrics of the others; scikit-learn changes them in place.
            _insert_error_scores([vars(result) for result in results.in_order()], self.error_score)
        given = results.settings, results.n_splits, results.by_split(), results.more
        return self._format_results(*given)

    def _choose(self, scores: Any) -> None:
        """Set the attributes that say which candidate is best, given the scores of any fit."""
        table = self.cv_results_
        scorer, metric = self._get_scorers()
        self.multimetric_ = isinstance(scores, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(scores)
            metric = self.refit
        self.scorer_ = scorer._scorers if isinstance(scorer, _MultimetricScorer) else scorer
        if self.multimetric_ and not self.refit:
            return
        rows = self._rows_to_choose_from(table)
        part = {name: column[rows] for name, column in table.items() if name != "params"}
        part["params"] = [table["params"][i] for i in rows]
        best = self._select_best_index(self.refit, metric, part)
        self.best_index_ = int(rows[best])
        if not callable(self.refit):
            self.best_score_ = table[f"mean_test_{metric}"][self.best_index_]
        self.best_params_ = table["params"][self.best_index_]

    def _rows_to_choose_from(self, table: Any) -> np.ndarray:
        """Return the rows of ``cv_results_`` among which the best candidate is."""
        return np.arange(len(table["params"]))

    def _refit_best(self, data: Data) -> None:
        """Fit the best candidate on all rows."""
        estimator = with_params(self.estimator, self.best_params_)
        start = time.time()
        estimator.fit(*((data.X,) if data.y is None else (data.X, data.y)), **data.fit_params)
        self.refit_time_ = time.time() - start
        self.best_estimator_ = estimator
        if hasattr(estimator, "feature_names_in_"):
            self.feature_names_in_ = estimator.feature_names_in_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        own = get_tags(self.estimator)
        tags.target_tags, tags.input_tags.allow_nan = own.target_tags, own.input_tags.allow_nan
        return tags
