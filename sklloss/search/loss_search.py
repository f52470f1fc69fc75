"""LossSearchCV: GridSearchCV that trains many candidates as one program."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.utils import get_tags

from ..parameters.domains import Choice, Domain, Either, Interval, check_in_domain
from ..parameters.plain import plain
from .candidates import check_score_is_one, checked_candidates, trials_of
from .fits import Workers, fit_all
from .plan import Run
from .report import Report
from .results import Tally
from .scikit_learn import Data, OpenGridSearchCV, fit_context, has_callbacks
from .threads import threads_of_search
from .work import Work

COUNT = Interval(1, integer=True)
DOMAINS: dict[str, tuple[Domain, str]] = {
    "n_seeds": (COUNT, "1 trains every candidate once, as GridSearchCV does."),
    "stack_size": (Either(Choice("auto"), COUNT), "The default is stack_size='auto'."),
}
LEARNT = (
    "best_estimator_",
    "best_index_",
    "best_params_",
    "best_score_",
    "cv_results_",
    "feature_names_in_",
    "multimetric_",
    "refit_time_",
)


class LossSearchCV(OpenGridSearchCV):
    """GridSearchCV for neural estimators: candidates and splits of one shape are trained together.

    It takes what `sklearn.model_selection.GridSearchCV` takes, fills what that fills, and gives the same scores.  Losses and their
    parameters, learning rates, penalties, dropout, seeds and class weights may differ between models that are trained together;
    networks, optimisers, batch sizes and precision may not, and make stacks of their own.  The steps of a Pipeline before the
    network are fitted once per split.  What cannot be trained together (own modules, callbacks, other estimators) is fitted as
    GridSearchCV fits it.

    Parameters
    ----------
    estimator : estimator
        A `NeuralRegressor` or `NeuralClassifier`, a Pipeline that ends in one, or a TransformedTargetRegressor around either.
    param_grid : dict or list of dicts
        Lists of values by parameter, as ``{"loss": ["mse", "huber"]}``; a list of grids says which parameters belong to which
        loss.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in GridSearchCV; several metrics need `refit`.
    n_jobs : int or None, default=None
        Workers, as in GridSearchCV.  Where there are several, each of them, and the refit, computes with one thread.
    refit : bool, str or callable, default=True
        Whether the best candidate is fitted on all rows; the metric that decides, or a function of ``cv_results_``.
    cv : int, splitter, iterable or None, default=None
        As in GridSearchCV.
    verbose : int, default=0
        1 shows a bar over the epochs of all models, with the time left and the best score; more prints a line per candidate.
    pre_dispatch : int or str, default="2*n_jobs"
        As in GridSearchCV.
    error_score : "raise" or float, default=nan
        The score of a fit that fails.
    return_train_score : bool, default=False
        Whether ``cv_results_`` has scores on training rows.
    n_seeds : int, default=1
        How often each candidate is trained on each split, >= 1: with consecutive seeds that begin at its own random_state (at one
        drawn for all where it is None).  Its score on a split is the mean over them.
    stack_size : int or "auto", default="auto"
        How many models are trained together at most, >= 1; "auto" is as many as fit the caches.  It changes no score.

    Attributes
    ----------
    cv_results_ : dict of arrays
        One row per candidate, as in GridSearchCV; ``mean_fit_time`` is a stack's time divided by its models.  With several seeds,
        ``std_over_seeds_test_score`` is the standard deviation over them, averaged over splits.  After an interruption, the
        column ``interrupted`` marks the candidates that are not finished.
    best_estimator_, best_score_, best_params_, best_index_, refit_time_
        As in GridSearchCV.
    scorer_, multimetric_, n_splits_, classes_, n_features_in_, feature_names_in_
        As in GridSearchCV.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : The same, one fit after the other.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklloss import LossSearchCV, NeuralRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> grid = [{"loss": ["mse", "mae"]}, {"loss": ["huber"], "loss__delta": [0.5, 1.0]}]
    >>> net = NeuralRegressor(max_epochs=10, random_state=0)
    >>> search = LossSearchCV(net, grid, scoring="neg_mean_absolute_error", cv=3).fit(X, y)
    >>> len(search.cv_results_["params"]), sorted(search.best_estimator_.get_params(deep=False))[:1]
    (4, ['activation'])
    """

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        n_seeds: int = 1,
        stack_size: int | str = "auto",
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.n_seeds = n_seeds
        self.stack_size = stack_size

    @fit_context
    def fit(self, X: Any, y: Any = None, **params: Any) -> LossSearchCV:
        """Train all candidates on all splits, and the best on all rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        **params
            As in GridSearchCV: for `fit` of the estimator, as sample_weight, the splitter, as groups, and the scorers.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a candidate cannot be set up, which is found before any training, or if all fits fail.
        KeyboardInterrupt
            If the user interrupts; the results so far are then in ``cv_results_``.
        """
        self._check_own_params()
        self._refuse_callbacks()
        self._check_y(y)
        self._forget()
        data = self._data(X, y, params)
        workers = Workers(self.n_jobs, self.pre_dispatch, effective_n_jobs(self.n_jobs))
        candidates = checked_candidates(self.estimator, self.param_grid)
        if self.scoring is None:
            check_score_is_one(candidates)
        trials = trials_of(candidates, self.n_seeds)
        runs = [Run(trial, split) for trial in trials for split in range(self.n_splits_)]
        settings = [params for params, _ in candidates]
        with threads_of_search(workers.number):
            tally = self._search(data, runs, settings, workers)
            self._finish(tally, settings)
            if self.refit:
                self._refit(data)
        return self

    def _check_own_params(self) -> None:
        for name, (domain, remedy) in DOMAINS.items():
            check_in_domain("LossSearchCV", name, plain(getattr(self, name)), domain, remedy)

    def _refuse_callbacks(self) -> None:
        if has_callbacks(self):
            raise ValueError(
                "LossSearchCV has no task for each fit, which scikit-learn's callbacks could follow. Set verbose=1 for a bar, set the"
                " callbacks on its estimator, or use GridSearchCV."
            )

    def _check_y(self, y: Any) -> None:
        if y is None and get_tags(self.estimator).target_tags.required:
            raise ValueError(
                "LossSearchCV requires y to be passed, but the target y is None. Give fit(X, y)."
            )

    def _forget(self) -> None:
        """Drop what an earlier fit has learnt, so that nothing of it stands beside what an interrupted one leaves."""
        for name in LEARNT:
            self.__dict__.pop(name, None)

    def _search(
        self, data: Data, runs: list[Run], settings: list[dict[str, Any]], workers: Workers
    ) -> Tally:
        work = Work(clone(self.estimator), data, self.error_score, self.return_train_score)
        example = work.failed("", np.nan)
        tally = Tally(len(settings), self.n_splits_, self.n_seeds, example)
        report = Report(self.verbose, settings, tally, self._deciding_metric())
        try:
            fit_all(work, runs, self.stack_size, workers, report)
        except KeyboardInterrupt:
            self._keep(tally, settings)
            raise
        return tally

    def _deciding_metric(self) -> str:
        """Return the metric whose best score is shown while the search runs."""
        return self.refit if isinstance(self.refit, str) else "score"

    def _finish(self, tally: Tally, settings: list[dict[str, Any]]) -> None:
        self._tell_of_failures(tally.in_order())
        self._name_failed_scores(tally.in_order())
        results = tally.by_split()
        more = tally.std_over_seeds() if self.n_seeds > 1 else {}
        self.cv_results_ = self._table(settings, results, more)
        self._choose(self.cv_results_, results[0]["test_scores"])

    def _refit(self, data: Data) -> None:
        try:
            self._refit_best(data)
        except KeyboardInterrupt:
            warnings.warn(
                "LossSearchCV was interrupted in its refit. All candidates are finished: cv_results_ has their scores. There is no"
                " best_estimator_.",
                UserWarning,
                stacklevel=4,  # where the user calls fit
            )
            raise

    def _keep(self, tally: Tally, settings: list[dict[str, Any]]) -> None:
        """Keep the results of an interrupted search, and say so."""
        self._name_failed_scores(tally.in_order())
        interrupted = [not finished for finished in tally.finished]
        self.cv_results_ = self._quiet_table(
            settings, tally.by_split(), {"interrupted": interrupted}
        )
        n_finished = sum(tally.finished)
        warnings.warn(
            f"LossSearchCV was interrupted when {n_finished} of {len(settings)} candidates were finished. cv_results_ has their scores;"
            " its column 'interrupted' marks the others. Nothing is refitted, so that there is no best_estimator_.",
            UserWarning,
            stacklevel=5,  # where the user calls fit
        )
