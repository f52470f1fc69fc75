"""NeuralRanker: a neural network that puts the rows of groups in order, and whose loss is a hyperparameter."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ...losses.base import Loss, Task
from ...modules import check_widths
from ...modules.ranking.row_scores import RowScores
from ..fit.nets import Start
from ..fit.prepared import Shelf
from ..fit.sample import Sample
from ..fit.splits import Parts
from ...parameters.refusals import count
from ..inputs.floats import floats_of
from ..inputs.inputs import KINDS, Inputs
from ..inputs.ragged import RaggedEstimator
from ..targets.answers import RAW, FittedModule, Reading, chosen_reading
from .ndcg import checked_relevance, mean_ndcg
from .row_groups import QID, Given, GroupedTable, group_weights, padded, sizes_of, without_qid


class NeuralRanker(RaggedEstimator):
    """A neural network that ranks rows within groups, trained on the loss of your choice: hits of a search, films for a user.

    Rows that compete form a group (a query's hits, a user's films), and y says how relevant each row is.  The network scores every row by
    itself; the losses look at the order that the scores give a group.

    Parameters
    ----------
    loss : str or Loss, default="lambdarank"
        What is minimised: a name of ``list_losses("ranking")``, a class or instance of it, or your own subclass of
        ``sklloss.losses.RankingLoss``.
    module : str, nn.Module class, instance or factory, default="mlp"
        The network, from the features of rows (n, n_features) to a score each, (n, 1); as in `NeuralRegressor`.
    module_params, hidden_layer_sizes, activation, dropout
        As in `NeuralRegressor`.
    optimizer, optimizer_params, lr, weight_decay, l1
        As in `NeuralRegressor`.
    batch_size : int or "auto", default="auto"
        Groups per step, drawn so that those of a batch are about as large as each other; "auto" is 32 (all, where there are fewer or for
        lbfgs).  Losses of pairs take time by the square of a group's size, and lambdarank by its size; their memory is bounded.
    max_epochs : int, default=50
        Passes over the groups, at most.
    ndcg_at : int or None, default=None
        How many places `score` looks at; None is all.  It may change after the fit.
    early_stopping, n_iter_no_change, tol
        As in `NeuralRegressor`; whole groups are set aside.
    validation_fraction : float, splitter or pair of index arrays, default=0.1
        The groups that are set aside: a share, the first split of a splitter, or (train, valid) numbers of groups, from 0 in their order.
    scale_inputs : bool, default=True
        Whether features are standardised inside (sparse X: divided only).
    dtype, callbacks, device, warm_start, random_state, verbose
        As in `NeuralRegressor`.
    n_members : int, default=1
        Networks that are trained, with the seeds random_state, random_state + 1 ...; scores are means over them.

    Attributes
    ----------
    loss_, loss_state_, net_, members_, history_, n_iter_, n_features_in_, feature_names_in_
        As in `NeuralRegressor`.

    Notes
    -----
    Groups are given as XGBoost or as LightGBM has them: an id per row (``group``, or a column ``"qid"`` of a DataFrame), or sizes.  The rows of a
    group are next to each other.  A group of one row, or of rows that are all equally relevant, has no order: all losses but
    ``squared_error`` learn nothing from it.

    In searches, ids in the column ``"qid"`` need nothing else, ``GridSearchCV(NeuralRanker(), grid, cv=GroupKFold()).fit(X, y, groups=X.qid)``.
    Ids beside X are routed: ``sklearn.set_config(enable_metadata_routing=True)``,
    ``NeuralRanker().set_fit_request(group=True).set_score_request(group=True)`` and ``search.fit(X, y, groups=ids, group=ids)``.  In a Pipeline
    the column ``"qid"`` needs to come through the steps before: a ColumnTransformer with ``remainder="passthrough"``,
    ``verbose_feature_names_out=False`` and ``set_output(transform="pandas")`` keeps it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> query, X = np.repeat(np.arange(60), 10), rng.normal(size=(600, 3))
    >>> wanted = X[:, 0] + rng.normal(size=60)[query]  # some queries have better hits than others
    >>> y = np.digitize(wanted, [0, 1, 2])
    >>> model = NeuralRanker("ranknet", lr=0.01, random_state=0).fit(X[:400], y[:400], group=query[:400])
    >>> bool(model.score(X[400:], y[400:], group=query[400:]) > 0.99)
    True
    """

    _task: Task = "ranking"
    _built_ins = ("mlp",)
    _unit = "group"
    _has_groups: bool

    def __init__(
        self,
        loss: Any = "lambdarank",
        *,
        module: Any = "mlp",
        module_params: dict[str, Any] | None = None,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        optimizer: Any = "adam",
        optimizer_params: dict[str, Any] | None = None,
        lr: float | str = "auto",
        batch_size: int | str = "auto",
        max_epochs: int = 50,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        ndcg_at: int | None = None,
        early_stopping: bool = False,
        validation_fraction: Any = 0.1,
        n_iter_no_change: float = 10,
        tol: float = 1e-4,
        scale_inputs: bool = True,
        dtype: str = "auto",
        callbacks: Any = None,
        device: str = "cpu",
        warm_start: bool = False,
        random_state: Any = None,
        n_members: int = 1,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.module = module
        self.module_params = module_params
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.optimizer = optimizer
        self.optimizer_params = optimizer_params
        self.lr = lr
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.weight_decay = weight_decay
        self.l1 = l1
        self.ndcg_at = ndcg_at
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.scale_inputs = scale_inputs
        self.dtype = dtype
        self.callbacks = callbacks
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_members = n_members
        self.verbose = verbose

    # ------------------------------------------------------------------ fit

    def fit(self, X: Any, y: Any, group: Any = None, group_weight: Any = None) -> NeuralRanker:
        """Train the network.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_rows, n_features)
            Features: numbers, none missing.  A column ``"qid"`` of a DataFrame is the id of each row's group, and no feature.
        y : array-like of shape (n_rows,)
            Relevance, >= 0, the larger the better.  Losses with the gain 2^y - 1 (lambdarank, approx_ndcg) take 31 at most.
        group : array-like of shape (n_rows,) or (n_groups,), or None, default=None
            An id per row, equal ones next to each other (XGBoost's ``qid``); or how many rows each group has (LightGBM's ``group``).  As many
            values as there are rows are ids.  Without any, all rows are one group, with a warning.
        group_weight : array-like of shape (n_groups,) or (n_rows,), or None, default=None
            Weights >= 0 of groups; weight 2 is a group repeated, weight 0 one removed.  For each row, they are the same within a group: in an
            order a row has no weight of its own, which is why there is no sample_weight.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If data or parameters are outside what is allowed; the message names which row, column or group.
        FloatingPointError
            If training turns NaN or infinite.
        """
        return self._fit(Given.of(X, group), y, group_weight)

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
        return self._fit_one_epoch(Given.of(X, group), y, group_weight)

    def _given(self, X: Given, y: Any, sample_weight: Any, first: bool) -> tuple[Given, Any, Any]:
        self._has_groups = X.group is not None
        return X, y, sample_weight

    def _validated(
        self, X: Given, y: Any, first: bool, shelf: Shelf
    ) -> tuple[GroupedTable, np.ndarray]:
        y = None if y is None else floats_of(y, "y")
        table, y = self._checked(X.X, first, y=y, y_numeric=True)
        if first:
            self._input_shape = (table.shape[1],)
        relevance = checked_relevance(y)
        if X.group is None:
            message = _ONE_GROUP.format(name=type(self).__name__, n_rows=len(relevance))
            warnings.warn(message, UserWarning, stacklevel=2)
        grouped = GroupedTable(table, sizes_of(X.group, len(relevance)))
        return grouped, padded(relevance, grouped.sizes)

    def _checked_weights(self, sample_weight: Any, X: GroupedTable) -> np.ndarray:
        return group_weights(sample_weight, X)

    def _encode(self, y: np.ndarray, first: bool) -> np.ndarray:
        return y

    def _check_suits(self, loss: Loss, sample: Sample) -> None:
        """Refuse relevance that the loss cannot take, and groups none of which has an order."""
        is_row = sample.y >= 0
        outside = is_row & ~loss.y_domain.inside(sample.y)
        if outside.any():
            group, place = np.argwhere(outside)[0]
            raise ValueError(
                f"{type(loss).__name__} needs {loss.y_domain.describe('y')}; {outside.sum()} of {is_row.sum()} values are outside, for example"
                f" {sample.y[group, place]:g}, row {place} of group {sample.kept[group]}. Give grades such as 0 to 4, or take ranknet."
            )
        self._check_order(np.arange(len(sample.y)), sample, "of y")

    def _check_order(self, groups: np.ndarray, sample: Sample, where: str) -> None:
        """Refuse groups of none of which an order can be learnt."""
        y = sample.y[groups]
        if (y.max(1) > np.where(y >= 0, y, np.inf).min(1)).any():
            return
        alone = (y >= 0).sum(1) == 1
        raise ValueError(
            f"{type(self).__name__} needs rows of different relevance in a group; there are none in the {count(len(y), 'group')} {where}"
            f" ({alone.sum()} of one row, n_samples = 1, and {(~alone).sum()} whose rows are all equally relevant). Give larger groups, or"
            " without `group` all rows as one."
        )

    def _parts(self, sample: Sample, epochs: int | None, seed: int, shelf: Shelf) -> Parts:
        if self.early_stopping and epochs is None and len(sample.y) < 2:
            raise ValueError(
                "early_stopping sets whole groups aside, and there is 1 group. Give several groups, or set early_stopping=False."
            )
        parts = super()._parts(sample, epochs, seed, shelf)
        if parts.valid is not None:
            self._check_order(parts.train, sample, "that early_stopping leaves to train on")
            self._check_order(parts.valid, sample, "that early_stopping sets aside")
        return parts

    def _joined(self, X: GroupedTable) -> tuple[Any, np.ndarray]:
        return X.X, X.sizes

    @property
    def _inputs(self) -> Inputs:
        return KINDS["table"]

    @property
    def _raw_shape(self) -> tuple[int, int]:
        return -1, 1  # rows, a score each

    def _built(self, start: Start, source: torch.Generator) -> nn.Module:
        return RowScores(super()._built(start, source))

    def _check_module(self, module: nn.Module, few: Tensor, start: Start) -> None:
        network: Any = module.network
        rows = few[..., :-1][few[..., -1] != 0]
        check_widths(network, rows, (1,), f"{start.loss.label} for a score per row")

    # ------------------------------------------------------------------ use

    def predict(self, X: Any) -> np.ndarray:
        """Return the scores of rows, by which to sort each group: the higher, the further in front.

        Groups are not needed: a row's score does not depend on who else is in its group.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_rows, n_features)
            A column ``"qid"`` is left out.

        Returns
        -------
        ndarray of shape (n_rows,)
            For ``squared_error`` on the scale of y; otherwise only differences between scores have a meaning.
        """
        return self._averaged(
            without_qid(X), lambda raw, state: self.loss_.predict(raw, state)
        ).numpy()[:, 0]

    def score(
        self,
        X: Any,
        y: Any,
        group: Any = None,
        group_weight: Any = None,
        sample_weight: None = None,
    ) -> float:
        """Return the mean NDCG over groups, at the first `ndcg_at` places, as `mean_ndcg` with linear gain has it.

        Groups of one row, and those without a row of relevance > 0, have none and are left out.

        Parameters
        ----------
        X, y, group
            As in `fit`.
        group_weight : array-like of shape (n_groups,) or (n_rows,), or None, default=None
            Weights of groups in the mean.
        sample_weight : None
            Not taken: give group_weight.  A Pipeline of scikit-learn names it whenever it routes `group`.

        Returns
        -------
        float
            In [0, 1].

        Raises
        ------
        ValueError
            If no group has an NDCG, or the groups are missing although `fit` was given some.
        TypeError
            If sample_weight is given.
        """
        if sample_weight is not None:
            raise TypeError(
                f"{type(self).__name__}.score has no sample_weight: a row has no weight of its own in an order. Give group_weight."
            )
        check_is_fitted(self, "net_")
        given = Given.of(X, group)
        if self._has_groups and given.group is None:
            raise ValueError(_MISSING.format(name=type(self).__name__))
        scores = self.predict(given.X)
        return mean_ndcg(y, scores, given.group, k=self.ndcg_at, group_weight=group_weight)

    def to_module(self, output: str = "predict") -> FittedModule:
        """Return the fitted model as a plain ``nn.Module``, from the features of rows to their scores.

        It is a copy of its own, in evaluation mode, runs without the estimator and exports with ``torch.export``, as shown in
        `NeuralRegressor.to_module`.

        Parameters
        ----------
        output : {"predict", "raw"}, default="predict"
            What comes out: scores as those of `predict`, (n_rows,); or the network's raw output, (n_rows, 1, 1).

        Returns
        -------
        FittedModule
            From a dense tensor of shape (n_rows, n_features), not scaled.

        Raises
        ------
        ValueError
            If `output` is none of these.
        NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self, "net_")
        readings = {"predict": Reading(self.loss_.predict, nn.Flatten(0)), "raw": RAW}
        reading = chosen_reading(readings, output, self.loss_.label)
        return FittedModule.of_nets(self.members_, self._input_scaler, self._input_shape, reading)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.positive_only = True
        return tags


_ONE_GROUP = (
    "{name} got no groups, so that all {n_rows} rows compete as one. Give fit(X, y, group=...), or the ids as a column"
    f" {QID!r} of a DataFrame, which the steps of a Pipeline keep with set_output(transform='pandas'). If one group is meant, say"
    " group=[{n_rows}]."
)
_MISSING = (
    "{name} was fitted with groups, and score got none: over all rows as one group NDCG is another number. Give score(X, y, group=...). In a"
    f" search put the ids into X, as a column {QID!r} of a DataFrame; or route them: sklearn.set_config(enable_metadata_routing=True),"
    " estimator.set_fit_request(group=True).set_score_request(group=True), and search.fit(X, y, groups=ids, group=ids)."
)
