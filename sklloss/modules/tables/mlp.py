"""The multilayer perceptron: a plain module, and a stack with explicit forward and backward."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...parameters.domains import Choice
from ..activations import get_activation
from ..layers import Linear
from ..network import Domains, check_network_arguments
from ..stacks.flat import ALIGNMENT
from ..stacks.slab import CACHE_LINE, Slab, multiply, write_product
from ..stacks.stack import Stack

# Smallest width of a layer of a stack; matrix products of width 1 are computed with other bits.
MIN_WIDTH = 2


class MLP(nn.Sequential):
    """A multilayer perceptron, or a linear model if there are no hidden layers.

    Every hidden layer consists of a linear layer, the activation and dropout; the output layer is
    linear. A linear path may add to its output what a linear model makes of the input.

    Parameters
    ----------
    n_features : int
        Width of the input.
    n_outputs : int
        Width of the output.
    hidden_layer_sizes : tuple of int, default=(100,)
        Width of each hidden layer.
    activation : {"relu", "tanh", "logistic", "identity", "elu", "gelu", "silu"}, default="relu"
        Activation of the hidden layers.
    dropout : float, default=0.0
        Probability, in [0, 1), with which each hidden unit is set to 0 in training.
    start_constant : bool, default=True
        Whether the last layer starts at 0, so that the whole network starts at its output bias.
    generator : torch.Generator or None, default=None
        Source of the initial weights.
    linear_path : bool, default=False
        Whether the output is also linear in the input, with weights that start at 0; without hidden
        layers it is that anyway.
    init : {"glorot", "fan_in"}, default="glorot"
        Between which bounds weights and biases start uniform: Glorot's, as in scikit-learn, or
        minus and plus 1 / sqrt(width of the input of the layer), as in torch.

    Attributes
    ----------
    path : nn.Parameter of shape (n_outputs, n_features), or None
        The weights of the linear path.
    output_scale : float
        What the output is multiplied by at the end, 1 unless it is set.
    stack : type of Stack
        How K of them are computed together.
    inputs : str
        What it takes, "table".
    domains : dict
        What its own parameters may be.

    Examples
    --------
    >>> MLP(3, 1, hidden_layer_sizes=())
    MLP(
      (0): Linear(in_features=3, out_features=1, bias=True)
    )
    """

    stack: ClassVar[type[Stack]]
    inputs: ClassVar[str] = "table"
    domains: ClassVar[Domains] = {
        "linear_path": (Choice(True, False), ""),
        "init": (Choice("glorot", "fan_in"), ""),
    }
    path: nn.Parameter | None

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        start_constant: bool = True,
        generator: torch.Generator | None = None,
        linear_path: bool = False,
        init: str = "glorot",
    ) -> None:
        check_network_arguments(MLP, "MLP", {"linear_path": linear_path, "init": init})
        widths = [n_features, *hidden_layer_sizes]
        layers: list[nn.Module] = []
        for n_in, n_out in itertools.pairwise(widths):
            layers += [Linear(n_in, n_out), get_activation(activation).module()]
            layers += [nn.Dropout(dropout)] if dropout else []
        super().__init__(*layers, Linear(widths[-1], n_outputs))
        self.activation = activation
        self.dropout = dropout
        self.output_scale = 1.0
        gain = get_activation(activation).gain
        for layer in self.linears:
            bound = 1 / sqrt(layer.in_features)
            if init == "glorot":
                bound = sqrt(gain / (layer.in_features + layer.out_features))
            for parameter in (layer.weight, layer.bias):
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
        if start_constant:
            nn.init.zeros_(self.linears[-1].weight)
            nn.init.zeros_(self.output_bias)
        has_path = linear_path and len(widths) > 1
        self.path = nn.Parameter(torch.zeros(n_outputs, n_features)) if has_path else None

    def forward(self, X: Tensor) -> Tensor:
        """Return the output for rows, (..., n_features) to (..., n_outputs)."""
        output = super().forward(X)
        if self.path is not None:
            output = output + nn.functional.linear(X, self.path)
        return output if self.output_scale == 1 else output * self.output_scale

    @property
    def linears(self) -> list[nn.Linear]:
        """The linear layers, from first to last."""
        return [layer for layer in self if isinstance(layer, nn.Linear)]

    @property
    def output_bias(self) -> nn.Parameter:
        """The bias of the last layer."""
        return self.linears[-1].bias


class MLPStack(Stack):
    """K perceptrons of one shape as batched matrix products, without autograd.

    Weights are ``(models, out, in)``, as in torch, and biases ``(models, out)``. Both are views
    into the flat buffer. A width of 1 is padded to 2 with entries that stay 0. The weights of the
    linear path are the first piece of the buffer, where there is one.
    """

    rows_multiple = CACHE_LINE
    loss_rows_multiple = ALIGNMENT

    def __init__(self, modules: Sequence[MLP], loss_parameters: Sequence[nn.Parameter]) -> None:
        super().__init__(modules, loss_parameters)
        self._activation = get_activation(modules[0].activation)
        self._dropout = [module.dropout for module in modules]
        own = [tuple(parameter.shape) for parameter in modules[0].parameters()]
        self.multiplications_per_row = sum(prod(shape) for shape in own if len(shape) == 2)
        pieces = self.lay_out(
            [tuple(max(width, MIN_WIDTH) for width in shape) for shape in own],
            [len(shape) == 2 for shape in own],
        )
        self._path = None
        if modules[0].path is not None:
            self._path, own = pieces[0], own[1:]
            pieces = pieces[1:]
        self._layers = [
            _Layer(weight[0].mT, bias[0].unsqueeze(1), weight[0], weight[1], bias[1], width)
            for weight, bias, (width,) in zip(pieces[0::2], pieces[1::2], own[1::2], strict=True)
        ]
        scales = [module.output_scale for module in modules]
        self._scales: Tensor | None = None
        if any(scale != 1 for scale in scales):
            self._scales = self.flat.gradients.new_tensor(scales).view(-1, 1, 1)
        self._passes: dict[int, _Pass] = {}
        self._last = _Pass([], [])

    def start_epoch(self, seeds: Sequence[int]) -> None:
        """Seed the generators of dropout; models of the same seed and rate share their draws."""
        drawn = list(dict.fromkeys(zip(seeds, self._dropout, strict=True)))
        self._draws = [drawn.index(pair) for pair in zip(seeds, self._dropout, strict=True)]
        self._sources = [(torch.Generator().manual_seed(seed), rate) for seed, rate in drawn]

    def pad(self, X: Tensor) -> Tensor:
        """Add a column of zeros if there is a single feature."""
        missing = MIN_WIDTH - X.shape[-1]
        return nn.functional.pad(X, (0, missing)) if missing > 0 else X

    def forward(self, X: Tensor) -> Tensor:
        """Compute all models at once, and keep the input and the activation of every layer."""
        n_rows = X.shape[1]
        if n_rows not in self._passes:
            self._passes[n_rows] = _Pass(self._new_slabs(n_rows), self._new_slabs(n_rows))
        self._last = self._passes[n_rows]
        return self._run(X, self._last, any(self._dropout))

    def inference(self) -> Callable[[Tensor], Tensor]:
        """Return what computes all models at once, without dropout, reusing hidden layers' memory.

        If they were allocated for each batch, the outputs that are kept would fill the gaps that
        the hidden layers of the previous batch left, and the process would grow by the hidden
        layers of all batches.
        """
        passes: dict[int, _Pass] = {}

        def infer(X: Tensor) -> Tensor:
            n_rows = X.shape[1]
            if n_rows not in passes:
                passes[n_rows] = _Pass(self._new_slabs(n_rows), [])
            else:
                # The output is returned, so each batch gets memory of its own for it.
                passes[n_rows].z[-1] = self._new_slab(n_rows, self._layers[-1].width)
            return self._run(X, passes[n_rows], dropping=False)

        return infer

    def _run(self, X: Tensor, memory: _Pass, dropping: bool) -> Tensor:
        """Compute the output of all models, with dropout or without."""
        hidden = X
        for i, layer in enumerate(self._layers[:-1]):
            z = memory.z[i]
            multiply(hidden, layer.transposed, z.matrices, plus=layer.bias)
            activated = z.of(self._activation.forward(z.vector))
            layer.clear_padding(activated.matrices)
            memory.inputs[i], memory.activated[i] = hidden, activated
            hidden = activated.matrices
            if dropping:
                memory.masks[i] = mask = self._dropout_mask(hidden)
                hidden = hidden * mask
        memory.inputs[-1] = hidden
        last, out = self._layers[-1], memory.z[-1].matrices
        multiply(hidden, last.transposed, out, plus=last.bias)
        if self._path is not None:
            multiply(X, self._path[0].mT, out, plus=out)
        if self._scales is not None:
            out.mul_(self._scales)
        return out if last.width == out.shape[2] else out[..., : last.width]

    def backward(self, slopes: Sequence[Tensor]) -> None:
        """Go back through the layers and write the gradients into the flat buffer."""
        memory = self._last
        memory.take_slopes(slopes)
        if self._scales is not None:
            memory.grads[-1].matrices.mul_(self._scales)
        if self._path is not None:
            write_product(memory.grads[-1].matrices.mT, memory.inputs[0], self._path[1])
        for i in range(len(self._layers) - 1, -1, -1):
            layer, grad = self._layers[i], memory.grads[i].matrices
            write_product(grad.mT, memory.inputs[i], layer.weight_grad)
            torch.sum(grad, dim=1, out=layer.bias_grad)
            if i:
                self._pass_back(grad, layer, i - 1)

    def release(self) -> None:
        """Let go of the memory of all passes."""
        self._passes.clear()
        self._last = _Pass([], [])

    def _pass_back(self, grad: Tensor, layer: _Layer, to: int) -> None:
        """Turn the gradient by the output of a layer into that of the layer before."""
        memory = self._last
        slab, mask = memory.grads[to], memory.masks[to]
        multiply(grad, layer.weight, slab.matrices)
        if mask is not None:
            slab.matrices.mul_(mask)
        z, activated = memory.z[to].vector, memory.activated[to].vector
        self._activation.backward(slab.vector, z, activated)
        self._layers[to].clear_padding(slab.matrices)

    def _new_slabs(self, n_rows: int) -> list[Slab]:
        return [self._new_slab(n_rows, layer.width) for layer in self._layers]

    def _new_slab(self, n_rows: int, width: int) -> Slab:
        return Slab.like(self.flat.gradients, len(self.modules), n_rows, max(width, MIN_WIDTH))

    def _dropout_mask(self, hidden: Tensor) -> Tensor:
        """Return the mask of every model, scaled so that the mean of hidden units is kept."""
        masks = []
        for source, rate in self._sources:
            drawn = torch.empty(hidden[0].shape, dtype=hidden.dtype)
            drawn.bernoulli_(1 - rate, generator=source)
            masks.append(drawn.to(hidden.device).div_(1 - rate))
        return torch.stack([masks[draw] for draw in self._draws])


@dataclass(frozen=True)
class _Layer:
    """Views of the parameters of one layer in the flat buffer; bias is (models, 1, out)."""

    transposed: Tensor
    bias: Tensor
    weight: Tensor
    weight_grad: Tensor
    bias_grad: Tensor
    width: int

    def clear_padding(self, hidden: Tensor) -> None:
        """Set to 0 what a width was padded with."""
        if self.width < MIN_WIDTH:
            hidden[..., self.width :] = 0


class _Pass:
    """Memory of a forward and a backward pass over some number of rows, reused by later passes."""

    def __init__(self, z: list[Slab], grads: list[Slab]) -> None:
        self.z = z
        self.grads = grads
        # Padded rows and outputs have a gradient of 0.
        for slab in grads[-1:]:
            slab.vector.zero_()
        self.activated = list(z)
        self.inputs = [slab.matrices for slab in z]
        self.masks: list[Tensor | None] = [None] * len(z)

    def take_slopes(self, slopes: Sequence[Tensor]) -> None:
        """Collect the gradients by the raw output of all models; padded rows keep 0."""
        first, out = 0, self.grads[-1].matrices
        for slope in slopes:
            n_models, n_rows, width = slope.shape
            rows = min(n_rows, out.shape[1])
            out[first : first + n_models, :rows, :width].copy_(slope[:, :rows])
            first += n_models


MLP.stack = MLPStack
