"""Changes of batches; those of training rows that leave their targets as they are: shifts, flips, noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from ..modules.randomness import global_generator
from .batches import Batch
from .scaling import InputScaler
from .seeds import generator


class BatchChange(Protocol):
    """What changes the batches of a model that trains alone, as a function of its seed and of when."""

    def of_batch(self, batch: Batch, seed: int, epoch: int, step: int) -> Batch:
        """Return a batch to train on."""
        ...

    def of_evaluation(self, batch: Batch, seed: int, step: int) -> Batch:
        """Return a batch whose loss is only looked at, the same in every epoch."""
        ...


@dataclass(frozen=True)
class Augment(BatchChange):
    """A user's change of training rows, called with rows on the scale of X.

    Attributes
    ----------
    change : callable
        From a tensor (n_rows, ...) to one of the same shape; it finds torch's generator seeded.
    scaler : InputScaler
        How X is scaled for the network.
    """

    change: Callable[[Tensor], Tensor]
    scaler: InputScaler

    def of_batch(self, batch: Batch, seed: int, epoch: int, step: int) -> Batch:
        """Return a batch of one model with its rows changed."""
        source = generator(seed, "augment", epoch, step)
        given = self.scaler.undone(batch.X[0])
        with global_generator(source.get_state()):
            changed = self.change(given.clone())
        _check_changed(changed, given)
        return replace(batch, X=self.scaler.done(changed.to(given.dtype)).unsqueeze(0))

    def of_evaluation(self, batch: Batch, seed: int, step: int) -> Batch:
        """Return the batch as it is."""
        return batch


def _check_changed(changed: object, given: Tensor) -> None:
    if not isinstance(changed, Tensor) or changed.shape != given.shape:
        got = tuple(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
        raise ValueError(
            f"augment must return a tensor of the shape that it receives, {tuple(given.shape)}; it returned {got}."
        )
    if not torch.isfinite(changed).all():
        raise ValueError("augment returned values that are NaN or infinite.")
