"""L1 and L2 penalties on the weights of K models, never on biases or on what the loss trains."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, optim

from ...losses.weighted import row_sums
from ...modules.stacks.embedding_tables import Patch
from ...modules.stacks.flat import FlatParameters
from ..model import Trainable
from .optimizers import learning_rates


class Penalties:
    """The penalty ``½ weight_decay Σ w² + l1 Σ |w|`` of each model.

    L2 adds ``weight_decay w`` to the gradient, or shrinks the weights by ``lr weight_decay`` where
    it is decoupled (adamw).  L1 adds the subgradient of least size; a weight that a step would
    carry across 0 stops there, and stays until the loss pulls harder than l1: weights become
    exactly 0 (orthant-wise, as in OWL-QN; Andrew and Gao, Scalable Training of L1-Regularized
    Log-Linear Models, 2007).

    Parameters
    ----------
    flat : FlatParameters or Patch
        What is penalised.
    nets : sequence of Trainable
        Whose `weight_decay` and `l1`, both >= 0, are the strengths; `decoupled` says whether L2
        acts on the weights instead of the gradient.
    """

    def __init__(self, flat: FlatParameters | Patch, nets: Sequence[Trainable]) -> None:
        self._flat = flat
        self._weight_decay = self._strength([net.weight_decay for net in nets])
        self._l1 = self._strength([net.l1 for net in nets])
        self._decoupled = nets[0].decoupled
        # What decoupled weights are multiplied by, at the learning rates of the last step.
        self._rates: tuple[float, ...] = ()
        self._shrinking: Tensor | None = None

    def _strength(self, values: Sequence[float]) -> Tensor | None:
        if not any(values):
            return None
        column = torch.tensor(values, dtype=self._flat.values.dtype).unsqueeze(1)
        return column.to(self._flat.values.device) * self._flat.is_weight

    def add_to_gradients(self) -> None:
        """Add the gradient of what is not decoupled."""
        values, gradients = self._flat.values.data, self._flat.gradients
        if self._weight_decay is not None and not self._decoupled:
            gradients.addcmul_(values, self._weight_decay)
        if self._l1 is not None:
            at_zero = (values == 0) & (self._l1 > 0)
            shrunk = gradients.sign() * (gradients.abs() - self._l1).clamp(min=0)
            torch.where(at_zero, shrunk, gradients + values.sign() * self._l1, out=gradients)
            self._held = at_zero & (shrunk == 0)

    def before_step(self, optimizer: optim.Optimizer) -> Tensor | None:
        """Shrink decoupled weights at the present learning rates.

        Return the signs that `after_step` compares with.
        """
        values = self._flat.values.data
        if self._decoupled and self._weight_decay is not None:
            values.mul_(self._kept(optimizer, self._weight_decay))
        return None if self._l1 is None else values.sign()

    def _kept(self, optimizer: optim.Optimizer, weight_decay: Tensor) -> Tensor:
        """Return what is left of decoupled weights, again if a learning rate has changed."""
        rates = tuple(float(group["lr"]) for group in optimizer.param_groups)
        if self._shrinking is None or rates != self._rates:
            self._rates, self._shrinking = rates, 1 - learning_rates(optimizer) * weight_decay
        return self._shrinking

    def after_step(self, signs: Tensor | None) -> None:
        """Stop at 0 what crossed it under L1, and what momentum alone would move off it."""
        if signs is not None and self._l1 is not None:
            values = self._flat.values.data
            crossed = (values.sign() * signs < 0) & (self._l1 > 0)
            values.masked_fill_(crossed | self._held, 0.0)

    def value(self) -> Tensor:
        """Return the penalty of each model as it enters the objective, (models,).

        Decoupled weight decay does not enter.
        """
        values = self._flat.values.data
        total = torch.zeros(len(values), dtype=values.dtype, device=values.device)
        if self._weight_decay is not None and not self._decoupled:
            total += 0.5 * row_sums(self._weight_decay * values**2)
        if self._l1 is not None:
            total += row_sums(self._l1 * values.abs())
        return total
