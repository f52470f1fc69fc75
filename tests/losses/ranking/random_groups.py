"""The losses for ranking, and random scores of groups of rows."""

import pytest
import torch

from sklloss.losses import (
    ApproxNDCG,
    LambdaRank,
    OrderLoss,
    PairwiseHinge,
    RankNet,
)
from sklloss.losses.catalogue import CATALOGUE

ALL = (
    *(cls() for cls in CATALOGUE if cls.task == "ranking"),
    PairwiseHinge(margin=0.3),
    RankNet(sigma=2.0),
    LambdaRank(sigma=0.5, truncation=2),
    ApproxNDCG(temperature=1.0),
)


each = pytest.mark.parametrize("loss", ALL, ids=repr)


of_order = pytest.mark.parametrize(
    "loss", [loss for loss in ALL if isinstance(loss, OrderLoss)], ids=repr
)


Y = torch.tensor(
    [
        [0.0, 2.0, 1.0, 4.0, 3.0],
        [1.0, 1.0, 0.0, -1.0, -1.0],
        [3.0, 0.0, 0.0, 0.0, -1.0],
        [0.5, 2.5, -1.0, -1.0, -1.0],
    ]
)


SIZES = (Y >= 0).sum(1).tolist()


def draw(loss, dtype=torch.float64, seed=0, y=Y):
    """Return raw (n_groups, size, 1), y, weights and the state."""
    generator = torch.Generator().manual_seed(seed)
    raw = torch.randn(*y.shape, 1, dtype=dtype, generator=generator)
    weights = 0.5 + torch.rand(len(y), dtype=dtype, generator=generator)
    return raw, y.to(dtype), weights, loss.prepare(y.to(dtype), weights)
