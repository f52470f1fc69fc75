"""Losses for boxes: how far a predicted box is from covering the true one."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.refusals import refuse_rows
from ..base import POSITIVE, RegressionLoss, Scaling, State, Task
from ..rows import RowLoss


def in_order(corners: Tensor) -> Tensor:
    """Swap ends of boxes (..., 4) that are in the wrong order, so that x1 <= x2 and y1 <= y2.

    Equal ends stay where they are, so that the gradient of each can pull them apart.
    """
    first, second = corners[..., :2], corners[..., 2:]
    swapped = first > second
    ordered = torch.where(swapped, second, first), torch.where(swapped, first, second)
    return torch.cat(ordered, -1)


def sides(boxes: Tensor) -> Tensor:
    """Return widths and heights, (..., 4) to (..., 2)."""
    return boxes[..., 2:] - boxes[..., :2]


def hull(boxes: Tensor, others: Tensor) -> Tensor:
    """Return the smallest boxes that contain both."""
    first = torch.minimum(boxes[..., :2], others[..., :2])
    return torch.cat((first, torch.maximum(boxes[..., 2:], others[..., 2:])), -1)


def intersection_and_union(boxes: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return the areas of intersection and union, (..., 4) to (...)."""
    first = torch.maximum(boxes[..., :2], others[..., :2])
    second = torch.minimum(boxes[..., 2:], others[..., 2:])
    both = (second - first).clamp(min=0).prod(-1)
    return both, sides(boxes).prod(-1) + sides(others).prod(-1) - both


class BoxLoss(RowLoss, RegressionLoss):
    """Base of the losses of boxes with the corners x1, y1, x2, y2 as four targets.

    Raw output is four numbers in the units of y, which are put in order, so that they always form a
    box. The losses do not depend on the unit, so that the targets may be divided by one number, but
    not by four different ones.
    """

    task: ClassVar[Task] = "boxes"
    scaling: ClassVar[Scaling] = "scale"
    functional: ClassVar[str] = "box of largest overlap"

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return corners with x1 <= x2 and y1 <= y2, shape (..., n_samples, 4)."""
        return in_order(raw.squeeze(-1))

    def check_y(self, y: np.ndarray) -> None:
        """Raise a ValueError if rows are no boxes of four finite numbers with an area."""
        if y.ndim != 2 or y.shape[1] != 4:
            raise ValueError(
                f"{type(self).__name__} needs four targets per row, the corners x1, y1, x2, y2;"
                f" got y of shape {y.shape}. Stack them as np.column_stack((x1, y1, x2, y2))."
            )
        super().check_y(y)
        refuse_rows(
            np.any(y[:, 2:] <= y[:, :2], axis=1),
            f"{type(self).__name__} needs boxes with x1 < x2 and y1 < y2",
            "have no area",
            "Put the corners in order, and remove boxes without area.",
            example=lambda row: y[row].tolist(),
        )


@dataclass(frozen=True)
class GIoU(BoxLoss):
    """Generalised intersection over union of two boxes.

    ``1 - |A ∩ B| / |A ∪ B| + (|C| - |A ∪ B|) / |C|`` with C the smallest box that contains both. It
    is 0 for equal boxes and at most 2. Unlike 1 - IoU it has a gradient if the boxes do not touch.
    Equal to torchvision's ``generalized_box_iou_loss``.

    Parameters
    ----------
    eps : float, default=1e-7
        Added to areas in denominators, > 0, in squared units of the (scaled) target.

    References
    ----------
    Rezatofighi, H. et al., Generalized Intersection over Union: A Metric and A Loss for Bounding
    Box Regression, 2019, arXiv 1902.09630.

    Examples
    --------
    Unit squares side by side, with a gap of one between them:

    >>> import torch
    >>> loss = GIoU()
    >>> y = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    >>> loss(torch.tensor([[[2.0], [0.0], [3.0], [1.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(1.3333)
    """

    name: ClassVar[str] = "giou"
    aliases: ClassVar[tuple[str, ...]] = ("generalized_box_iou_loss", "generalized_iou")
    reference: ClassVar[str] = "Rezatofighi 1902.09630"
    when: ClassVar[str] = (
        "Boxes are judged by intersection over union, large and small ones in the same way."
        " Progress is slow while boxes do not touch: train longer than with mse, or use ciou."
    )

    eps: float = parameter(1e-7, POSITIVE)

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``1 - I / U + (C - U) / C``."""
        boxes, eps = self.inverse_link(raw, state), state["eps"].squeeze(-1)
        both, either = intersection_and_union(boxes, y)
        around = sides(hull(boxes, y)).prod(-1)
        return 1 - both / (either + eps) + (around - either) / (around + eps)


@dataclass(frozen=True)
class CIoU(BoxLoss):
    """Complete intersection over union of two boxes: overlap, distance of the centres, and shape.

    ``1 - IoU + d² / c² + α v`` with d the distance of the centres, c the diagonal of the smallest
    box that contains both, ``v = (2/π)² (arctan(w/h) - arctan(w'/h'))²`` and
    ``α = v / (1 - IoU + v)``, which is treated as a constant in the gradient, as in the paper. It
    is 0 for equal boxes. Equal to torchvision's ``complete_box_iou_loss``.

    Parameters
    ----------
    eps : float, default=1e-7
        Added to areas, squared lengths and shares in denominators, > 0, in squared units of the
        (scaled) target. It is also the smallest length of a side.

    References
    ----------
    Zheng, Z. et al., Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression,
    2020, arXiv 1911.08287.

    Examples
    --------
    A square of side 2 around one of side 1, with the same shape and centre, costs 1 - IoU:

    >>> import torch
    >>> loss = CIoU()
    >>> y = torch.tensor([[0.5, 0.5, 1.5, 1.5]])
    >>> loss(torch.tensor([[[0.0], [0.0], [2.0], [2.0]]]), y, loss.prepare(y, torch.ones(1)))
    tensor(0.7500)
    """

    name: ClassVar[str] = "ciou"
    aliases: ClassVar[tuple[str, ...]] = ("complete_box_iou_loss", "complete_iou")
    reference: ClassVar[str] = "Zheng 1911.08287"
    when: ClassVar[str] = (
        "Boxes are judged by intersection over union. It converges faster than giou, because"
        " centre and shape also pull if boxes do not touch or one lies inside the other."
    )

    eps: float = parameter(1e-7, POSITIVE)

    def of_row(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``1 - IoU + d²/c² + α v``."""
        boxes, eps = self.inverse_link(raw, state), state["eps"].squeeze(-1)
        both, either = intersection_and_union(boxes, y)
        iou = both / (either + eps)
        shape = self._difference_of_shape(boxes, y, eps)
        alpha = (shape / (1 - iou + shape + eps)).detach()
        diagonal = (sides(hull(boxes, y)) ** 2).sum(-1) + eps
        between = (boxes[..., :2] + boxes[..., 2:] - y[..., :2] - y[..., 2:]) / 2
        return 1 - iou + (between**2).sum(-1) / diagonal + alpha * shape

    def _difference_of_shape(self, boxes: Tensor, y: Tensor, eps: Tensor) -> Tensor:
        """Return (2/π)² times the squared difference of the angles of the diagonals."""
        angles = [
            torch.atan2(*torch.maximum(sides(each), eps.unsqueeze(-1)).unbind(-1))
            for each in (boxes, y)
        ]
        return (2 / pi) ** 2 * (angles[0] - angles[1]) ** 2
