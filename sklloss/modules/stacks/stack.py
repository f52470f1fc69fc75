"""Stacks: K modules of one shape, computed together along a leading model axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf, prod

import torch
from torch import Tensor, nn

from .embedding_tables import RowGradient
from .flat import FlatParameters, aligned, bind
from .randomness import global_generator


@dataclass(frozen=True)
class Snapshot:
    """Everything that training changes in a stack: parameters and buffers."""

    values: Tensor
    buffers: list[list[Tensor]]

    def where(self, newer: Tensor, other: Snapshot) -> Snapshot:
        """Return this snapshot for the models where `newer` (models,) is true, the other for the rest."""
        pairs = zip(newer.tolist(), self.buffers, other.buffers, strict=True)
        values = torch.where(newer.unsqueeze(1), self.values, other.values)
        return Snapshot(values, [mine if take else theirs for take, mine, theirs in pairs])

    def select(self, models: Sequence[int]) -> Snapshot:
        """Return the snapshot of some of the models."""
        return Snapshot(self.values[list(models)], [self.buffers[k] for k in models])


class Stack:
    """Base of the stacks: parameters in one flat buffer, a forward and a backward pass.

    Parameters
    ----------
    modules : sequence of nn.Module
        K modules of one shape.  Their parameters become views into the flat buffer: what the stack learns is in the modules
        at once, and what is loaded into them is in the stack.
    loss_parameters : sequence of nn.Parameter of shape (models, ...)
        What the loss trains beside the networks.
    """

    flat: FlatParameters
    multiplications_per_row: float = inf  # of one model's forward pass; infinite where nobody knows
    numbers_at_once: int = (
        2**22
    )  # of what is evaluated without being trained, unless a row has more
    benefits_from_stacking: bool = (
        True  # whether K models together take less time than one after another
    )
    touched: Sequence[
        RowGradient
    ] = ()  # of a backward pass: what it would write into each of the tables' gradients

    def __init__(
        self, modules: Sequence[nn.Module], loss_parameters: Sequence[nn.Parameter]
    ) -> None:
        self.modules = list(modules)
        self.loss_parameters = list(loss_parameters)

    def __len__(self) -> int:
        return len(self.modules)

    def forward(self, X: Tensor) -> Tensor:
        """Return raw output (models, rows, width) for X of shape (models, rows, features), and keep what backward needs."""
        raise NotImplementedError

    def backward(self, slopes: Sequence[Tensor]) -> None:
        """Write the gradients of all parameters.

        Parameters
        ----------
        slopes : sequence of Tensor of shape (models, rows, width)
            Gradients by the raw output of the last forward, one tensor for each run of neighbouring models; rows may be missing or
            too many at the end, and do not count then.
        """
        raise NotImplementedError

    def infer(self, X: Tensor) -> Tensor:
        """Return raw output as in evaluation mode."""
        raise NotImplementedError

    def inference(self) -> Callable[[Tensor], Tensor]:
        """Return `infer` for a loop over batches, each of which may compute where the one before did."""
        return self.infer

    def start_epoch(self, seeds: Sequence[int]) -> None:
        """Say whose random numbers the next forward passes draw."""

    def pad(self, X: Tensor) -> Tensor:
        """Widen X to what the stack computes with."""
        return X

    def padded_rows(self, n_rows: int) -> int:
        """Return how many rows the stack computes with, for a batch of so many."""
        return n_rows

    def loss_rows(self, n_rows: int) -> int:
        """Return how many rows losses are computed for, so that elementwise kernels treat all models alike."""
        return aligned(n_rows)

    def rows_at_once(self, at_most: int, *row_shapes: tuple[int, ...]) -> int:
        """Return how many rows are evaluated at once, given the shapes of what there is of each."""
        largest = max(1, *map(prod, row_shapes))
        return max(1, min(at_most, self.numbers_at_once // largest))

    def snapshot(self) -> Snapshot:
        """Copy everything that training changes."""
        buffers = [[b.clone() for b in module.buffers()] for module in self.modules]
        return Snapshot(self.flat.values.detach().clone(), buffers)

    def restore(self, snapshot: Snapshot) -> None:
        """Put a snapshot back, in place."""
        self.flat.values.data.copy_(snapshot.values)
        for module, kept in zip(self.modules, snapshot.buffers, strict=True):
            for buffer, value in zip(module.buffers(), kept, strict=True):
                buffer.copy_(value)

    def holds_parameters(self) -> bool:
        """Tell whether the modules' parameters still live in the buffer: moving to another device takes them out."""
        values = self.flat.values
        start = values.data_ptr()
        stop = start + values.numel() * values.element_size()
        parameters = [p for module in self.modules for p in module.parameters() if p.requires_grad]
        return all(start <= p.data_ptr() < stop for p in parameters + self.loss_parameters)

    def bind_loss_parameters(self, first: int) -> None:
        """Move the loss's parameters into the pieces from `first` on."""
        for offset, parameter in enumerate(self.loss_parameters):
            bind(parameter, *self.flat.piece(first + offset))


class ModuleLoop(Stack):
    """A stack of any modules: each runs by itself, with torch's autograd."""

    numbers_at_once = (
        2**17
    )  # what happens inside may be many times as large, and pays to stay in cache
    benefits_from_stacking = False

    def __init__(
        self, modules: Sequence[nn.Module], loss_parameters: Sequence[nn.Parameter]
    ) -> None:
        super().__init__(modules, loss_parameters)
        trained = [[p for p in m.parameters() if p.requires_grad] for m in modules]
        first = trained[0]
        shapes = [tuple(p.shape) for p in first] + [tuple(p.shape[1:]) for p in loss_parameters]
        weights = [p.ndim >= 2 for p in first] + [False] * len(loss_parameters)
        like = next(iter([*modules[0].parameters(), *loss_parameters]), torch.zeros(()))
        self.flat = FlatParameters(len(modules), shapes, like, weights)
        for k, parameters in enumerate(trained):
            for index, parameter in enumerate(parameters):
                values, gradients = self.flat.piece(index)
                bind(parameter, values[k], gradients[k])
        self.bind_loss_parameters(len(first))
        self._random_states: list[Tensor] = []
        self._outputs: list[Tensor] = []

    def start_epoch(self, seeds: Sequence[int]) -> None:
        """Seed the generator that each module finds in place of torch's global one."""
        states = []
        for seed in seeds:
            states.append(torch.Generator().manual_seed(seed).get_state())
        self._random_states = states

    def forward(self, X: Tensor) -> Tensor:
        """Run every module in training mode, each on its own random numbers."""
        self._outputs = []
        for k, module in enumerate(self.modules):
            module.train()
            with self._randomness_of(k), torch.enable_grad():
                self._outputs.append(rows_of(module(X[k].clone())))  # modules may write into it
        return torch.stack([output.detach() for output in self._outputs])

    def backward(self, slopes: Sequence[Tensor]) -> None:
        """Let autograd add every module's gradients to the flat buffer."""
        of_models = [of_model for slope in slopes for of_model in slope]
        for output, slope in zip(self._outputs, of_models, strict=True):
            if output.requires_grad:
                output.backward(slope[: len(output)])

    def infer(self, X: Tensor) -> Tensor:
        """Run every module in evaluation mode."""
        return torch.stack([_inferred(module, X[k]) for k, module in enumerate(self.modules)])

    def loss_rows(self, n_rows: int) -> int:
        """No more than there are."""
        return n_rows

    @contextmanager
    def _randomness_of(self, k: int) -> Iterator[None]:
        with global_generator(self._random_states[k]):
            yield
            self._random_states[k] = torch.get_rng_state()


def _inferred(module: nn.Module, X: Tensor) -> Tensor:
    """Run a module in evaluation mode; one that draws random numbers even then draws the same ones each time."""
    with torch.no_grad(), global_generator(torch.Generator().manual_seed(0).get_state()):
        return rows_of(module.eval()(X.clone()))


def rows_of(output: Tensor) -> Tensor:
    """Flatten what a module returned for each row: (n,), (n, width) or (n, targets, outputs) to (n, width)."""
    return output.reshape(len(output), prod(output.shape[1:]))


def stack_modules(
    modules: Sequence[nn.Module], loss_parameters: Sequence[nn.Parameter] = ()
) -> Stack:
    """Stack modules of one shape: by their class's own stack where it has one, else one by one.

    Parameters
    ----------
    modules : sequence of nn.Module
        A class may itself define ``stack``, a subclass of `Stack`, for modules without hooks and frozen parameters; one that gains
        nothing by company is for a single module.
    loss_parameters : sequence of nn.Parameter of shape (models, ...)
        What the loss trains beside them.
    """
    kind = vars(type(modules[0])).get("stack")
    if not (isinstance(kind, type) and issubclass(kind, Stack) and all(map(_is_plain, modules))):
        return ModuleLoop(modules, loss_parameters)
    serves = kind.benefits_from_stacking or len(modules) == 1
    return kind(modules, loss_parameters) if serves else ModuleLoop(modules, loss_parameters)


def _is_plain(module: nn.Module) -> bool:
    """Tell whether all parameters train and nothing is hooked in."""
    hooked = any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())
    return not hooked and all(p.requires_grad for p in module.parameters())
