"""Margin losses for classification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Choice
from ..base import POSITIVE, DecisionLoss, State, class_shares, logits_of
from ..regression.exponential import tangent_exp
from ..regression.plain import absolute
from ..weighted import class_mass
from .probabilities import PosteriorLoss, clipped_posterior, logits, of_class, one_hot

# Widths of the rounded kinks, in margins, through which the best constant is approached.
BASELINE_WIDTHS = (1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)


@dataclass(frozen=True)
class Hinge(DecisionLoss):
    """Hinge loss: the true class should lead every other class by a margin.

    ``max(0, margin - z_y + max_{j≠y} z_j)``; for two classes ``max(0, margin - y z)`` with y = ±1.
    It yields only a decision: there is no ``predict_proba``, and the best decision is undetermined
    if no class has a majority.

    Parameters
    ----------
    margin : float, default=1.0
        The required lead, > 0, in units of the decision function.

    References
    ----------
    Crammer, K. and Singer, Y., On the Algorithmic Implementation of Multiclass Kernel-based Vector
    Machines, JMLR 2001.

    Examples
    --------
    >>> import torch
    >>> loss = Hinge()
    >>> y = torch.tensor([[1]])
    >>> loss.pointwise(torch.tensor([[[0.25]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor([[0.7500]])
    """

    name: ClassVar[str] = "hinge"
    reference: ClassVar[str] = "Crammer & Singer 2001"
    when: ClassVar[str] = (
        "Only the decision counts and the classes hardly overlap, as for a linear SVM. Not if you"
        " need probabilities, nor if there often is no majority class."
    )
    kinked: ClassVar[bool] = True

    margin: float = parameter(1.0, POSITIVE)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``max(0, m - z_y + max_{j≠y} z_j)``."""
        z = logits(raw)
        rival = z.masked_fill(one_hot(y, z).bool(), -torch.inf).amax(-1)
        shortfall = state["margin"] - of_class(z, y) + rival
        return 0.5 * (shortfall + absolute(shortfall, state))

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return a lead of one margin for a class that has the majority, and else no lead."""
        shares = class_shares(y, sample_weight, state)
        return self.decision_function(self.margin * (shares > 0.5).to(shares.dtype), state)


@dataclass(frozen=True)
class MultiMargin(DecisionLoss):
    """Multi-class margin loss: the true class should lead each other class by a margin.

    ``Σ_{j≠y} max(0, margin - z_y + z_j)^power / K``. Equal to ``torch.nn.MultiMarginLoss``. It
    yields only a decision.

    Parameters
    ----------
    margin : float, default=1.0
        The required lead, > 0, in units of the decision function.
    power : int, default=1
        1 or 2; 2 keeps the argmax of the posterior.

    References
    ----------
    Weston, J. and Watkins, C., Support Vector Machines for Multi-Class Pattern Recognition, 1999.

    Examples
    --------
    >>> import torch
    >>> loss = MultiMargin()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(0.5000)
    """

    name: ClassVar[str] = "multi_margin"
    aliases: ClassVar[tuple[str, ...]] = ("MultiMarginLoss",)
    reference: ClassVar[str] = "Weston & Watkins 1999"
    when: ClassVar[str] = (
        "Only the decision counts, and results should equal those of torch's MultiMarginLoss. Not"
        " if you need probabilities. If classes overlap, set power=2."
    )
    kinked: ClassVar[bool] = True

    margin: float = parameter(1.0, POSITIVE)
    power: int = parameter(1, Choice(1, 2), structural=True)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``Σ_{j≠y} max(0, m - z_y + z_j)^power / K``."""
        z = logits(raw)
        short = state["margin"].unsqueeze(-1) - of_class(z, y).unsqueeze(-1) + z
        rounding = {k: v.unsqueeze(-1) for k, v in state.items() if k == "rounding"}
        missing = 0.5 * (short + absolute(short, State(rounding)))
        return (missing**self.power * (1 - one_hot(y, z))).sum(-1) / z.shape[-1]

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the best constant, with kinks that are rounded less and less."""
        shares = class_shares(y, sample_weight, state)
        raw = logits_of(shares)
        for width in BASELINE_WIDTHS:
            rounding = self.margin * torch.full_like(state["margin"], width)
            raw = self._best_constant(raw, shares, State({**state, "rounding": rounding}))
        return raw


def signs_of(y: Tensor, raw: Tensor) -> Tensor:
    """Return +1 for each output whose label is present, else -1."""
    present = y.unsqueeze(-1).to(raw.dtype) if raw.shape[-1] == 1 else one_hot(y, raw)
    return 2 * present - 1


def one_versus_rest(positive: Tensor, raw: Tensor) -> Tensor:
    """Turn the probability of the label of each output into class probabilities."""
    if raw.shape[-1] == 1:
        positive = torch.cat((1 - positive, positive), -1)
    return clipped_posterior(positive, raw)


@dataclass(frozen=True)
class SquaredHinge(PosteriorLoss):
    """Squared hinge loss, each class against the rest.

    ``Σ_k max(0, margin - y_k z_k)²`` with y_k = ±1, and one z for two classes. ``predict_proba`` is
    ``(clip(z / margin, -1, 1) + 1) / 2`` per class, normalised.

    Parameters
    ----------
    margin : float, default=1.0
        The margin, > 0, in units of the decision function.

    References
    ----------
    Chang, K.-W., Hsieh, C.-J. and Lin, C.-J., Coordinate Descent Method for Large-scale L2-loss
    Linear SVM, JMLR 2008.

    Examples
    --------
    >>> import torch
    >>> loss = SquaredHinge()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.5]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(0.2500)
    """

    name: ClassVar[str] = "squared_hinge"
    metric: ClassVar[str | None] = "neg_brier_score"
    reference: ClassVar[str] = "Chang 2008"
    when: ClassVar[str] = (
        "A margin loss with probabilities, for classes that hardly overlap; LinearSVC uses it. Not"
        " with wrong labels, because they count by their square."
    )

    margin: float = parameter(1.0, POSITIVE)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``Σ_k max(0, m - y_k z_k)²``."""
        short = (state["margin"].unsqueeze(-1) - signs_of(y, raw) * raw).clamp(min=0)
        return (short**2).sum(-1)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return ``(clip(z/m, -1, 1) + 1) / 2``, normalised."""
        inside = (raw / state["margin"].unsqueeze(-1)).clamp(-1, 1)
        return one_versus_rest((inside + 1) / 2, raw)


@dataclass(frozen=True)
class ModifiedHuber(PosteriorLoss):
    """Modified Huber loss, each class against the rest: a squared hinge that becomes linear.

    It is linear far on the wrong side.

    ``Σ_k max(0, 1 - y_k z_k)²`` if ``y_k z_k >= -1``, else ``-4 y_k z_k``, with y_k = ±1.
    ``predict_proba`` is ``(clip(z, -1, 1) + 1) / 2`` per class, normalised.

    References
    ----------
    Zhang, T., Solving Large Scale Linear Prediction Problems Using Stochastic Gradient Descent
    Algorithms, 2004.

    Examples
    --------
    >>> import torch
    >>> loss = ModifiedHuber()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[-2.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(8.)
    """

    name: ClassVar[str] = "modified_huber"
    metric: ClassVar[str | None] = "neg_brier_score"
    reference: ClassVar[str] = "Zhang 2004"
    when: ClassVar[str] = (
        "Like squared_hinge, if some labels may be wrong: far on the wrong side it grows only"
        " linearly. SGDClassifier has it under the same name."
    )

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the squared hinge up to a shortfall of 2, and its tangent beyond."""
        short = (1 - signs_of(y, raw) * raw).clamp(min=0)
        inner = short.clamp(max=2)
        return (inner * (2 * short - inner)).sum(-1)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return ``(clip(z, -1, 1) + 1) / 2``, normalised."""
        return one_versus_rest((raw.clamp(-1, 1) + 1) / 2, raw)


@dataclass(frozen=True)
class Exponential(PosteriorLoss):
    """Exponential loss, each class against the rest: the loss of AdaBoost.

    ``Σ_k E(-y_k z_k)`` with y_k = ±1, where E is the exponential, continued as its tangent beyond
    20. ``predict_proba`` is ``σ(2 z)`` per class, normalised.

    References
    ----------
    Freund, Y. and Schapire, R. E., A Decision-Theoretic Generalization of On-Line Learning, 1997.

    Examples
    --------
    >>> import torch
    >>> loss = Exponential()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(1.)
    """

    name: ClassVar[str] = "exponential"
    metric: ClassVar[str | None] = "neg_log_loss"
    reference: ClassVar[str] = "Freund & Schapire 1997"
    when: ClassVar[str] = (
        "You want the loss of AdaBoost for a network, on clean labels. Not with wrong ones,"
        " because the cost of a row grows exponentially with its error."
    )

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``Σ_k E(-y_k z_k)``."""
        return tangent_exp(-signs_of(y, raw) * raw).sum(-1)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return ``σ(2z)``, normalised."""
        return one_versus_rest((2 * raw).sigmoid(), raw)


@dataclass(frozen=True)
class SquaredLogits(PosteriorLoss):
    """Squared error of the logits.

    ``‖z - scale e_y‖²`` with one output per class, also for two classes. ``predict_proba`` is
    ``max(z, 0)``, normalised, or the softmax of z if no output is positive.

    Parameters
    ----------
    scale : float, default=1.0
        The output that the true class should have, > 0.

    References
    ----------
    Hui, L. and Belkin, M., Evaluation of Neural Architectures Trained with Square Loss vs
    Cross-Entropy, 2021, arXiv 2006.07322.

    Examples
    --------
    >>> import torch
    >>> loss = SquaredLogits()
    >>> y = torch.tensor([[1]])
    >>> loss(torch.tensor([[[0.0, 0.0]]]), y, loss.prepare(y, torch.ones(1), n_classes=2))
    tensor(1.)
    """

    name: ClassVar[str] = "squared_logits"
    aliases: ClassVar[tuple[str, ...]] = ("hui_belkin",)
    metric: ClassVar[str | None] = "neg_brier_score"
    reference: ClassVar[str] = "Hui & Belkin 2021"
    when: ClassVar[str] = (
        "Clean labels and a large network: often as accurate as cross_entropy, with outputs that"
        " stay bounded. Not for many classes, unless you search scale."
    )

    scale: float = parameter(1.0, POSITIVE)

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return one output per class, or 2 per label."""
        return n_classes or 2

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``‖z - s e_y‖²``."""
        return ((raw - state["scale"].unsqueeze(-1) * one_hot(y, raw)) ** 2).sum(-1)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the class shares times the scale."""
        return self.scale * class_mass(y, sample_weight, state["prior"].shape[-1])

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return ``max(z, 0)``, normalised."""
        positive = raw.clamp(min=0)
        total = positive.sum(-1, keepdim=True)
        share = positive / total.clamp(min=1e-12)
        return clipped_posterior(torch.where(total > 0, share, raw.softmax(-1)), raw)
