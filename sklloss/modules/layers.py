"""torch's layers without initial weights, which networks draw from generators of their own."""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn

# Largest number of groups of channels that are normalised together.
MOST_GROUPS = 8


class Undrawn:
    """A layer that draws nothing when it is created, so that torch's global generator stays."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


class Linear(Undrawn, nn.Linear):
    """torch's linear layer."""


class Embedding(Undrawn, nn.Embedding):
    """torch's embedding table."""


class Convolution(Undrawn, nn.Conv2d):
    """torch's convolution over images."""

    bias: nn.Parameter


class Conv1d(Undrawn, nn.Conv1d):
    """torch's convolution over sequences."""


class GRU(Undrawn, nn.GRU):
    """torch's gated recurrent unit."""


class LSTM(Undrawn, nn.LSTM):
    """torch's long short-term memory."""


class GroupNorm(nn.GroupNorm):
    """torch's group normalisation, of each image alone, in at most 8 groups of channels."""

    def __init__(self, n_channels: int) -> None:
        super().__init__(gcd(n_channels, MOST_GROUPS), n_channels)

    def forward(self, X: Tensor) -> Tensor:
        """Normalise, also if a group is a single number, for which torch's layer raises."""
        return torch.group_norm(X, self.num_groups, self.weight, self.bias, self.eps)
