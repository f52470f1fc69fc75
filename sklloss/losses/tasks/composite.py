"""Losses that are sums of terms, whose weights change while training goes on."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ..base import Loss, State


class CompositeLoss(Loss):
    """Base of the losses with several terms whose weights may change while training goes on.

    What is minimised, `objective`, then differs from what a model is judged by, `combined`: a loss
    whose weights fall by themselves says nothing about when to stop.  A subclass defines both, and
    ``terms(raw, y, state, sample_weight)``.
    """

    is_composite: ClassVar[bool] = True

    def terms(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the sum over rows of weight times loss of each term, shape (*models, n_terms)."""
        raise self._lacking("terms(...)")

    def combined(self, terms: Tensor, state: State) -> Tensor:
        """Return what a model is judged by, (*models,), from sums or from means of the terms."""
        raise self._lacking("combined(terms, state)")

    def objective(self, terms: Tensor, weight: Tensor, state: State) -> Tensor:
        """Return what a step minimises, shape (*models,).

        Parameters
        ----------
        terms : Tensor of shape (*models, n_terms)
            Sums of the terms over some rows.
        weight : Tensor of shape (*models,)
            Total weight of these rows.
        state : State
        """
        return self.combined(terms, state)

    @property
    def n_draws(self) -> int:
        """How many standard normal numbers every step draws.

        The state has them as ``state["draws"]``, shape (*models, 1, n_draws).
        """
        return 0

    def note_epoch(self, means: Tensor, state: State) -> None:
        """Write into constants of the state what an epoch changes for the next.

        Parameters
        ----------
        means : Tensor of shape (*models, n_terms)
            The terms' means over the epoch.
        state : State
        """

    def total(self, raw: Tensor, y: Tensor, state: State, sample_weight: Tensor) -> Tensor:
        """Return the sum over rows of weight times loss that a model is judged by, (*models,)."""
        return self.combined(self.terms(raw, y, state, sample_weight), state)
