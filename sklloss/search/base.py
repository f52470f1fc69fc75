"""The base of the searches: everything but which candidates are tried."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import estimator_html_repr, get_tags

from ..estimators.inputs.missing import check_labels
from ..estimators.notebook import LinkedToGuide
from ..parameters.declared import check_declared, declare, declared_by, parameter
from ..parameters.domains import Choice, Either, Interval, Satisfies
from ..parameters.plain import plain
from ..training.outcome import no_warning_of_few_epochs
from .checkpoints.opening import InCheckpoints
from .evaluation import Evaluation
from .notebook import verdict_html
from .scikit_learn import OpenSearchCV, fit_context, has_callbacks, n_rows_of
from .scorers import check_scorers
from .steps import holds_net_apart
from .threads import threads_of_search

COUNT = Interval(1, integer=True)
# Candidates that a warning names.
MOST_NAMED = 3


@dataclass(kw_only=True, eq=False, repr=False)
class LossSearch(InCheckpoints, LinkedToGuide, OpenSearchCV):
    """Base of the searches that train candidates and splits of one shape together.

    A subclass defines in `_run_search` which candidates to try.
    """

    estimator: Any = field(
        kw_only=False,
        metadata=declare(
            """An estimator of sklloss, a Pipeline that ends in one, or a TransformedTargetRegressor
            around either.  Other estimators are fitted as by GridSearchCV.""",
            kind="estimator",
        ),
    )
    scoring: Any = parameter(
        None,
        doc="""As in GridSearchCV, and the names of `sklloss.metrics.get_scorer`, such as
        "neg_crps".  With several metrics, give `refit`.""",
        kind="str, callable, list, tuple, dict or None",
    )
    n_jobs: int | None = parameter(
        None,
        doc="""Number of workers, as in GridSearchCV.  With several workers, each of them and the
        refit use one thread.  With joblib's backends "dask" and "ray", None is the whole
        cluster.""",
        kind="int or None",
    )
    refit: Any = parameter(
        True,
        doc="""Whether to fit the best candidate on all rows; or the name of the metric that decides
        which is best, or a function of ``cv_results_``.""",
        kind="bool, str or callable",
    )
    cv: Any = parameter(None, doc="As in GridSearchCV.", kind="int, splitter, iterable or None")
    verbose: int = parameter(
        0,
        doc="""1 shows a progress bar over the epochs of all models, with the remaining time and the
        best score; larger values also print a line per candidate.""",
        kind="int",
    )
    pre_dispatch: int | str = parameter("2*n_jobs", doc="As in GridSearchCV.", kind="int or str")
    error_score: Any = parameter(
        np.nan,
        Satisfies(
            lambda value: isinstance(value, float) or value in Either(Choice("raise"), Interval()),
            "'raise' or a number that fits into a float",
        ),
        doc='The score of a fit that fails; "raise" raises its error.',
        kind='"raise" or float',
    )
    return_train_score: bool = parameter(
        False, doc="Whether ``cv_results_`` includes scores on training rows.", kind="bool"
    )
    n_seeds: int = parameter(
        1,
        COUNT,
        """Number of seeds with which each candidate is trained on each split, >= 1.  They are
        consecutive and start at its random_state, or at a common random one if that is None.  The
        score on a split is the mean over seeds.""",
        kind="int",
        remedy="1 trains every candidate once, as GridSearchCV does.",
    )
    stack_size: int | str = parameter(
        "auto",
        Either(Choice("auto"), COUNT),
        """Maximum number of models that are trained together, >= 1; "auto" is as many as fit into
        the processor's caches.  It does not change the scores.""",
        kind='int or "auto"',
        remedy="The default is stack_size='auto'.",
    )

    keep_predictions: bool = parameter(
        False,
        Choice(False, True),
        """Whether to keep the candidates' predictions of the test rows in ``predictions_``.  The
        memory grows with the number of candidates times that of rows.""",
        kind="bool",
    )

    checkpoint: Any = parameter(
        None,
        doc="""A file from which the search resumes after its process was killed: the same call of
        `fit` continues where it stopped, with bit for bit the same results.  Finished fits are
        saved at once, unfinished ones every minute.  The file may hold several searches, such as
        those of `cross_val_score`; `from_checkpoint` opens them.""",
        kind="str, path or None",
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
        """Train all candidates on all splits, and the best one on all rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Rows, as the estimator takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Targets, as the estimator takes them.
        **params
            As in GridSearchCV: passed to `fit` of the estimator (sample_weight), to the splitter
            (groups) and to the scorers.

        Returns
        -------
        self
            The search itself.

        Raises
        ------
        ValueError
            Before any training, if a candidate is invalid, labels are missing, or a scorer cannot
            be used with the labels or with a loss; after it, if all fits failed.  With
            `checkpoint`, if the file is no checkpoint, or has an interrupted search that resembles
            this one but differs.
        OSError
            If the file of `checkpoint` cannot be read or written.
        RuntimeError
            If another process is running the same search with that file.

        Notes
        -----
        If a search ends early, by an interruption, a killed worker or an error, it is not fitted,
        but ``partial_results_`` has the results so far.
        """
        self._check_arguments(y)
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        if is_classifier(self.estimator):
            # scikit-learn's splitters sort labels, which fails beside NaN without naming a row.
            check_labels(y)
        data = self._data(X, y, params)
        if is_classifier(self.estimator):
            check_scorers(data.scorer, self.scoring, data.y)
        evaluation = Evaluation(self, data)
        checkpoint = evaluation.checkpoint
        try:
            with checkpoint, evaluation.pool, threads_of_search(evaluation.pool.is_spread):
                self._run_search(evaluation)
                self.cv_results_ = evaluation.table
                self.histories_ = evaluation.results.histories()
                self.split_sizes_ = evaluation.split_sizes
                if self.keep_predictions:
                    of_rows = n_rows_of(data.X), is_classifier(self.estimator)
                    self.predictions_ = evaluation.results.predictions(*of_rows)
                self._choose(evaluation.results.in_order()[0].test_scores)
                self._warn_of_few_epochs(evaluation)
                if self.refit:
                    with no_warning_of_few_epochs(), checkpoint.refit(self.best_params_):
                        self._refit_best(data)
                checkpoint.finish(self)
        except BaseException as error:
            self._keep(evaluation, error)
            raise
        return self

    def _html_repr(self) -> str:
        return estimator_html_repr(self) + verdict_html(self)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "cv_results_")

    def _check_arguments(self, y: Any) -> None:
        """Raise for parameters outside their domains, a class, scikit-learn's callbacks or no y."""
        owner = type(self).__name__
        if isinstance(self.estimator, type):
            name = self.estimator.__name__
            raise TypeError(f"{owner} needs an estimator, not its class {name}. Give {name}().")
        own = [name for name, declared in declared_by(self).items() if declared.domain]
        check_declared(owner, self, {name: plain(getattr(self, name)) for name in own})
        if has_callbacks(self):
            raise ValueError(
                f"{owner} does not support scikit-learn's callbacks, because it trains many fits"
                " together. Set verbose=1 for a progress bar, give skorch's callbacks to its"
                " estimator, as in NeuralClassifier(callbacks=[...]), or use GridSearchCV."
            )
        if holds_net_apart(self.estimator):
            warnings.warn(
                f"{type(self.estimator).__name__} fits the network inside it by itself, so"
                f" {owner} cannot train models together and takes as long as GridSearchCV.",
                stacklevel=4,  # Where the user calls fit.
            )
        if y is None and get_tags(self.estimator).target_tags.required:
            raise ValueError(
                f"{owner} requires y to be passed, but the target y is None. Give fit(X, y)."
            )

    def _warn_of_few_epochs(self, evaluation: Evaluation) -> None:
        """Warn once of all candidates of which `max_epochs` has ended a training too early."""
        settings, numbers = evaluation.results.settings, evaluation.results.that_may_improve()
        if numbers:
            # With halving, a candidate has a row at each of its rungs.
            n_candidates = getattr(self, "n_candidates_", [len(settings)])[0]
            named = ", ".join(str(settings[number]) for number in numbers[:MOST_NAMED])
            others = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
            warnings.warn(
                f"max_epochs has ended trainings whose loss still fell, for {len(numbers)} of"
                f" {n_candidates} candidates: {named}{others}. Set a larger max_epochs, or a"
                " larger lr.",
                ConvergenceWarning,
                stacklevel=4,  # Where the user calls fit.
            )

    def _keep(self, evaluation: Evaluation, error: BaseException) -> None:
        """Keep the results of a search that an error has ended, and add a note to the error."""
        is_refit = hasattr(self, "cv_results_")
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        finished, found = evaluation.results.finished, evaluation.results.found.values()
        if isinstance(error, Exception) and all(result.fit_error for result in found):
            return
        with warnings.catch_warnings():
            # Scores are missing, of which scikit-learn would warn.
            warnings.filterwarnings("ignore", "One or more of the", UserWarning)
            interrupted = [not each for each in finished]
            self.partial_results_ = evaluation.table_with({"interrupted": interrupted})
        where = "in its refit, after all" if is_refit else f"after {sum(finished)} of"
        again = " The same call of fit resumes there." if evaluation.checkpoint.is_kept else ""
        error.add_note(
            f"{type(self).__name__} ended early, {where} {len(finished)} candidates."
            " partial_results_ has their scores, in the form of cv_results_; the column 'interrupted'"
            f" marks unfinished candidates. The search is not fitted.{again}"
        )
