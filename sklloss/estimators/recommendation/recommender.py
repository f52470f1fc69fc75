"""Recommender: matrix factorisation whose loss is a hyperparameter, for clicks as for ratings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from ...parameters.declared import declare, parameter, redeclared
from ...parameters.domains import Either, check_in_domain
from ...parameters.plain import plain
from ..fit.documentation import documented
from ..fit.estimator import NeuralEstimator
from ..fit.loss_parameter import LossParameter
from ..fit.parameters import (
    AUTO,
    BOOL,
    COUNT,
    NOT_NEGATIVE,
    OptimizationParameters,
    RunParameters,
    TargetScaleParameters,
)
from ..inputs.data import FitData
from ..inputs.weights import checked_weights
from .interactions import Interactions, Pairs
from .labels import Numbering, listed
from .metrics import ndcg_at
from .ratings import Counts, Ratings, check_given, checked_counts, checked_ratings
from .similarity import most_similar
from .top_items import TopItems, table_of

if TYPE_CHECKING:
    import pandas as pd


@documented
@dataclass(kw_only=True, eq=False, repr=False)
class Recommender(TargetScaleParameters, NeuralEstimator):
    """Matrix factorisation that recommends items to users, trained on the loss of your choice.

    Every user and every item has a vector and a bias; the score of a pair is the product of the
    vectors plus the biases.  From clicks or purchases without ratings, it learns to rank the items
    that a user took above sampled other items, with a loss for recommendation.  From ratings it
    learns to predict ratings, with any loss for regression.

    %(parameters)s

    Attributes
    ----------
    users_, items_ : ndarray
        The labels seen in `fit`, sorted if they can be compared.
    popularity_ : ndarray of shape (n_items,)
        Total weight of the pairs of each item.
    %(attributes)s

    Notes
    -----
    A repeated pair counts like a pair of weight 2.  If a pair has several ratings, the loss decides
    what is learned: their mean with mse, their median with absolute_error.  Users and items not
    seen in `fit` have vector and bias 0, so that `predict` uses only what is known of the other one
    and `recommend` returns the most popular items.  Shuffle the pairs in a search, for example by
    ``cv=KFold(3, shuffle=True)``: if they are sorted by user, ``cv=3`` holds out whole users, and
    their scores depend on popularity alone.

    Examples
    --------
    >>> pairs = [(user, item) for user in "abcdef" for item in range(8) if (ord(user) + item) % 2]
    >>> held_out = pairs.pop(1)
    >>> model = Recommender(n_factors=8, random_state=0).fit(pairs)
    >>> model.recommend([held_out[0]], n=1).item.tolist() == [held_out[1]]
    True
    """

    _loss: ClassVar[LossParameter] = LossParameter("recommendation")
    # What `score` returns, by the task of the loss: a search does not compare the two.
    _score_is: ClassVar[Mapping[str, str]] = {"recommendation": "NDCG", "regression": "R²"}
    module: ClassVar[str] = "factors"

    loss: Any = field(
        default="bpr",
        kw_only=False,
        metadata=declare(
            """What is minimised: a name of ``list_losses("recommendation")``, or any other form
            that `NeuralRegressor` takes.  "bpr", "warp", "hinge" and "infonce" learn an order of
            items from pairs without ratings.  All other losses learn ratings, such as "mse",
            "absolute_error", "huber" or "cross_entropy" (on bins of the ratings).""",
            kind="str or Loss",
        ),
    )
    n_factors: int = parameter(
        64, COUNT, "Length of the vectors of users and items.", kind="int", fixed=True, shared=True
    )
    lr: float | str = redeclared(OptimizationParameters, "lr", default=0.005)
    batch_size: int | str = redeclared(
        OptimizationParameters,
        "batch_size",
        doc="""Pairs per step; "auto" is a fiftieth of the pairs, between 200 and 1024 (all pairs,
        if there are fewer or for lbfgs).""",
    )
    max_epochs: int = redeclared(
        OptimizationParameters,
        "max_epochs",
        default=30,
        doc="Maximum number of passes over the pairs.",
    )
    weight_decay: Any = redeclared(
        OptimizationParameters,
        "weight_decay",
        default="auto",
        domain=Either(AUTO, NOT_NEGATIVE),
        doc="""Strength of the L2 penalty on the vectors of each pair's user and items, >= 0; "auto"
        is 0.01, or 0.1 for losses of ratings.  It is the first parameter to tune.""",
        kind='float or "auto"',
    )
    scale_target: bool = redeclared(
        TargetScaleParameters,
        "scale_target",
        doc="Whether ratings are scaled internally, as far as the loss allows.",
    )
    n_members: int = redeclared(
        RunParameters,
        "n_members",
        doc="""Number of models that are trained, with the seeds random_state, random_state + 1 ...;
        scores are means over them.""",
    )
    score_at: int = parameter(
        20, COUNT, "Number of recommendations per user that `score` evaluates.", kind="int"
    )

    @property
    def _inputs(self) -> Interactions:
        return Interactions(n_factors=self.n_factors)

    @property
    def _target(self) -> Ratings:
        """Counts where the loss learns an order of items; ratings also where it does not resolve."""
        with suppress(TypeError, ValueError):
            if self._loss.resolved(self).task == self._loss.task:
                return Counts()
        return Ratings(self.scale_target)

    # ------------------------------------------------------------------ fit

    def fit(self, interactions: Any, ratings: Any = None, sample_weight: Any = None) -> Recommender:
        """Learn from pairs of users and items.

        Parameters
        ----------
        interactions : DataFrame or array-like of shape (n_samples, 2)
            Pairs of a user and an item, labels of any hashable type such as numbers, strings or
            tuples, without missing values.
        ratings : array-like of shape (n_samples,) or None, default=None
            For losses of ratings, the rating of each pair.  For losses of an order, the count or
            confidence of each pair, >= 0, which multiplies its weight; a pair with 0 counts as not
            seen.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the pairs, >= 0.  A pair of weight 2 counts as two equal pairs, one of weight
            0 as none.

        Returns
        -------
        self
            The estimator itself.

        Raises
        ------
        ValueError, TypeError
            If the data or a parameter is invalid; the message names the row or the parameter.
        FloatingPointError
            If training diverges to NaN or infinity.
        """
        return self._train(FitData(interactions, ratings, sample_weight), go_on=self.warm_start)

    def partial_fit(
        self,
        interactions: Any,
        ratings: Any = None,
        users: Any = None,
        items: Any = None,
        sample_weight: Any = None,
    ) -> Recommender:
        """Train for one epoch; the pairs of earlier calls still count as seen.

        Parameters
        ----------
        interactions : DataFrame or array-like of shape (n_samples, 2)
            Pairs, as in `fit`.
        ratings : array-like of shape (n_samples,) or None, default=None
            Ratings or counts, as in `fit`.
        users, items : sequence or None, default=None
            In the first call, further labels that later calls may contain.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights, as in `fit`.

        Returns
        -------
        self
            The estimator itself.
        """
        data = FitData(interactions, ratings, sample_weight, named=(users, items))
        return self._train(data, epochs=1, go_on=True)

    # ------------------------------------------------------------------ use

    def predict(self, interactions: Any) -> np.ndarray:
        """Predict the ratings of pairs, or their scores with a loss of an order.

        Parameters
        ----------
        interactions : DataFrame or array-like of shape (n_samples, 2)
            Pairs of a user and an item.  If `fit` has not seen one of the two, the prediction uses
            only the other one.

        Returns
        -------
        ndarray of shape (n_samples,)
            Ratings in their units, float64; or scores, of which only the order within a user has a
            meaning.
        """
        return self._answer("predict", interactions)

    def recommend(
        self,
        users: Any = None,
        n: int = 10,
        exclude_seen: bool = True,
        items: Any = None,
        filter_items: Any = None,
    ) -> pd.DataFrame:
        """Return the items with the highest scores for each user.

        Parameters
        ----------
        users : sequence of labels or None, default=None
            The users; None for all users of `fit`.  Unknown users get the most popular items.
        n : int, default=10
            Number of items per user; fewer if not as many are left.
        exclude_seen : bool, default=True
            Whether to leave out items that the user took in `fit`.
        items : sequence of labels or None, default=None
            Recommend only these items, which `fit` must have seen; None for all.
        filter_items : sequence of labels or None, default=None
            Items to leave out, which `fit` must have seen.

        Returns
        -------
        DataFrame
            Columns user, item, score (as from `predict`; NaN for unknown users) and rank, starting
            at 1.

        Raises
        ------
        ValueError
            If `fit` has not seen some of `items` or `filter_items`; the message names them.

        Notes
        -----
        Users are processed in slices, so that at most about a million scores are in memory.
        """
        check_is_fitted(self, "net_")
        check_in_domain("recommend", "n", n, COUNT, "The default is n=10.")
        remedy = "The default is exclude_seen=True."
        check_in_domain("recommend", "exclude_seen", plain(exclude_seen), BOOL, remedy)
        known = self._learned.inputs
        column = known.users.values if users is None else listed("recommend", users)
        may_be = known.items.chosen("recommend", items, filter_items)
        numbers = known.users.encode(column)
        found = self._top.of_users(numbers, n, exclude_seen, may_be=may_be)
        return table_of(("user", "item"), column, known.items.array, list(found))

    def similar_items(self, items: Any, n: int = 10, filter_items: Any = None) -> pd.DataFrame:
        """Return the items that are most similar to each of the given items.

        Parameters
        ----------
        items : sequence of labels
            Items, which `fit` must have seen.
        n : int, default=10
            Number of similar items for each.
        filter_items : sequence of labels or None, default=None
            Items to leave out of the result.

        Returns
        -------
        DataFrame
            Columns item, similar_item, score and rank, starting at 1.  The score is the cosine of
            the two vectors, without biases, averaged over members.  Each item is most similar to
            itself, with score 1.

        Raises
        ------
        ValueError
            If `fit` has not seen some of the items; the message names them.
        """
        return self._similar("item", items, n, filter_items)

    def similar_users(self, users: Any, n: int = 10) -> pd.DataFrame:
        """Return the users that are most similar to each of the given users.

        Parameters
        ----------
        users : sequence of labels
            Users, which `fit` must have seen.
        n : int, default=10
            Number of similar users for each.

        Returns
        -------
        DataFrame
            Columns user, similar_user, score and rank, as in `similar_items`.

        Raises
        ------
        ValueError
            If `fit` has not seen some of the users; the message names them.
        """
        return self._similar("user", users, n)

    def _similar(self, noun: str, labels: Any, n: int, without: Any = None) -> pd.DataFrame:
        """Return what `similar_items` or `similar_users` does, given the noun."""
        check_is_fitted(self, "net_")
        who = f"similar_{noun}s"
        check_in_domain(who, "n", n, COUNT, "The default is n=10.")
        known: Numbering = getattr(self._learned.inputs, f"{noun}s")
        asked, may_be = listed(who, labels, noun), known.chosen(who, None, without)
        tables = [getattr(net.module_, f"{noun}_table") for net in self.members_]
        found = list(most_similar(tables, known.numbers_of(who, asked), n, may_be))
        return table_of((noun, f"similar_{noun}"), asked, known.array, found)

    def score(self, interactions: Any, ratings: Any = None, sample_weight: Any = None) -> float:
        """Return R² with a loss of ratings, or NDCG with a loss of an order.

        Parameters
        ----------
        interactions : DataFrame or array-like of shape (n_samples, 2)
            Pairs of a user and an item.
        ratings : array-like of shape (n_samples,) or None, default=None
            Ratings or counts, as in `fit`.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the pairs, >= 0.

        Returns
        -------
        float
            With a loss of ratings, R².  With a loss of an order, the mean over users of the NDCG of
            the first `score_at` recommendations.  A user's items of weight > 0 in these pairs
            should be ranked above all other items that the user did not take in `fit`; the size of
            the weight has no effect.
        """
        check_is_fitted(self, "net_")
        if self.loss_.task == self._loss.task:
            return self._ndcg(interactions, ratings, sample_weight)
        check_given(self.loss_.label, ratings)
        predicted = self.predict(interactions)
        truth = checked_ratings(ratings, len(predicted))
        weights = checked_weights(sample_weight, truth)
        return float(r2_score(truth, predicted, sample_weight=weights))

    def _ndcg(self, interactions: Any, counts: Any, sample_weight: Any) -> float:
        """Return the mean NDCG@`score_at` over the users of pairs."""
        self._check_param("score_at")
        pairs = Pairs.of(interactions)
        weights = np.ones(len(pairs)) if counts is None else checked_counts(counts, len(pairs))
        weights = weights * checked_weights(sample_weight, weights)
        numbers = self._learned.inputs.numbers(pairs)
        users, taken = pairs.by_user(numbers, np.flatnonzero(weights))
        top = self._top.of_users(users, self.score_at, wanted=taken)
        return ndcg_at(taken, [ranked.tolist() for ranked, _ in top], self.score_at)

    @property
    def _top(self) -> TopItems:
        return TopItems(self.members_, self._answers["predict"], self._learned.inputs)
