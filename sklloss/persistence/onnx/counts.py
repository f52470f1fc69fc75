"""Quantiles of counts: probabilities are added up from 0 until they reach the levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...losses.base import State
from ...losses.regression.counts import NegativeBinomialCounts
from ...losses.regression.exponential import tangent_exp
from ...losses.regression.positive import COUNTS, NegativeBinomial
from ...losses.regression.zero_inflation import LOWEST, ZeroAlteredLoss
from .traced import Traced
from .values import OnnxError, name_of, samples_of

# Counts from here on are not searched, and are NaN.
MOST = 1_000_000

# By how much a sum of probabilities may miss a level.
SLACK = 1e-12


def count_quantiles(loss: Any, raw: Tensor, state: State, levels: Tensor) -> Tensor:
    """Return the quantiles of the mean of the members' distributions of counts.

    Parameters
    ----------
    loss : RegressionLoss
        One of counts.
    raw : Traced of shape (members, n_samples, n_targets, n_outputs)
    state : State
    levels : Tensor of shape (n_levels,) or (n_targets, n_levels)

    Returns
    -------
    Tensor of shape (n_samples, n_targets, n_levels)
    """
    assert isinstance(raw, Traced)
    graph, growth = raw.graph, _growth_of(loss, raw, state)
    given, start = levels - SLACK, growth.log_of_0
    zero: Any = torch.zeros_like(start)
    unknown: Any = torch.full_like(start[0][..., None] + given, -1.0)
    samples = samples_of((start, zero, unknown))

    # The loop is written in names, since its condition is a value of the graph too.
    def step(number: str, values: list[str]) -> tuple[str, list[str]]:
        pairs = zip(samples, values, strict=True)
        carried: list[Tensor] = [Traced(sample, name, graph) for sample, name in pairs]
        log_p, below, found = carried
        count = Traced(torch.zeros(()).double(), graph.node("Cast", number, to=11), graph)
        reached = below + log_p.exp()
        of_all = (1 - growth.factor + growth.factor * reached).mean(0)[..., None]
        found = torch.where((found < 0) & (of_all >= given), count, found)
        following = log_p + growth.log_ratio(count)
        names = [name_of(graph, each) for each in (following, reached, found)]
        return name_of(graph, (found < 0).any()), names

    names = [name_of(graph, each) for each in (start, zero, unknown)]
    *_, last = graph.repeated(MOST, step, names, ["float64"] * 3)
    counts = Traced(samples[-1], last, graph)
    return torch.where(counts < 0, np.nan, counts)


@dataclass(frozen=True)
class Growth:
    """How the probability of each count follows from that of the one below.

    Attributes
    ----------
    log_of_0 : Tensor of shape (members, n_samples, n_targets)
        The log of the probability of 0.
    log_step : Tensor
        What is added to the log of the next one, beside what depends on the count.
    dispersion : Tensor or None
        That of a negative binomial distribution.
    factor : Tensor
        The share of the counts; 0 has the rest.
    """

    log_of_0: Tensor
    log_step: Tensor
    dispersion: Tensor | None
    factor: Tensor

    def log_ratio(self, count: Tensor) -> Tensor:
        """Return the log of the probability of one more than a count, over that of the count."""
        found = self.log_step - (count + 1).log()
        return found if self.dispersion is None else found + (count + self.dispersion).log()


def _growth_of(loss: Any, raw: Tensor, state: State) -> Growth:
    counts, z, log_share = _of(loss, raw, state)
    mean = tangent_exp(z)
    factor = torch.ones_like(mean) if log_share is None else log_share.exp()
    if isinstance(counts, NegativeBinomialCounts):
        k = counts.log_k(state).exp()
        return Growth(-counts.nll_of_0(z, state), mean.log() - (k + mean).log(), k, factor)
    return Growth(-mean, mean.log(), None, factor)


def _of(loss: Any, raw: Tensor, state: State) -> tuple[Any, Tensor, Tensor | None]:
    """Return the counts of a loss, their log mean, and the log of the share that they have."""
    if isinstance(loss, NegativeBinomial):
        return COUNTS, raw[..., 0], None
    if isinstance(loss, ZeroAlteredLoss):
        bounded = torch.stack((raw[..., 0].clamp(min=LOWEST), raw[..., 1]), -1)
        return loss.counts, bounded[..., 0], loss.log_factor(bounded, state)
    raise OnnxError(f"the counts of loss {loss.label!r} have no quantiles in ONNX")
