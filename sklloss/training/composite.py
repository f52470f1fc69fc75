"""Models whose loss has several terms, which are minimised with weights that change."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..losses.base import State
from ..losses.tasks.composite import CompositeLoss
from ..losses.weighted import row_sums
from .groups import BareGroup, Forward, LossGroup, Tally
from .rows.batches import Batch
from .seeds import generator

# The entry of the state with the random numbers of a step.
DRAWS = "draws"


class CompositeGroup(LossGroup):
    """Models whose losses are a `CompositeLoss` of one structure."""

    loss: CompositeLoss

    def state_of_epoch(self) -> State:
        """Return the state with a place for random numbers, where the loss takes any.

        Only steps see them: the state that models are judged by has none.
        """
        if not self.loss.n_draws:
            return self.state
        draws = self.baseline.new_zeros(len(self.baseline), 1, self.loss.n_draws)
        return State({**self.state, DRAWS: draws}, self.state.trained)

    def draw(self, state: State, seeds: Sequence[int], epoch: int, step: int) -> None:
        """Write standard normal numbers into the state, each model's from its own seed."""
        if DRAWS not in state:
            return
        for k, seed in enumerate(seeds):
            source = generator(seed, "loss", epoch, step)
            state[DRAWS][k] = torch.randn(1, self.loss.n_draws, generator=source)

    def tally(self, state: State) -> CompositeTally:
        """Return an empty sum of the terms of an epoch."""
        return CompositeTally(self, state)

    def end_epoch(self, tally: Tally, weight: Tensor) -> Tensor:
        """Return the mean loss of an epoch, after the loss has taken note of its terms."""
        means = tally.total() / weight.unsqueeze(-1)
        self.loss.note_epoch(means, self.state)
        return self.loss.combined(means, self.state)

    def forward(self, raw: Tensor, batch: Batch, state: State) -> Forward:
        """Compute what a step minimises, and the terms that its model is judged by."""
        leaf, y, sample_weight = self._seen(raw, batch)
        leaf.requires_grad_()
        with torch.enable_grad():
            terms = self.loss.terms(leaf, y, state, sample_weight)
            total = self.loss.objective(terms, row_sums(sample_weight), state)
        return Forward(leaf, y, sample_weight, total, terms.detach())


class BareCompositeGroup(CompositeGroup, BareGroup):
    """The same, where a term may look at a batch as a whole."""


class CompositeTally(Tally):
    """The sums of the terms of an epoch, (models, n_terms)."""

    def add(self, done: Forward) -> None:
        """Take in a batch."""
        if done.terms is not None:
            self._totals.append(done.terms)

    def total(self) -> Tensor:
        """Return Σwℓ of each term over the batches, in the same order for one model as for many."""
        return torch.stack(self._totals, -1).sum(-1)
