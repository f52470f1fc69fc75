"""The multilayer perceptron: as a plain module, and as a stack with explicit forward and backward passes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

from .activations import ACTIVATIONS
from .flat import FlatParameters, bind
from .slab import CACHE_LINE, Slab, write_product
from .stack import Stack

MIN_WIDTH = (
    2  # of every layer of a stack: matrix products of width 1 take another path, with other bits
)


class MLP(nn.Sequential):
    """A multilayer perceptron; a linear model where there are no hidden layers.

    Every hidden layer is linear, activation, dropout; the last is linear.  Hidden weights and biases start uniform within
    Glorot's bounds, as in scikit-learn.

    Parameters
    ----------
    n_features : int
        Width of the input.
    n_outputs : int
        Width of the output.
    hidden_layer_sizes : tuple of int, default=(100,)
        Width of each hidden layer.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        The hidden layers' activation.
    dropout : float, default=0.0
        Probability, in [0, 1), with which each hidden number is set to 0 in training.
    start_constant : bool, default=True
        Whether the last layer starts at 0, so that an output bias set to the best constant makes the whole network start
        there.
    generator : torch.Generator or None, default=None
        Where the initial weights come from.

    Attributes
    ----------
    stack : type of Stack
        How K of them compute together.

    Examples
    --------
    >>> MLP(3, 1, hidden_layer_sizes=())
    MLP(
      (0): Linear(in_features=3, out_features=1, bias=True)
    )
    """

    stack: ClassVar[type[Stack]]

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        start_constant: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:
        widths = [n_features, *hidden_layer_sizes]
        layers: list[nn.Module] = []
        for n_in, n_out in itertools.pairwise(widths):
            layers += [_empty_linear(n_in, n_out), ACTIVATIONS[activation].module()]
            layers += [nn.Dropout(dropout)] if dropout else []
        super().__init__(*layers, _empty_linear(widths[-1], n_outputs))
        self.activation = activation
        self.dropout = dropout
        self._initialise(generator)
        if start_constant:
            nn.init.zeros_(self.linears[-1].weight)
            nn.init.zeros_(self.output_bias)

    @property
    def linears(self) -> list[nn.Linear]:
        """The linear layers, first to last."""
        return [layer for layer in self if isinstance(layer, nn.Linear)]

    @property
    def output_bias(self) -> nn.Parameter:
        """The bias of the last layer."""
        return self.linears[-1].bias

    def _initialise(self, generator: torch.Generator | None) -> None:
        gain = ACTIVATIONS[self.activation].gain
        for layer in self.linears:
            bound = sqrt(gain / (layer.in_features + layer.out_features))
            for parameter in (layer.weight, layer.bias):
                nn.init.uniform_(parameter, -bound, bound, generator=generator)


def _empty_linear(n_in: int, n_out: int) -> nn.Linear:
    """A linear layer whose numbers are still to be drawn: torch's global generator is left alone."""
    return nn.utils.skip_init(nn.Linear, n_in, n_out)


class MLPStack(Stack):
    """K perceptrons of one shape as batched matrix products, without autograd.

    Weights are ``(models, out, in)``, as in torch, and biases ``(models, out)``: views into the flat buffer.  A width of 1 is
    padded to 2 with numbers that stay 0.  Layers live in slabs that training uses again at every step.
    """

    def __init__(self, modules: Sequence[MLP], loss_parameters: Sequence[nn.Parameter]) -> None:
        super().__init__(modules, loss_parameters)
        first = modules[0]
        self._activation = ACTIVATIONS[first.activation]
        self._dropout = [module.dropout for module in modules]
        self._n_outputs = first.linears[-1].out_features
        self._widths = [(layer.in_features, layer.out_features) for layer in first.linears]
        self._allocate(first.output_bias)
        for k, module in enumerate(modules):
            self._bind_module(k, module)
        self.bind_loss_parameters(2 * len(self._widths))
        self._sources: list[tuple[torch.Generator, float]] = []
        self._draws: list[int] = []
        self._kept: list[_Kept] = []
        self._slabs: dict[tuple[str, int, int], Slab] = {}

    def _allocate(self, like: Tensor) -> None:
        shapes: list[tuple[int, ...]] = []
        for n_in, n_out in self._widths:
            padded = max(n_out, MIN_WIDTH)
            shapes += [(padded, max(n_in, MIN_WIDTH)), (padded,)]
        weights = [True, False] * len(self._widths) + [False] * len(self.loss_parameters)
        shapes += [tuple(p.shape[1:]) for p in self.loss_parameters]
        self.flat = FlatParameters(len(self.modules), shapes, like, weights)
        pieces = [self.flat.piece(index) for index in range(2 * len(self._widths))]
        self._weights, self._biases = pieces[0::2], pieces[1::2]

    def _bind_module(self, k: int, module: MLP) -> None:
        for layer, weight, bias in zip(module.linears, self._weights, self._biases, strict=True):
            n_in, n_out = layer.in_features, layer.out_features
            bind(layer.weight, *(piece[k, :n_out, :n_in] for piece in weight))
            bind(layer.bias, *(piece[k, :n_out] for piece in bias))

    def start_epoch(self, seeds: Sequence[int]) -> None:
        """Seed the generators that dropout draws from; models of one seed draw together."""
        drawn = list(dict.fromkeys(zip(seeds, self._dropout, strict=True)))
        self._draws = [drawn.index(pair) for pair in zip(seeds, self._dropout, strict=True)]
        self._sources = [(torch.Generator().manual_seed(seed), rate) for seed, rate in drawn]

    def pad(self, X: Tensor) -> Tensor:
        """Add a column of zeros to a single feature."""
        missing = MIN_WIDTH - X.shape[-1]
        return nn.functional.pad(X, (0, missing)) if missing > 0 else X

    def padded_rows(self, n_rows: int) -> int:
        """Round up, so that every model's rows start at a cache line."""
        return -(-n_rows // CACHE_LINE) * CACHE_LINE

    def forward(self, X: Tensor) -> Tensor:
        """Compute all models at once, keeping every layer's input and activation."""
        self._kept = []
        hidden = X
        for layer in range(len(self._widths) - 1):
            hidden = self._hidden_forward(hidden, layer)
        self._last_input = hidden
        out = self._slab("z", len(self._widths) - 1, X.shape[1]).matrices
        return self._linear(hidden, -1, out)[..., : self._n_outputs]

    def _hidden_forward(self, inputs: Tensor, layer: int) -> Tensor:
        z = self._slab("z", layer, inputs.shape[1])
        self._linear(inputs, layer, z.matrices)
        activated = z.of(self._activation.forward(z.vector))
        self._clear_padding(activated.matrices, layer)
        mask = self._dropout_mask(activated.matrices) if any(self._dropout) else None
        self._kept.append(_Kept(inputs, z, activated, mask))
        return activated.matrices if mask is None else activated.matrices * mask

    def backward(self, grad_raw: Tensor) -> None:
        """Go back through the layers, writing weights' and biases' gradients into the flat buffer."""
        missing = MIN_WIDTH - self._n_outputs
        grad = nn.functional.pad(grad_raw, (0, missing)) if missing > 0 else grad_raw
        self._linear_backward(self._last_input, grad, -1)
        for layer in range(len(self._widths) - 2, -1, -1):
            grad = self._hidden_backward(grad, layer)
            self._linear_backward(self._kept[layer].inputs, grad, layer)

    def _hidden_backward(self, grad: Tensor, layer: int) -> Tensor:
        kept = self._kept[layer]
        slab = self._slab("grad", layer, grad.shape[1])
        torch.bmm(grad, self._weights[layer + 1][0], out=slab.matrices)
        if kept.mask is not None:
            slab.matrices.mul_(kept.mask)
        vectors = (slab.vector, kept.z.vector, kept.activated.vector)
        passed = slab.of(self._activation.backward(*vectors)).matrices
        self._clear_padding(passed, layer)
        return passed

    def infer(self, X: Tensor) -> Tensor:
        """Compute all models at once, without dropout."""
        hidden = X
        for layer in range(len(self._widths) - 1):
            z = self._new_slab(layer, X.shape[1], X)
            self._linear(hidden, layer, z.matrices)
            hidden = z.of(self._activation.forward(z.vector)).matrices
            self._clear_padding(hidden, layer)
        out = self._new_slab(len(self._widths) - 1, X.shape[1], X).matrices
        return self._linear(hidden, -1, out)[..., : self._n_outputs]

    def _slab(self, what: str, layer: int, n_rows: int) -> Slab:
        key = (what, layer, n_rows)
        if key not in self._slabs:
            self._slabs[key] = self._new_slab(layer, n_rows, self.flat.gradients)
        return self._slabs[key]

    def _new_slab(self, layer: int, n_rows: int, like: Tensor) -> Slab:
        return Slab.like(like, len(self), n_rows, max(self._widths[layer][1], MIN_WIDTH))

    def _linear(self, inputs: Tensor, layer: int, out: Tensor) -> Tensor:
        weight, bias = self._weights[layer][0], self._biases[layer][0]
        return torch.baddbmm(bias.unsqueeze(1), inputs, weight.mT, out=out)

    def _linear_backward(self, inputs: Tensor, grad: Tensor, layer: int) -> None:
        write_product(grad.mT, inputs, self._weights[layer][1])
        torch.sum(grad, dim=1, out=self._biases[layer][1])

    def _clear_padding(self, hidden: Tensor, layer: int) -> None:
        width = self._widths[layer][1]
        if width < MIN_WIDTH:
            hidden[..., width:] = 0

    def _dropout_mask(self, hidden: Tensor) -> Tensor:
        masks = [_mask(hidden[0], source, rate) for source, rate in self._sources]
        return torch.stack([masks[draw] for draw in self._draws])


@dataclass(frozen=True)
class _Kept:
    """What the way back needs of a hidden layer."""

    inputs: Tensor
    z: Slab
    activated: Slab
    mask: Tensor | None


def _mask(like: Tensor, source: torch.Generator, rate: float) -> Tensor:
    drawn = torch.empty(like.shape, dtype=like.dtype).bernoulli_(1 - rate, generator=source)
    return drawn.to(like.device).div_(1 - rate)


MLP.stack = MLPStack
