"""What one step changes: all numbers, or the rows of embedding tables that a batch touches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, optim

from ...modules import Stack
from ...modules.stacks.embedding_tables import Patch
from ..model import Trainable
from .fused import Kernel, kernel_of, step_of
from .penalties import Penalties


class Update:
    """The step of K models: every number of their buffer moves.

    Parameters
    ----------
    nets : sequence of Trainable
        Of one kind; their penalties may differ.
    stack : Stack
        What they are trained as.
    optimizer : torch.optim.Optimizer
        Over the stack's buffer.
    """

    def __init__(self, nets: Sequence[Trainable], stack: Stack, optimizer: optim.Optimizer) -> None:
        self._stack = stack
        self._optimizer = optimizer
        self._nets = nets
        self._penalties = Penalties(stack.flat, nets)
        self._is_watched = bool(nets[0].callbacks)
        self._take_step = step_of(optimizer, self._is_watched)

    def begin(self) -> None:
        """Forget the gradients of the step before."""
        self._stack.flat.gradients.zero_()

    def add_penalties(self) -> None:
        """Add the penalties' gradients to those of a backward pass."""
        self._penalties.add_to_gradients()

    def step(self) -> None:
        """Take the step."""
        signs = self._penalties.before_step(self._optimizer)
        self._take_step()
        self._penalties.after_step(signs)

    def penalty(self) -> Tensor:
        """Return the penalty of each model as it enters the objective, (models,)."""
        return self._penalties.value()


class RowUpdate(Update):
    """The step of a model with embedding tables: of their rows, only those in the batch move.

    So Adam's and momentum's averages of a row are over the steps that touch it, as in torch's
    SparseAdam, and penalties count a row as often as the batch names it.  Where an optimiser's
    kernel is known, it sees these rows alone, side by side.
    """

    def __init__(self, nets: Sequence[Trainable], stack: Stack, optimizer: optim.Optimizer) -> None:
        super().__init__(nets, stack, optimizer)
        self._kernel = kernel_of(optimizer)
        # The first step, which makes the optimiser's state, is the optimiser's own.
        self._has_stepped = stack.flat.values in optimizer.state
        self._shown: Patch | None = None
        self._sum = torch.zeros(1, dtype=stack.flat.values.dtype, device=stack.flat.values.device)
        self._n_steps = 0

    def begin(self) -> None:
        """Forget the gradients of the step before.

        Those of tables are 0 already, except where they were put into the buffer to be seen.
        """
        gradients = self._stack.flat.gradients
        self._stack.flat.beside_tables(gradients).zero_()
        if self._shown is not None:
            self._shown.clear_rows(gradients)
            self._shown = None

    def add_penalties(self) -> None:
        """Add the penalties' gradients to those of a backward pass."""
        flat = self._stack.flat
        self._patch = Patch(flat, self._stack.touched)
        self._penalties = Penalties(self._patch, self._nets)
        self._penalties.add_to_gradients()
        self._sum += self._penalties.value()
        self._n_steps += 1
        if self._is_watched or self._kernel is None or not self._has_stepped:
            self._patch.put_into(flat.gradients, self._patch.gradients)
            self._shown = self._patch

    def step(self) -> None:
        """Take the step."""
        patch, flat = self._patch, self._stack.flat
        if self._is_watched:
            # Callbacks may have changed the gradients.
            patch.gradients.copy_(patch.taken_from(flat.gradients))
        signs = self._penalties.before_step(self._optimizer)
        if self._kernel is not None and self._has_stepped:
            self._step_rows(self._kernel)
        else:
            self._step_all()
        self._penalties.after_step(signs)
        patch.put_into(flat.values.data, patch.values)

    def penalty(self) -> Tensor:
        """Return the mean penalty over the steps since this was last asked, (1,)."""
        mean = self._sum / max(self._n_steps, 1)
        self._sum, self._n_steps = torch.zeros_like(self._sum), 0
        return mean

    def _step_rows(self, kernel: Kernel) -> None:
        """Step the patch alone."""
        patch, given = self._patch, self._optimizer.state[self._stack.flat.values]
        of_numbers = {k: v for k, v in given.items() if isinstance(v, Tensor) and v.ndim == 2}
        own = {name: patch.taken_from(buffer) for name, buffer in of_numbers.items()}
        for group in self._optimizer.param_groups:
            kernel({**group, "params": [patch.values]}, {**given, **own})
        for name, buffer in of_numbers.items():
            patch.put_into(buffer, own[name])

    def _step_all(self) -> None:
        """Let the optimiser itself step the whole buffer.

        Rows that the batch does not touch have gradients of 0.
        """
        values = self._stack.flat.values.data
        self._patch.put_into(values, self._patch.values)
        self._optimizer.step()
        self._has_stepped = True
        self._patch.values.copy_(self._patch.taken_from(values))
