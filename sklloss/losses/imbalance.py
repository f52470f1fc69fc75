"""Losses for classification of imbalanced classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .base import State, parameter
from .classification import (
    SoftmaxLoss,
    log_probabilities,
    of_class,
    one_hot,
    untied_posterior,
)
from .domains import Choice, Either, Interval, Tuple

POSITIVE = Interval(0, closed="neither")


def log_complement(log_p: Tensor, y: Tensor) -> Tensor:
    """Return log(1 - p_y) without cancellation: the logsumexp of the other classes' log p."""
    own = one_hot(y, log_p).bool()
    return log_p.masked_fill(own, -torch.inf).logsumexp(-1)


def log_complements(log_p: Tensor) -> Tensor:
    """Return log(1 - p_k) of every class without cancellation."""
    top = log_p.argmax(-1)
    others = torch.log1p(-log_p.exp().clamp(max=0.75))
    is_top = one_hot(top, log_p).bool()
    return torch.where(is_top, log_complement(log_p, top).unsqueeze(-1), others)


@dataclass(frozen=True)
class Focal(SoftmaxLoss):
    """Focal loss: cross-entropy that weighs easy rows down.

    ``-α_y (1 - p)^γ log p`` with p the softmax probability of the true class.  Its optimum is less sharp than the posterior;
    ``predict_proba`` undoes that, and undoes alpha: with ``ρ = -log p / (1 - p)`` it is
    ``softmax(log p - log α - γ log(1 - p) - log1p(γ p ρ))``.  With alpha, ``predict`` favours the classes of large alpha, and so
    may disagree with ``predict_proba`` on imbalanced data; that is its purpose.

    Parameters
    ----------
    gamma : float, default=2.0
        How much easy rows are weighed down, >= 0; 0 is cross-entropy.
    alpha : None, float or tuple of float, default=None
        Weight per class: a tuple of positive numbers in the order of ``classes_``, or for two classes the share in (0, 1) of the
        second.

    References
    ----------
    Lin, T.-Y. et al., Focal Loss for Dense Object Detection, 2017, arXiv 1708.02002.  Charoenphakdee, N. et al., On Focal Loss for
    Class-Posterior Probability Estimation, 2021, arXiv 2011.09172.

    Examples
    --------
    >>> import torch
    >>> loss = Focal(gamma=2.0)
    >>> y = torch.tensor([[1]])
    >>> loss.pointwise(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor([[0.1733]])
    """

    name: ClassVar[str] = "focal"
    aliases: ClassVar[tuple[str, ...]] = ("focal_loss",)
    metric: ClassVar[str | None] = "neg_log_loss"
    reference: ClassVar[str] = "Lin 1708.02002; Charoenphakdee 2011.09172"

    gamma: float = parameter(2.0, Interval(0))
    alpha: float | tuple[float, ...] | None = parameter(
        None, Either(Choice(None), Interval(0, 1, closed="neither"), Tuple(POSITIVE, min_length=2))
    )

    def stacked_params(self, n_classes: int | None) -> dict[str, float | tuple[float, ...]]:
        """Return gamma, and alpha as one weight per class."""
        return {"gamma": self.gamma, "alpha": self.class_weights(n_classes or 2)}

    def class_weights(self, n_classes: int) -> tuple[float, ...]:
        """Return alpha as one weight per class."""
        if self.alpha is None:
            return (1.0,) * n_classes
        alpha = self.alpha if isinstance(self.alpha, tuple) else (1 - self.alpha, self.alpha)
        if len(alpha) != n_classes:
            raise ValueError(
                f"Focal(alpha={self.alpha!r}) gives weights for {len(alpha)} classes; y has {n_classes}. Give a tuple of one"
                f" weight per class."
            )
        return alpha

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """-α_y exp(γ log(1 - p_y)) log p_y."""
        log_p = log_probabilities(raw)
        ease = (state["gamma"] * log_complement(log_p, y)).exp()
        alpha = of_class(state["alpha"].expand_as(log_p), y)
        return -alpha * ease * of_class(log_p, y)

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """softmax(log p - log α - γ log(1 - p) - log1p(γ p ρ))."""
        log_p = log_probabilities(raw)
        gamma = state["gamma"].unsqueeze(-1)
        log_rest = log_complements(log_p)
        rest = log_rest.exp()
        slope = torch.where(rest < 1e-4, 1.0, -log_p / rest)
        damping = torch.log1p(gamma * log_p.exp() * slope)
        posterior = (log_p - state["alpha"].log() - gamma * log_rest - damping).softmax(-1)
        return untied_posterior(posterior, raw)
