"""Losses that are sums of parts, weighed by what training itself tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..base import Loss, State


@dataclass(frozen=True)
class PartedLoss(Loss):
    """Base of the losses with several parts whose weights may change while training goes on.

    What is minimised, `objective`, then differs from what a model is judged by, `joined`: a loss whose weights fall by themselves says
    nothing about when to stop.  A subclass defines both, and ``parts(raw, y, state, sample_weight)``.
    """

    has_parts: ClassVar[bool] = True

    def parts(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the sum over rows of weight times loss of each part, shape (*models, n_parts)."""
        raise NotImplementedError(f"{type(self).__name__} needs a method parts(...).")

    def joined(self, parts: Tensor, state: State) -> Tensor:
        """Return from sums, or from means, of the parts what a model is judged by, shape (*models,)."""
        raise NotImplementedError(f"{type(self).__name__} needs a method joined(parts, state).")

    def objective(self, parts: Tensor, weight: Tensor, state: State) -> Tensor:
        """Return from sums of the parts over rows of a total weight, (*models,), what a step minimises, shape (*models,)."""
        return self.joined(parts, state)

    @property
    def n_draws(self) -> int:
        """How many standard normal numbers ``state["draws"]``, (*models, 1, n_draws), has anew at every step."""
        return 0

    def note_epoch(self, means: Tensor, state: State) -> None:
        """Write into constants of the state what the parts' means over an epoch, (*models, n_parts), change in the next."""

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the sum over rows of weight times loss that a model is judged by, shape (*models,)."""
        return self.joined(self.parts(raw, y, state, sample_weight), state)
