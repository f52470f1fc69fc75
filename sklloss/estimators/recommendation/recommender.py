"""Recommender: matrix factorisation whose loss is a hyperparameter, for clicks as for ratings."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ...losses.base import Loss, Task
from ...losses.resolve import get_loss
from ...modules.recommendation.factors import Factors
from ...modules.recommendation.generalized_factors import GeneralizedFactors
from ...parameters.domains import Choice, Domain, Either, check_arguments
from ...parameters.plain import plain
from ...training import LossNet, NegativeSampler, Rows, TrainingSet, rows
from ..fit.nets import Start
from ..fit.parameters import BOOL, COUNT, DOMAINS
from ..fit.prepared import Shelf
from ..fit.sample import Sample
from ..inputs.weights import checked_weights
from ..targets.scaled_targets import ScaledTargets
from .interactions import (
    Labels,
    Taken,
    check_given,
    checked_counts,
    checked_ratings,
    columns_of,
    listed,
    names_of,
)
from .metrics import ndcg_at
from .top_items import TopItems, table_of

if TYPE_CHECKING:
    import pandas as pd

RECOMMENDED: dict[str, Domain] = {"n": COUNT, "exclude_seen": BOOL}
DECAY_OF_ORDER, DECAY_OF_RATINGS = 0.01, 0.1  # of weight_decay="auto"


class Recommender(ScaledTargets):
    """Matrix factorisation that recommends items to users, trained on the loss of your choice.

    Every user and every item has a vector and a bias; the score of a pair is the product of the vectors plus the biases.  From what
    users took alone, without ratings, it learns an order of items by one of the losses for recommendation, against items that the
    user did not take; from ratings it learns to predict these, by any loss for regression.

    Parameters
    ----------
    loss : str or Loss, default="bpr"
        What is minimised: a name of ``list_losses("recommendation")``, or any other form that losses may have.  "bpr", "warp", "hinge"
        and "infonce" learn an order from pairs alone; all others, "mse", "absolute_error", "huber" or "cross_entropy" (on bins
        of the ratings) among them, learn ratings.
    n_factors : int, default=64
        Length of the vectors of users and items.
    optimizer, optimizer_params, max_epochs
        As in `NeuralRegressor`; `max_epochs` is 30.
    lr : float or "auto", default=0.005
        Learning rate, > 0.
    batch_size : int or "auto", default="auto"
        Pairs per step, as in `NeuralRegressor`.
    weight_decay : float or "auto", default="auto"
        Strength of the L2 penalty on the vectors of each pair's user and items, >= 0; "auto" is 0.01, and 0.1 for losses of ratings.  It
        is the first parameter to search over.
    scale_target : bool, default=True
        Whether ratings are scaled inside as the loss allows.
    score_at : int, default=20
        Length of the list of recommendations that `score` looks at.
    early_stopping, validation_fraction, n_iter_no_change, tol
        As in `NeuralRegressor`.
    dtype, callbacks, device, warm_start, random_state, verbose
        As in `NeuralRegressor`.
    n_members : int, default=1
        Networks that are trained, with the seeds random_state, random_state + 1 ...; scores are means over them.

    Attributes
    ----------
    users_, items_ : ndarray
        The labels seen in fit, sorted where they can be.
    popularity_ : ndarray of shape (n_items,)
        The total weight of each item's pairs.
    loss_, loss_state_, net_, members_, history_, n_iter_, n_features_in_
        As in `NeuralRegressor`.

    Notes
    -----
    A pair that is given twice counts twice, as one of weight 2 does; of ratings that contradict each other the loss decides what is
    learnt (mse their mean, absolute_error their median).  Whom or what fit has not seen has the vector and the bias 0: `predict` falls
    back on what is known of the other one, and `recommend` on the most popular items.  Hence searches need pairs that are shuffled, as
    by ``cv=KFold(3, shuffle=True)``: where they are sorted by user, ``cv=3`` holds out whole users and compares nothing but popularity.

    Examples
    --------
    >>> pairs = [(user, item) for user in "abcdef" for item in range(8) if (ord(user) + item) % 2]
    >>> held_out = pairs.pop(1)
    >>> model = Recommender(n_factors=8, random_state=0).fit(pairs)
    >>> model.recommend([held_out[0]], n=1).item.tolist() == [held_out[1]]
    True
    """

    _task: Task = "recommendation"
    _score_is = MappingProxyType({"recommendation": "NDCG", "regression": "R²"})
    _own_domains = MappingProxyType(
        {"weight_decay": Either(Choice("auto"), DOMAINS["weight_decay"])}
    )
    module: Any = "factors"
    users_: np.ndarray
    items_: np.ndarray
    _users: Labels
    _items: Labels
    _seen: sparse.csr_array
    _named: tuple[Any, Any] = (None, None)  # labels that later calls of partial_fit may bring
    _columns: list[Any] | None

    def __init__(
        self,
        loss: Any = "bpr",
        *,
        n_factors: int = 64,
        optimizer: Any = "adam",
        optimizer_params: dict[str, Any] | None = None,
        lr: float | str = 0.005,
        batch_size: int | str = "auto",
        max_epochs: int = 30,
        weight_decay: float | str = "auto",
        scale_target: bool = True,
        score_at: int = 20,
        early_stopping: bool = False,
        validation_fraction: Any = 0.1,
        n_iter_no_change: float = 10,
        tol: float = 1e-4,
        dtype: str = "auto",
        callbacks: Any = None,
        device: str = "cpu",
        warm_start: bool = False,
        random_state: Any = None,
        n_members: int = 1,
        verbose: int = 0,
    ) -> None:
        self.loss = loss
        self.n_factors = n_factors
        self.optimizer = optimizer
        self.optimizer_params = optimizer_params
        self.lr = lr
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.weight_decay = weight_decay
        self.scale_target = scale_target
        self.score_at = score_at
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.dtype = dtype
        self.callbacks = callbacks
        self.device = device
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_members = n_members
        self.verbose = verbose

    # ------------------------------------------------------------------ fit

    def fit(self, interactions: Any, ratings: Any = None, sample_weight: Any = None) -> Recommender:
        """Learn who takes what.

        Parameters
        ----------
        interactions : DataFrame or array-like of shape (n_samples, 2)
            Pairs of a user and an item, labels of any type that hashes: numbers, text, tuples; none missing.
        ratings : array-like of shape (n_samples,) or None, default=None
            For losses of ratings, the rating of each pair.  For losses of an order, how often each pair was seen or how sure it is,
            >= 0: it multiplies the weight, and a pair of 0 counts as not seen.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights >= 0 of the pairs; weight 2 is a pair given twice, weight 0 one left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If data or parameters are outside what is allowed; the message names which row.
        FloatingPointError
            If training turns NaN or infinite.
        """
        with self._unchanged_by_failure():
            self._named = (None, None)
            return self._fit(interactions, ratings, sample_weight)

    def partial_fit(
        self,
        interactions: Any,
        ratings: Any = None,
        users: Any = None,
        items: Any = None,
        sample_weight: Any = None,
    ) -> Recommender:
        """Train for one epoch on these pairs; what was seen in earlier calls stays seen.

        Parameters
        ----------
        interactions, ratings, sample_weight
            As in `fit`.
        users, items : sequence or None, default=None
            In the first call, labels that later calls may bring beside those of its own pairs.

        Returns
        -------
        self
        """
        with self._unchanged_by_failure():
            if hasattr(self, "net_"):
                self._users.check_named(users)
                self._items.check_named(items)
            else:
                self._named = (users, items)
            return self._fit_one_epoch(interactions, ratings, sample_weight)

    def _given(
        self, X: Any, y: Any, sample_weight: Any, first: bool
    ) -> tuple[Any, np.ndarray | None, Any]:
        """Turn counts into weights, where the loss is one of an order."""
        loss = self._checked_loss()
        if loss.task == self._task and y is not None:
            counts = checked_counts(y, len(columns_of(X)[0]))
            return X, None, counts * checked_weights(sample_weight, counts)
        if loss.task != self._task:
            check_given(loss.label, y)
        return X, y, sample_weight

    def _validated(self, X: Any, y: Any, first: bool, shelf: Shelf) -> tuple[Any, np.ndarray]:
        pairs = self._encoded(X)
        ratings = np.ones(len(pairs)) if y is None else checked_ratings(y, len(pairs))
        return pairs, ratings[:, None]

    def _learn_labels(self, X: Any, kept: Sequence[int]) -> None:
        """Number the users and items of the rows that count."""
        columns = ([column[k] for k in kept] for column in columns_of(X))
        named = zip(("user", "item"), columns, self._named, strict=True)
        self._users, self._items = (Labels.of(*each) for each in named)
        self.users_, self.items_ = self._users.array, self._items.array
        self.n_features_in_, self._input_shape = 2, (2,)
        self._columns = names_of(X)

    def _encoded(self, X: Any) -> np.ndarray:
        """Return the numbers of users and items, (n_samples, 2); -1 for those never seen."""
        names = names_of(X)
        if names is not None and self._columns is not None and names != self._columns:
            raise ValueError(
                f"interactions have the columns {names}, and those of fit were {self._columns}. Put users first and items second, under"
                " the same names."
            )
        users, items = columns_of(X)
        return np.column_stack((self._users.encode(users), self._items.encode(items)))

    def _sample(
        self, X: Any, y: Any, sample_weight: Any, loss: Loss, first: bool, shelf: Shelf
    ) -> Sample:
        users, items = columns_of(X)
        if first:
            self._learn_labels(X, np.flatnonzero(checked_weights(sample_weight, users)).tolist())
        sample = super()._sample(X, y, sample_weight, loss, first, shelf)
        self._users.check_known(sample.X[:, 0], users, sample.kept)
        self._items.check_known(sample.X[:, 1], items, sample.kept)
        shape = len(self._users), len(self._items)
        seen = sparse.coo_array((sample.row_weight, (*sample.X.T,)), shape=shape).tocsr()
        self._seen = seen if first else sparse.csr_array(self._seen + seen)
        self.popularity_ = np.asarray(self._seen.sum(0), dtype=np.float64)
        return sample

    def _encode(self, y: np.ndarray, first: bool) -> np.ndarray:
        return np.array(y)  # that of a DataFrame cannot be written

    def _check_suits(self, loss: Any, sample: Sample) -> None:
        if loss.task != self._task:
            super()._check_suits(loss, sample)

    def _features(self, sample: Sample, shelf: Shelf, first: bool) -> Rows:
        key = ("pairs", *sample.identity_of_inputs, self._dtype, self._device())
        return shelf.once(key, lambda: rows(sample.X, self._dtype, self._device()), keep=sample.X)

    def _scaling_of(self, loss: Any) -> str:
        return "none" if loss.task == self._task else super()._scaling_of(loss)

    @property
    def _is_of_order(self) -> bool:
        """Whether the loss learns an order of items, not ratings."""
        return get_loss(self.loss, task=self._task).task == self._task

    @property
    def _n_classes(self) -> int | None:
        return len(self._items) if self._is_of_order else None

    def _built(self, start: Start, source: torch.Generator) -> nn.Module:
        shape = len(self._users), len(self._items), self.n_factors
        width = start.baseline.numel()
        if width == 1:
            return Factors(*shape, source)
        return GeneralizedFactors(*shape, width, source)

    def _weight_decay(self) -> float:
        if self.weight_decay != "auto":
            return super()._weight_decay()
        return DECAY_OF_ORDER if self._is_of_order else DECAY_OF_RATINGS

    def _batch_change(self, data: TrainingSet) -> NegativeSampler | None:
        """Return what draws items that users did not take; those of rows set aside may be drawn in training."""
        loss: Any = get_loss(self.loss, task=self._task)
        if not self._is_of_order:
            return None
        users, items = self._seen.nonzero()
        at_all = torch.from_numpy(np.sort(users.astype(np.int64) * len(self._items) + items))
        at_all = taken = at_all.to(data.y.device)
        if data.valid is not None:
            train, valid = (self._keys(data.X.take(part)) for part in (data.train, data.valid))
            set_aside = valid[~torch.isin(valid, train)]
            taken = at_all[~torch.isin(at_all, set_aside)]
        return NegativeSampler(len(self._items), loss.n_negatives, taken, at_all)

    def _keys(self, pairs: Tensor) -> Tensor:
        """Return one number for each pair."""
        user, item = pairs.long().unbind(1)
        return user * len(self._items) + item

    # ------------------------------------------------------------------ use

    def predict(self, interactions: Any) -> np.ndarray:
        """Predict the rating of pairs; with a loss of an order, their scores.

        Parameters
        ----------
        interactions : DataFrame or array-like of shape (n_samples, 2)
            Pairs of a user and an item.  One that fit has not seen counts by the other one, and by what all have in common.

        Returns
        -------
        ndarray of shape (n_samples,)
            Ratings on their scale, float64; or scores without a scale, of which only the order for a user means something.
        """
        check_is_fitted(self, "net_")
        pairs = torch.from_numpy(self._encoded(interactions))
        said = self._mean_said(pairs, lambda raw, state: self.loss_.predict(raw, state).double())
        return self._target_scaler.inverse_transform(said.numpy())[:, 0]

    def recommend(self, users: Any = None, n: int = 10, exclude_seen: bool = True) -> pd.DataFrame:
        """Return the items of the highest scores for each user.

        Parameters
        ----------
        users : sequence of labels or None, default=None
            For whom; None for all that fit has seen.  Those whom it has not seen get the most popular items.
        n : int, default=10
            How many items for each; a user who has seen nearly all gets those that are left.
        exclude_seen : bool, default=True
            Whether items that the user took in fit are left out.

        Returns
        -------
        DataFrame
            With the columns user, item, score (as `predict` has it; NaN for users never seen) and rank, from 1 on.

        Notes
        -----
        Users are taken in slices, so that there are never more than about a million scores at once.
        """
        check_is_fitted(self, "net_")
        given = {"n": n, "exclude_seen": plain(exclude_seen)}
        check_arguments(Recommender.recommend, "recommend", given, RECOMMENDED)
        column = self._users.values if users is None else listed("recommend", users)
        found = self._top.of_users(self._users.encode(column), n, exclude_seen)
        return table_of(column, self.items_, list(found))

    def score(self, interactions: Any, ratings: Any = None, sample_weight: Any = None) -> float:
        """Return how good the model is on other pairs: the higher, the better.

        Parameters
        ----------
        interactions : DataFrame or array-like of shape (n_samples, 2)
            Pairs of a user and an item.
        ratings : array-like of shape (n_samples,) or None, default=None
            As in `fit`.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights >= 0 of the pairs.

        Returns
        -------
        float
            With a loss of ratings, R².  With a loss of an order, NDCG@`score_at`, the mean over the users of these pairs: the items of
            the pairs of weight > 0 are to be ranked first among themselves and all items that the user did not take in fit.  There
            weights say no more than whether a pair counts.
        """
        check_is_fitted(self, "net_")
        if self.loss_.task != self._task:
            check_given(self.loss_.label, ratings)
            predicted = self.predict(interactions)
            truth = checked_ratings(ratings, len(predicted))
            weights = checked_weights(sample_weight, truth)
            return float(r2_score(truth, predicted, sample_weight=weights))
        self._check_param("score_at", self.score_at, DOMAINS["score_at"])
        users, items = columns_of(interactions)
        weights = np.ones(len(users)) if ratings is None else checked_counts(ratings, len(users))
        weights = weights * checked_weights(sample_weight, weights)
        pairs, kept = self._encoded(interactions), np.flatnonzero(weights)
        taken = Taken.of(pairs[kept], [users[k] for k in kept], [items[k] for k in kept])
        top = self._top.of_users(taken.users, self.score_at, wanted=taken.known)
        return ndcg_at(taken.items, [ranked.tolist() for ranked, _ in top], self.score_at)

    @property
    def _top(self) -> TopItems:
        n_outputs = self.net_.criterion_.constant.shape[-1]
        return TopItems(self._scores, self._seen, self.popularity_, n_outputs)

    def _scores(self, users: Tensor) -> Tensor:
        """Return what `predict` says of users (n,) with all items, (n, n_items)."""
        said = torch.stack([self._scores_of_member(net, users) for net in self.members_]).mean(0)
        return torch.from_numpy(self._target_scaler.inverse_transform(said.numpy()))

    def _scores_of_member(self, net: LossNet, users: Tensor) -> Tensor:
        module: Any = net.module_
        with torch.no_grad():
            raw = module.of_all_items(users.to(module.user_table.device))  # (n, n_items, n_outputs)
            state = self.loss_.readable(net.criterion_.state)
            said = self.loss_.predict(raw.flatten(0, 1)[None, :, None], state)
        return said.double().view(len(users), -1).cpu()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = True
        tags.input_tags.three_d_array = tags.input_tags.sparse = False
        return tags
