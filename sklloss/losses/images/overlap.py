"""Losses for segmentation that compare the predicted and the true region of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Choice, Interval
from ..base import POSITIVE, ClassificationLoss, State, Task, class_shares, logits_of
from ..classification.probabilities import one_hot, probabilities
from ..rows import RowLoss
from ..weighted import ratio


class OverlapLoss(RowLoss, ClassificationLoss):
    """Base of the losses of regions of an image: one minus an overlap, averaged over classes.

    A subclass defines ``overlap(both, predicted, true, state)``, a function of sums over the pixels
    of an image. If the state has a ``weight_by_class``, (1, 1, n_classes), it weights the average
    over classes.
    """

    task: ClassVar[Task] = "segmentation"
    multi_label: ClassVar[bool] = False
    functional: ClassVar[str] = "region of largest overlap"
    metric: ClassVar[str | None] = "jaccard_macro"
    # No field of the dataclass, so that subclasses may omit it.
    include_background = True

    def overlap(self, both: Tensor, predicted: Tensor, true: Tensor, state: State) -> Tensor:
        """Return the overlap of every class from Σ p t, Σ p and Σ t over the pixels of an image.

        Returns
        -------
        Tensor of shape (..., n_samples, n_classes)
        """
        raise NotImplementedError

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the mean over classes of one minus their overlap, shape (..., n_samples)."""
        # (*models, samples, pixels, classes)
        p = probabilities(raw)
        t = one_hot(y, p)
        values = 1 - self.overlap((p * t).sum(-2), p.sum(-2), t.sum(-2), state)
        weight = state.get("weight_by_class")
        weight = torch.ones_like(values) if weight is None else weight.squeeze(-2)
        first = int(not self.include_background)
        values, weight = values[..., first:], weight[..., first:]
        return (values * weight).sum(-1) / weight.sum(-1)

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the logits of the class shares.

        The best constant may be infinite, for a class that many images lack.
        """
        return logits_of(class_shares(y, sample_weight, state))


@dataclass(frozen=True)
class Dice(OverlapLoss):
    """Dice loss of an image: one minus the Dice overlap of probabilities.

    ``1 - mean_k (2 Σ p_k t_k + smooth) / (Σ p_k + Σ t_k + smooth)``, with sums over the pixels of
    one image, where t_k is 1 for pixels of class k. It is averaged over classes, and a class counts
    the same whatever its share of the pixels. At the optimum p is a decision, 0 or 1, not a class
    posterior, so there is no ``predict_proba``.

    Parameters
    ----------
    smooth : float, default=1.0
        Added to numerator and denominator, >= 0, in pixels. With it, a class that an image lacks
        costs nothing if no pixel of it is predicted; with 0, such a class costs 1 whatever is
        predicted.
    include_background : bool, default=True
        Whether the first class, in the order of the sorted labels, is one of the classes that
        count.

    Notes
    -----
    Equal to MONAI's ``DiceLoss(softmax=True, smooth_nr=smooth, smooth_dr=smooth)``.

    References
    ----------
    Milletari, F., Navab, N. and Ahmadi, S.-A., V-Net: Fully Convolutional Neural Networks for
    Volumetric Medical Image Segmentation, 2016, arXiv 1606.04797. Drozdzal, M. et al., The
    Importance of Skip Connections in Biomedical Image Segmentation, 2016.

    Examples
    --------
    An image of four pixels, two of them of the second class, and a network without any preference:

    >>> import torch
    >>> loss = Dice(smooth=0.0)
    >>> y = torch.tensor([[0, 0, 1, 1]])
    >>> state = loss.prepare(y.reshape(-1, 1), torch.ones(4), n_classes=2)
    >>> loss(torch.zeros(1, 4, 1), y, state)
    tensor(0.5000)
    """

    name: ClassVar[str] = "dice"
    aliases: ClassVar[tuple[str, ...]] = ("soft_dice", "DiceLoss")
    reference: ClassVar[str] = "Milletari 2016"
    when: ClassVar[str] = (
        "Your score is an overlap (IoU, Dice) and the regions that matter are small compared with"
        " the background. Not if you need probabilities. For regions of a few pixels its gradients"
        " are noisy, and cross_entropy is the safer choice to start with."
    )

    smooth: float = parameter(1.0, Interval(0))
    include_background: bool = parameter(True, Choice(True, False), structural=True)

    def overlap(self, both: Tensor, predicted: Tensor, true: Tensor, state: State) -> Tensor:
        """Return ``(2 Σpt + s) / (Σp + Σt + s)``."""
        return ratio(2 * both + state["smooth"], predicted + true + state["smooth"])


@dataclass(frozen=True)
class Tversky(OverlapLoss):
    """Tversky loss of an image: a Dice loss with separate costs of false positives and negatives.

    ``1 - mean_k (TP_k + smooth) / (TP_k + alpha FP_k + beta FN_k + smooth)`` with ``TP = Σ p t``,
    ``FP = Σ p (1 - t)`` and ``FN = Σ (1 - p) t`` over the pixels of one image. alpha = beta = ½ is
    `Dice` with twice the smooth, and alpha = beta = 1 is the Jaccard loss. At the optimum p is a
    decision, 0 or 1, not a class posterior, so there is no ``predict_proba``.

    Parameters
    ----------
    alpha : float, default=0.5
        Cost of a false positive pixel relative to a true positive, > 0.
    beta : float, default=0.5
        Cost of a false negative pixel, > 0. If it exceeds alpha, regions grow.
    smooth : float, default=0.5
        Added to numerator and denominator, >= 0, in pixels, as in `Dice`.
    include_background : bool, default=True
        Whether the first class, in the order of the sorted labels, is one of the classes that
        count. A false positive of one of two classes is a false negative of the other, so set it to
        False to favour regions over the background.

    Notes
    -----
    Equal to MONAI's ``TverskyLoss(softmax=True, smooth_nr=smooth, smooth_dr=smooth)``.

    References
    ----------
    Salehi, S. S. M., Erdogmus, D. and Gholipour, A., Tversky Loss Function for Image Segmentation
    Using 3D Fully Convolutional Deep Networks, 2017, arXiv 1706.05721.

    Examples
    --------
    >>> import torch
    >>> loss = Tversky(alpha=0.3, beta=0.7, smooth=0.0, include_background=False)
    >>> y = torch.tensor([[0, 0, 0, 1]])
    >>> state = loss.prepare(y.reshape(-1, 1), torch.ones(4), n_classes=2)
    >>> loss(torch.zeros(1, 4, 1), y, state)  # TP ½, FP 1½, FN ½
    tensor(0.6154)
    """

    name: ClassVar[str] = "tversky"
    aliases: ClassVar[tuple[str, ...]] = ("TverskyLoss",)
    reference: ClassVar[str] = "Salehi 2017"
    when: ClassVar[str] = (
        "Like dice, if a missed pixel and a false alarm differ in cost: beta above alpha finds"
        " more of a rare region, with include_background=False. Not if you need probabilities."
    )

    alpha: float = parameter(0.5, POSITIVE)
    beta: float = parameter(0.5, POSITIVE)
    smooth: float = parameter(0.5, Interval(0))
    include_background: bool = parameter(True, Choice(True, False), structural=True)

    def overlap(self, both: Tensor, predicted: Tensor, true: Tensor, state: State) -> Tensor:
        """Return ``(TP + s) / (TP + α FP + β FN + s)``."""
        wrong = state["alpha"] * (predicted - both) + state["beta"] * (true - both)
        return ratio(both + state["smooth"], both + wrong + state["smooth"])
