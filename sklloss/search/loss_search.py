"""LossSearchCV: GridSearchCV that trains many candidates as one program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..estimators.fit.documentation import documented
from ..parameters.declared import declare, parameter
from ..parameters.domains import Choice, Either
from .base import COUNT, LossSearch
from .evaluation import Evaluation
from .grids import grid_of, settings_of
from .halving.rungs import Rungs
from .halving.schedule import Halving
from .scikit_learn import GridSearchCV


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class LossSearchCV(LossSearch, GridSearchCV):
    """GridSearchCV for neural estimators: candidates and splits of one shape are trained together.

    It has the parameters and attributes of `sklearn.model_selection.GridSearchCV` and gives the
    same scores.  Models that are trained together may differ in losses and their parameters,
    learning rates, penalties, dropout, seeds and class weights.  Models with another network,
    optimiser, batch size or precision are trained in a separate stack.  The steps of a Pipeline
    before the network are fitted once per split.  Models that cannot be stacked (own modules,
    callbacks, other estimators) are fitted as by GridSearchCV.

    %(parameters)s

    Attributes
    ----------
    cv_results_ : dict of arrays
        One row per candidate, as in GridSearchCV; ``mean_fit_time`` is the time of a stack divided
        by the number of its models.  Further columns: ``split0_n_iter``, ..., ``mean_n_iter`` are
        the epochs of the member that trained longest, averaged over seeds.  ``split0_stopped_by``,
        ... is what ended training: "patience", "max_epochs", "callback" or "failed"; for several
        members or seeds "max_epochs" if it ended any of them.  ``std_over_seeds_test_score`` is the
        standard deviation over several seeds, averaged over splits.  ``n_parameters`` is the number
        of trained parameters of all members, averaged over splits.  They are NaN or None for other
        estimators.
    histories_ : list of lists of dicts
        Learning curves of every candidate on every split, for its first seed and first member:
        arrays "epoch", "train_loss" and, with early stopping, "valid_loss"; and the int
        "best_epoch", counted from 1, whose weights are kept.  None for failed fits and for other
        estimators.
    predictions_ : list of dicts
        Only with ``keep_predictions=True``: the predictions of each candidate for the rows of y
        when they are test rows, under "predict" and, if it has them, "predict_proba" and
        "predict_interval".  Over several test folds or seeds, numbers are averaged and the most
        frequent label is taken.  Rows that are in no test fold, or whose fit failed, have NaN, or
        None among labels that are not numbers.  None for a candidate whose fits all failed.
    partial_results_ : dict of arrays
        Only after a search that ended early, or that `from_checkpoint` opened before its end:
        ``cv_results_`` so far.  Its column ``interrupted`` marks unfinished candidates.
    param_grid_ : dict or list of dicts
        The grid that was searched: `param_grid`, or the one that "suggested" stands for.
    n_candidates_, n_resources_ : lists of int
        Only with `halving`, like n_remaining_candidates_, n_iterations_, min_resources_ and
        max_resources_ of HalvingRandomSearchCV: candidates and epochs of each rung.
        ``cv_results_`` has a row for each candidate at each rung, with the columns ``iter`` and
        ``n_resources``; ``fit_time`` is that of the rung alone, and trainings that continue are
        ``stopped_by`` "halving".
    best_estimator_, best_score_, best_params_, best_index_, refit_time_
        As in GridSearchCV.
    split_sizes_ : array of shape (n_splits, 2)
        Numbers of training and test rows of each split.
    scorer_, multimetric_, n_splits_, classes_, n_features_in_, feature_names_in_
        As in GridSearchCV.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Fits one model after the other.
    sklearn.model_selection.RandomizedSearchCV : Draws candidates, as `n_iter` does here.
    sklearn.model_selection.HalvingGridSearchCV : Halves candidates, as `halving` does here, but
        trains from scratch at each rung.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklloss import LossSearchCV, NeuralRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> grid = [{"loss": ["mse", "mae"]}, {"loss": ["huber"], "loss__delta": [0.5, 1.0]}]
    >>> net = NeuralRegressor(n_members=1, max_epochs=10, random_state=0)
    >>> search = LossSearchCV(net, grid, scoring="neg_mean_absolute_error", cv=3).fit(X, y)
    >>> len(search.cv_results_["params"]), sorted(search.best_estimator_.get_params(deep=False))[:1]
    (4, ['activation'])
    """

    param_grid: Any = field(
        kw_only=False,
        metadata=declare(
            """Lists of values by parameter, such as ``{"loss": ["mse", "huber"]}``, or a list of
            such grids, one for each loss with its parameters.  With `n_iter`, values may also be
            distributions with a method ``rvs``, such as ``scipy.stats.loguniform(1e-4, 1e-1)``.
            "suggested" searches the losses that `suggest_losses` suggests for the rows that reach
            the network in `fit` and the metric that decides.""",
            kind='dict, list of dicts or "suggested"',
        ),
    )
    n_iter: int | None = parameter(
        None,
        Either(Choice(None), COUNT),
        """Number of candidates to draw from `param_grid`, >= 1, as in RandomizedSearchCV; None
        tries all.""",
        kind="int or None",
        remedy="None tries all candidates of the grid.",
    )
    random_state: Any = parameter(
        None, doc="Seed of the draws of `n_iter`.", kind="int, RandomState or None"
    )

    halving: Any = parameter(
        None,
        doc="""Successive halving: all candidates are trained for a few epochs, the best third
        continues for three times as many, and so on.  The candidates of the last rung have the same
        scores as without halving.  3, or True, is short for
        ``{"factor": 3, "min_epochs": "auto"}``, where "auto" is a tenth of all epochs.  With several metrics, `refit` names the
        one that decides.""",
        kind="None, True, float > 1 or dict",
    )

    def _run_search(self, evaluate_candidates: Evaluation) -> None:
        owner, drawn = type(self).__name__, (self.n_iter, self.random_state)
        self.param_grid_ = grid_of(self, evaluate_candidates.data)
        settings = settings_of(self.estimator, self.param_grid_, owner, *drawn)
        if self.halving is None or self.halving is False:
            evaluate_candidates(settings)
        else:
            halving = Halving.given(self.halving, owner)
            vars(self).update(Rungs(evaluate_candidates, halving).run(settings))

    def _rows_to_choose_from(self, table: Any) -> Any:
        """Return those of the last rung, where there are rungs."""
        rows = super()._rows_to_choose_from(table)
        is_halving = hasattr(self, "n_iterations_")
        return np.flatnonzero(table["iter"] == table["iter"].max()) if is_halving else rows
