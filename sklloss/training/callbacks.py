"""skorch's callbacks: which of them can be used, and what they see of the training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

import numpy as np
from skorch.callbacks import Callback, EpochScoring, LRScheduler, ParamMapper, PrintLog
from skorch.dataset import Dataset
from skorch.exceptions import SkorchException
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


def refuse_if_it_replaces_parameters(name: str, callback: Callback) -> None:
    """Raise a ValueError for skorch's Freezer, Unfreezer, Initializer and other ParamMappers."""
    if isinstance(callback, ParamMapper):
        raise ValueError(
            f"callback {name!r} ({type(callback).__name__}) freezes or replaces parameters, which"
            " live in one buffer here. Set requires_grad_(False) on the parameters of your own"
            " module before the fit."
        )


def check_takes_its_arguments(callback: Callback) -> None:
    """Raise a TypeError for an LRScheduler whose policy does not take its arguments.

    The policy is made only when training starts.
    """
    if isinstance(callback, LRScheduler):
        signature(callback.policy_).bind(None, **callback.kwargs)


@contextmanager
def explaining_set_up() -> Iterator[None]:
    """Explain errors of callbacks that cannot be made or initialised."""
    try:
        yield
    except (AttributeError, TypeError) as error:
        raise ValueError(
            f"callbacks could not be set up: {error}. Check their arguments; a policy of"
            " LRScheduler is a class of torch.optim.lr_scheduler, or its name."
        ) from error


@contextmanager
def explaining_missing_scores(history: Any) -> Iterator[None]:
    """Name the scores in the history where a callback monitors something else."""
    try:
        yield
    except (KeyError, ValueError, SkorchException) as error:
        if "was not found in history" not in str(error):
            raise
        scores = sorted(key for key in history[-1] if key.endswith(("_loss", "_loss_best")))
        raise ValueError(
            f"a callback monitors what is not there: {error.args[0]} It has {', '.join(scores)}."
            " Set early_stopping=True, which gives valid_loss, or let the callback monitor another."
        ) from error


class QuietPrintLog(PrintLog):
    """skorch's table of losses, which costs its time only where it is printed."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Print a line, if the net is verbose."""
        if net.verbose:
            super().on_epoch_end(net, **kwargs)


class BatchEvents:
    """Shows batches to the callbacks of a single net that watch them.

    Parameters
    ----------
    net : Trainable or None
        None for a stack, which has no such events.
    stack : Stack
        What the net is trained as.
    """

    def __init__(self, net: Trainable | None, stack: Stack) -> None:
        self._net = net
        self._stack = stack
        self._watching: Trainable | None = None

    def begin_epoch(self) -> None:
        """Look which callbacks watch batches."""
        if self._net is None:
            return
        watched = any(watches_batches(each) for _, each in self._net.callbacks_)
        self._watching = self._net if watched else None
        if not watched:
            # skorch's file names look for the last batch of the history.
            self._net.history.new_batch()

    def begin(self, batch: Batch) -> None:
        """Report the beginning of a step."""
        if self._watching is not None:
            self._watching.notify("on_batch_begin", batch=_seen(batch), training=True)
            self._watching.history.record_batch("train_batch_size", batch.n_rows)

    def show_gradients(self, batch: Batch) -> None:
        """Show the gradients, which a callback may change."""
        if self._watching is not None:
            named = list(self._watching.get_all_learnable_params())
            self._watching.notify(
                "on_grad_computed", named_parameters=named, batch=_seen(batch), training=True
            )

    def end(self, batch: Batch, total: Callable[[], Tensor]) -> None:
        """Report the end of a step, with its loss and the new raw output."""
        if self._watching is not None:
            loss = (total() / batch.sample_weight.sum(-1))[0]
            self._watching.history.record_batch("train_loss", loss.item())
            y_pred = self._stack.inference()(batch.X)[0, : batch.n_rows]
            self._watching.notify(
                "on_batch_end", batch=_seen(batch), training=True, loss=loss, y_pred=y_pred
            )


def _seen(batch: Batch) -> tuple[Tensor, Tensor]:
    """Return what callbacks see of a batch of one model: X and y."""
    return batch.X[0, : batch.n_rows], batch.y[0, : batch.n_rows]


def datasets_of(data: TrainingSet) -> dict[str, Any]:
    """Return what skorch shows to callbacks: datasets of (scaled X, y) that index like lists."""
    return {
        "dataset_train": RowsDataset(data, data.train),
        "dataset_valid": None if data.valid is None else RowsDataset(data, data.valid),
    }


class RowsDataset(Dataset):
    """A dataset of some rows, gathered only when a callback looks."""

    def __init__(self, data: TrainingSet, index: Tensor) -> None:
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
        """The scaled targets or class indices, (n,) or (n, targets)."""
        return self._data.y[self._index].squeeze(-1).cpu().numpy()
