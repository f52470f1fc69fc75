"""Losses for classification that modify the series of -log p in powers of 1 - p."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import State
from .probabilities import (
    SoftmaxLoss,
    log_complements,
    log_probabilities,
    of_class,
    probabilities,
    rest_of,
    untied_posterior,
)

# If the logits of the best constant are further apart than this, a class is lost.
WITHIN_REACH = 10.0


@dataclass(frozen=True)
class Poly1(SoftmaxLoss):
    """Poly-1 loss: cross-entropy with a different weight for the first term of its series.

    ``-log p + epsilon (1 - p)``. ``predict_proba`` is proportional to ``p / (1 + epsilon p)``.

    Parameters
    ----------
    epsilon : float, default=1.0
        Added to the weight of the first term, >= -1.

    References
    ----------
    Leng, Z. et al., PolyLoss, 2022, arXiv 2204.12511.

    Examples
    --------
    >>> import torch
    >>> loss = Poly1()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(1.1931)
    """

    name: ClassVar[str] = "poly1"
    metric: ClassVar[str | None] = "neg_log_loss"
    reference: ClassVar[str] = "Leng 2204.12511"
    when: ClassVar[str] = (
        "You want to search around cross_entropy with one parameter and keep probabilities. Not"
        " for wrong labels: it grows without bound, as cross_entropy does."
    )

    epsilon: float = parameter(1.0, Interval(-1))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-log p + ε (1 - p)``."""
        log_p = log_probabilities(raw)
        return -of_class(log_p, y) + state["epsilon"] * rest_of(log_p, y)

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Return probabilities proportional to p / (1 + ε p)."""
        return bent_posterior(raw, state["epsilon"].unsqueeze(-1))


def bent_posterior(raw: Tensor, epsilon: Tensor) -> Tensor:
    """Return probabilities proportional to p / (1 + ε p)."""
    p = probabilities(raw)
    odds = p / (1 + epsilon * p).clamp(min=1e-9)
    return untied_posterior(odds / odds.sum(-1, keepdim=True), raw)


@dataclass(frozen=True)
class TaylorCrossEntropy(SoftmaxLoss):
    """Taylor cross-entropy: the first terms of the series of -log p.

    ``Σ_{j<=order} (1 - p)^j / j``. ``predict_proba`` is proportional to
    ``p / (1 - (1 - p)^order)``, which is valid for classes whose posterior exceeds the largest
    posterior divided by the order. Smaller classes are lost (p goes to 0), so it is not calibrated.

    Parameters
    ----------
    order : int, default=6
        Number of terms, 1 to 1000. 1 is absolute error, and infinitely many are cross-entropy.

    References
    ----------
    Feng, L. et al., Can Cross Entropy Loss Be Robust to Label Noise?, 2020.

    Examples
    --------
    >>> import torch
    >>> loss = TaylorCrossEntropy(order=2)
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(0.6250)
    """

    name: ClassVar[str] = "taylor_cross_entropy"
    functional: ClassVar[str] = "class posterior of large classes"
    reference: ClassVar[str] = "Feng 2020"
    when: ClassVar[str] = (
        "Some labels are wrong, and one whole number should lead from absolute_error (1) towards"
        " cross_entropy. Not if probabilities of unlikely classes matter, because those are lost."
    )

    order: int = parameter(6, Interval(1, 1000, integer=True), structural=True)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``Σ_j (1 - p)^j / j``."""
        rest = rest_of(log_probabilities(raw), y)
        return sum((rest**j / j for j in range(2, self.order + 1)), start=rest)

    def _best_constant(self, start: Tensor, shares: Tensor, state: State) -> Tensor:
        """Minimise over constants, but start at the class shares if a class would be lost.

        Training never recovers a lost class.
        """
        best = super()._best_constant(start, shares, state)
        return torch.where(best.amax() - best.amin() < WITHIN_REACH, best, start)

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Return probabilities proportional to p / (1 - (1-p)^order)."""
        log_p = log_probabilities(raw)
        seen = -torch.expm1(self.order * log_complements(log_p))
        odds = torch.where(seen > 1e-12, log_p.exp() / seen.clamp(min=1e-12), 1 / self.order)
        return untied_posterior(odds / odds.sum(-1, keepdim=True), raw)
