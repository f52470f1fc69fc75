"""Losses for ranking: the rows of each group should be ordered by relevance.

Shapes::

    raw            (*models, n_groups, size, 1)        a score per row
    y              (*models, n_groups, max_size)       relevance >= 0, -1 after the end of a group
    sample_weight  (*models, n_groups)

A row of the training engine is a group. Groups of different sizes share a tensor, and entries after
the end of a group do not count. ``size`` is the size of the largest group of a batch and may be
less than ``max_size``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import POSITIVE, State, Task
from ..pairs import group_by_group, over_pairs
from ..rows import RaggedLoss
from ..weighted import ratio

# Grades whose gain is 2^y - 1, up to the largest of LightGBM.
GRADES = Interval(0, 31)


class RankingLoss(RaggedLoss):
    """Base of the losses for ranking.

    A subclass defines ``of_group(scores, y, state)``, shape (..., n_groups), from scores and
    relevance of the same shape, (..., n_groups, size). There is a row where y >= 0.
    Hyperparameters in the state are (..., 1, 1).

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class BestRow(RankingLoss):
    ...     def of_group(self, scores, y, state):
    ...         return -(scores.log_softmax(-1) * y.clamp(min=0)).sum(-1)
    >>> BestRow()(torch.zeros(1, 2, 1), torch.tensor([[1.0, 0.0]]), {})
    tensor(0.6931)
    """

    task: ClassVar[Task] = "ranking"
    functional: ClassVar[str] = "order of relevance"
    metric: ClassVar[str | None] = "ndcg_score"
    shapes: ClassVar[tuple[str, str]] = (
        "(*models, n_groups, size, 1)",
        "(*models, n_groups, max_size)",
    )
    y_domain = Interval(0)

    def of_group(self, scores: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the loss of every group, shape (..., n_groups)."""
        raise self._lacking("of_group(scores, y, state)")

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the loss of every group, shape (..., n_groups)."""
        size = min(raw.shape[-2], y.shape[-1])
        return self.of_group(raw[..., :size, 0], y[..., :size], state)

    def shaped(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Add the axis of outputs: (..., n_groups, size) to (..., n_groups, size, 1)."""
        return raw.unsqueeze(-1)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return 0, which prefers no row."""
        return sample_weight.new_zeros(1, 1)


@dataclass(frozen=True)
class RelevanceSquaredError(RankingLoss):
    """Squared error of the relevance, averaged over the rows of a group.

    ``½ mean r²`` with ``r = score - z``, where z is the relevance minus its mean, divided by its
    standard deviation, both over all training rows with equal weight for every group. The score
    elicits the mean relevance, and ``predict`` returns it on the scale of y.

    References
    ----------
    Cossock, D. and Zhang, T., Subset Ranking Using Regression, 2006.

    Examples
    --------
    >>> import torch
    >>> loss = RelevanceSquaredError()
    >>> y = torch.tensor([[0.0, 2.0, -1.0]])  # a group of two rows
    >>> state = loss.prepare(y, torch.ones(1))
    >>> loss(torch.tensor([[[0.0], [1.0], [9.0]]]), y, state)
    tensor(0.2500)
    """

    name: ClassVar[str] = "squared_error"
    aliases: ClassVar[tuple[str, ...]] = ("mse", "MSELoss", "pointwise")
    functional: ClassVar[str] = "mean relevance"
    reference: ClassVar[str] = "Cossock 2006"
    learns_from_y: ClassVar[bool] = True
    when: ClassVar[str] = (
        "The relevance is a number that means the same in every group, such as a rating, and you"
        " want predictions of it as well. It spends effort on the level of groups, which no order"
        " needs."
    )

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Add ``centre`` and ``spread``, mean and standard deviation of the relevance, (1, 1)."""
        state = super().prepare(y, sample_weight, n_classes)
        is_row = y >= 0
        share = sample_weight.unsqueeze(-1) / is_row.sum(-1, keepdim=True) * is_row
        share = share / share.sum()
        centre = (share * y).sum()
        spread = (share * (y - centre) ** 2).sum().sqrt()
        spread = torch.where(spread > 0, spread, torch.ones_like(spread))
        return State({**state, "centre": centre.view(1, 1), "spread": spread.view(1, 1)})

    def of_group(self, scores: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``½ mean r²``."""
        is_row = y >= 0
        residual = (scores - (y - state["centre"]) / state["spread"]) * is_row
        return 0.5 * (residual**2).sum(-1) / is_row.sum(-1)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return the predicted relevance, (..., n_groups, size)."""
        return raw.squeeze(-1) * state["spread"] + state["centre"]


class OrderLoss(RankingLoss):
    """Base of the losses that depend only on the order and the differences of scores.

    A subclass defines ``of_order(scores, y, state)``. A group whose rows are all equally relevant
    has no order, and its loss is 0.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class BestRow(OrderLoss):
    ...     def of_order(self, scores, y, state):
    ...         return -(scores.log_softmax(-1) * y.clamp(min=0)).sum(-1)
    >>> BestRow()(torch.zeros(1, 2, 1), torch.tensor([[1.0, 1.0]]), {})
    tensor(0.)
    """

    def of_group(self, scores: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the loss of every group that has an order, and 0 for the others."""
        return self.of_order(scores, y, state) * has_order(y)

    def of_order(self, scores: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the loss of every group, (..., n_groups), finite even without order."""
        raise self._lacking("of_order(scores, y, state)")


def has_order(y: Tensor) -> Tensor:
    """Return which groups (..., size) have rows of different relevance, shape (...)."""
    return y.amax(-1) > torch.where(y >= 0, y, torch.inf).amin(-1)


def gains(y: Tensor) -> Tensor:
    """Return the gain of finding a row, 2^y - 1, or 0 where there is no row."""
    return torch.exp2(y.clamp(min=0)) - 1


def discounts(places: Tensor) -> Tensor:
    """Return the discount of a position, 1 / log2(position + 1), with positions from 1."""
    return 1 / torch.log2(places + 1)


class PairwiseLoss(OrderLoss):
    """Base of the losses that are means over all pairs of rows of which one is more relevant."""

    def of_pair(self, lead: Tensor, parameter: Tensor) -> Tensor:
        """Return the loss of pairs, given the lead of the more relevant row."""
        raise NotImplementedError

    def of_order(self, scores: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the mean over pairs."""
        (name,) = self.params

        def of_block(i: Sequence[Tensor], j: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
            (y_i, s_i, value), (y_j, s_j, _) = i, j
            is_pair = (y_i > y_j) & (y_j >= 0)
            cost = self.of_pair(s_i - s_j, value) * is_pair
            return cost.sum((1, 2)), is_pair.sum((1, 2), dtype=cost.dtype)

        return group_by_group(
            lambda *items: ratio(*over_pairs(of_block, items)), y, scores, state[name]
        )


@dataclass(frozen=True)
class PairwiseHinge(PairwiseLoss):
    """Hinge loss of pairs: the more relevant row should lead by a margin.

    ``mean max(0, margin - (s_i - s_j))`` over the pairs of a group with y_i > y_j.

    Parameters
    ----------
    margin : float, default=1.0
        The required lead, > 0, in units of the score.

    References
    ----------
    Herbrich, R., Graepel, T. and Obermayer, K., Large Margin Rank Boundaries for Ordinal
    Regression, 2000.

    Examples
    --------
    >>> import torch
    >>> loss = PairwiseHinge()
    >>> y = torch.tensor([[0.0, 2.0, 1.0]])
    >>> loss(torch.tensor([[[0.0], [3.0], [0.5]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.1667)
    """

    name: ClassVar[str] = "hinge"
    aliases: ClassVar[tuple[str, ...]] = ("MarginRankingLoss", "ranksvm")
    reference: ClassVar[str] = "Herbrich 2000"
    when: ClassVar[str] = (
        "Every pair counts the same, whatever its position, and pairs that are clearly in order"
        " should no longer count. Not if only the first few positions matter."
    )

    margin: float = parameter(1.0, POSITIVE)

    def of_pair(self, lead: Tensor, parameter: Tensor) -> Tensor:
        """Return ``max(0, margin - lead)``."""
        return (parameter - lead).clamp(min=0)


@dataclass(frozen=True)
class RankNet(PairwiseLoss):
    """RankNet: cross-entropy of which of two rows is more relevant.

    ``mean log(1 + exp(-sigma (s_i - s_j)))`` over the pairs of a group with y_i > y_j.

    Parameters
    ----------
    sigma : float, default=1.0
        How fast certainty grows with the lead, > 0, per unit of the score.

    References
    ----------
    Burges, C. et al., Learning to Rank Using Gradient Descent, 2005.

    Examples
    --------
    >>> import torch
    >>> loss = RankNet()
    >>> y = torch.tensor([[0.0, 1.0]])
    >>> loss(torch.zeros(1, 2, 1), y, loss.prepare(y, torch.ones(1))).exp()
    tensor(2.)
    """

    name: ClassVar[str] = "ranknet"
    reference: ClassVar[str] = "Burges 2005"
    when: ClassVar[str] = (
        "Every pair counts the same, whatever its position, so the whole order matters. If only"
        " the first positions matter, take lambdarank."
    )

    sigma: float = parameter(1.0, POSITIVE)

    def of_pair(self, lead: Tensor, parameter: Tensor) -> Tensor:
        """Return ``log(1 + exp(-sigma lead))``."""
        return functional.softplus(-parameter * lead)


@dataclass(frozen=True)
class LambdaRank(OrderLoss):
    """LambdaRank: RankNet with pairs weighted by how much swapping them would change the NDCG.

    ``Σ w log(1 + exp(-sigma (s_i - s_j))) / Σ w`` over the pairs of a group with y_i > y_j, where
    ``w = |2^y_i - 2^y_j| |1/log2(1 + p_i) - 1/log2(1 + p_j)|`` is, up to a factor of the group, the
    change of NDCG if rows i and j swap their current positions p, which count from 1. The weights
    follow the scores but are constants in the gradient. Pairs count if one of their rows is among
    the first `truncation`. Rows of equal score keep the order in which they were given.

    The gradients of a group are LightGBM's (``lambdarank_norm=False``) times a positive number:
    since w is divided by its sum, every group counts the same, and the loss is log 2 before
    anything is learned.

    Parameters
    ----------
    sigma : float, default=1.0
        How fast certainty grows with the lead, > 0, per unit of the score.
    truncation : int, default=30
        Number of first positions among which one row of a pair must be, >= 1.

    References
    ----------
    Burges, C., Ragno, R. and Le, Q. V., Learning to Rank with Nonsmooth Cost Functions, 2006.
    Burges, C., From RankNet to LambdaRank to LambdaMART: An Overview, 2010.

    Examples
    --------
    >>> import torch
    >>> loss = LambdaRank()
    >>> y = torch.tensor([[0.0, 1.0]])
    >>> loss(torch.zeros(1, 2, 1), y, loss.prepare(y, torch.ones(1))).exp()
    tensor(2.0000)
    """

    name: ClassVar[str] = "lambdarank"
    reference: ClassVar[str] = "Burges 2006"
    when: ClassVar[str] = (
        "Your score is NDCG: the first positions matter, and highly relevant rows more than"
        " others. The first loss to try; it is also the fastest for large groups."
    )

    y_domain = GRADES

    sigma: float = parameter(1.0, POSITIVE)
    truncation: int = parameter(30, Interval(1, integer=True), structural=True)

    def of_order(self, scores: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``Σwℓ / Σw``."""
        return group_by_group(self._of_groups, y, scores, state["sigma"])

    def _of_groups(self, y: Tensor, scores: Tensor, sigma: Tensor) -> Tensor:
        """Return the loss of groups whose items are (n_groups, size)."""
        # By decreasing score, with ties in their order and padding last.
        known = torch.where(y >= 0, scores.detach(), -torch.inf)
        order = known.argsort(dim=-1, descending=True, stable=True)
        y, scores = y.gather(-1, order), scores.gather(-1, order)
        place = torch.arange(1, y.shape[-1] + 1, dtype=scores.dtype, device=y.device).expand_as(y)
        items = (y, scores, sigma, gains(y), discounts(place))
        return ratio(*over_pairs(_lambda_sums, items, self.truncation))


def _lambda_sums(i: Sequence[Tensor], j: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return Σwℓ and Σw, each (n_groups,), over rows i and the rows after them, sorted by score."""
    (y_i, s_i, sigma, gain_i, discount_i), (y_j, s_j, _, gain_j, discount_j) = i, j
    weight = (gain_i - gain_j).abs() * (discount_i - discount_j).clamp(min=0) * (y_j >= 0)
    lead = (s_i - s_j) * (y_i - y_j).sign()
    cost = weight * functional.softplus(-sigma * lead)
    return cost.sum((1, 2)), weight.sum((1, 2))
