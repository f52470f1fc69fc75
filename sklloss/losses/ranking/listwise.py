"""Losses for ranking that compare all rows of a group at once.

Shapes are those of `sklloss.losses.ranking.ranking`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ...parameters.declared import parameter
from ..base import POSITIVE, State
from ..pairs import group_by_group, over_pairs
from ..weighted import ratio
from .ranking import GRADES, OrderLoss, discounts, gains

# Scores of padding are minus this, far below all others.
FAR = 1e30


@dataclass(frozen=True)
class ListNet(OrderLoss):
    """ListNet: cross-entropy between two distributions over the first row.

    ``-Σ softmax(y)_i log softmax(s)_i`` over the rows of a group.

    References
    ----------
    Cao, Z. et al., Learning to Rank: From Pairwise Approach to Listwise Approach, 2007.

    Examples
    --------
    >>> import torch
    >>> loss = ListNet()
    >>> y = torch.tensor([[0.0, 1.0]])
    >>> loss(torch.zeros(1, 2, 1), y, loss.prepare(y, torch.ones(1))).exp()
    tensor(2.)
    """

    name: ClassVar[str] = "listnet"
    reference: ClassVar[str] = "Cao 2007"
    when: ClassVar[str] = (
        "The few most relevant rows of a group should come first, and the order of the rest"
        " matters little; a unit of relevance counts as a factor of e. Fast."
    )

    def of_order(self, scores: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-Σ softmax(y) log softmax(s)``."""
        is_row = y >= 0
        log_p = torch.where(is_row, scores, -FAR).log_softmax(-1)
        return -(torch.where(is_row, y, -FAR).softmax(-1) * log_p).sum(-1)


@dataclass(frozen=True)
class ListMLE(OrderLoss):
    """ListMLE: negative log-likelihood of the order of relevance in the Plackett-Luce model.

    ``mean log(1 + Σ_k exp(s_k - s_i))``, where k runs over the rows of the group that are less
    relevant than row i, and the mean is over the rows i that are not the least relevant. Rows of
    equal relevance do not compete, so their order does not matter. Without ties it is the
    likelihood of the single correct order.

    References
    ----------
    Xia, F. et al., Listwise Approach to Learning to Rank: Theory and Algorithm, 2008.

    Examples
    --------
    >>> import torch
    >>> loss = ListMLE()
    >>> y = torch.tensor([[0.0, 2.0, 1.0]])  # one of six orders
    >>> loss(torch.zeros(1, 3, 1), y, loss.prepare(y, torch.ones(1))).mul(-2).exp()
    tensor(0.1667)
    """

    name: ClassVar[str] = "listmle"
    aliases: ClassVar[tuple[str, ...]] = ("plackett_luce",)
    reference: ClassVar[str] = "Xia 2008"
    when: ClassVar[str] = (
        "The whole order matters, each position as much as any other, and the relevance has many"
        " levels. Fast, also for large groups."
    )

    def of_order(self, scores: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``mean log(1 + Σ exp(s_k - s_i))``."""
        # Padding comes first.
        y, order = y.sort(-1)
        scores = torch.where(y >= 0, scores.gather(-1, order), -FAR)
        # The number of less relevant rows.
        below = torch.searchsorted(y, y)
        summed = functional.pad(scores.logcumsumexp(-1), (1, 0), value=-FAR).gather(-1, below)
        competes = y > torch.where(y >= 0, y, torch.inf).amin(-1, keepdim=True)
        cost = functional.softplus(torch.where(competes, summed - scores, 0)) * competes
        return cost.sum(-1) / competes.sum(-1).clamp(min=1)


@dataclass(frozen=True)
class ApproxNDCG(OrderLoss):
    """ApproxNDCG: one minus the NDCG with smooth positions instead of whole ones.

    ``1 - Σ (2^y_i - 1) / log2(1 + p_i) / max`` with ``p_i = 1 + Σ_j σ((s_j - s_i) / temperature)``,
    where max is the sum for the best order. It lies in [0, 1].

    Parameters
    ----------
    temperature : float, default=0.1
        How far scores must be apart for their positions to be nearly whole numbers, > 0, in units
        of the score.

    References
    ----------
    Qin, T., Liu, T.-Y. and Li, H., A General Approximation Framework for Direct Optimization of
    Information Retrieval Measures, 2010.

    Examples
    --------
    >>> import torch
    >>> loss = ApproxNDCG()
    >>> y = torch.tensor([[0.0, 1.0]])
    >>> loss(torch.tensor([[[0.0], [9.0]]]), y, loss.prepare(y, torch.ones(1))).round(decimals=3)
    tensor(0.)
    """

    name: ClassVar[str] = "approx_ndcg"
    aliases: ClassVar[tuple[str, ...]] = ("ndcg",)
    reference: ClassVar[str] = "Qin 2010"
    when: ClassVar[str] = (
        "Your score is NDCG and you have tried lambdarank: this loss optimises a smooth version of"
        " the score itself, and gets stuck near its start more easily. A larger temperature learns"
        " from more rows."
    )

    y_domain = GRADES

    temperature: float = parameter(0.1, POSITIVE)

    def of_order(self, scores: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``1 - DCG / max``."""
        return group_by_group(_smooth_ndcg_lost, y, scores, state["temperature"])


def _smooth_ndcg_lost(y: Tensor, scores: Tensor, temperature: Tensor) -> Tensor:
    """Return 1 - smooth NDCG of groups whose items are (n_groups, size)."""
    gain = gains(y)
    place = torch.arange(1, y.shape[-1] + 1, dtype=scores.dtype, device=y.device)
    best = (gain.sort(-1, descending=True).values * discounts(place)).sum(-1)
    (found,) = over_pairs(_smooth_dcg, (y, scores, temperature, gain))
    return 1 - ratio(found, best)


def _smooth_dcg(i: Sequence[Tensor], j: Sequence[Tensor]) -> tuple[Tensor]:
    """Return Σ gain / log2(1 + position) over rows i, ranked among rows j, (n_groups,)."""
    (_, s_i, temperature, gain_i), (y_j, s_j, _, _) = i, j
    before = torch.sigmoid((s_j - s_i) / temperature) * (y_j >= 0)
    # A row counts as half before itself.
    place = 0.5 + before.sum(-1)
    return ((gain_i.squeeze(-1) * discounts(place)).sum(-1),)
