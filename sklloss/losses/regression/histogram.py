"""Cross-entropy on a histogram of y: regression as classification."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...parameters.declared import parameter
from ...parameters.domains import Choice, Interval
from ..base import POSITIVE, RegressionLoss, State
from ..weighted import (
    NORMAL_PER_MAD,
    row_sums,
    weighted_mean,
    weighted_quantile,
    weighted_std,
    weighted_sum,
)

# Bins on each side beyond the range of y, which keep the ends unbiased.
PADDING = 3
# Largest bias of the mean by clamping, in standard deviations, that does not warn.
BIAS = 0.1
# Soft labels, of all rows and bins together, that are held at once.
NUMBERS_AT_ONCE = 2**22
# Farthest that the bins reach from the median, in standard deviations estimated by the MAD.
REACH = 10.0


@dataclass(frozen=True)
class HistogramCrossEntropy(RegressionLoss):
    """Cross-entropy on a histogram of y (HL-Gauss).

    ``-Σ t_k log p_k`` where p is a softmax over bins and t_k is the mass in bin k of a normal
    distribution around y with a standard deviation of ``sigma_ratio`` bins. The prediction is
    ``Σ p_k c_k`` over the centres of the bins, or the median of the histogram.

    The bins are uniform over ``[max(min y, m - 10 s), min(max y, m + 10 s)]`` with m the weighted
    median and s 1.4826 median absolute deviations of the training targets, plus three bins on each
    side. Targets outside are clamped to the range. The bins are learned at the first fit.

    Parameters
    ----------
    n_bins : int, default=51
        Number of bins over the range of y, at least 2. The network has six more outputs than this
        per target.
    sigma_ratio : float, default=0.75
        Standard deviation of the normal distribution around y, in bins, > 0.
    statistic : {"mean", "median"}, default="mean"
        What to predict. The median is robust to outliers in y, the mean is not.

    References
    ----------
    Imani, E. and White, M., Improving Regression Performance with Distributional Losses, 2018,
    arXiv 1806.04613. Farebrother, J. et al., Stop Regressing: Training Value Functions via
    Classification for Scalable Deep RL, 2024, arXiv 2403.03950.

    Examples
    --------
    >>> import torch
    >>> loss = HistogramCrossEntropy(n_bins=4)
    >>> y = torch.tensor([[0.0], [1.0], [4.0]])
    >>> loss.prepare(y, torch.ones(3))["edges"].flatten()
    tensor([-3., -2., -1.,  0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.])
    """

    name: ClassVar[str] = "cross_entropy"
    aliases: ClassVar[tuple[str, ...]] = ("hl_gauss", "CrossEntropyLoss")
    functional: ClassVar[str] = "mean"
    metric: ClassVar[str | None] = "neg_mean_squared_error"
    reference: ClassVar[str] = "Imani & White 1806.04613; Farebrother 2403.03950"
    when: ClassVar[str] = (
        "Noise of any shape, several peaks included, and plenty of rows. Not with few rows, nor if"
        " predictions must leave the range of the training targets."
    )
    learns_from_y: ClassVar[bool] = True

    n_bins: int = parameter(51, Interval(2, integer=True), structural=True)
    sigma_ratio: float = parameter(0.75, POSITIVE)
    statistic: str = parameter("mean", Choice("mean", "median"), structural=True)

    def n_outputs(self, n_classes: int | None = None, multi_label: bool = False) -> int:
        """Return one logit per bin."""
        return self.n_bins + 2 * PADDING

    def prepare(self, y: Tensor, sample_weight: Tensor, n_classes: int | None = None) -> State:
        """Learn the edges of the bins, shape (1, n_targets, n_bins + 7)."""
        state = super().prepare(y, sample_weight)
        median = weighted_quantile(y, sample_weight, 0.5)
        reach = REACH * NORMAL_PER_MAD * weighted_quantile((y - median).abs(), sample_weight, 0.5)
        reach = torch.where(reach > 0, reach, torch.inf)
        low = torch.maximum(y.amin(0), median - reach)
        high = torch.minimum(y.amax(0), median + reach)
        if self.statistic == "mean":
            warn_if_biased(y, y.clamp(low, high), sample_weight)
        width = (high - low) / self.n_bins
        width = torch.where(width > 0, width, 1.0)
        steps = torch.arange(-PADDING, self.n_bins + PADDING + 1, dtype=y.dtype, device=y.device)
        state["edges"] = (low.unsqueeze(-1) + width.unsqueeze(-1) * steps).unsqueeze(0)
        return state

    def soft_labels(self, y: Tensor, state: State) -> Tensor:
        """Return the mass of every bin, shape (..., n_samples, n_targets, n_bins + 6)."""
        edges = state["edges"]
        sigma = state["sigma_ratio"].unsqueeze(-1) * (edges[..., 1:2] - edges[..., :1])
        inside = y.clamp(edges[..., PADDING], edges[..., -1 - PADDING]).unsqueeze(-1)
        mass = torch.special.ndtr((edges - inside) / sigma).diff(dim=-1)
        return mass / mass.sum(-1, keepdim=True)

    def pointwise(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return ``-Σ t_k log p_k``."""
        return -(self.soft_labels(y, state) * raw.log_softmax(-1)).sum(-1)

    def inverse_link(self, raw: Tensor, state: State) -> Tensor:
        """Return the mean or the median of the histogram, depending on `statistic`."""
        if self.statistic == "mean":
            return self.predict_mean(raw, state)
        return histogram_quantile(raw.softmax(-1), state["edges"], 0.5)

    def predict_mean(self, raw: Tensor, state: State) -> Tensor:
        """Return the mean of the histogram, whatever `statistic`."""
        edges = state["edges"]
        return (raw.softmax(-1) * (edges[..., 1:] + edges[..., :-1]) / 2).sum(-1)

    def predict_quantiles(self, raw: Tensor, levels: Tensor, state: State) -> Tensor:
        """Return quantiles of a density that is constant within bins."""
        mass = raw.softmax(-1)
        columns = [histogram_quantile(mass, state["edges"], q) for q in levels.tolist()]
        return torch.stack(columns, -1)

    def cdf(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the probability below values of y, (..., n_samples, n_targets, n_values)."""
        mass, edges = raw.softmax(-1), state["edges"]
        below = torch.nn.functional.pad(mass.cumsum(-1), (1, 0)) / mass.sum(-1, keepdim=True)
        place = (y - edges[..., :1]) / (edges[..., 1:2] - edges[..., :1])
        place = place.clamp(0, mass.shape[-1])
        lower = place.floor().long().clamp(max=mass.shape[-1] - 1)
        return torch.lerp(below.gather(-1, lower), below.gather(-1, lower + 1), place - lower)

    def log_density(self, raw: Tensor, y: Tensor, state: State) -> Tensor:
        """Return the log of the mass of a value's bin over its width, minus infinity outside."""
        log_mass, edges = raw.log_softmax(-1), state["edges"]
        width = edges[..., 1:2] - edges[..., :1]
        place = ((y - edges[..., :1]) / width).floor()
        inside = (place >= 0) & (place < raw.shape[-1])
        of_bin = log_mass.gather(-1, place.clamp(0, raw.shape[-1] - 1).long()) - width.log()
        return torch.where(inside, of_bin, -torch.inf)

    def predict_std(self, raw: Tensor, state: State) -> Tensor:
        """Return the standard deviation of the histogram, without the part due to labels and bins.

        The width of the soft labels and of the bins adds to the variance; it is subtracted.
        """
        mass, edges = raw.softmax(-1), state["edges"]
        centres, width = (edges[..., 1:] + edges[..., :-1]) / 2, edges[..., 1] - edges[..., 0]
        mean = (mass * centres).sum(-1, keepdim=True)
        variance = (mass * (centres - mean) ** 2).sum(-1)
        added = (state["sigma_ratio"] * width) ** 2 + width**2 / 12
        return (variance - added).clamp(min=0).sqrt()

    def baseline(self, y: Tensor, sample_weight: Tensor, state: State) -> Tensor:
        """Return the log of the mean soft label, which is taken as at least one millionth."""
        n_rows = max(1, NUMBERS_AT_ONCE // (y.shape[1] * self.n_outputs()))
        parts = zip(y.split(n_rows), sample_weight.split(n_rows), strict=True)
        sums = [weighted_sum(self.soft_labels(rows, state), weights) for rows, weights in parts]
        mean = torch.stack(sums).sum(0) / row_sums(sample_weight)
        logits = mean.clamp(min=1e-6).log()
        return logits - logits.mean(-1, keepdim=True)


def warn_if_biased(y: Tensor, clamped: Tensor, sample_weight: Tensor) -> None:
    """Warn if clamping to the bins moves the mean of y by more than BIAS standard deviations."""
    bias = weighted_mean(y, sample_weight) - weighted_mean(clamped, sample_weight)
    share = (bias / weighted_std(y, sample_weight)).abs().nan_to_num(0.0)
    if (share > BIAS).any():
        warnings.warn(
            f"The bins of cross_entropy reach {REACH:g} robust standard deviations from the"
            f" median; {(y != clamped).sum()} of {y.numel()} targets lie outside and are clamped,"
            f" which moves their mean by {share.max():.2g} standard deviations."
            " Predict the median (loss__statistic='median'), or train on a transformed y"
            " (TransformedTargetRegressor).",
            UserWarning,
            stacklevel=2,
        )


def histogram_quantile(mass: Tensor, edges: Tensor, level: float) -> Tensor:
    """Return the quantile of a histogram: (..., n_bins) and (..., n_bins + 1) to (...)."""
    below = mass.cumsum(-1)
    index = (below < level).sum(-1, keepdim=True).clamp(max=mass.shape[-1] - 1)
    inside = mass.gather(-1, index)
    share = (level - below.gather(-1, index) + inside) / inside
    edges = edges.expand(*mass.shape[:-1], -1)
    width = edges[..., 1:2] - edges[..., :1]
    return (edges.gather(-1, index) + share * width).squeeze(-1)
