"""The bi-tempered loss, for classification with wrong labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import State
from .probabilities import PosteriorLoss, logits, of_class

# Fixed-point iterations for the normaliser of the tempered softmax.
ITERATIONS = 20


def log_t(x: Tensor, t: Tensor) -> Tensor:
    """Return the tempered logarithm (x^(1-t) - 1) / (1-t)."""
    return (x ** (1 - t) - 1) / (1 - t)


def exp_t(x: Tensor, t: Tensor) -> Tensor:
    """Return the tempered exponential (1 + (1-t) x)^(1/(1-t)) for x <= 0 and t > 1."""
    return (1 + (1 - t) * x) ** (1 / (1 - t))


def normaliser(z: Tensor, t: Tensor) -> Tensor:
    """Return the λ of the tempered softmax, found by fixed-point iterations."""
    top = z.amax(-1, keepdim=True)
    below = z - top
    tempered = below
    for _ in range(ITERATIONS):
        tempered = below * exp_t(tempered, t).sum(-1, keepdim=True) ** (1 - t)
    return top - log_t(1 / exp_t(tempered, t).sum(-1, keepdim=True), t)


@dataclass(frozen=True)
class BiTempered(PosteriorLoss):
    """Bi-tempered logistic loss: a bounded logarithm of a softmax with heavy tails.

    ``-log_t1 p_y - (1 - Σ_k p_k^(2-t1)) / (2 - t1)`` with p the tempered softmax of temperature t2.
    The loss is proper: ``predict_proba`` is the tempered softmax.

    Parameters
    ----------
    t1 : float, default=0.8
        Temperature of the logarithm, in [0, 1). The smaller it is, the less a wrong label far from
        the boundary costs.
    t2 : float, default=1.2
        Temperature of the softmax, in (1, 4]. The larger it is, the heavier the tails.

    References
    ----------
    Amid, E. et al., Robust Bi-Tempered Logistic Loss Based on Bregman Divergences, 2019, arXiv
    1906.03361.

    Examples
    --------
    >>> import torch
    >>> loss = BiTempered()
    >>> y = torch.tensor([[1]])
    >>> state = loss.prepare(y, torch.ones(1), n_classes=2)
    >>> round(loss(torch.tensor([[[0.0]]]), y, state).item(), 3)
    0.539
    """

    name: ClassVar[str] = "bi_tempered"
    reference: ClassVar[str] = "Amid 1906.03361"
    when: ClassVar[str] = (
        "There are wrong labels both near the boundary and far from it, and you want"
        " probabilities. Not as a first choice, because there are two temperatures to search."
    )

    t1: float = parameter(0.8, Interval(0, 1, closed="left"))
    t2: float = parameter(1.2, Interval(1, 4, closed="right"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-log_t1 p_y - (1 - Σ_k p_k^(2-t1)) / (2 - t1)``."""
        p, t1 = self.inverse_link(raw, state), state["t1"]
        rest = (1 - (p ** (2 - t1.unsqueeze(-1))).sum(-1)) / (2 - t1)
        return -log_t(of_class(p, y), t1) - rest

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return the tempered softmax ``exp_t(z - λ)``, where λ makes it sum to 1."""
        z, t = logits(raw), state["t2"].unsqueeze(-1)
        with torch.no_grad():
            shift = normaliser(z, t)
            escort = (exp_t(z - shift, t) ** t).clamp(min=torch.finfo(z.dtype).tiny)
            # The derivative of λ by z in closed form, since iterations are not differentiated.
            slope = escort / escort.sum(-1, keepdim=True)
        p = exp_t(z - shift - (slope * (z - z.detach())).sum(-1, keepdim=True), t)
        return p / p.sum(-1, keepdim=True)
