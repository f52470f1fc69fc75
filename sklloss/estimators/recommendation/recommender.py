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
    vectors plus the biases.  From what users took alone, without ratings, it learns an order of
    items by one of the losses for recommendation, against items that the user did not take; from
    ratings it learns to predict these, by any loss for regression.

    %(parameters)s

    Attributes
    ----------
    users_, items_ : ndarray
        The labels seen in fit, sorted where they can be.
    popularity_ : ndarray of shape (n_items,)
        The total weight of each item's pairs.
    %(attributes)s

    Notes
    -----
    A pair that is given twice counts twice, as one of weight 2 does; of ratings that contradict
    each other the loss decides what is learned (mse their mean, absolute_error their median).  A
    user or an item that fit has not seen has the vector and the bias 0: `predict` falls back on
    what is known of the other one, and `recommend` on the most popular items.  Hence searches need
    pairs that are shuffled, as by ``cv=KFold(3, shuffle=True)``: where they are sorted by user,
    ``cv=3`` holds out whole users and compares nothing but popularity.

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
            that losses may have.  "bpr", "warp", "hinge" and "infonce" learn an order from pairs
            alone; all others, "mse", "absolute_error", "huber" or "cross_entropy" (on bins of the
            ratings) among them, learn ratings.""",
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
        where there are fewer or for lbfgs).""",
    )
    max_epochs: int = redeclared(
        OptimizationParameters, "max_epochs", default=30, doc="Passes over the pairs, at most."
    )
    weight_decay: Any = redeclared(
        OptimizationParameters,
        "weight_decay",
        default="auto",
        domain=Either(AUTO, NOT_NEGATIVE),
        doc="""Strength of the L2 penalty on the vectors of each pair's user and items, >= 0; "auto"
        is 0.01, and 0.1 for losses of ratings.  It is the first parameter to search over.""",
        kind='float or "auto"',
    )
    scale_target: bool = redeclared(
        TargetScaleParameters,
        "scale_target",
        doc="Whether ratings are scaled inside as the loss allows.",
    )
    n_members: int = redeclared(
        RunParameters,
        "n_members",
        doc="""Networks that are trained, with the seeds random_state, random_state + 1 ...; scores
        are means over them.""",
    )
    score_at: int = parameter(
        20, COUNT, "Length of the list of recommendations that `score` looks at.", kind="int"
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
        """Learn who takes what.

        Parameters
        ----------
        interactions : DataFrame or array-like of shape (n_samples, 2)
            Pairs of a user and an item, labels of any type that hashes: numbers, text, tuples; none
            missing.
        ratings : array-like of shape (n_samples,) or None, default=None
            For losses of ratings, the rating of each pair.  For losses of an order, how often each
            pair was seen or how sure it is, >= 0: it multiplies the weight, and a pair of 0 counts
            as not seen.
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
        return self._train(FitData(interactions, ratings, sample_weight), go_on=self.warm_start)

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
        data = FitData(interactions, ratings, sample_weight, named=(users, items))
        return self._train(data, epochs=1, go_on=True)

    # ------------------------------------------------------------------ use

    def predict(self, interactions: Any) -> np.ndarray:
        """Predict the rating of pairs; with a loss of an order, their scores.

        Parameters
        ----------
        interactions : DataFrame or array-like of shape (n_samples, 2)
            Pairs of a user and an item.  One that fit has not seen counts by the other one, and by
            what all have in common.

        Returns
        -------
        ndarray of shape (n_samples,)
            Ratings on their scale, float64; or scores without a scale, of which only the order for
            a user means something.
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
        """Return the items of the highest scores for each user.

        Parameters
        ----------
        users : sequence of labels or None, default=None
            For whom; None for all that fit has seen.  Those whom it has not seen get the most
            popular items.
        n : int, default=10
            How many items for each; a user who has seen nearly all gets those that are left.
        exclude_seen : bool, default=True
            Whether items that the user took in fit are left out.
        items : sequence of labels or None, default=None
            The only items that are recommended; None is all.  Fit has seen all of them.
        filter_items : sequence of labels or None, default=None
            Items that are recommended to nobody.  Fit has seen all of them.

        Returns
        -------
        DataFrame
            With the columns user, item, score (as `predict` has it; NaN for users never seen) and
            rank, from 1 on.

        Raises
        ------
        ValueError
            If fit has not seen some of `items` or `filter_items`; the message names them.

        Notes
        -----
        Users are taken in slices, so that there are never more than about a million scores at once.
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
        """Return the items whose vectors are most similar to those of some items.

        Parameters
        ----------
        items : sequence of labels
            Items that fit has seen.
        n : int, default=10
            How many similar items for each.
        filter_items : sequence of labels or None, default=None
            Items that are left out of those that are found.

        Returns
        -------
        DataFrame
            With the columns item, similar_item, score and rank, from 1 on.  The score is the cosine
            of the two vectors, without biases, and a mean over members.  Each item is most similar
            to itself, with a score of 1.

        Raises
        ------
        ValueError
            If fit has not seen some of the items; the message names them.
        """
        return self._similar("item", items, n, filter_items)

    def similar_users(self, users: Any, n: int = 10) -> pd.DataFrame:
        """Return the users whose vectors are most similar to those of some users.

        Parameters
        ----------
        users : sequence of labels
            Users that fit has seen.
        n : int, default=10
            How many similar users for each.

        Returns
        -------
        DataFrame
            With the columns user, similar_user, score and rank, as `similar_items` has them.

        Raises
        ------
        ValueError
            If fit has not seen some of the users; the message names them.
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
            With a loss of ratings, R².  With a loss of an order, NDCG@`score_at`, the mean over the
            users of these pairs: the items of the pairs of weight > 0 are to be ranked first among
            themselves and all items that the user did not take in fit.  There weights say no more
            than whether a pair counts.
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
