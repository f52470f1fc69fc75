"""Changes of batches, such as shifts, flips and noise of training rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ...modules.stacks.randomness import global_generator
from ..seeds import SEED_LIMIT, derived_seed
from .batches import Batch
from .data import Encoding


class BatchChange(Protocol):
    """What changes the batches of a model that trains alone.

    A change depends on the model's seed, the epoch and the step, and on nothing else.
    """

    def of_batch(self, batch: Batch, seed: int, epoch: int, step: int) -> Batch:
        """Return a batch to train on."""
        ...

    def of_evaluation(self, batch: Batch, seed: int, step: int) -> Batch:
        """Return a batch whose loss is only evaluated, the same in every epoch."""
        ...


@dataclass(frozen=True)
class Augment(BatchChange):
    """A user's change of training rows, called with rows on the scale of X.

    Attributes
    ----------
    change : callable
        From a tensor (n_rows, ...) to one of the same shape; it finds the global generators of
        torch, NumPy and Python seeded. A transform of torchvision is called with each row.
    scaler : Encoding
        How X is scaled for the network.
    """

    change: Callable[..., Any]
    scaler: Encoding

    def of_batch(self, batch: Batch, seed: int, epoch: int, step: int) -> Batch:
        """Return a batch of one model with its rows changed."""
        with global_generators(derived_seed(seed, "augment", epoch, step)):
            changed = self._changed_batch(batch)
        if not torch.isfinite(changed.X).all():
            raise ValueError("augment returned values that are NaN or infinite.")
        return changed

    def of_evaluation(self, batch: Batch, seed: int, step: int) -> Batch:
        """Return the batch as it is."""
        return batch

    def _changed_batch(self, batch: Batch) -> Batch:
        """Return a batch, changed."""
        return replace(batch, X=self._changed(batch.X[0]).unsqueeze(0))

    def _changed(self, X: Tensor) -> Tensor:
        """Return scaled rows, changed."""
        return self.scaler.done(self._by_user(self.scaler.undone(X)))

    def _by_user(self, given: Tensor) -> Tensor:
        """Return what the user's function makes of rows on the scale of X."""
        if is_of_torchvision(self.change):
            changed = torch.stack([in_shape_of(row, self.change(row.clone())) for row in given])
        else:
            changed = in_shape_of(given, self.change(given.clone()))
        return changed.to(given.dtype)


class AugmentFrames(Augment):
    """The same for padded sequences (n_rows, n_frames, n_features + 1).

    Their last column is 1 on frames and 0 on padding.  The user sees (n_rows, n_frames,
    n_features), 0 beyond the end of a sequence; what `change` puts there is dropped.
    """

    def _changed(self, X: Tensor) -> Tensor:
        is_real = X[..., -1:]
        given = torch.where(is_real > 0, self.scaler.undone(X[..., :-1]), 0.0)
        scaled = torch.where(is_real > 0, self.scaler.done(self._by_user(given)), 0.0)
        return torch.cat((scaled, is_real), -1)


def is_of_torchvision(change: Any) -> bool:
    """Return whether a change is a transform of torchvision, which draws once per call.

    A module that has one, such as an ``nn.Sequential`` of them, counts, too.
    """
    parts = change.modules() if isinstance(change, nn.Module) else (change,)
    kinds = [kind.__module__ for part in parts for kind in type(part).__mro__]
    return any(kind.startswith("torchvision.transforms") for kind in kinds)


def in_shape_of(given: Tensor, changed: Any) -> Tensor:
    """Return what a user's function made of a tensor, as a plain tensor of the same shape."""
    if not isinstance(changed, Tensor) or changed.shape != given.shape:
        got = tuple(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
        raise ValueError(
            "augment must return a tensor of the shape that it receives,"
            f" {tuple(given.shape)}; it returned {got}."
        )
    return changed.as_subclass(Tensor)


@contextmanager
def global_generators(seed: int) -> Iterator[None]:
    """Run with the global generators of torch, NumPy and Python seeded; put them back afterwards.

    Only one thread at a time may do so.
    """
    with global_generator(torch.Generator().manual_seed(seed).get_state()):
        of_numpy, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002
        np.random.seed(seed % SEED_LIMIT)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(of_numpy)  # noqa: NPY002
            random.setstate(of_python)
