"""Stacks: K modules of one shape, computed together along a leading model axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf, prod

import torch
from torch import Tensor, nn

from .embedding_tables import RowGradient
from .flat import FlatParameters, bind
from .randomness import evaluated, global_generator


@dataclass(frozen=True)
class Snapshot:
    """Copies of everything that training changes in a stack: parameters and buffers."""

    values: Tensor
    buffers: list[list[Tensor]]

    def take_over(self, models: Tensor, stack: Stack) -> None:
        """Copy some of the models (n_models,) of a stack instead of what was kept of them."""
        self.values[models] = stack.flat.values.detach()[models]
        for k in models.tolist():
            self.buffers[k] = [b.clone() for b in stack.modules[k].buffers()]

    def where(self, newer: Tensor, other: Snapshot) -> Snapshot:
        """Return this snapshot for models with `newer` (models,), the other for the rest."""
        pairs = zip(newer.tolist(), self.buffers, other.buffers, strict=True)
        values = torch.where(newer.unsqueeze(1), self.values, other.values)
        return Snapshot(values, [mine if take else theirs for take, mine, theirs in pairs])

    def select(self, models: Sequence[int]) -> Snapshot:
        """Return the snapshot of some of the models."""
        return Snapshot(self.values[list(models)], [self.buffers[k] for k in models])

    def to(self, device: torch.device) -> Snapshot:
        """Return the snapshot on a device."""
        buffers = [[buffer.to(device) for buffer in of_model] for of_model in self.buffers]
        return Snapshot(self.values.to(device), buffers)

    @classmethod
    def joined(cls, parts: Sequence[Snapshot]) -> Snapshot:
        """Return the snapshot of the models of several, one after another."""
        values = torch.cat([part.values for part in parts])
        return cls(values, [buffers for part in parts for buffers in part.buffers])


class Stack:
    """Base of the stacks: parameters in one flat buffer, a forward and a backward pass.

    Parameters
    ----------
    modules : sequence of nn.Module
        K modules of one shape. Their parameters become views into the flat buffer, so that modules
        and stack always have the same values.
    loss_parameters : sequence of nn.Parameter of shape (models, ...)
        Parameters of the loss, which are trained along with the networks.
    """

    flat: FlatParameters
    # The rows of a batch, and those whose loss is computed, are filled up to multiples of these, so
    # that every model is aligned.
    rows_multiple: int = 1
    loss_rows_multiple: int = 1
    # Multiplications of the forward pass of one model, or infinity if unknown.
    multiplications_per_row: float = inf
    # Entries that are evaluated at once outside of training, unless a single row has more.
    numbers_at_once: int = 2**20
    # Whether K models take less time together than one after another.
    benefits_from_stacking: bool = True
    # Gradients of the embedding tables from the last backward pass, one per table.
    touched: Sequence[RowGradient] = ()

    def __init__(
        self, modules: Sequence[nn.Module], loss_parameters: Sequence[nn.Parameter]
    ) -> None:
        self.modules = list(modules)
        self.loss_parameters = list(loss_parameters)

    def lay_out(
        self, shapes: Sequence[tuple[int, ...]], penalised: Sequence[bool], n_tables: int = 0
    ) -> list[tuple[Tensor, Tensor]]:
        """Move all parameters into one flat buffer; return values and gradients of each piece.

        Parameters
        ----------
        shapes : sequence of tuple of int
            The shape of the piece of each trained parameter of a module, at least as large as it.
        penalised : sequence of bool
            Whether penalties apply to it.
        n_tables : int, default=0
            How many of them, from the first on, are embedding tables with sparse updates.
        """
        n_own, like = len(shapes), next(iter(self._all_parameters()), torch.zeros(()))
        shapes = [*shapes, *(tuple(p.shape[1:]) for p in self.loss_parameters)]
        self.flat = FlatParameters(len(self.modules), shapes, like, penalised, n_tables)
        pieces = [self.flat.piece(index) for index in range(len(shapes))]
        for k, module in enumerate(self.modules):
            trained = [p for p in module.parameters() if p.requires_grad]
            for parameter, piece in zip(trained, pieces[:n_own], strict=True):
                bind(parameter, *(each[k][tuple(map(slice, parameter.shape))] for each in piece))
        for parameter, piece in zip(self.loss_parameters, pieces[n_own:], strict=True):
            bind(parameter, *piece)
        return pieces[:n_own]

    def _all_parameters(self) -> list[nn.Parameter]:
        return [p for module in self.modules for p in module.parameters()] + self.loss_parameters

    def forward(self, X: Tensor) -> Tensor:
        """Return raw output (models, rows, width) for X (models, rows, features).

        Keep what `backward` needs.
        """
        raise NotImplementedError

    def backward(self, slopes: Sequence[Tensor]) -> None:
        """Write the gradients of all parameters.

        Parameters
        ----------
        slopes : sequence of Tensor of shape (models, rows, width)
            Gradients by the raw output of the last forward pass, one tensor for each run of
            consecutive models. Rows may be missing at the end, or be too many; these do not count.
        """
        raise NotImplementedError

    def release(self) -> None:
        """Let go of what `forward` has kept, once training is over."""

    def inference(self) -> Callable[[Tensor], Tensor]:
        """Return a function from X to raw output in evaluation mode, which may reuse memory."""
        raise NotImplementedError

    def start_epoch(self, seeds: Sequence[int]) -> None:
        """Seed the random numbers of the next forward passes, with one seed per model."""

    def pad(self, X: Tensor) -> Tensor:
        """Pad X to the width that the stack computes with."""
        return X

    def rows_at_once(self, at_most: int, *row_shapes: tuple[int, ...]) -> int:
        """Return how many rows are evaluated at once, given the shapes of the tensors per row."""
        largest = max(1, *map(prod, row_shapes))
        return max(1, min(at_most, self.numbers_at_once // largest))

    def snapshot(self) -> Snapshot:
        """Copy everything that training changes."""
        buffers = [[b.clone() for b in module.buffers()] for module in self.modules]
        return Snapshot(self.flat.values.detach().clone(), buffers)

    def restore(self, snapshot: Snapshot) -> None:
        """Restore a snapshot in place."""
        self.flat.values.data.copy_(snapshot.values)
        for module, kept in zip(self.modules, snapshot.buffers, strict=True):
            for buffer, value in zip(module.buffers(), kept, strict=True):
                buffer.copy_(value)

    def holds_parameters(self) -> bool:
        """Return whether the parameters of the modules are still views into the buffer.

        They are not once a module was moved to another device.
        """
        values = self.flat.values
        start = values.data_ptr()
        stop = start + values.numel() * values.element_size()
        present = chain(self.loss_parameters, *map(_parameters_of, self.modules))
        return all(start <= p.data_ptr() < stop for p in present if p.requires_grad)


def _parameters_of(module: nn.Module) -> list[nn.Parameter]:
    """Return all parameters of a module, in a fraction of the time of torch's `parameters`."""
    own = [p for p in module._parameters.values() if p is not None]
    children = (child for child in module._modules.values() if child is not None)
    return own + [p for child in children for p in _parameters_of(child)]


class ModuleLoop(Stack):
    """A stack of arbitrary modules: each runs alone, with torch's autograd."""

    # Tensors inside of a module may be many times as large, and should stay in cache.
    numbers_at_once = 2**17
    benefits_from_stacking = False

    def __init__(
        self, modules: Sequence[nn.Module], loss_parameters: Sequence[nn.Parameter]
    ) -> None:
        super().__init__(modules, loss_parameters)
        shapes = [tuple(p.shape) for p in modules[0].parameters() if p.requires_grad]
        self.lay_out(shapes, [len(shape) >= 2 for shape in shapes])

    def start_epoch(self, seeds: Sequence[int]) -> None:
        """Seed the generator that replaces torch's global one for each module."""
        self._random_states = [torch.Generator().manual_seed(seed).get_state() for seed in seeds]

    def forward(self, X: Tensor) -> Tensor:
        """Run every module in training mode, with random numbers of its own."""
        self._outputs: list[Tensor] = []
        for k, module in enumerate(self.modules):
            module.train()
            with global_generator(self._random_states[k]), torch.enable_grad():
                # The module may write into its input.
                self._outputs.append(rows_of(module(X[k].clone())))
                self._random_states[k] = torch.get_rng_state()
        return torch.stack([output.detach() for output in self._outputs])

    def backward(self, slopes: Sequence[Tensor]) -> None:
        """Let autograd add the gradients of every module to the flat buffer."""
        of_models = [of_model for slope in slopes for of_model in slope]
        for output, slope in zip(self._outputs, of_models, strict=True):
            if output.requires_grad:
                output.backward(slope[: len(output)])

    def release(self) -> None:
        """Let go of the last outputs, and of what autograd keeps for them."""
        self._outputs = []

    def inference(self) -> Callable[[Tensor], Tensor]:
        """Return what runs every module in evaluation mode."""
        return lambda X: torch.stack(
            [
                rows_of(evaluated(module, of_model))
                for module, of_model in zip(self.modules, X, strict=True)
            ]
        )


def rows_of(output: Tensor) -> Tensor:
    """Flatten output (n,), (n, width) or (n, targets, outputs) to (n, width)."""
    if not isinstance(output, Tensor):
        raise TypeError(
            f"module returns {type(output).__name__} while it trains, and must return a tensor. Leave"
            " out its further outputs, for example with module_params={'aux_logits': False}."
        )
    return output.reshape(len(output), prod(output.shape[1:]))


def stack_modules(
    modules: Sequence[nn.Module], loss_parameters: Sequence[nn.Parameter] = ()
) -> Stack:
    """Stack modules of one shape, by the ``stack`` of their class or, without one, one by one.

    Parameters
    ----------
    modules : sequence of nn.Module
        A class may define ``stack``, a subclass of `Stack`, for modules without hooks and frozen
        parameters. One that does not benefit from stacking is used for single modules.
    loss_parameters : sequence of nn.Parameter of shape (models, ...)
        Parameters of the loss, which are trained along with the modules.
    """
    kind = vars(type(modules[0])).get("stack")
    if not (isinstance(kind, type) and issubclass(kind, Stack) and all(map(_is_plain, modules))):
        return ModuleLoop(modules, loss_parameters)
    serves = kind.benefits_from_stacking or len(modules) == 1
    return kind(modules, loss_parameters) if serves else ModuleLoop(modules, loss_parameters)


def _is_plain(module: nn.Module) -> bool:
    """Return whether all parameters are trained and there are no hooks."""
    hooked = any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())
    return not hooked and all(p.requires_grad for p in module.parameters())
