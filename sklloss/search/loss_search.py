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

    It takes what `sklearn.model_selection.GridSearchCV` takes, fills what that fills, and gives the
    same scores.  Losses and their parameters, learning rates, penalties, dropout, seeds and class
    weights may differ between models that are trained together; networks, optimisers, batch sizes
    and precision may not, and make stacks of their own.  The steps of a Pipeline before the network
    are fitted once per split.  What cannot be trained together (own modules, callbacks, other
    estimators) is fitted as GridSearchCV fits it.

    %(parameters)s

    Attributes
    ----------
    cv_results_ : dict of arrays
        One row per candidate, as in GridSearchCV; ``mean_fit_time`` is a stack's time divided by
        its models.  ``split0_n_iter``, ..., ``mean_n_iter`` are the epochs trained (of the member
        that took most, averaged over seeds), ``split0_stopped_by``, ... what ended training:
        "patience", "max_epochs", a "callback", or "failed"; of several members or seeds
        "max_epochs" where it ended one of them; NaN and None for other estimators.  With several
        seeds, ``std_over_seeds_test_score`` is the standard deviation over them, averaged over
        splits; ``n_parameters`` is the number of trained numbers of all members, a mean over splits.
    histories_ : list of lists of dicts
        The curves of every candidate on every split, of its first seed and first member: arrays
        "epoch", "train_loss" and, with early stopping, "valid_loss", and the int "best_epoch", from
        1, whose weights are kept; None for fits that failed and for other estimators.
    predictions_ : list of dicts
        Only with ``keep_predictions=True``: what each candidate says of the rows of y while they
        are test rows, by "predict" and, where there are, "predict_proba" and "predict_interval".  A row
        of several test folds or seeds has the mean of numbers and the most frequent of labels; NaN,
        or None among labels that are no numbers, where it is in no test fold or the fit failed.
        None for a candidate whose fits all failed.
    partial_results_ : dict of arrays
        Only after a search that ended early, or of one that `from_checkpoint` has opened before its
        end: ``cv_results_`` so far; the column ``interrupted``
        marks the candidates that are not finished.
    param_grid_ : dict or list of dicts
        The grid that is searched: `param_grid`, or what "suggested" stands for.
    n_candidates_, n_resources_ : lists of int
        Only with `halving`, as n_remaining_candidates_, n_iterations_, min_resources_ and
        max_resources_ of HalvingRandomSearchCV: candidates and epochs of each rung.
        ``cv_results_`` has a row for each candidate at each rung, with the columns ``iter`` and
        ``n_resources``; ``fit_time`` is that of the rung alone, and trainings that are to go on are
        ``stopped_by`` "halving".
    best_estimator_, best_score_, best_params_, best_index_, refit_time_
        As in GridSearchCV.
    split_sizes_ : array of shape (n_splits, 2)
        Training and test rows of each split.
    scorer_, multimetric_, n_splits_, classes_, n_features_in_, feature_names_in_
        As in GridSearchCV.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : The same, one fit after the other.
    sklearn.model_selection.RandomizedSearchCV : The same with `n_iter`.
    sklearn.model_selection.HalvingGridSearchCV : The same with `halving`, but it begins each rung
        anew.

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
            """Lists of values by parameter, as ``{"loss": ["mse", "huber"]}``; a list of grids says
            which parameters belong to which loss.  With `n_iter`, values may be distributions:
            whatever has a method ``rvs``, as ``scipy.stats.loguniform(1e-4, 1e-1)``.  "suggested"
            takes what `suggest_losses` says of the rows that reach the network in `fit`, with the
            metric that decides.""",
            kind='dict, list of dicts or "suggested"',
        ),
    )
    n_iter: int | None = parameter(
        None,
        Either(Choice(None), COUNT),
        """How many candidates to draw from `param_grid`, >= 1, as RandomizedSearchCV draws them;
        None tries all.""",
        kind="int or None",
        remedy="None tries all candidates of the grid.",
    )
    random_state: Any = parameter(
        None, doc="Where the draws of `n_iter` begin.", kind="int, RandomState or None"
    )

    halving: Any = parameter(
        None,
        doc="""How candidates that lose leave the search early: all are trained for a few epochs,
        the best third of them goes on for three times as many, and so on; those of the last rung
        score as without halving.  3, or True, stands for ``{"factor": 3, "min_epochs": "auto"}``,
        where "auto" is a tenth of all epochs.  With several metrics, `refit` names the one that
        decides.""",
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
