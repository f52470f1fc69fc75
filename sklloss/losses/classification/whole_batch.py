"""Losses for classification that have a value per batch, but none per row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Interval
from ..base import PACE, POSITIVE, ClassificationLoss, State, class_shares, logits_of
from ..weighted import ratio
from .probabilities import one_hot, probabilities

# Smallest gap between the means of two classes for which a threshold is computed.
GAP_FLOOR = 0.05


class WholeBatchLoss(ClassificationLoss):
    """Base of the losses of a whole batch.

    A subclass defines ``of_batch(raw, y, state, sample_weight)``, shape (..., n_targets).
    Batches are drawn so that each has its share of every class.
    """

    whole_batch: ClassVar[bool] = True

    def of_batch(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the loss of every target, shape (..., n_targets)."""
        raise NotImplementedError

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the loss of the batch times its weight, averaged over targets, (n_models,)."""
        return self.of_batch(raw, y, state, sample_weight).mean(-1) * sample_weight.sum(-1)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return 0, which prefers no class."""
        return torch.zeros_like(logits_of(class_shares(y, sample_weight, state)))


@dataclass(frozen=True)
class SoftF1(WholeBatchLoss):
    """Soft F1 loss, also called Dice loss: one minus an F1 score of probabilities.

    ``1 - (2 Σ w p t + smooth) / (Σ w p + Σ w t + smooth)`` over the rows of a batch, averaged over
    classes, where t is 1 for rows of the class. It is the F1 score with probabilities instead of
    decisions. For multi-label targets only the presence of each label counts, averaged over labels.
    At the optimum p is a decision, 0 or 1, so there is no ``predict_proba``.

    Parameters
    ----------
    smooth : float, default=1.0
        Added to numerator and denominator, >= 0, in rows of mean weight. It avoids a division by 0
        for classes without rows.

    References
    ----------
    Milletari, F., Navab, N. and Ahmadi, S.-A., V-Net, 2016, arXiv 1606.04797.

    Examples
    --------
    >>> import torch
    >>> loss = SoftF1(smooth=0.0)
    >>> y = torch.tensor([[0], [1]])
    >>> loss(torch.zeros(2, 1, 1), y, loss.prepare(y, torch.ones(2), n_classes=2))
    tensor(0.5000)
    """

    name: ClassVar[str] = "soft_f1"
    aliases: ClassVar[tuple[str, ...]] = ("dice",)
    functional: ClassVar[str] = "decision of highest F1"
    metric: ClassVar[str | None] = "f1_macro"
    reference: ClassVar[str] = "Milletari 2016"
    when: ClassVar[str] = (
        "Your score is F1, a class is rare, and you want a decision without a parameter to search:"
        " mostly better than cross_entropy, and mostly worse than logit_adjusted with tau searched."
        " Not with small batches, nor if you need probabilities."
    )

    smooth: float = parameter(1.0, Interval(0))

    def of_batch(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return ``1 - (2 Σwpt + s) / (Σwp + Σwt + s)``, averaged over classes."""
        p = probabilities(raw)
        of_row = one_hot(y, p)
        if y.shape[-1] > 1:
            # Of multi-label targets, only the presence of a label counts.
            p, of_row = p[..., 1:], of_row[..., 1:]
        weight = sample_weight[..., None, None]
        both = 2 * (weight * p * of_row).sum(-3) + state["smooth"]
        either = (weight * (p + of_row)).sum(-3) + state["smooth"]
        return 1 - ratio(both, either).mean(-1)


@dataclass(frozen=True)
class Moments:
    """Weighted moments of scores over rows, each (..., n_targets), or 0 without weight."""

    weight: Tensor
    mean: Tensor
    variance: Tensor

    @classmethod
    def of(cls, values: Tensor, weight: Tensor) -> Moments:
        """Return the moments of values (..., n_samples, n_targets)."""
        total = weight.sum(-2)
        safe = total.clamp(min=torch.finfo(values.dtype).tiny)
        mean = (weight * values).sum(-2) / safe
        variance = (weight * (values - mean.unsqueeze(-2)) ** 2).sum(-2) / safe
        return cls(total, mean, variance)


# In the hundred small steps that a small table gets, the threshold has to arrive, too.
THRESHOLD_PACE = 4 * PACE


@dataclass(frozen=True)
class AUCMargin(WholeBatchLoss):
    """AUC margin loss: positives should on average score a margin above negatives.

    ``Var₊(z) + Var₋(z) + max(0, margin - mean₊(z) + mean₋(z))²`` over the weighted rows of a batch,
    the closed form of the min-max problem: besides the margin, it wants equal scores within each
    class. It is for two classes, or each label of a multi-label target. There is no
    ``predict_proba``.

    The loss does not determine the score from which a row is positive. That threshold, the best
    one between two normal distributions of equal variance, is trained along with the network
    without contributing to the loss. It is halfway between the two means where both classes weigh
    the same, as under ``class_weight="balanced"``.
    ``decision_function`` is the score minus the threshold.

    Parameters
    ----------
    margin : float, default=1.0
        The required lead of the positives' mean, > 0, in units of the score.

    References
    ----------
    Yuan, Z. et al., Large-scale Robust Deep AUC Maximization, 2021, arXiv 2012.03173.

    Examples
    --------
    >>> import torch
    >>> loss = AUCMargin()
    >>> y = torch.tensor([[0], [1]])
    >>> loss(torch.tensor([[[0.0]], [[0.5]]]), y, loss.prepare(y, torch.ones(2), n_classes=2))
    tensor(0.2500)
    """

    name: ClassVar[str] = "auc_margin"
    aliases: ClassVar[tuple[str, ...]] = ("aucm",)
    functional: ClassVar[str] = "ranking of two classes"
    metric: ClassVar[str | None] = "roc_auc"
    reference: ClassVar[str] = "Yuan 2012.03173"
    when: ClassVar[str] = (
        "Two classes, one of them rare, and a decision that weighs both alike. For the area under"
        " the ROC curve alone, cross_entropy and squared_error are usually as good. Not if you need"
        " probabilities or have more classes."
    )
    multi_class: ClassVar[bool] = False
    needs_all_classes: ClassVar[bool] = True

    margin: float = parameter(1.0, POSITIVE)

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Start the threshold of every target at 0."""
        state = super().prepare(y, sample_weight, n_classes)
        start = torch.zeros(1, y.shape[1], dtype=sample_weight.dtype, device=y.device)
        return State({**state, "raw_threshold": start}, ["raw_threshold"])

    def learnt(self, state: State) -> dict[str, Tensor]:
        """Return the ``threshold``."""
        return {"threshold": THRESHOLD_PACE * state["raw_threshold"]}

    def scores(self, raw: Tensor) -> Tensor:
        """Return the score of the second class, shape (..., n_samples, n_targets)."""
        return raw[..., -1] - raw[..., 0] if raw.shape[-1] == 2 else raw[..., 0]

    def of_batch(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return ``Var₊ + Var₋ + max(0, m - mean₊ + mean₋)²``."""
        scores, weight = self.scores(raw), sample_weight.unsqueeze(-1)
        upper, lower = Moments.of(scores, weight * y), Moments.of(scores, weight * (1 - y))
        short = (state["margin"].squeeze(-2) - upper.mean + lower.mean).clamp(min=0)
        value = upper.variance + lower.variance + short**2
        wanted = self._threshold(upper, lower).detach()
        pull = (THRESHOLD_PACE * state["raw_threshold"].squeeze(-2) - wanted) ** 2
        # The difference is 0, and has a gradient for the threshold alone.
        return value + (pull - pull.detach())

    def _threshold(self, upper: Moments, lower: Moments) -> Tensor:
        """Return the midpoint of the means, moved towards that of the class of less weight."""
        against = (lower.weight / upper.weight).log()
        gap = (upper.mean - lower.mean).clamp(min=GAP_FLOOR)
        spread = (upper.variance + lower.variance) / 2
        moved = spread / gap * against.nan_to_num(0.0, 0.0, 0.0)
        return (upper.mean + lower.mean) / 2 + moved

    def decision_function(self, raw: Tensor, state: State) -> Tensor:
        """Return the score minus the threshold, shape (..., n_samples, n_targets, 1)."""
        return (self.scores(raw) - THRESHOLD_PACE * state["raw_threshold"]).unsqueeze(-1)
