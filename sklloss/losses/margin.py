"""Margin losses for classification: the decision only, no probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .base import ClassificationLoss, State, parameter
from .classification import logits, of_class, one_hot
from .domains import Interval
from .plain import absolute


@dataclass(frozen=True)
class Hinge(ClassificationLoss):
    """Hinge loss: the true class should lead every other by a margin.

    ``max(0, margin - z_y + max_{j≠y} z_j)``; for two classes ``max(0, margin - y z)`` with y = ±1.  It gives a decision only:
    there is no ``predict_proba``, and where no class has a majority the best decision is not determined.

    Parameters
    ----------
    margin : float, default=1.0
        The lead, > 0, in units of the decision function.

    References
    ----------
    Crammer, K. and Singer, Y., On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines, JMLR 2001.

    Examples
    --------
    >>> import torch
    >>> loss = Hinge()
    >>> y = torch.tensor([[1]])
    >>> loss.pointwise(torch.tensor([[[0.25]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor([[0.7500]])
    """

    name: ClassVar[str] = "hinge"
    functional: ClassVar[str] = "mode"
    metric: ClassVar[str | None] = "accuracy"
    reference: ClassVar[str] = "Crammer & Singer 2001"
    kinked: ClassVar[bool] = True

    margin: float = parameter(1.0, Interval(0, closed="neither"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """max(0, m - z_y + max_{j≠y} z_j)."""
        z = logits(raw)
        rival = z.masked_fill(one_hot(y, z).bool(), -torch.inf).amax(-1)
        shortfall = state["margin"] - of_class(z, y) + rival
        return 0.5 * (shortfall + absolute(shortfall, state))

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """A lead of one margin for a class that has the majority, else no lead at all."""
        prior = state["prior"].squeeze(0)
        lead = self.margin * (prior > 0.5).to(prior.dtype)
        return lead[:, 1:] - lead[:, :1] if lead.shape[-1] == 2 else lead

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """The decision function itself: margins have no scale of probability."""
        return self.decision_function(raw, state)
