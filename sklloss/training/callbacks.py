"""What the training loop owes to skorch's callbacks."""

from __future__ import annotations

from typing import Any

import numpy as np
from skorch.callbacks import Callback, EpochScoring, LRScheduler, ParamMapper
from skorch.dataset import Dataset
from torch import Tensor

from .data import TrainingSet

BATCH_EVENTS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


def watches_batches(callback: Callback) -> bool:
    """Tell whether a callback acts on batches: those of skorch that only do so when asked count as not."""
    if isinstance(callback, EpochScoring):
        return False
    if isinstance(callback, LRScheduler):
        return callback.step_every == "batch"
    return any(getattr(type(callback), e) is not getattr(Callback, e) for e in BATCH_EVENTS)


def refuse_if_it_replaces_parameters(name: str, callback: Callback) -> None:
    """Raise a ValueError for skorch's Freezer, Unfreezer, Initializer and other mappers of parameters."""
    if isinstance(callback, ParamMapper):
        raise ValueError(
            f"callback {name!r} ({type(callback).__name__}) freezes or replaces parameters, which live in one buffer here. Set"
            " requires_grad_(False) on the parameters of your own module before the fit."
        )


def datasets_of(data: TrainingSet) -> dict[str, Any]:
    """Return what skorch shows to callbacks: datasets of (scaled X, y) that index like lists."""
    return {
        "dataset_train": RowsDataset(data, data.train),
        "dataset_valid": None if data.valid is None else RowsDataset(data, data.valid),
    }


class RowsDataset(Dataset):
    """A dataset of one part's rows of the first model, gathered only when a callback looks."""

    def __init__(self, data: TrainingSet, index: Tensor) -> None:
        self._data = data
        self._index = index[0]

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, item: Any) -> tuple[np.ndarray, np.ndarray]:
        return self.X[item], self.y[item]

    @property
    def X(self) -> np.ndarray:
        """The scaled features."""
        return self._data.X.take(self._index).cpu().numpy()

    @property
    def y(self) -> np.ndarray:
        """The scaled targets or class indices, (n,) or (n, targets)."""
        return self._data.y[0, self._index].squeeze(-1).cpu().numpy()
