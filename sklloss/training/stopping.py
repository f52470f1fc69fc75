"""When each of K models has learned enough, and which weights it keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

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
    keep_begun : bool, default=False
        Whether the best weights that an epoch of one step began with are kept, where they beat the
        last ones; not in a training that is to go on from its last weights.
    """

    n_iter_no_change: float
    tol: float
    keep_best: bool
    keep_begun: bool = False


NEVER = StoppingRule(float("inf"), 0.0, keep_best=False)


# What changes while a rule is followed, one number per model.
STANDING = ("_reference", "_stale", "_best_loss", "_best_begun", "kept_epoch", "_begun_epoch")


@dataclass(frozen=True)
class Standing:
    """Where the stopping rule of one model stands, so that its training can go on.

    Attributes
    ----------
    numbers : dict of Tensor of shape (1,)
        What `Stopping` keeps under the names in STANDING.
    kept, begun : Snapshot or None
        The weights that are kept, and the best that an epoch began with.
    """

    numbers: dict[str, Tensor]
    kept: Snapshot | None
    begun: Snapshot | None

    def to(self, device: torch.device) -> Standing:
        """Return the same on a device."""
        numbers = {name: value.to(device) for name, value in self.numbers.items()}
        return Standing(numbers, *(each and each.to(device) for each in (self.kept, self.begun)))


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
        self._keeps_begun = torch.tensor([r.keep_begun for r in rules], device=tol.device)
        self._reference = torch.full_like(explainable, torch.inf)
        self._stale = torch.zeros_like(explainable)
        self._best_loss = torch.full_like(explainable, torch.inf)
        self._best_begun = torch.full_like(explainable, torch.inf)
        self._may_stop = any(isfinite(rule.n_iter_no_change) for rule in rules)
        # Where all models end at once and none keeps its best weights, none are copied.
        self._kept = stack.snapshot() if any(rule.keep_best for rule in rules) else None
        self._begun: Snapshot | None = None
        self.kept_epoch = torch.zeros_like(explainable, dtype=torch.long)
        self._begun_epoch = torch.zeros_like(self.kept_epoch)
        self.ended = torch.zeros_like(self._keeps_best)

    @property
    def enough(self) -> Tensor:
        """Whether the rule of each model has said that it has learned enough, (models,)."""
        return self._stale > self._patience

    @property
    def may_improve(self) -> Tensor:
        """Whether each model has a rule that has not said yet that it has learned enough."""
        return self._patience.isfinite() & ~self.enough

    def update(self, loss: Tensor) -> Tensor:
        """Take the epoch's losses, (models,); return which models have learned enough."""
        if not self._may_stop:
            return torch.zeros_like(self.ended)
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
        self.ended = self.ended | ending
        if self._kept is None and self.ended.all():
            return
        if newer.all() or (self._kept is None and newer.any()):
            self._kept = stack.snapshot()
        elif self._kept is not None and newer.any():
            self._kept.take_over(newer.nonzero().flatten(), stack)

    def keep_begun(self, loss: Tensor, begun: Snapshot, epoch: int) -> None:
        """Keep the weights that an epoch of one step began with, whose loss is the best so far.

        They are those of the epoch before, `epoch`.
        """
        improved = (loss < self._best_begun) & ~self.ended
        self._best_begun = torch.where(improved, loss, self._best_begun)
        self._begun = begun if self._begun is None else begun.where(improved, self._begun)
        self._begun_epoch[improved] = epoch

    def restore_kept(self, stack: Stack) -> None:
        """Restore the kept weights of the models that have ended."""
        if self._kept is not None:
            stack.restore(self._kept.where(self.ended, stack.snapshot()))

    def restore_better(self, stack: Stack, objective: Callable[[], Tensor]) -> None:
        """Restore the best weights that epochs began with where they beat the last ones by enough.

        Only models that have ended change.
        """
        if self._begun is None:
            return
        last, of_last = stack.snapshot(), objective()
        stack.restore(self._begun.where(self.ended, last))
        is_better = self.ended & self._keeps_begun & (objective() < of_last - self._margin)
        stack.restore(self._begun.where(is_better, last))
        self.kept_epoch = torch.where(is_better, self._begun_epoch, self.kept_epoch)

    def select(self, models: Sequence[int]) -> None:
        """Continue with some of the models."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value[list(models)])
        self._kept = self._kept and self._kept.select(models)
        self._begun = self._begun and self._begun.select(models)

    def standing(self, model: int) -> Standing:
        """Return where the rule of a model stands."""
        numbers = {name: getattr(self, name)[[model]] for name in STANDING}
        kept, begun = (each and each.select([model]) for each in (self._kept, self._begun))
        return Standing(numbers, kept, begun)

    def go_on(self, standings: Sequence[Standing], stack: Stack) -> None:
        """Continue from where the rules of all models of a stack stood."""
        for name in STANDING:
            setattr(self, name, torch.cat([each.numbers[name] for each in standings]))
        now = stack.snapshot()
        self._kept = _joined([each.kept for each in standings], now)
        self._begun = _joined([each.begun for each in standings], now)


def _joined(parts: Sequence[Snapshot | None], now: Snapshot) -> Snapshot | None:
    """Return snapshots of single models as one, None if there are none."""
    if not any(parts):
        return None
    return Snapshot.joined([part or now.select([k]) for k, part in enumerate(parts)])
