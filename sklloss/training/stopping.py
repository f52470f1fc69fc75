"""When each of K models has learnt enough, and which weights it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from ..modules.stacks.stack import Stack


@dataclass(frozen=True)
class StoppingRule:
    """Stop after some epochs in which the loss did not fall by enough.

    Parameters
    ----------
    n_iter_no_change : float
        How many epochs; may be infinite.
    tol : float
        How far the loss has to fall, as a share of how far that of the best constant may fall.
    keep_best : bool
        Whether the weights of the best epoch are kept, instead of those of the last.
    """

    n_iter_no_change: float
    tol: float
    keep_best: bool


NEVER = StoppingRule(float("inf"), 0.0, keep_best=False)


class Stopping:
    """The state of the models' stopping rules over the epochs of one fit.

    Parameters
    ----------
    rules : sequence of StoppingRule
        One per model.
    explainable : Tensor of shape (models,)
        How far the loss of each model's best constant may fall.
    stack : Stack
        The models as they are at the start.
    """

    def __init__(self, rules: Sequence[StoppingRule], explainable: Tensor, stack: Stack) -> None:
        self._patience = explainable.new_tensor([rule.n_iter_no_change for rule in rules])
        tol = explainable.new_tensor([rule.tol for rule in rules])
        self._margin = tol * explainable
        self._keeps_best = explainable.new_tensor([r.keep_best for r in rules], dtype=torch.bool)
        self._reference = torch.full_like(explainable, torch.inf)
        self._stale = torch.zeros_like(explainable)
        self._best_loss = torch.full_like(explainable, torch.inf)
        self._may_stop = any(isfinite(rule.n_iter_no_change) for rule in rules)
        # Where all models end at once and none keeps its best weights, none are copied.
        self._kept = stack.snapshot() if any(rule.keep_best for rule in rules) else None
        self.ended = torch.zeros_like(self._keeps_best)

    @property
    def may_improve(self) -> Tensor:
        """Whether the rule of each model has not said yet that it has learnt enough, (models,)."""
        return self._patience.isfinite() & (self._stale <= self._patience)

    def update(self, loss: Tensor) -> Tensor:
        """Take the epoch's losses, (models,); return which models have learnt enough."""
        if not self._may_stop:
            return torch.zeros_like(self.ended)
        falls = loss < self._reference - self._margin
        self._reference = torch.minimum(self._reference, loss)
        stale = torch.where(falls, 0, self._stale + 1)
        self._stale = torch.where(self.ended, self._stale, stale)
        return self._stale > self._patience

    def keep(self, loss: Tensor, ending: Tensor, stack: Stack) -> None:
        """Keep the weights of models whose epoch was their best, or their last.

        The rule of a model says which of the two.
        """
        improved = (loss < self._best_loss) & ~self.ended
        self._best_loss = torch.where(improved, loss, self._best_loss)
        newer = torch.where(self._keeps_best, improved, ending & ~self.ended)
        self.ended = self.ended | ending
        if self._kept is None and self.ended.all():
            return
        if newer.all() or (self._kept is None and newer.any()):
            self._kept = stack.snapshot()
        elif self._kept is not None and newer.any():
            self._kept.take_over(newer.nonzero().flatten(), stack)

    def restore_kept(self, stack: Stack) -> None:
        """Restore the kept weights of the models that have ended."""
        if self._kept is not None:
            stack.restore(self._kept.where(self.ended, stack.snapshot()))

    def select(self, models: Sequence[int]) -> None:
        """Continue with some of the models."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value[list(models)])
        self._kept = self._kept and self._kept.select(models)
