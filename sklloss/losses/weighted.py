"""Weighted statistics over rows, from which best constants and scales of targets are computed.

The statistics take values of shape ``(n_samples, ...)`` and weights of shape ``(n_samples,)``.
Whole-number weights give what repeating each row that many times would give.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Standard deviations of a normal distribution per median absolute deviation.
NORMAL_PER_MAD = 1.4826
# Interquartile range of a normal distribution per standard deviation.
IQR_PER_NORMAL = 1.349
# Numbers in each of the stretches that are summed first.
STRETCH = 64
# Rows that are summed at a time, a multiple of these.
PART = 2**20


def row_sums(values: Tensor) -> Tensor:
    """Sum over the last axis, in an order that does not depend on the number of rows or threads.

    torch splits the sum of a single long vector among its threads, but not the sums of many rows.
    Short stretches are therefore summed first.
    """
    while values.shape[-1] > STRETCH:
        values = _sums_of_stretches(values)
    return values.sum(-1)


def _sums_of_stretches(values: Tensor) -> Tensor:
    missing = -values.shape[-1] % STRETCH
    whole = torch.nn.functional.pad(values, (0, missing)) if missing else values
    return whole.unflatten(-1, (-1, STRETCH)).sum(-1)


def _sum_of_parts(of_part: Callable[[slice], Tensor], n_rows: int) -> Tensor:
    """Sum what is computed of rows, (..., rows), of many rows a part at a time."""
    if n_rows <= PART:
        return row_sums(of_part(slice(None)))
    starts = range(0, n_rows, PART)
    sums = [_sums_of_stretches(of_part(slice(start, start + PART))) for start in starts]
    return row_sums(torch.cat(sums, -1))


def weighted_sum(values: Tensor, sample_weight: Tensor) -> Tensor:
    """Return the weighted sum over rows."""

    def of_part(part: slice) -> Tensor:
        return values[part].movedim(0, -1) * sample_weight[part]

    return _sum_of_parts(of_part, len(values))


def weighted_mean(values: Tensor, sample_weight: Tensor) -> Tensor:
    """Return the weighted mean over rows."""
    return weighted_sum(values, sample_weight) / _total(sample_weight)


def _total(sample_weight: Tensor) -> Tensor:
    return _sum_of_parts(sample_weight.__getitem__, len(sample_weight))


def weighted_std(values: Tensor, sample_weight: Tensor) -> Tensor:
    """Return the weighted standard deviation over rows (divided by n, not n - 1)."""
    mean = weighted_mean(values, sample_weight)
    # In units near the largest of them, squares neither overflow nor vanish.
    unit = power_of_two(torch.maximum((values.amax(0) - mean).abs(), (values.amin(0) - mean).abs()))

    def of_part(part: slice) -> Tensor:
        return (((values[part] - mean) / unit) ** 2).movedim(0, -1) * sample_weight[part]

    return unit * (_sum_of_parts(of_part, len(values)) / _total(sample_weight)).sqrt()


def power_of_two(values: Tensor) -> Tensor:
    """Return the power of two at or below values >= 0, by which dividing is exact; 1 for 0."""
    _, exponent = values.frexp()
    return torch.where(values > 0, torch.exp2(exponent.to(values.dtype) - 1), 1.0)


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
    upper = weighted_quantile(values, sample_weight, 0.75)
    iqr = upper - weighted_quantile(values, sample_weight, 0.25)
    spread = torch.where(mad > 0, NORMAL_PER_MAD * mad, iqr / IQR_PER_NORMAL)
    return torch.where(spread > 0, spread, weighted_std(values, sample_weight))


def class_mass(y: Tensor, sample_weight: Tensor, n_classes: int) -> Tensor:
    """Return the share of the weight of each class: (n_samples, n_targets) to (..., n_classes)."""
    mass = torch.zeros(y.shape[1], n_classes, dtype=sample_weight.dtype, device=y.device)
    mass.scatter_add_(1, y.T, sample_weight.expand(y.shape[1], -1).contiguous())
    return mass / sample_weight.sum()


def mean_over_targets(values: Tensor) -> Tensor:
    """Average over the last axis: (..., n_samples, n_targets) to (..., n_samples)."""
    return values.squeeze(-1) if values.shape[-1] == 1 else values.mean(-1)


def ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Return part / whole, or 0 if both are 0."""
    return part / whole.clamp(min=torch.finfo(whole.dtype).tiny)
