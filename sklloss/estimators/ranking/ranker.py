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
    "{name} was fitted with groups, and score got none: over all rows as one group NDCG is another"
    " number. Give score(X, y, group=...). In a search put the ids into X, as a column"
    f" {QID!r} of a DataFrame; or route them: sklearn.set_config(enable_metadata_routing=True),"
    " estimator.set_fit_request(group=True).set_score_request(group=True), and"
    " search.fit(X, y, groups=ids, group=ids)."
)


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class NeuralRanker(HiddenLayerParameters, TableColumns, NetworkParameters, NeuralEstimator):
    """A neural network that ranks rows within groups, trained on the loss of your choice.

    Rows that compete form a group (a query's hits, a user's films), and y says how relevant each
    row is.  The network scores every row by itself; the losses look at the order that the scores
    give a group.

    %(parameters)s

    Attributes
    ----------
    %(attributes_and_names)s

    Notes
    -----
    Groups are given as in XGBoost or in LightGBM: an id per row (``group``, or a column ``"qid"``
    of a DataFrame), or sizes.  The rows of a group are next to each other.  A group of one row, or
    of rows that are all equally relevant, has no order: all losses but ``squared_error`` learn
    nothing from it.

    In searches, ids in the column ``"qid"`` need nothing else:
    ``GridSearchCV(NeuralRanker(), grid, cv=GroupKFold()).fit(X, y, groups=X.qid)``.  Ids beside X
    are routed: ``sklearn.set_config(enable_metadata_routing=True)``,
    ``NeuralRanker().set_fit_request(group=True).set_score_request(group=True)`` and
    ``search.fit(X, y, groups=ids, group=ids)``.  In a Pipeline the steps before have to keep the
    column ``"qid"``, as a ColumnTransformer does with ``remainder="passthrough"``,
    ``verbose_feature_names_out=False`` and ``set_output(transform="pandas")``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> query, X = np.repeat(np.arange(60), 10), rng.normal(size=(600, 3))
    >>> wanted = X[:, 0] + rng.normal(size=60)[query]  # some queries have better hits than others
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
        "How many places `score` looks at; None is all.  It may change after the fit.",
        kind="int or None",
    )
    module: Any = redeclared(
        NetworkParameters,
        "module",
        doc="""The network, from the features of rows (n, n_features) to a score each, (n, 1):
        "mlp", or your own, as in `NeuralRegressor`.""",
    )
    batch_size: int | str = redeclared(
        OptimizationParameters,
        "batch_size",
        doc="""Groups per step, drawn so that those of a batch are about equally large; "auto" is 32
        (all, where there are fewer or for lbfgs).  Losses of pairs take time by the square of a
        group's size, and lambdarank by its size; their memory is bounded.""",
    )
    max_epochs: int = redeclared(
        OptimizationParameters, "max_epochs", default=50, doc="Passes over the groups, at most."
    )
    early_stopping: bool = redeclared(
        StoppingParameters,
        "early_stopping",
        doc="""Whether validation groups decide when to stop and which epoch's weights to keep, by
        the loss that is trained.  Without, training stops when the training loss no longer
        falls.""",
    )
    validation_fraction: Any = redeclared(
        StoppingParameters,
        "validation_fraction",
        doc="""The validation groups: a share of all groups, the first split of a splitter, or
        (train, valid) numbers of groups, from 0 in their order.""",
    )
    n_members: int = redeclared(
        RunParameters,
        "n_members",
        doc="""Networks that are trained as one program, with the seeds random_state, random_state +
        1 ...; scores are means over them.""",
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
            As `NeuralRegressor` takes it.  A column ``"qid"`` of a DataFrame is the id of each
            row's group, and no feature.
        y : array-like of shape (n_rows,)
            Relevance, >= 0, the larger the better.  Losses with the gain 2^y - 1 (lambdarank,
            approx_ndcg) take 31 at most.
        group : array-like of shape (n_rows,) or (n_groups,), or None, default=None
            An id per row, equal ones next to each other (XGBoost's ``qid``); or how many rows each
            group has (LightGBM's ``group``).  As many values as there are rows are ids.  Without
            any, all rows are one group, with a warning.
        group_weight : array-like of shape (n_groups,) or (n_rows,), or None, default=None
            Weights >= 0 of groups; weight 2 is a group repeated, weight 0 one removed.  One per
            row is the same within a group: in an order a row has no weight of its own, which is
            why there is no sample_weight.

        %(fitted)s
        """
        table, groups = split_groups(X, group)
        return self._train(FitData(table, y, group_weight, groups), go_on=self.warm_start)

    def partial_fit(
        self, X: Any, y: Any, group: Any = None, group_weight: Any = None
    ) -> NeuralRanker:
        """Train for one epoch on these groups; scaling is that of the first call.

        Parameters
        ----------
        X, y, group, group_weight
            As in `fit`.

        Returns
        -------
        self
        """
        table, groups = split_groups(X, group)
        return self._train(FitData(table, y, group_weight, groups), epochs=1, go_on=True)

    def predict(self, X: Any) -> np.ndarray:
        """Return the scores of rows, by which to sort each group, the highest first.

        Groups are not needed: a row's score does not depend on the other rows of its group.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_rows, n_features)
            A column ``"qid"`` is left out.

        Returns
        -------
        ndarray of shape (n_rows,)
            For ``squared_error`` on the scale of y; otherwise only differences between scores have
            a meaning.
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
        """Return the mean NDCG over groups at the first `ndcg_at` places: `mean_ndcg`, linear gain.

        Groups of one row, and those without a row of relevance > 0, have none and are left out.

        Parameters
        ----------
        X, y, group
            As in `fit`.
        group_weight : array-like of shape (n_groups,) or (n_rows,), or None, default=None
            Weights of groups in the mean.
        sample_weight : None
            Not taken: give group_weight.  A Pipeline of scikit-learn names it whenever it routes
            `group`.

        Returns
        -------
        float
            From 0 to 1, which is the best order.

        Raises
        ------
        ValueError
            If no group has an NDCG, or the groups are missing although `fit` was given some.
        TypeError
            If sample_weight is given.
        """
        if sample_weight is not None:
            raise TypeError(
                f"{type(self).__name__}.score has no sample_weight: a row has no weight of its own"
                " in an order. Give group_weight."
            )
        check_is_fitted(self, "net_")
        table, groups = split_groups(X, group)
        if groups is None and self._learned.inputs.has_groups:
            raise ValueError(NO_GROUPS.format(name=type(self).__name__))
        return mean_ndcg(y, self.predict(table), groups, k=self.ndcg_at, group_weight=group_weight)

    def to_module(self, output: str = "predict", column: bool = False) -> FittedModule:
        """Return the fitted model as a plain ``nn.Module``, from the features of rows to scores.

        %(module)s

        Parameters
        ----------
        output : {"predict", "raw"}, default="predict"
            What comes out: scores as those of `predict`, (n_samples,) for as many rows; or the
            network's raw output, (n_samples, 1, 1).
        column : bool, default=False
            Whether one number per row is a column, (n_samples, 1), as explainers such as shap's
            want it, instead of (n_samples,).

        %(exported)s
        """
        return self._exported(output, self._answers, column=column)
