"""The multilayer perceptron: as a plain module, and as a stack with explicit forward and backward passes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

from .activations import ACTIVATIONS
from .flat import FlatParameters, bind
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

    Weights are ``(models, in, out)`` and biases ``(models, out)``, views into the flat buffer.
    """

    def __init__(self, modules: Sequence[MLP], loss_parameters: Sequence[nn.Parameter]) -> None:
        super().__init__(modules, loss_parameters)
        first = modules[0]
        self._activation = ACTIVATIONS[first.activation]
        self._dropout = first.dropout
        self._n_outputs = first.linears[-1].out_features
        self._widths = [(layer.in_features, layer.out_features) for layer in first.linears]
        self._allocate(first.output_bias)
        for k, module in enumerate(modules):
            self._bind_module(k, module)
        self.bind_loss_parameters(2 * len(self._widths))
        self._generators: list[torch.Generator] = []
        self._kept: list[tuple[Tensor, Tensor, Tensor, Tensor | None]] = []

    def _allocate(self, like: Tensor) -> None:
        shapes: list[tuple[int, ...]] = []
        for n_in, n_out in self._widths:
            padded = max(n_out, MIN_WIDTH)
            shapes += [(max(n_in, MIN_WIDTH), padded), (padded,)]
        weights = [True, False] * len(self._widths) + [False] * len(self.loss_parameters)
        shapes += [tuple(p.shape[1:]) for p in self.loss_parameters]
        self.flat = FlatParameters(len(self.modules), shapes, like, weights)
        pieces = [self.flat.piece(index) for index in range(2 * len(self._widths))]
        self._weights, self._biases = pieces[0::2], pieces[1::2]

    def _bind_module(self, k: int, module: MLP) -> None:
        for layer, weight, bias in zip(module.linears, self._weights, self._biases, strict=True):
            n_in, n_out = layer.in_features, layer.out_features
            bind(layer.weight, *(piece[k, :n_in, :n_out].T for piece in weight))
            bind(layer.bias, *(piece[k, :n_out] for piece in bias))

    def start_epoch(self, seeds: Sequence[int]) -> None:
        """Seed the generators that dropout draws from."""
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def pad(self, X: Tensor) -> Tensor:
        """Add a column of zeros to a single feature."""
        missing = MIN_WIDTH - X.shape[-1]
        return nn.functional.pad(X, (0, missing)) if missing > 0 else X

    def forward(self, X: Tensor) -> Tensor:
        """Compute all models at once, keeping every layer's input and activation."""
        self._kept = []
        hidden = X
        for layer in range(len(self._widths) - 1):
            hidden = self._hidden_forward(hidden, layer)
        self._last_input = hidden
        return self._linear(hidden, -1)[..., : self._n_outputs]

    def _hidden_forward(self, inputs: Tensor, layer: int) -> Tensor:
        z = self._linear(inputs, layer)
        activated = self._activation.forward(z)
        self._clear_padding(activated, layer)
        mask = self._dropout_mask(activated) if self._dropout else None
        self._kept.append((inputs, z, activated, mask))
        return activated if mask is None else activated * mask

    def backward(self, grad_raw: Tensor) -> None:
        """Go back through the layers, writing weights' and biases' gradients into the flat buffer."""
        missing = MIN_WIDTH - self._n_outputs
        grad = nn.functional.pad(grad_raw, (0, missing)) if missing > 0 else grad_raw
        self._linear_backward(self._last_input, grad, -1)
        for layer in range(len(self._widths) - 2, -1, -1):
            inputs, z, activated, mask = self._kept[layer]
            grad = torch.bmm(grad, self._weights[layer + 1][0].mT)
            grad = grad if mask is None else grad * mask
            grad = self._activation.backward(grad, z, activated)
            self._clear_padding(grad, layer)
            self._linear_backward(inputs, grad, layer)

    def infer(self, X: Tensor) -> Tensor:
        """Compute all models at once, without dropout."""
        hidden = X
        for layer in range(len(self._widths) - 1):
            hidden = self._activation.forward(self._linear(hidden, layer))
            self._clear_padding(hidden, layer)
        return self._linear(hidden, -1)[..., : self._n_outputs]

    def _linear(self, inputs: Tensor, layer: int) -> Tensor:
        return torch.baddbmm(self._biases[layer][0].unsqueeze(1), inputs, self._weights[layer][0])

    def _linear_backward(self, inputs: Tensor, grad: Tensor, layer: int) -> None:
        torch.bmm(inputs.mT, grad, out=self._weights[layer][1])
        torch.sum(grad, dim=1, out=self._biases[layer][1])

    def _clear_padding(self, hidden: Tensor, layer: int) -> None:
        width = self._widths[layer][1]
        if width < MIN_WIDTH:
            hidden[..., width:] = 0

    def _dropout_mask(self, hidden: Tensor) -> Tensor:
        keep = 1 - self._dropout
        masks = [
            torch.empty(hidden.shape[1:], dtype=hidden.dtype).bernoulli_(keep, generator=generator)
            for generator in self._generators
        ]
        return torch.stack(masks).to(hidden.device).div_(keep)


MLP.stack = MLPStack
