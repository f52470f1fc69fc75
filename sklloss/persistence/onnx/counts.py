"""Quantiles of counts: probabilities are added up from 0 until they reach the levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...losses.base import State
from ...losses.regression.counts import NegativeBinomialCounts, PoissonCounts
from ...losses.regression.exponential import tangent_exp
from ...losses.regression.positive import COUNTS, NegativeBinomial
from ...losses.regression.zero_inflation import ZeroAlteredLoss
from .traced import OnnxError, Traced, name_of, samples_of

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
    counts, z, share = _of(loss, raw, state)
    mean = tangent_exp(z)
    if isinstance(counts, PoissonCounts):
        start, k, log_step = -mean, None, mean.log()
    else:
        assert isinstance(counts, NegativeBinomialCounts)
        k = counts.log_k(state).exp()
        start, log_step = -counts.nll_of_0(z, state), mean.log() - (k + mean).log()
    graph = raw.graph
    log_share = torch.zeros_like(mean) if share is None else share
    factor = log_share.exp()
    given = levels - SLACK

    # The loop is written in names, since its condition is a value of the graph too.
    def step(number: str, values: list[str]) -> tuple[str, list[str]]:
        count = Traced(torch.zeros(()).double(), graph.node("Cast", number, to=11), graph)
        samples = samples_of((mean, mean, first))
        log_p, below, found = (
            Traced(s, name, graph) for s, name in zip(samples, values, strict=True)
        )
        reached = below + log_p.exp()
        of_all = (1 - factor + factor * reached).mean(0)[..., None]
        found = torch.where((found < 0) & (of_all >= given), count, found)
        rate = log_step if k is None else log_step + (count + k).log()
        names = [
            name_of(graph, each) for each in (log_p + rate - (count + 1).log(), reached, found)
        ]
        return name_of(graph, (found < 0).any()), names

    first = torch.full_like(mean[0][..., None] + given, -1.0)
    zero = torch.zeros_like(mean)
    names = [name_of(graph, each) for each in (start, zero, first)]
    *_, last = graph.repeated(MOST, step, names, ["float64"] * 3)
    reached = Traced(samples_of(first), last, graph)
    return torch.where(reached < 0, np.nan, reached)


def _of(loss: Any, raw: Tensor, state: State) -> tuple[Any, Tensor, Tensor | None]:
    """Return the counts of a loss, their log mean, and the log of the share that they have."""
    if isinstance(loss, NegativeBinomial):
        return COUNTS, raw[..., 0], None
    if isinstance(loss, ZeroAlteredLoss):
        bounded = torch.stack((raw[..., 0].clamp(min=-20.0), raw[..., 1]), -1)
        return loss.counts, bounded[..., 0], loss.log_factor(bounded, state)
    raise OnnxError(f"the counts of loss {loss.label!r} have no quantiles in ONNX")
