"""The network for sequences: convolutions along time, a recurrence in both directions, an output for every frame."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...losses.speech.transcription import certain_blank_where
from ...parameters.domains import Choice, Domain, Interval, Satisfies, Tuple, check_arguments
from ..activations import ACTIVATIONS
from ..layers import GRU, LSTM, Conv1d, Linear

CELLS: dict[str, type[GRU] | type[LSTM]] = {"gru": GRU, "lstm": LSTM}
COUNT = Interval(1, integer=True)
ODD = Satisfies(lambda k: k in COUNT and k % 2 == 1, "{name} to be an odd whole number above 0")
DOMAINS: dict[str, Domain] = {
    "widths": Tuple(COUNT),
    "kernel_size": ODD,
    "stride": COUNT,
    "cell": Choice("conv", *CELLS),
    "n_units": COUNT,
}


class SequenceNetwork(nn.Module):
    """Convolutions along time, perhaps a recurrence in both directions, dense layers on every frame, and an output per frame.

    The last column of the input says which frames are real.  What stands behind the end of an utterance does not change what comes
    out for it; frames there are a certain blank: logit 0 for output 0, -10,000 for all others.

    Parameters
    ----------
    input_shape : tuple of int
        ``(n_features,)`` of a frame, the column of the mask not counted.
    n_outputs : int
        Logits per frame: the blank and the symbols.
    widths : tuple of int, default=(64, 128, 128)
        Channels of each convolution.
    kernel_size : int, default=5
        Frames that a convolution sees, odd.
    stride : int, default=2
        The first convolution keeps one frame of so many.
    cell : {"conv", "gru", "lstm"}, default="conv"
        What follows the convolutions: nothing, or a recurrence.  Without one, the network sees as far as its convolutions do (21
        frames with the defaults), and learns in a fraction of the time.
    n_units : int, default=64
        Width of the recurrence in each direction.
    hidden_layer_sizes : tuple of int, default=()
        Widths of dense layers between the recurrence and the output.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        Behind convolutions and dense layers.
    dropout : float, default=0.0
        Probability, in [0, 1), with which a number behind a convolution, the recurrence or a dense layer is set to 0 in training.
    start_constant : bool, default=True
        Whether the last layer starts at 0.
    generator : torch.Generator or None, default=None
        Where the initial weights come from.

    Attributes
    ----------
    inputs : str
        What it takes.

    Raises
    ------
    ValueError
        If a parameter is outside what is allowed.

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
        check_arguments(SequenceNetwork, "SequenceNetwork", locals(), DOMAINS)
        super().__init__()
        self.stride, self.n_units = stride, n_units
        self.gain = ACTIVATIONS[activation].gain
        self.activation = ACTIVATIONS[activation].module()
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
        """Return how many frames come out of so many."""
        return -(-n_frames // self.stride)

    def forward(self, X: Tensor) -> Tensor:
        """Return logits (n, n_frames_out, n_outputs) of X (n, n_frames, n_features + 1)."""
        mask = X[:, :: self.stride, -1:]  # (n, frames out, 1)
        hidden = X[:, :, :-1] * X[:, :, -1:]
        hidden = self._convolved(hidden.mT, mask.mT).mT
        hidden = self._in_both_directions(hidden, mask)
        for layer in self.dense:
            hidden = self.dropout(self.activation(layer(hidden)))
        return certain_blank_where(mask[..., 0] == 0, self.last(hidden))

    def _convolved(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Run the convolutions on (n, channels, n_frames); behind the end of an utterance stay zeros."""
        for convolution in self.convolutions:
            hidden = self.dropout(self.activation(convolution(hidden))) * mask
        return hidden

    def _in_both_directions(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Run the recurrence forwards, and backwards from each utterance's own end."""
        if not self.directions:
            return hidden
        forwards, backwards = self.directions
        order = _reversal(mask[..., 0])
        of_end = backwards(_reordered(hidden, order))[0]
        both = torch.cat((forwards(hidden)[0], _reordered(of_end, order)), -1)
        return self.dropout(both)

    def _initialise(self, generator: torch.Generator | None) -> None:
        """Draw weights within Glorot's bounds, those of a recurrence as torch does; biases start there at 0."""
        for layer in (*self.convolutions, *self.dense, self.last):
            n_in, n_out = layer.weight[0].numel(), len(layer.weight)
            bound = sqrt(self.gain / (n_in + n_out))
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.zeros_(layer.bias)
        for cell in self.directions:
            bound = 1 / sqrt(self.n_units)
            for parameter in cell.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)


def _reversal(mask: Tensor) -> Tensor:
    """Return the frames of each utterance last to first, those behind its end as they are: (n, n_frames) of indices."""
    frames = torch.arange(mask.shape[1], device=mask.device).expand(mask.shape)
    lengths = mask.sum(1, keepdim=True).long()
    return torch.where(frames < lengths, lengths - 1 - frames, frames)


def _reordered(hidden: Tensor, order: Tensor) -> Tensor:
    return hidden.gather(1, order.unsqueeze(-1).expand(hidden.shape))
