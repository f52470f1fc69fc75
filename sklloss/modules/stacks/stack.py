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
    """Copies of everything that training changes in a stack: parameters and buffers."""

    values: Tensor
    buffers: list[list[Tensor]]

    def where(self, newer: Tensor, other: Snapshot) -> Snapshot:
        """Return this snapshot for models with `newer` (models,), the other for the rest."""
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
        K modules of one shape. Their parameters become views into the flat buffer, so that modules
        and stack always have the same values.
    loss_parameters : sequence of nn.Parameter of shape (models, ...)
        Parameters of the loss, which are trained along with the networks.
    """

    flat: FlatParameters
    # Multiplications of the forward pass of one model, or infinity if unknown.
    multiplications_per_row: float = inf
    # Entries that are evaluated at once outside of training, unless a single row has more.
    numbers_at_once: int = 2**22
    # Whether K models take less time together than one after another.
    benefits_from_stacking: bool = True
    # Gradients of the embedding tables from the last backward pass, one per table.
    touched: Sequence[RowGradient] = ()

    def __init__(
        self, modules: Sequence[nn.Module], loss_parameters: Sequence[nn.Parameter]
    ) -> None:
        self.modules = list(modules)
        self.loss_parameters = list(loss_parameters)

    def __len__(self) -> int:
        return len(self.modules)

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

    def infer(self, X: Tensor) -> Tensor:
        """Return raw output in evaluation mode."""
        raise NotImplementedError

    def inference(self) -> Callable[[Tensor], Tensor]:
        """Return `infer` for a loop over batches, which may reuse memory."""
        return self.infer

    def start_epoch(self, seeds: Sequence[int]) -> None:
        """Seed the random numbers of the next forward passes, with one seed per model."""

    def pad(self, X: Tensor) -> Tensor:
        """Pad X to the width that the stack computes with."""
        return X

    def padded_rows(self, n_rows: int) -> int:
        """Return the number of rows that the stack computes with, for a batch of `n_rows`."""
        return n_rows

    def loss_rows(self, n_rows: int) -> int:
        """Return the number of rows that losses are computed for, which aligns models."""
        return aligned(n_rows)

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
        parameters = [p for module in self.modules for p in module.parameters() if p.requires_grad]
        return all(start <= p.data_ptr() < stop for p in parameters + self.loss_parameters)

    def bind_loss_parameters(self, first: int) -> None:
        """Move the parameters of the loss into the pieces from `first` on."""
        for offset, parameter in enumerate(self.loss_parameters):
            bind(parameter, *self.flat.piece(first + offset))


class ModuleLoop(Stack):
    """A stack of arbitrary modules: each runs alone, with torch's autograd."""

    # Tensors inside of a module may be many times as large, and should stay in cache.
    numbers_at_once = 2**17
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
        """Seed the generator that replaces torch's global one for each module."""
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._random_states = [generator.get_state() for generator in generators]

    def forward(self, X: Tensor) -> Tensor:
        """Run every module in training mode, with random numbers of its own."""
        self._outputs = []
        for k, module in enumerate(self.modules):
            module.train()
            with self._randomness_of(k), torch.enable_grad():
                # The module may write into its input.
                self._outputs.append(rows_of(module(X[k].clone())))
        return torch.stack([output.detach() for output in self._outputs])

    def backward(self, slopes: Sequence[Tensor]) -> None:
        """Let autograd add the gradients of every module to the flat buffer."""
        of_models = [of_model for slope in slopes for of_model in slope]
        for output, slope in zip(self._outputs, of_models, strict=True):
            if output.requires_grad:
                output.backward(slope[: len(output)])

    def infer(self, X: Tensor) -> Tensor:
        """Run every module in evaluation mode."""
        return torch.stack([_inferred(module, X[k]) for k, module in enumerate(self.modules)])

    def loss_rows(self, n_rows: int) -> int:
        """Return the number itself, without padding."""
        return n_rows

    @contextmanager
    def _randomness_of(self, k: int) -> Iterator[None]:
        """Run with the random state of a model, and keep the state that follows."""
        with global_generator(self._random_states[k]):
            yield
            self._random_states[k] = torch.get_rng_state()


def _inferred(module: nn.Module, X: Tensor) -> Tensor:
    """Run a module in evaluation mode, with the same random numbers each time if it draws any."""
    with torch.no_grad(), global_generator(torch.Generator().manual_seed(0).get_state()):
        return rows_of(module.eval()(X.clone()))


def rows_of(output: Tensor) -> Tensor:
    """Flatten output (n,), (n, width) or (n, targets, outputs) to (n, width)."""
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
