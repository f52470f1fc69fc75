"""When each of K models has learnt enough, and which epoch was its best."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..modules.stack import Snapshot, Stack


@dataclass(frozen=True)
class StoppingRule:
    """Stop after `n_iter_no_change` epochs in which the loss did not fall by `tol` times the loss of the best constant.

    Parameters
    ----------
    n_iter_no_change : int
    tol : float
    keep_best : bool
        Whether the weights of the best epoch are kept: where validation rows decide.
    """

    n_iter_no_change: int
    tol: float
    keep_best: bool


class Stopping:
    """The state of a stopping rule over the epochs of one fit.

    Parameters
    ----------
    rule : StoppingRule
    constant_loss : Tensor of shape (models,)
        The loss of each model's best constant.
    """

    def __init__(self, rule: StoppingRule, constant_loss: Tensor) -> None:
        self._rule = rule
        self._margin = rule.tol * constant_loss.abs()
        self._reference = torch.full_like(constant_loss, torch.inf)
        self._stale = torch.zeros_like(constant_loss, dtype=torch.long)
        self._best: Snapshot | None = None
        self.best_loss = torch.full_like(constant_loss, torch.inf)

    def update(self, loss: Tensor, stack: Stack) -> bool:
        """Take the epoch's losses, shape (models,); return whether every model is done."""
        self._keep_best(loss, stack)
        falls = loss < self._reference - self._margin
        self._reference = torch.minimum(self._reference, loss)
        self._stale = torch.where(falls, 0, self._stale + 1)
        return bool((self._stale > self._rule.n_iter_no_change).all())

    def restore_best(self, stack: Stack) -> None:
        """Put the weights of the best epoch back, where they were kept."""
        if self._best is not None:
            stack.restore(self._best)

    def _keep_best(self, loss: Tensor, stack: Stack) -> None:
        improved = loss < self.best_loss
        self.best_loss = torch.where(improved, loss, self.best_loss)
        if self._rule.keep_best and improved.any():
            self._best = stack.snapshot().where(improved, self._best)
