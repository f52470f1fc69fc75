"""Changes of batches; those of training rows that leave their targets as they are: shifts, flips, noise."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ...modules.stacks.randomness import global_generator
from ..seeds import SEED_LIMIT, derived_seed
from .batches import Batch
from .scaling import InputScaler


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
        From a tensor (n_rows, ...) to one of the same shape; it finds the global generators of torch, NumPy and Python seeded.
    scaler : InputScaler
        How X is scaled for the network.
    """

    change: Callable[[Tensor], Tensor]
    scaler: InputScaler

    def of_batch(self, batch: Batch, seed: int, epoch: int, step: int) -> Batch:
        """Return a batch of one model with its rows changed."""
        given = self._undone(batch.X[0])
        with global_generators(derived_seed(seed, "augment", epoch, step)):
            changed = self.change(given.clone())
        _check_shape(changed, given)
        done = self._done(changed.to(given.dtype), batch.X[0])
        if not torch.isfinite(done).all():
            raise ValueError("augment returned values that are NaN or infinite.")
        return replace(batch, X=done.unsqueeze(0))

    def of_evaluation(self, batch: Batch, seed: int, step: int) -> Batch:
        """Return the batch as it is."""
        return batch

    def _undone(self, X: Tensor) -> Tensor:
        """Return what the user sees of scaled rows."""
        return self.scaler.undone(X)

    def _done(self, changed: Tensor, X: Tensor) -> Tensor:
        """Return what the network sees of changed rows, in place of X."""
        return self.scaler.done(changed)


class AugmentFrames(Augment):
    """The same for padded sequences (n_rows, n_frames, n_features + 1), whose last column tells frames from padding.

    The user sees (n_rows, n_frames, n_features), 0 behind the end of a sequence; what is put there is dropped.
    """

    def _undone(self, X: Tensor) -> Tensor:
        return torch.where(X[..., -1:] > 0, self.scaler.undone(X[..., :-1]), 0.0)

    def _done(self, changed: Tensor, X: Tensor) -> Tensor:
        is_real = X[..., -1:]
        return torch.cat((torch.where(is_real > 0, self.scaler.done(changed), 0.0), is_real), -1)


@contextmanager
def global_generators(seed: int) -> Iterator[None]:
    """Run with the global generators of torch, NumPy and Python seeded, and put them back after; one thread at a time."""
    with global_generator(torch.Generator().manual_seed(seed).get_state()):
        of_numpy, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002
        np.random.seed(seed % SEED_LIMIT)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(of_numpy)  # noqa: NPY002
            random.setstate(of_python)


def _check_shape(changed: object, given: Tensor) -> None:
    if not isinstance(changed, Tensor) or changed.shape != given.shape:
        got = tuple(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
        raise ValueError(
            f"augment must return a tensor of the shape that it receives, {tuple(given.shape)}; it returned {got}."
        )
