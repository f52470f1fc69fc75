"""The network for sequences of frames: convolutions, perhaps a recurrence, and dense layers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...losses.speech.transcription import certain_blank_where
from ...parameters.domains import Choice, Interval, Satisfies, Tuple
from ..activations import get_activation
from ..layers import GRU, LSTM, Conv1d, Linear
from ..network import Domains, check_network_arguments

CELLS: dict[str, type[GRU] | type[LSTM]] = {"gru": GRU, "lstm": LSTM}
COUNT = Interval(1, integer=True)
ODD = Satisfies(lambda k: k in COUNT and k % 2 == 1, "an odd whole number above 0")


class SequenceNetwork(nn.Module):
    """A network for sequences, with an output per frame.

    It consists of convolutions along time, an optional recurrence in both directions, and dense
    layers on every frame. The last column of the input is 1 for real frames. Frames after the end
    of an utterance do not change its output; their own output is a certain blank, logit 0 for
    output 0 and -10,000 for all others.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_features,)`` of a frame, not counting the column of the mask.
    n_outputs : int
        Logits per frame, for the blank and the symbols.
    widths : tuple of int, default=(64, 128, 128)
        Channels of each convolution.
    kernel_size : int, default=5
        Number of frames that a convolution sees, odd.
    stride : int, default=2
        The first convolution keeps one in this many frames.
    cell : {"conv", "gru", "lstm"}, default="conv"
        What follows the convolutions: nothing, or a recurrence. Without a recurrence, the network
        sees only as far as its convolutions (21 frames with the defaults), and learns in a fraction
        of the time.
    n_units : int, default=64
        Width of the recurrence in each direction.
    hidden_layer_sizes : tuple of int, default=()
        Widths of dense layers between the recurrence and the output.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        Activation after convolutions and dense layers.
    dropout : float, default=0.0
        Probability, in [0, 1), with which an entry after a convolution, the recurrence or a dense
        layer is set to 0 in training.
    start_constant : bool, default=True
        Whether the last layer starts at 0.
    generator : torch.Generator or None, default=None
        Source of the initial weights.

    Attributes
    ----------
    inputs : str
        What it takes, "sequences".

    Raises
    ------
    ValueError
        If a parameter lies outside its domain.

    Notes
    -----
    Shapes: (n, n_frames, n_features + 1) to (n, n_frames_out(n_frames), n_outputs).

    Examples
    --------
    >>> network = SequenceNetwork((3,), 5, widths=(8,), n_units=4)
    >>> network(torch.ones(2, 10, 4)).shape
    torch.Size([2, 5, 5])
    >>> network.n_frames_out(10)
    5
    """

    inputs: ClassVar[str] = "sequences"
    domains: ClassVar[Domains] = {
        "widths": (Tuple(COUNT), ""),
        "kernel_size": (ODD, ""),
        "stride": (COUNT, ""),
        "cell": (Choice("conv", *CELLS), ""),
        "n_units": (COUNT, ""),
    }

    def __init__(
        self,
        input_shape: Sequence[int],
        n_outputs: int,
        widths: Sequence[int] = (64, 128, 128),
        kernel_size: int = 5,
        stride: int = 2,
        cell: str = "conv",
        n_units: int = 64,
        hidden_layer_sizes: Sequence[int] = (),
        activation: str = "relu",
        dropout: float = 0.0,
        start_constant: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:
        widths = tuple(widths) if isinstance(widths, Iterable) else (widths,)
        check_network_arguments(SequenceNetwork, "SequenceNetwork", locals())
        super().__init__()
        self.stride, self.n_units = stride, n_units
        self.gain = get_activation(activation).gain
        self.activation = get_activation(activation).module()
        self.dropout = nn.Dropout(dropout)
        strides = [stride] + [1] * (len(widths) - 1)
        channels = itertools.pairwise([input_shape[0], *widths])
        self.convolutions = nn.ModuleList(
            Conv1d(n_in, n_out, kernel_size, step, padding=kernel_size // 2)
            for (n_in, n_out), step in zip(channels, strides, strict=True)
        )
        width = widths[-1]
        self.directions = nn.ModuleList()
        if cell != "conv":
            self.directions.extend(CELLS[cell](width, n_units, batch_first=True) for _ in range(2))
            width = 2 * n_units
        dense = itertools.pairwise([width, *hidden_layer_sizes])
        self.dense = nn.ModuleList(Linear(n_in, n_out) for n_in, n_out in dense)
        self.last = Linear([width, *hidden_layer_sizes][-1], n_outputs)
        self._initialise(generator)
        if start_constant:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)

    @property
    def output_bias(self) -> nn.Parameter:
        """The bias of the last layer, (n_outputs,)."""
        return self.last.bias

    def n_frames_out(self, n_frames: int) -> int:
        """Return the number of frames of the output for this many frames of input."""
        return -(-n_frames // self.stride)

    def forward(self, X: Tensor) -> Tensor:
        """Return logits (n, n_frames_out, n_outputs) of X (n, n_frames, n_features + 1)."""
        # (n, frames out, 1)
        mask = X[:, :: self.stride, -1:]
        hidden = (X[:, :, :-1] * X[:, :, -1:]).mT
        for convolution in self.convolutions:
            # Zeros stay after the end of utterances.
            hidden = self.dropout(self.activation(convolution(hidden))) * mask.mT
        hidden = self._in_both_directions(hidden.mT, mask)
        for layer in self.dense:
            hidden = self.dropout(self.activation(layer(hidden)))
        return certain_blank_where(mask[..., 0] == 0, self.last(hidden))

    def _in_both_directions(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Run the recurrence forwards, and backwards from the end of each utterance."""
        if not self.directions:
            return hidden
        forwards, backwards = self.directions
        # This order reverses each utterance but not its padding; twice, it restores the frames.
        frames = torch.arange(mask.shape[1], device=mask.device).unsqueeze(1)
        lengths = mask.sum(1, keepdim=True).long()
        order = torch.where(frames < lengths, lengths - 1 - frames, frames)
        reverse = backwards(hidden.gather(1, order.expand(hidden.shape)))[0]
        reverse = reverse.gather(1, order.expand(reverse.shape))
        return self.dropout(torch.cat((forwards(hidden)[0], reverse), -1))

    def _initialise(self, generator: torch.Generator | None) -> None:
        """Draw weights within Glorot's bounds, and those of a recurrence within torch's.

        Biases start at 0, except those of a recurrence.
        """
        for layer in (*self.convolutions, *self.dense, self.last):
            n_in, n_out = layer.weight[0].numel(), len(layer.weight)
            bound = sqrt(self.gain / (n_in + n_out))
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.zeros_(layer.bias)
        for cell in self.directions:
            bound = 1 / sqrt(self.n_units)
            for parameter in cell.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
