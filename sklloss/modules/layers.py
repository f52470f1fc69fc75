"""torch's layers with their numbers still to be drawn, by the networks, from generators of their own."""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn

MOST_GROUPS = 8


class Undrawn:
    """A layer that draws nothing when it is made: torch's global generator is left alone."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


class Linear(Undrawn, nn.Linear):
    """torch's linear layer."""


class Embedding(Undrawn, nn.Embedding):
    """torch's table of embeddings."""


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
    """torch's normalisation of each image by itself, not of a batch, in at most 8 groups of channels."""

    def __init__(self, n_channels: int) -> None:
        super().__init__(gcd(n_channels, MOST_GROUPS), n_channels)

    def forward(self, X: Tensor) -> Tensor:
        """Normalise, also where a group is a single number, which torch's layer refuses."""
        return torch.group_norm(X, self.num_groups, self.weight, self.bias, self.eps)
