"""When each of K models has learnt enough, and which weights it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..modules.stacks.stack import Snapshot, Stack


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


@dataclass(frozen=True)
class Standing:
    """Where the stopping rule of one model stands, so that its training can go on.

    Attributes
    ----------
    reference, stale, best_loss, kept_epoch : Tensor of shape (1,)
        As `Stopping` keeps them.
    kept : Snapshot
        The weights that are kept.
    """

    reference: Tensor
    stale: Tensor
    best_loss: Tensor
    kept_epoch: Tensor
    kept: Snapshot


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

    Attributes
    ----------
    ended : Tensor of shape (models,)
        Which models have ended.
    kept_epoch : Tensor of shape (models,)
        The epoch whose weights are kept of each, 0 for those of the start.
    """

    def __init__(self, rules: Sequence[StoppingRule], explainable: Tensor, stack: Stack) -> None:
        self._patience = explainable.new_tensor([rule.n_iter_no_change for rule in rules])
        tol = explainable.new_tensor([rule.tol for rule in rules])
        self._margin = tol * explainable
        self._keeps_best = explainable.new_tensor([r.keep_best for r in rules], dtype=torch.bool)
        self._reference = torch.full_like(explainable, torch.inf)
        self._stale = torch.zeros_like(explainable)
        self._best_loss = torch.full_like(explainable, torch.inf)
        self._kept = stack.snapshot()
        self.kept_epoch = torch.zeros_like(explainable, dtype=torch.long)
        self.ended = torch.zeros_like(self._keeps_best)

    @property
    def enough(self) -> Tensor:
        """Whether the rule of each model has said that it has learnt enough, (models,)."""
        return self._stale > self._patience

    @property
    def may_improve(self) -> Tensor:
        """Whether each model has a rule that has not said yet that it has learnt enough."""
        return self._patience.isfinite() & ~self.enough

    def update(self, loss: Tensor) -> Tensor:
        """Take the epoch's losses, (models,); return which models have learnt enough."""
        falls = loss < self._reference - self._margin
        self._reference = torch.minimum(self._reference, loss)
        stale = torch.where(falls, 0, self._stale + 1)
        self._stale = torch.where(self.ended, self._stale, stale)
        return self.enough

    def keep(self, loss: Tensor, ending: Tensor, stack: Stack, epoch: int) -> None:
        """Keep the weights of models whose epoch was their best, or their last.

        The rule of a model says which of the two.
        """
        improved = (loss < self._best_loss) & ~self.ended
        self._best_loss = torch.where(improved, loss, self._best_loss)
        newer = torch.where(self._keeps_best, improved, ending & ~self.ended)
        self.kept_epoch[newer] = epoch
        if newer.all():
            self._kept = stack.snapshot()
        elif newer.any():
            self._kept.take_over(newer.nonzero().flatten(), stack)
        self.ended = self.ended | ending

    def restore_kept(self, stack: Stack) -> None:
        """Restore the kept weights of the models that have ended."""
        stack.restore(self._kept.where(self.ended, stack.snapshot()))

    def select(self, models: Sequence[int]) -> None:
        """Continue with some of the models."""
        for name, value in vars(self).items():
            chosen = value[list(models)] if isinstance(value, Tensor) else value.select(models)
            setattr(self, name, chosen)

    def standing(self, model: int) -> Standing:
        """Return where the rule of a model stands."""
        reference, stale, best_loss, kept_epoch = (
            each[[model]]
            for each in (self._reference, self._stale, self._best_loss, self.kept_epoch)
        )
        return Standing(reference, stale, best_loss, kept_epoch, self._kept.select([model]))

    def go_on(self, standings: Sequence[Standing]) -> None:
        """Continue from where the rules of all models stood."""
        self._reference = torch.cat([each.reference for each in standings])
        self._stale = torch.cat([each.stale for each in standings])
        self._best_loss = torch.cat([each.best_loss for each in standings])
        self.kept_epoch = torch.cat([each.kept_epoch for each in standings])
        self._kept = Snapshot.joined([each.kept for each in standings])
