"""skorch's callbacks: which of them can be used, and what they see of the training loop."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback, EpochScoring, LRScheduler
from skorch.dataset import Dataset
from torch import Tensor

from ..modules import Stack
from .model import Trainable
from .rows.batches import Batch
from .rows.data import TrainingSet

BATCH_EVENTS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


def is_callback(item: Any) -> bool:
    """Return whether skorch takes it: a callback or its class, or a pair of a name and one."""
    is_pair = isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)
    callback = item[1] if is_pair else item
    is_class = isinstance(callback, type) and issubclass(callback, Callback)
    return is_class or isinstance(callback, Callback)


def watches_batches(callback: Callback) -> bool:
    """Return whether a callback acts on batches.

    Callbacks of skorch that only do so when asked count as those that do not.
    """
    if isinstance(callback, EpochScoring):
        return False
    if isinstance(callback, LRScheduler):
        return callback.step_every == "batch"
    return any(getattr(type(callback), e) is not getattr(Callback, e) for e in BATCH_EVENTS)


def batch_events(net: Trainable, stack: Stack) -> BatchEvents | None:
    """Return what shows the batches of an epoch to callbacks, or None if none of them watches."""
    if any(watches_batches(callback) for _, callback in net.callbacks_):
        return BatchEvents(net, stack)
    # skorch's file names look for the last batch of the history.
    net.history.new_batch()
    return None


class BatchEvents:
    """Shows the batches of a net, which trains alone as a stack, to its callbacks."""

    def __init__(self, net: Trainable, stack: Stack) -> None:
        self._net = net
        self._stack = stack
        self._n_batches: Counter[str] = Counter()

    def begin(self, batch: Batch, training: bool = True) -> None:
        """Report the beginning of a step, or of a batch of validation rows."""
        self._net.notify("on_batch_begin", batch=self._seen(batch), training=training)
        self._net.history.record_batch(f"{_prefix(training)}_batch_size", batch.n_rows)

    def show_gradients(self, batch: Batch) -> None:
        """Show the gradients, which a callback may change."""
        named = list(self._net.get_all_learnable_params())
        self._net.notify(
            "on_grad_computed", named_parameters=named, batch=self._seen(batch), training=True
        )

    def end(self, batch: Batch, total: Tensor, training: bool = True) -> None:
        """Report the end, with the loss, from Σwℓ (1,), and raw output of the present weights."""
        prefix, history = _prefix(training), self._net.history
        loss = (total / batch.sample_weight.sum(-1))[0]
        history.record_batch(f"{prefix}_loss", loss.item())
        y_pred = self._stack.inference()(batch.X)[0, : batch.n_rows]
        self._net.notify(
            "on_batch_end", batch=self._seen(batch), training=training, loss=loss, y_pred=y_pred
        )
        self._n_batches[prefix] += 1
        history.record(f"{prefix}_batch_count", self._n_batches[prefix])

    def _seen(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return what callbacks see of a batch of one model: scaled X, and y in its own units."""
        X, y = batch.X[0, : batch.n_rows], batch.y[0, : batch.n_rows]
        return X, torch.from_numpy(self._net.in_units_of_y(y)).to(y.device)


def _prefix(training: bool) -> str:
    """Return how skorch's history names what belongs to training, or to validation."""
    return "train" if training else "valid"


class RowsDataset(Dataset):
    """A dataset of some rows of a net, gathered only when a callback looks."""

    def __init__(self, net: Trainable, data: TrainingSet, index: Tensor) -> None:
        self._net = net
        self._data = data
        self._index = index

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
        """The targets in their own units, or class indices, (n,) or (n, targets)."""
        return self._net.in_units_of_y(self._data.y[self._index], column=False)
