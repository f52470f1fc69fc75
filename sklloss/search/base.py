"""The base of the searches: everything but which candidates are tried."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from sklearn.utils import get_tags

from ..parameters.declared import check_declared, declare, declared_by, parameter
from ..parameters.domains import Choice, Either, Interval
from ..parameters.plain import plain
from .evaluation import Evaluation
from .scikit_learn import Data, OpenSearchCV, fit_context, has_callbacks
from .threads import threads_of_search

COUNT = Interval(1, integer=True)


@dataclass(kw_only=True, eq=False, repr=False)
class LossSearch(OpenSearchCV):
    """Base of the searches that train candidates and splits of one shape together.

    A search says in `_run_search` which candidates it tries.
    """

    estimator: Any = field(
        kw_only=False,
        metadata=declare(
            """One of sklloss's estimators, a Pipeline that ends in one, or a
            TransformedTargetRegressor around either; others are fitted as GridSearchCV fits
            them.""",
            kind="estimator",
        ),
    )
    scoring: Any = parameter(
        None,
        doc="As in GridSearchCV; several metrics need `refit`.",
        kind="str, callable, list, tuple, dict or None",
    )
    n_jobs: int | None = parameter(
        None,
        doc="""Workers, as in GridSearchCV.  Where there are several, each of them, and the
        refit, computes with one thread.""",
        kind="int or None",
    )
    refit: Any = parameter(
        True,
        doc="""Whether the best candidate is fitted on all rows; the metric that decides, or a function
        of ``cv_results_``.""",
        kind="bool, str or callable",
    )
    cv: Any = parameter(None, doc="As in GridSearchCV.", kind="int, splitter, iterable or None")
    verbose: int = parameter(
        0,
        doc="""1 shows a bar over the epochs of all models, with the time left and the best score;
        more prints a line per candidate.""",
        kind="int",
    )
    pre_dispatch: int | str = parameter("2*n_jobs", doc="As in GridSearchCV.", kind="int or str")
    error_score: Any = parameter(
        np.nan, doc="The score of a fit that fails.", kind='"raise" or float'
    )
    return_train_score: bool = parameter(
        False, doc="Whether ``cv_results_`` has scores on training rows.", kind="bool"
    )
    n_seeds: int = parameter(
        1,
        COUNT,
        """How often each candidate is trained on each split, >= 1: with consecutive seeds that
        begin at its own random_state (at one drawn for all where it is None).  Its score on a
        split is the mean over them.""",
        kind="int",
        remedy="1 trains every candidate once, as GridSearchCV does.",
    )
    stack_size: int | str = parameter(
        "auto",
        Either(Choice("auto"), COUNT),
        """How many models are trained together at most, >= 1; "auto" is as many as fit the caches.
        It changes no score.""",
        kind='int or "auto"',
        remedy="The default is stack_size='auto'.",
    )

    @abstractmethod
    def _run_search(self, evaluate_candidates: Evaluation) -> None:
        """Call `evaluate_candidates` with the candidates to try, once or several times.

        Parameters
        ----------
        evaluate_candidates : callable
            Called as ``evaluate_candidates(candidate_params, cv=None, more_results=None)``, as in
            scikit-learn; it returns ``cv_results_`` over the candidates of all calls.
        """

    @fit_context
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Train all candidates on all splits, and the best on all rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        **params
            As in GridSearchCV: for `fit` of the estimator, as sample_weight, the splitter, as
            groups, and the scorers.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a candidate cannot be set up, which is found before any training, or if all fits
            fail.
        KeyboardInterrupt
            If the user interrupts; the results so far are then in ``cv_results_``.
        """
        self._check_arguments(y)
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        data = self._data(X, y, params)
        evaluation = Evaluation(self, data)
        with threads_of_search(evaluation.n_workers):
            try:
                self._run_search(evaluation)
            except KeyboardInterrupt:
                self._keep(evaluation)
                raise
            self.cv_results_ = evaluation.table
            self._choose(evaluation.results.in_order()[0].test_scores)
            if self.refit:
                self._refit(data)
        return self

    def _check_arguments(self, y: Any) -> None:
        """Raise for parameters outside their domains, callbacks of scikit-learn, or a missing y."""
        owner = type(self).__name__
        own = [name for name, declared in declared_by(self).items() if declared.domain]
        check_declared(owner, self, {name: plain(getattr(self, name)) for name in own})
        if has_callbacks(self):
            raise ValueError(
                f"{owner} has no task for each fit, which scikit-learn's callbacks could follow."
                " Set verbose=1 for a bar, set the callbacks on its estimator, or use"
                " GridSearchCV."
            )
        if y is None and get_tags(self.estimator).target_tags.required:
            raise ValueError(
                f"{owner} requires y to be passed, but the target y is None. Give fit(X, y)."
            )

    def _keep(self, evaluation: Evaluation) -> None:
        """Keep the results of an interrupted search, and warn that they are not all."""
        finished = evaluation.results.finished
        if not finished:
            return
        with warnings.catch_warnings():
            # Scores are missing, of which scikit-learn would warn as well.
            warnings.filterwarnings("ignore", "One or more of the", UserWarning)
            interrupted = [not each for each in finished]
            self.cv_results_ = evaluation.table_with({"interrupted": interrupted})
        warnings.warn(
            f"{type(self).__name__} was interrupted when {sum(finished)} of {len(finished)}"
            " candidates were finished. cv_results_ has their scores; its column 'interrupted'"
            " marks the others. Nothing is refitted, so there is no best_estimator_.",
            stacklevel=4,  # Where the user calls fit.
        )

    def _refit(self, data: Data) -> None:
        """Fit the best candidate on all rows; warn where the user interrupts that."""
        try:
            self._refit_best(data)
        except KeyboardInterrupt:
            warnings.warn(
                f"{type(self).__name__} was interrupted in its refit. All candidates are finished:"
                " cv_results_ has their scores. There is no best_estimator_.",
                stacklevel=4,  # Where the user calls fit.
            )
            raise
