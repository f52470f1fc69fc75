"""NeuralRanker: a neural network that puts the rows of groups in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...parameters.declared import declare, parameter, redeclared
from ..fit.documentation import documented
from ..fit.estimator import NeuralEstimator
from ..fit.loss_parameter import LossParameter
from ..fit.parameters import (
    HiddenLayerParameters,
    NetworkParameters,
    OptimizationParameters,
    RunParameters,
    StoppingParameters,
)
from ..fit.table_estimator import TableColumns
from ..inputs.data import FitData
from ..targets.fitted_module import FittedModule
from .grouped_rows import GroupedRows
from .ndcg import FIRST_PLACES, mean_ndcg
from .relevance import Relevance
from .row_groups import QID, split_groups, without_qid

NO_GROUPS = (
    "{name} was fitted with groups, and score got none: the NDCG of all rows as one group is"
    " another number. Give score(X, y, group=...). In a search put the ids into X, as a column"
    f" {QID!r} of a DataFrame; or route them: sklearn.set_config(enable_metadata_routing=True),"
    " estimator.set_fit_request(group=True).set_score_request(group=True), and"
    " search.fit(X, y, groups=ids, group=ids)."
)


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class NeuralRanker(HiddenLayerParameters, TableColumns, NetworkParameters, NeuralEstimator):
    """A neural network that ranks rows within groups, trained on the loss of your choice.

    Rows that compete with each other form a group, such as the results of a query or the films
    shown to a user, and y is the relevance of each row.  The network scores every row
    independently; the losses compare the order of the scores within a group with that of y.

    %(parameters)s

    Attributes
    ----------
    %(attributes_and_names)s

    Notes
    -----
    Give groups as in XGBoost, by an id per row (``group``, or a column ``"qid"`` of a DataFrame),
    or as in LightGBM, by their sizes.  The rows of a group must be adjacent.  A group with one row,
    or whose rows are all equally relevant, has no order; only ``squared_error`` learns from it.

    In a search, a column ``"qid"`` is the simplest form:
    ``GridSearchCV(NeuralRanker(), grid, cv=GroupKFold()).fit(X, y, groups=X.qid)``.  Separate ids
    need metadata routing: ``sklearn.set_config(enable_metadata_routing=True)``,
    ``NeuralRanker().set_fit_request(group=True).set_score_request(group=True)`` and
    ``search.fit(X, y, groups=ids, group=ids)``.  In a Pipeline, the earlier steps have to keep the
    column ``"qid"``, as a ColumnTransformer does with ``remainder="passthrough"``,
    ``verbose_feature_names_out=False`` and ``set_output(transform="pandas")``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> query, X = np.repeat(np.arange(60), 10), rng.normal(size=(600, 3))
    >>> wanted = X[:, 0] + rng.normal(size=60)[query]  # some queries have better results
    >>> y = np.digitize(wanted, [0, 1, 2])
    >>> model = NeuralRanker("ranknet", lr=0.01, random_state=0)
    >>> model = model.fit(X[:400], y[:400], group=query[:400])
    >>> bool(model.score(X[400:], y[400:], group=query[400:]) > 0.99)
    True
    """

    _loss: ClassVar[LossParameter] = LossParameter("ranking")
    _built_ins: ClassVar[tuple[str, ...]] = ("mlp",)

    loss: Any = field(
        default="lambdarank",
        kw_only=False,
        metadata=declare(
            """What is minimised: a name of ``list_losses("ranking")``, a class or instance of it,
            or your own subclass of ``sklloss.losses.RankingLoss``.""",
            kind="str or Loss",
        ),
    )
    ndcg_at: int | None = parameter(
        None,
        FIRST_PLACES,
        """Number of first positions that `score` takes into account; None is all.  It may be
        changed after the fit.""",
        kind="int or None",
    )
    module: Any = redeclared(
        NetworkParameters,
        "module",
        doc="""The network, from the features of rows (n, n_features) to their scores (n, 1): "mlp",
        or your own, as in `NeuralRegressor`.""",
    )
    batch_size: int | str = redeclared(
        OptimizationParameters,
        "batch_size",
        doc="""Groups per step, of similar sizes; "auto" is 32 (all, if there are fewer or for
        lbfgs).  The time of losses over pairs grows with the square of a group's size, and that of
        lambdarank linearly; their memory is bounded.""",
    )
    max_epochs: int = redeclared(
        OptimizationParameters,
        "max_epochs",
        default=50,
        doc="Maximum number of passes over the groups.",
    )
    early_stopping: bool = redeclared(
        StoppingParameters,
        "early_stopping",
        doc="""Whether the loss on validation groups decides when to stop and which epoch's weights
        to keep.  If False, training stops when the training loss no longer falls.""",
    )
    validation_fraction: Any = redeclared(
        StoppingParameters,
        "validation_fraction",
        doc="""The validation groups: a share of all groups, a splitter, whose first split is used,
        or a pair (train, valid) of arrays of group numbers, from 0 in their order.""",
    )
    n_members: int = redeclared(
        RunParameters,
        "n_members",
        doc="""Number of networks that are trained together, with the seeds random_state,
        random_state + 1 ...; scores are means over them.""",
    )

    @property
    def _inputs(self) -> GroupedRows:
        return GroupedRows.of(self)

    @property
    def _target(self) -> Relevance:
        return Relevance()

    def fit(self, X: Any, y: Any, group: Any = None, group_weight: Any = None) -> NeuralRanker:
        """Train the network.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_rows, n_features)
            Rows, as in `NeuralRegressor`.  A column ``"qid"`` of a DataFrame is no feature but the
            id of each row's group.
        y : array-like of shape (n_rows,)
            Relevance, >= 0, larger is better.  lambdarank and approx_ndcg, whose gain is 2^y - 1,
            take values up to 31.
        group : array-like of shape (n_rows,) or (n_groups,), or None, default=None
            An id per row, with the rows of a group adjacent (XGBoost's ``qid``), or the number of
            rows of each group (LightGBM's ``group``).  An array with one value per row is taken as
            ids.  If None, all rows are one group, with a warning.
        group_weight : array-like of shape (n_groups,) or (n_rows,), or None, default=None
            Weights of the groups, >= 0.  A group of weight 2 counts as two equal groups, one of
            weight 0 as none.  If given per row, they must be equal within each group.  There is no
            sample_weight, because a single row of an order has no weight.

        %(fitted)s
        """
        table, groups = split_groups(X, group)
        return self._train(FitData(table, y, group_weight, groups), go_on=self.warm_start)

    def partial_fit(
        self, X: Any, y: Any, group: Any = None, group_weight: Any = None
    ) -> NeuralRanker:
        """Train for one epoch; scaling is that of the first call.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_rows, n_features)
            Rows, as in `fit`.
        y : array-like of shape (n_rows,)
            Relevance, as in `fit`.
        group : array-like of shape (n_rows,) or (n_groups,), or None, default=None
            Groups, as in `fit`.
        group_weight : array-like of shape (n_groups,) or (n_rows,), or None, default=None
            Weights, as in `fit`.

        Returns
        -------
        self
            The estimator itself.
        """
        table, groups = split_groups(X, group)
        return self._train(FitData(table, y, group_weight, groups), epochs=1, go_on=True)

    def predict(self, X: Any) -> np.ndarray:
        """Return the scores of rows; sort each group by them, highest first.

        No groups are needed, because the score of a row does not depend on other rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_rows, n_features)
            Rows, as in `fit`.  A column ``"qid"`` is ignored.

        Returns
        -------
        ndarray of shape (n_rows,)
            Scores, for ``squared_error`` on the scale of y.  For other losses only differences
            between scores have a meaning.
        """
        return self._answer("predict", without_qid(X))

    def score(
        self,
        X: Any,
        y: Any,
        group: Any = None,
        group_weight: Any = None,
        sample_weight: None = None,
    ) -> float:
        """Return the mean NDCG over groups, with linear gain, at the first `ndcg_at` positions.

        It is `mean_ndcg`.  Groups with one row, or without a row of relevance > 0, have no NDCG and
        are left out.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_rows, n_features)
            Rows, as in `fit`.
        y : array-like of shape (n_rows,)
            True relevance.
        group : array-like of shape (n_rows,) or (n_groups,), or None, default=None
            Groups, as in `fit`.
        group_weight : array-like of shape (n_groups,) or (n_rows,), or None, default=None
            Weights of groups in the mean.
        sample_weight : None
            Must be None; give group_weight instead.  It is here because scikit-learn's Pipeline
            passes it when it routes `group`.

        Returns
        -------
        float
            In [0, 1]; 1 is the best order.

        Raises
        ------
        ValueError
            If no group has an NDCG, or if groups are missing that `fit` received.
        TypeError
            If sample_weight is given.
        """
        if sample_weight is not None:
            raise TypeError(
                f"{type(self).__name__}.score takes no sample_weight, because a single row of an"
                " order has no weight. Give group_weight."
            )
        check_is_fitted(self, "net_")
        table, groups = split_groups(X, group)
        if groups is None and self._learned.inputs.has_groups:
            raise ValueError(NO_GROUPS.format(name=type(self).__name__))
        return mean_ndcg(y, self.predict(table), groups, k=self.ndcg_at, group_weight=group_weight)

    def to_module(self, output: str = "predict", column: bool = False) -> FittedModule:
        """Return the fitted model as a plain ``nn.Module``, from features of rows to scores.

        %(module)s

        Parameters
        ----------
        output : {"predict", "raw"}, default="predict"
            What the module returns: the scores of `predict`, of shape (n_samples,), or the
            network's raw output, of shape (n_samples, 1, 1).
        column : bool, default=False
            Whether one number per row has shape (n_samples, 1), as explainers such as shap's
            expect, instead of (n_samples,).

        %(exported)s
        """
        return self._exported(output, self._answers, column=column)
