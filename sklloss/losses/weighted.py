"""Weighted statistics over rows: what the best constants and the scales of targets are made of.

Every function but `row_sums` takes values of shape ``(n_samples, ...)`` and weights of shape ``(n_samples,)``, and gives what
the same function gives on rows repeated as often as their weight says.
"""

from __future__ import annotations

import torch
from torch import Tensor

NORMAL_PER_MAD = 1.4826  # standard deviations of a normal law per median absolute deviation
IQR_PER_NORMAL = 1.349  # interquartile ranges of a normal law per standard deviation
STRETCH = 64  # numbers that are summed first


def row_sums(values: Tensor) -> Tensor:
    """Sum over the last axis, the terms of a row in the same order whether it is one of many rows or the only one.

    torch splits the only sum over a long vector among its threads; so the sums here are of short stretches first.
    """
    if values.shape[-1] % STRETCH:
        return values.sum(-1)
    return values.unflatten(-1, (-1, STRETCH)).sum(-1).sum(-1)


def weighted_mean(values: Tensor, sample_weight: Tensor) -> Tensor:
    """Return the weighted mean over rows."""
    return torch.tensordot(sample_weight, values, dims=([0], [0])) / sample_weight.sum()


def weighted_std(values: Tensor, sample_weight: Tensor) -> Tensor:
    """Return the weighted standard deviation over rows (divided by n, not n - 1)."""
    centred = values - weighted_mean(values, sample_weight)
    return weighted_mean(centred**2, sample_weight).sqrt()


def weighted_quantile(values: Tensor, sample_weight: Tensor, quantile: Tensor | float) -> Tensor:
    """Return a weighted quantile over rows: the midpoint of all minimisers of the pinball loss."""
    ordered, order = values.sort(dim=0)
    cumulated = sample_weight[order].double().cumsum(dim=0)
    level = cumulated[-1:] * quantile
    slack = 1e-12 * cumulated[-1:]
    last = len(values) - 1
    lower = (cumulated < level - slack).sum(dim=0, keepdim=True).clamp(max=last)
    upper = (cumulated <= level + slack).sum(dim=0, keepdim=True).clamp(max=last)
    return ((ordered.gather(0, lower) + ordered.gather(0, upper)) / 2).squeeze(0)


def robust_scale(values: Tensor, sample_weight: Tensor) -> Tensor:
    """Return 1.4826 median absolute deviations, else IQR / 1.349, else the standard deviation."""
    median = weighted_quantile(values, sample_weight, 0.5)
    mad = weighted_quantile((values - median).abs(), sample_weight, 0.5)
    iqr = weighted_quantile(values, sample_weight, 0.75) - weighted_quantile(
        values, sample_weight, 0.25
    )
    spread = torch.where(mad > 0, NORMAL_PER_MAD * mad, iqr / IQR_PER_NORMAL)
    return torch.where(spread > 0, spread, weighted_std(values, sample_weight))


def class_mass(y: Tensor, sample_weight: Tensor, n_classes: int) -> Tensor:
    """Return the share of the weight that each class has: (n_samples, n_targets) -> (n_targets, n_classes)."""
    mass = torch.zeros(y.shape[1], n_classes, dtype=sample_weight.dtype, device=y.device)
    mass.scatter_add_(1, y.T, sample_weight.expand(y.shape[1], -1).contiguous())
    return mass / sample_weight.sum()
