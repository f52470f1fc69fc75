"""torch's layers with their numbers still to be drawn, by the networks, from generators of their own."""

from __future__ import annotations

from torch import nn


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
