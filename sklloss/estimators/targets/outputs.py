"""From what members say to an output of the estimator, as modules that export."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ...losses.base import logits_of
from ...training import TargetScaler


class MeanOverMembers(nn.Module):
    """The mean over members, (members, n_samples, ...) to (n_samples, ...)."""

    def forward(self, values: Tensor) -> Tensor:
        """Average over the leading axis."""
        return mean_over_members(values)


def mean_over_members(values: Tensor) -> Tensor:
    """Return the mean over the leading axis, a view where there is one member."""
    return values[0] if len(values) == 1 else values.mean(0)


class OnScaleOfY(nn.Module):
    """The mean prediction of members on the scale of y, in the dtype of its buffers.

    From (members, n_samples, n_targets, ...) to (n_samples, n_targets, ...), without the axis of
    targets where y was a column.

    Parameters
    ----------
    scaler : TargetScaler
        Of the members, stacked.
    y_is_column : bool
    n_axes : int, default=0
        How many axes there are behind that of targets.
    centred : bool, default=True
        Whether the centre of y is added: not to what measures a spread.
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self, scaler: TargetScaler, y_is_column: bool, n_axes: int = 0, centred: bool = True
    ) -> None:
        super().__init__()
        centre = scaler.centre if centred else np.zeros_like(scaler.centre)
        for name, values in (("centre", centre), ("scale", scaler.scale)):
            shape = *values.shape, *(1,) * n_axes
            self.register_buffer(name, torch.from_numpy(values.reshape(shape)))
        self.y_is_column = y_is_column

    def forward(self, values: Tensor) -> Tensor:
        """Return the mean of value * scale + centre."""
        restored = mean_over_members(values * self.scale + self.centre)
        return restored[:, 0] if self.y_is_column else restored


class AsColumn(nn.Module):
    """One number per row as a column, (n_samples,) to (n_samples, 1); further axes stay."""

    def forward(self, output: Tensor) -> Tensor:
        """Add the axis of columns where there is none."""
        return output.unsqueeze(-1) if output.ndim == 1 else output


class InOrderOfClasses(nn.Module):
    """Scores or probabilities per rank, in the order of ``classes_``.

    From (n_samples, n_targets, n_classes, or 1 for two).

    A single score, for two classes, is that of the second of ``classes_``; of several labels only
    the presence is kept.
    """

    rank: Tensor

    def __init__(self, rank: np.ndarray, multi_label: bool) -> None:
        super().__init__()
        self.register_buffer("rank", torch.from_numpy(rank))
        self.multi_label = multi_label

    def forward(self, values: Tensor) -> Tensor:
        """Return (n_samples, n_classes), (n_samples, n_labels), or (n_samples,)."""
        if self.multi_label:
            return values[..., -1]
        column = values[:, 0]
        if column.shape[-1] == 1:
            return column[:, 0] * (1 - 2 * self.rank[0])
        return column[:, self.rank]


class LogOdds(nn.Module):
    """Mean probabilities of several members to the scores that decide.

    From (n_samples, n_targets, n_classes) to (n_samples, n_targets, n_classes, or 1 for two).

    Parameters
    ----------
    offsets : ndarray of shape (n_targets, n_classes) or None, default=None
        What is subtracted from their logarithms.
    """

    factor: Tensor | None

    def __init__(self, offsets: np.ndarray | None = None) -> None:
        super().__init__()
        factor = None if offsets is None else torch.from_numpy(np.exp(-offsets))
        self.register_buffer("factor", factor)

    def forward(self, probabilities: Tensor) -> Tensor:
        """Return the logits of probabilities, finite also where one is 0."""
        if self.factor is not None:
            probabilities = probabilities * self.factor.to(probabilities.dtype)
        return logits_of(probabilities.clamp(min=torch.finfo(probabilities.dtype).tiny))


class Nearness(nn.Module):
    """Mean probabilities of ranks to scores whose largest is at the median rank.

    From (n_samples, n_targets, n_classes) to the same shape: minus the expected distance of each
    rank to the true one.
    """

    def forward(self, probabilities: Tensor) -> Tensor:
        """Return -Σ_j p_j |k - j| for every rank k."""
        ranks = torch.arange(probabilities.shape[-1], device=probabilities.device)
        distance = (ranks[:, None] - ranks).abs().to(probabilities.dtype)
        return -(probabilities @ distance)


class ChosenClass(nn.Module):
    """Scores per rank to the index into ``classes_`` that their argmax or their sign chooses.

    For several labels, to 0 or 1 for each.
    """

    order: Tensor

    def __init__(self, rank: np.ndarray, multi_label: bool) -> None:
        super().__init__()
        self.register_buffer("order", torch.from_numpy(np.argsort(rank)))
        self.multi_label = multi_label

    def forward(self, scores: Tensor) -> Tensor:
        """Return (n_samples,) or (n_samples, n_labels)."""
        single = scores.shape[-1] == 1
        ranks = (scores.squeeze(-1) > 0).long() if single else scores.argmax(-1)
        return ranks if self.multi_label else self.order[ranks[:, 0]]
