"""Losses for classification of imbalanced classes."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ...parameters.declared import parameter
from ...parameters.domains import Choice, Either, Interval, Tuple
from ..base import POSITIVE, ClassificationLoss, State, class_shares, logits_of
from ..weighted import class_mass
from .margin import one_versus_rest, signs_of
from .probabilities import (
    PosteriorLoss,
    SoftmaxLoss,
    log_complement,
    log_complements,
    log_probabilities,
    logits,
    of_class,
    one_hot,
    untied_posterior,
)


@dataclass(frozen=True)
class Focal(SoftmaxLoss):
    """Focal loss: cross-entropy that gives easy rows less weight.

    ``-α_y (1 - p)^γ log p`` with p the softmax probability of the true class. Its optimum is less
    sharp than the posterior. ``predict_proba`` undoes that, and alpha: with
    ``ρ = -log p / (1 - p)`` it is ``softmax(log p - log α - γ log(1 - p) - log1p(γ p ρ))``. With
    alpha, ``predict`` favours the classes of large alpha and so may disagree with ``predict_proba``
    on imbalanced data, which is its purpose.

    Parameters
    ----------
    gamma : float, default=2.0
        How strongly easy rows lose weight, >= 0; 0 is cross-entropy.
    alpha : None, float or tuple of float, default=None
        Weight per class: a tuple of positive numbers in the order of ``classes_``, or, for two
        classes, the share in (0, 1) of the second.

    References
    ----------
    Lin, T.-Y. et al., Focal Loss for Dense Object Detection, 2017, arXiv 1708.02002.
    Charoenphakdee, N. et al., On Focal Loss for Class-Posterior Probability Estimation, 2021, arXiv
    2011.09172.

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
    when: ClassVar[str] = (
        "Many easy rows drown out the few hard ones, as in detection. gamma alone moves no decision"
        " towards rare classes: search alpha, 0.75 or 0.9 for a rare second class, or take"
        " logit_adjusted."
    )

    gamma: float = parameter(2.0, Interval(0))
    alpha: float | tuple[float, ...] | None = parameter(
        None, Either(Choice(None), Interval(0, 1, closed="neither"), Tuple(POSITIVE, min_length=2))
    )

    @property
    def decides_by_posterior(self) -> bool:
        """Whether there is no alpha."""
        return self.alpha is None

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
                f"Focal(alpha={self.alpha!r}) gives weights for {len(alpha)} classes; y has"
                f" {n_classes}. Give a tuple of one weight per class."
            )
        return alpha

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-α_y exp(γ log(1 - p_y)) log p_y``."""
        log_p = log_probabilities(raw)
        ease = (state["gamma"] * log_complement(log_p, y)).exp()
        alpha = of_class(state["alpha"].expand_as(log_p), y)
        return -alpha * ease * of_class(log_p, y)

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Return ``softmax(log p - log α - γ log(1 - p) - log1p(γ p ρ))``."""
        log_p = log_probabilities(raw)
        gamma = state["gamma"].unsqueeze(-1)
        log_rest = log_complements(log_p)
        rest = log_rest.exp()
        slope = torch.where(rest < 1e-4, 1.0, -log_p / rest)
        damping = torch.log1p(gamma * log_p.exp() * slope)
        posterior = (log_p - state["alpha"].log() - gamma * log_rest - damping).softmax(-1)
        return untied_posterior(posterior, raw)


def class_counts(y: Tensor, sample_weight: Tensor, n_classes: int | None, owner: str) -> Tensor:
    """Return the sum of weights of each class, shape (1, n_targets, n_classes).

    Raises
    ------
    ValueError
        If a class has no weight.
    """
    counts = class_mass(y, sample_weight, n_classes or 2) * sample_weight.sum()
    if not (counts > 0).all():
        empty = (counts == 0).nonzero()[0, 1].item()
        raise ValueError(
            f"{owner} learns from the counts of classes, and the class at position {empty} has no"
            " training rows of positive weight. Add rows of it, or choose a loss without class"
            " counts."
        )
    return counts.unsqueeze(0)


@dataclass(frozen=True)
class ClassBalanced(SoftmaxLoss):
    """Class-balanced cross-entropy: classes are weighted by their effective number of rows.

    ``-w_y log p`` with ``w_y ∝ (1 - beta) / (1 - beta^n_y)``, where the weights sum to the number
    of classes and n_y is the weight of class y in the training rows. ``predict`` is the balanced
    decision; ``predict_proba`` is the posterior of the training data, proportional to ``p / w``, so
    the two may disagree on imbalanced data.

    Parameters
    ----------
    beta : float, default=0.9999
        In [0, 1). 0 is cross-entropy; near 1 the weights are proportional to 1/n_y.

    References
    ----------
    Cui, Y. et al., Class-Balanced Loss Based on Effective Number of Samples, 2019, arXiv
    1901.05555.

    Examples
    --------
    >>> import torch
    >>> loss = ClassBalanced()
    >>> y = torch.tensor([[0], [1], [1], [1]])
    >>> loss.prepare(y, torch.ones(4), n_classes=2)["class_weight"]
    tensor([[[1.5000, 0.5000]]])
    """

    name: ClassVar[str] = "class_balanced"
    metric: ClassVar[str | None] = "balanced_accuracy"
    reference: ClassVar[str] = "Cui 1901.05555"
    when: ClassVar[str] = (
        "Rare classes, and a score such as balanced accuracy; beta sets how much rarity counts."
        " With macro-F1 as the score search beta, because the default goes too far. Not if predict"
        " must be the likeliest class of predict_proba."
    )
    learns_from_y: ClassVar[bool] = True
    balances: ClassVar[bool] = True
    # The decision is balanced on purpose.
    decides_by_posterior = False

    beta: float = parameter(0.9999, Interval(0, 1, closed="left"))

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Learn ``class_weight``, shape (1, n_targets, n_classes)."""
        state = super().prepare(y, sample_weight, n_classes)
        counts = class_counts(y, sample_weight, n_classes, "ClassBalanced").double()
        effective = -torch.expm1(counts * log(self.beta)) if self.beta else torch.ones_like(counts)
        weights = 1 / effective
        share = weights / weights.mean(-1, keepdim=True)
        state["class_weight"] = share.to(sample_weight.dtype)
        return state

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-w_y log p_y``."""
        log_p = log_probabilities(raw)
        return -of_class(state["class_weight"].expand_as(log_p), y) * of_class(log_p, y)

    def predict_proba(self, raw: Tensor, state: State) -> Tensor:
        """Return probabilities proportional to p / w."""
        return (log_probabilities(raw) - state["class_weight"].log()).softmax(-1)


@dataclass(frozen=True)
class LogitAdjusted(PosteriorLoss):
    """Logit-adjusted cross-entropy: balanced decisions with the posterior of the data.

    The cross-entropy of ``z + tau log prior``, where the prior is the share of each class in the
    training weight. ``predict`` takes the argmax of z, which minimises the balanced error;
    ``predict_proba`` is ``softmax(z + tau log prior)``, so the two may disagree on imbalanced data.

    Parameters
    ----------
    tau : float, default=1.0
        How strongly the decision is balanced, >= 0; 0 is cross-entropy.

    References
    ----------
    Menon, A. K. et al., Long-tail Learning via Logit Adjustment, 2021, arXiv 2007.07314.

    Examples
    --------
    >>> import torch
    >>> loss = LogitAdjusted()
    >>> y = torch.tensor([[0], [1], [1], [1]])
    >>> state = loss.prepare(y, torch.ones(4), n_classes=2)
    >>> loss.predict_proba(torch.zeros(1, 1, 1), state)
    tensor([[[0.2500, 0.7500]]])
    """

    name: ClassVar[str] = "logit_adjusted"
    aliases: ClassVar[tuple[str, ...]] = ("balanced_softmax",)
    metric: ClassVar[str | None] = "balanced_accuracy"
    reference: ClassVar[str] = "Menon 2007.07314"
    when: ClassVar[str] = (
        "Rare classes and a score such as balanced accuracy, with probabilities that remain those"
        " of the data. With macro-F1 as the score search tau below 1: 0.5 and 0.75 are usually"
        " better. Not if the score is accuracy or log loss: take cross_entropy."
    )
    learns_from_y: ClassVar[bool] = True
    balances: ClassVar[bool] = True
    # The decision is balanced on purpose.
    decides_by_posterior = False

    tau: float = parameter(1.0, Interval(0))

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Learn the share of the weight of each class, which must not be 0."""
        class_counts(y, sample_weight, n_classes, "LogitAdjusted")
        return super().prepare(y, sample_weight, n_classes)

    def adjusted(self, raw: Tensor, state: State) -> Tensor:
        """Return z + tau log prior."""
        return logits(raw) + state["tau"].unsqueeze(-1) * state["prior"].log()

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the cross-entropy of z + tau log prior."""
        return -of_class(self.adjusted(raw, state).log_softmax(-1), y)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return ``softmax(z + tau log prior)``."""
        return self.adjusted(raw, state).softmax(-1)


@dataclass(frozen=True)
class LDAM(ClassificationLoss):
    """Label-distribution-aware margin (LDAM) loss: rare classes get larger margins.

    The cross-entropy of ``scale (z - m_y e_y)`` with ``m_y = max_margin (n_y / min n)^(-1/4)``,
    where n_y is the weight of class y in the training rows. It yields only a decision: there is no
    ``predict_proba``.

    Parameters
    ----------
    max_margin : float, default=0.5
        Margin of the rarest class, > 0, in units of the decision function.
    scale : float, default=30.0
        Factor that multiplies the logits, > 0.

    References
    ----------
    Cao, K. et al., Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss, 2019,
    arXiv 1906.07413.

    Examples
    --------
    >>> import torch
    >>> loss = LDAM()
    >>> y = torch.tensor([[0]] + 16 * [[1]])
    >>> loss.prepare(y, torch.ones(17), n_classes=2)["class_margin"]
    tensor([[[0.5000, 0.2500]]])
    """

    name: ClassVar[str] = "ldam"
    functional: ClassVar[str] = "decision that favours rare classes"
    metric: ClassVar[str | None] = "balanced_accuracy"
    reference: ClassVar[str] = "Cao 2019"
    when: ClassVar[str] = (
        "Wide margins around rare classes that X separates well, when only the decision counts."
        " Not where classes overlap: its decision then hardly differs from that of cross_entropy,"
        " and with class_weight='balanced' it raises many false alarms. Try logit_adjusted first."
    )
    learns_from_y: ClassVar[bool] = True
    balances: ClassVar[bool] = True

    max_margin: float = parameter(0.5, POSITIVE)
    scale: float = parameter(30.0, POSITIVE)

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Learn ``class_margin``, shape (1, n_targets, n_classes)."""
        state = super().prepare(y, sample_weight, n_classes)
        counts = class_counts(y, sample_weight, n_classes, "LDAM")
        ratio = counts / counts.amin(-1, keepdim=True)
        state["class_margin"] = self.max_margin * ratio**-0.25
        return state

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the cross-entropy of scale (z - m_y e_y)."""
        z = logits(raw)
        shifted = z - one_hot(y, z) * state["class_margin"]
        return -of_class((state["scale"].unsqueeze(-1) * shifted).log_softmax(-1), y)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the best constant, found from 0."""
        shares = class_shares(y, sample_weight, state)
        return self._best_constant(torch.zeros_like(logits_of(shares)), shares, state)


@dataclass(frozen=True)
class Asymmetric(PosteriorLoss):
    """Asymmetric loss: a focal loss per label that discounts negatives more than positives.

    For each label, with ``p = σ(z)``, it is ``-(1 - p)^gamma_pos log p`` if the label is present,
    and ``-p_m^gamma_neg log(1 - p_m)`` with ``p_m = max(p - clip, 0)`` if it is absent. With
    several classes, each counts as a label. ``predict_proba`` is ``D / (D + C)`` per label, where D
    and C are the slopes of the two branches, normalised over classes.

    Parameters
    ----------
    gamma_neg : float, default=4.0
        How strongly easy negatives lose weight, >= 0.
    gamma_pos : float, default=1.0
        How strongly easy positives lose weight, >= 0.
    clip : float, default=0.05
        Probability below which negatives cost nothing, in [0, 1).

    References
    ----------
    Ridnik, T. et al., Asymmetric Loss For Multi-Label Classification, 2021, arXiv 2009.14119.

    Examples
    --------
    >>> import torch
    >>> loss = Asymmetric()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(0.3466)
    """

    name: ClassVar[str] = "asymmetric"
    aliases: ClassVar[tuple[str, ...]] = ("asl",)
    metric: ClassVar[str | None] = "neg_log_loss"
    reference: ClassVar[str] = "Ridnik 2021"
    when: ClassVar[str] = (
        "Multi-label targets in which a row has few of many labels, or one rare class whose"
        " probabilities or order count. It does not move the decision towards rare classes."
    )

    gamma_neg: float = parameter(4.0, Interval(0))
    gamma_pos: float = parameter(1.0, Interval(0))
    clip: float = parameter(0.05, Interval(0, 1, closed="left"))

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the sum over labels of the branch that applies."""
        gamma_pos, gamma_neg = state["gamma_pos"].unsqueeze(-1), state["gamma_neg"].unsqueeze(-1)
        present = -(gamma_pos * logsigmoid(-raw)).exp() * logsigmoid(raw)
        shifted, log_rest = self._shifted(raw, state)
        absent = -(shifted**gamma_neg) * log_rest
        return torch.where(signs_of(y, raw) > 0, present, absent).sum(-1)

    def _shifted(self, raw: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """Return p_m, kept away from 0, and log(1 - p_m)."""
        clip = state["clip"].unsqueeze(-1)
        shifted = (raw.sigmoid() - clip).clamp(min=1e-30)
        return shifted, torch.logaddexp(logsigmoid(-raw), clip.log()).clamp(max=0)

    def decision_function(self, raw: Tensor, state: State) -> Tensor:
        """Return z of several classes, or the log odds of the posterior of a label.

        A posterior of one half does not correspond to p = ½.
        """
        if raw.shape[-1] > 1:
            return raw
        return self.predict_proba(raw, state)[..., 1:].logit().nan_to_num(posinf=1e3, neginf=-1e3)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return D / (D + C), the posterior of each label."""
        gamma_pos, gamma_neg = state["gamma_pos"].unsqueeze(-1), state["gamma_neg"].unsqueeze(-1)
        p, rest = raw.sigmoid().clamp(min=1e-30), (-raw).sigmoid().clamp(min=1e-30)
        shifted, log_rest = self._shifted(raw, state)
        left = log_rest.exp().clamp(min=1e-30)
        falling = shifted**gamma_neg / left - gamma_neg * shifted ** (gamma_neg - 1) * log_rest
        rising = rest**gamma_pos / p - gamma_pos * rest ** (gamma_pos - 1) * logsigmoid(raw)
        return one_versus_rest(falling / (falling + rising), raw)
