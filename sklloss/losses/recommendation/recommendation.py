"""Losses for recommendation from interactions: an item that a user took against items not taken.

Shapes::

    raw            (*models, n_samples, 1, 1 + n_negatives)    scores: the item, then sampled items
    y              (*models, n_samples, 1)                     1, since the pair was seen
    sample_weight  (*models, n_samples)

Only differences of scores count. Ratings have the losses for regression.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import POSITIVE, State, Task
from ..rows import RowLoss

N_NEGATIVES = Interval(1, integer=True)
# Euler's constant: digamma(k + 1) + EULER is the k-th harmonic number.
EULER = 0.5772156649015329


class RecommendationLoss(RowLoss):
    """Base of the losses for recommendation from pairs (user, item) without ratings.

    A subclass defines ``of_row(raw, y, state)``, shape (..., n_samples), and has a structural
    parameter ``n_negatives``: the number of items not taken by the user that are sampled for each
    pair, again in each epoch.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class WrongOrder(RecommendationLoss):
    ...     def of_row(self, raw, y, state):
    ...         scores = raw.squeeze(-2)
    ...         return (scores[..., 1:] - scores[..., :1]).sigmoid().mean(-1)
    >>> WrongOrder()(torch.zeros(1, 1, 2), torch.ones(1, 1), {})
    tensor(0.5000)
    """

    task: ClassVar[Task] = "recommendation"
    functional: ClassVar[str] = "order of items"
    # Counts of a pair.
    y_domain = Interval(0)
    # No field of the dataclass, so that subclasses may omit it.
    n_negatives = 1

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return one score for the item of the pair, and one for each sampled item."""
        return 1 + self.n_negatives

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return 0, shape (1, 1), which prefers no item."""
        return sample_weight.new_zeros(1, 1)

    def constant_raw(self, baseline: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the same score for all items, shape (..., n_samples, 1, 1 + n_negatives)."""
        return baseline.unsqueeze(-3).expand(*y.shape, self.n_outputs())


def leads(raw: Tensor) -> Tensor:
    """Return the lead of the item of each pair over the sampled ones.

    Returns
    -------
    Tensor of shape (..., n_samples, n_negatives)
    """
    scores = raw.squeeze(-2)
    return scores[..., :1] - scores[..., 1:]


@dataclass(frozen=True)
class BPR(RecommendationLoss):
    """Bayesian personalised ranking (BPR): the item taken should be preferred to one not taken.

    ``-log σ(s⁺ - s⁻)``, the negative log-probability of that preference, averaged over the sampled
    items, where σ is the logistic function.

    Parameters
    ----------
    n_negatives : int, default=4
        Items sampled per pair, at least 1.

    References
    ----------
    Rendle, S. et al., BPR: Bayesian Personalized Ranking from Implicit Feedback, 2009.

    Examples
    --------
    With equal scores, either item may be preferred:

    >>> import torch
    >>> loss = BPR()
    >>> y = torch.ones(1, 1)
    >>> loss(torch.zeros(1, 1, 5), y, loss.prepare(y, torch.ones(1))).neg().exp()
    tensor(0.5000)
    """

    name: ClassVar[str] = "bpr"
    aliases: ClassVar[tuple[str, ...]] = ("BPRLoss",)
    reference: ClassVar[str] = "Rendle 2009"
    when: ClassVar[str] = (
        "Clicks, purchases or views, without ratings. The first loss to try. A wrong order far"
        " down the list counts as much as one at the top; if only the top is shown, compare warp"
        " and infonce."
    )

    n_negatives: int = parameter(4, N_NEGATIVES, structural=True)

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-log σ(s⁺ - s⁻)``."""
        return functional.softplus(-leads(raw)).mean(-1)

    def gradient(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``σ(s⁻ - s⁺) / n`` for sampled items, and minus their sum for the item taken."""
        of_sampled = (-leads(raw)).sigmoid() / self.n_negatives
        return torch.cat((-of_sampled.sum(-1, keepdim=True), of_sampled), -1).unsqueeze(-2)


@dataclass(frozen=True)
class SampledHinge(RecommendationLoss):
    """Hinge loss on the lead of the item taken over one not taken.

    ``max(0, margin - s⁺ + s⁻)``, averaged over the sampled items. Equal to
    ``torch.nn.MarginRankingLoss``.

    Parameters
    ----------
    margin : float, default=1.0
        The required lead, > 0.
    n_negatives : int, default=4
        Items sampled per pair, at least 1.

    References
    ----------
    Herbrich, R., Graepel, T. and Obermayer, K., Large Margin Rank Boundaries for Ordinal
    Regression, 2000.

    Examples
    --------
    >>> import torch
    >>> loss = SampledHinge(margin=1.0, n_negatives=2)
    >>> y = torch.ones(1, 1)
    >>> loss(torch.tensor([[[2.0, 1.5, 0.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.2500)
    """

    name: ClassVar[str] = "hinge"
    aliases: ClassVar[tuple[str, ...]] = ("margin_ranking", "MarginRankingLoss")
    reference: ClassVar[str] = "Herbrich 2000"
    when: ClassVar[str] = (
        "Like bpr, but pairs that are in order by the margin no longer pull, so that the network"
        " concentrates on the others. It learns little once most sampled items are far behind; warp"
        " then keeps learning."
    )

    margin: float = parameter(1.0, POSITIVE)
    n_negatives: int = parameter(4, N_NEGATIVES, structural=True)

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``max(0, margin - s⁺ + s⁻)``."""
        return (state["margin"] - leads(raw)).clamp(min=0).mean(-1)


@dataclass(frozen=True)
class WARP(RecommendationLoss):
    """Weighted approximate-rank pairwise loss (WARP): a hinge weighted by the estimated rank.

    ``(1 + 1/2 + ... + 1/r) (margin - s⁺ + s⁻)`` with s⁻ the first of the sampled items that comes
    within the margin of s⁺, or 0 if none does. If it is found at draw N, about
    ``r = ⌊(n_items - 1) / N⌋`` of all items come within the margin. The weight is a constant in the
    gradient, as in the paper.

    Parameters
    ----------
    margin : float, default=1.0
        The required lead, > 0.
    n_negatives : int, default=10
        Items sampled per pair, at least 1, among which it looks for one within the margin.

    References
    ----------
    Weston, J., Bengio, S. and Usunier, N., WSABIE: Scaling Up To Large Vocabulary Image Annotation,
    2011.

    Examples
    --------
    The second of four other items is the first within the margin: a rank of 2, and a weight of 1 +
    1/2.

    >>> import torch
    >>> loss = WARP(n_negatives=3)
    >>> y = torch.ones(1, 1)
    >>> state = loss.prepare(y, torch.ones(1), n_classes=5)
    >>> loss(torch.tensor([[[2.0, 0.0, 1.5, 3.0]]]), y, state)
    tensor(0.7500)
    """

    name: ClassVar[str] = "warp"
    reference: ClassVar[str] = "Weston 2011"
    when: ClassVar[str] = (
        "Users see only the first few recommendations: this loss concentrates on the items that"
        " come too close to the top. With more sampled items it searches longer for one."
    )

    margin: float = parameter(1.0, POSITIVE)
    n_negatives: int = parameter(10, N_NEGATIVES, structural=True)

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Add ``n_items``, (1, 1): the number of items, given as `n_classes`."""
        state = super().prepare(y, sample_weight, n_classes)
        n_classes = self._given(n_classes, "n_classes, the number of items, to prepare its state")
        state["n_items"] = sample_weight.new_tensor([[n_classes]])
        return state

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the weight times margin - s⁺ + s⁻ of the first item within the margin."""
        short = state["margin"] - leads(raw)
        is_near = short.detach() > 0
        is_first = is_near & (is_near.cumsum(-1) == 1)
        draw = torch.arange(1, short.shape[-1] + 1, dtype=raw.dtype, device=raw.device)
        rank = ((state["n_items"] - 1) / draw).floor()
        weight = torch.digamma(rank + 1) + EULER
        return (is_first * weight * short).sum(-1)


@dataclass(frozen=True)
class SampledSoftmax(RecommendationLoss):
    """InfoNCE, a sampled softmax: cross-entropy of the item taken among all sampled ones.

    ``-log(exp(s⁺/T) / (exp(s⁺/T) + Σ exp(s⁻/T)))``. Items are sampled uniformly, so none needs a
    correction.

    Parameters
    ----------
    temperature : float, default=1.0
        T, > 0. The smaller it is, the more the closest of the sampled items count. Scores are
        unbounded products whose scale the network learns, so the 0.07 that is usual for cosines is
        far too small here.
    n_negatives : int, default=10
        Items sampled per pair, at least 1.

    References
    ----------
    van den Oord, A., Li, Y. and Vinyals, O., Representation Learning with Contrastive Predictive
    Coding, 2018, arXiv 1807.03748. Wu, J. et al., On the Effectiveness of Sampled Softmax Loss for
    Item Recommendation, 2022, arXiv 2201.02327.

    Examples
    --------
    With equal scores, each of four items may be the one that was taken:

    >>> import torch
    >>> loss = SampledSoftmax(n_negatives=3)
    >>> y = torch.ones(1, 1)
    >>> loss(torch.zeros(1, 1, 4), y, loss.prepare(y, torch.ones(1))).neg().exp()
    tensor(0.2500)
    """

    name: ClassVar[str] = "infonce"
    aliases: ClassVar[tuple[str, ...]] = ("sampled_softmax", "InfoNCELoss")
    reference: ClassVar[str] = "van den Oord 1807.03748; Wu 2201.02327"
    when: ClassVar[str] = (
        "The top of the list counts: the closest sampled items automatically pull most. It"
        " benefits from many sampled items, which take time."
    )

    temperature: float = parameter(1.0, POSITIVE)
    n_negatives: int = parameter(10, N_NEGATIVES, structural=True)

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``log(1 + Σ exp((s⁻ - s⁺) / T))``."""
        behind = -leads(raw) / state["temperature"]
        return functional.pad(behind, (1, 0)).logsumexp(-1)
