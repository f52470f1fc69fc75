"""One model as a skorch net: what a user sees of the training engine."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from sklearn.utils import ClassifierTags
from skorch import NeuralNet
from skorch.callbacks import EpochTimer
from torch import Tensor, nn, optim

from ..losses.base import Loss
from ..modules import Stack, stack_modules
from .callbacks import (
    QuietPrintLog,
    check_takes_its_arguments,
    explaining_missing_scores,
    explaining_set_up,
    refuse_if_it_replaces_parameters,
)
from .loss_module import LossModule
from .model import Checkpoint
from .programs import train
from .rows.augment import BatchChange
from .rows.data import TrainingSet, rows
from .stopping import NEVER, StoppingRule

# Rows whose raw output is computed at once, where nothing is trained.
EVALUATION_ROWS = 4096


class LossNet(NeuralNet):
    """One model, trained alone or in a stack with others.

    Parameters
    ----------
    module : nn.Module
        The initialised module.
    criterion : LossModule
        The loss and its state.
    optimizer : type of torch.optim.Optimizer
        Built over one flat parameter of shape (1, size).
    lr : float
        Learning rate.
    seed : int
        Where shuffles and dropout come from.
    weight_decay, l1 : float
        Penalties on weights.
    decoupled : bool
        Whether weight decay shrinks the weights instead of entering the gradient.
    full_batch : bool
        Whether a step evaluates the loss of all rows several times, as L-BFGS does.
    raw_shape : tuple of two int, or None
        Targets and outputs per target of a row, one of them -1 where it follows from the other; by
        default as many targets as the best constant has.
    batch_change : BatchChange or None
        What changes batches: those that train, and those whose loss is only evaluated.
    stopping : StoppingRule
        When to stop before `max_epochs`.
    max_epochs, batch_size, callbacks, device, verbose
        As in skorch.
    **kwargs
        Arguments of the optimiser, as ``optimizer__betas``.

    Notes
    -----
    It takes scaled X and returns raw output.  ``module_`` is the plain module during training too:
    its parameters are views into the buffer that the optimiser steps, so that callbacks and
    checkpoints are skorch's own.  Callbacks that look at batches are called, and cost their time,
    only where there are any.
    """

    module_: nn.Module
    criterion_: LossModule

    def __init__(
        self,
        module: nn.Module,
        criterion: LossModule,
        *,
        optimizer: type[optim.Optimizer] = optim.Adam,
        lr: float = 0.005,
        seed: int = 0,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        decoupled: bool = False,
        full_batch: bool = False,
        raw_shape: tuple[int, int] | None = None,
        batch_change: BatchChange | None = None,
        stopping: StoppingRule = NEVER,
        max_epochs: int = 200,
        batch_size: int = 200,
        callbacks: Any = None,
        device: str = "cpu",
        verbose: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            module,
            criterion,
            optimizer=optimizer,
            lr=lr,
            max_epochs=max_epochs,
            batch_size=batch_size,
            train_split=None,
            callbacks=callbacks,
            predict_nonlinearity=None,
            device=device,
            verbose=verbose,
            use_caching=False,
            **kwargs,
        )
        self.seed = seed
        self.weight_decay = weight_decay
        self.l1 = l1
        self.decoupled = decoupled
        self.full_batch = full_batch
        self.raw_shape = raw_shape
        self.batch_change = batch_change
        self.stopping = stopping

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("epoch_timer", EpochTimer()), ("print_log", QuietPrintLog())]

    def initialize_callbacks(self) -> LossNet:
        """Set the callbacks up.

        Raises
        ------
        ValueError
            If one cannot be set up, or would replace or freeze parameters without the engine
            knowing.
        """
        with explaining_set_up():
            super().initialize_callbacks()
            for _, callback in self.callbacks_:
                check_takes_its_arguments(callback)
        for name, callback in self.callbacks_:
            refuse_if_it_replaces_parameters(name, callback)
        return self

    def initialize_history(self) -> LossNet:
        """Start the history, and the lowest loss of each kind so far."""
        super().initialize_history()
        self.lowest_: dict[str, float] = {}
        return self

    def initialize_optimizer(self, triggered_directly: bool | None = None) -> LossNet:
        """Move the modules' parameters into one flat buffer and build the optimiser over it."""
        self.stack_ = stack_modules([self.module_], list(self.criterion_.parameters()))
        named = [("values", self.stack_.flat.values)]
        args, kwargs = self.get_params_for_optimizer("optimizer", named)
        self.optimizer_ = self.optimizer(*args, **kwargs)
        return self

    def build_optimizer(self, groups: list[dict[str, Any]]) -> optim.Optimizer:
        """Return another optimiser of this net's kind over groups of parameters."""
        _, kwargs = self.get_params_for_optimizer("optimizer", [])
        return self.optimizer(groups, **kwargs)

    @property
    def loss(self) -> Loss:
        """The loss that is trained."""
        return self.criterion_.loss

    def attach(self) -> Stack:
        """Return the stack of this model alone, its parameters in the stack's buffer.

        It is made anew where loading or moving has taken them out of the buffer.
        """
        if getattr(self, "stack_", None) is None or not self.stack_.holds_parameters():
            old = self.optimizer_.state_dict()
            self.initialize_optimizer()
            self.optimizer_.load_state_dict(old)
        return self.stack_

    def checkpoint(self) -> Checkpoint:
        """Return a copy of the present state."""
        optimizer = copy.deepcopy(self.optimizer_.state_dict()) if self.history else None
        snapshot = self.attach().snapshot()
        constants = {k: v.clone() for k, v in self.criterion_.named_buffers()}
        return Checkpoint(snapshot, constants, optimizer, len(self.history), dict(self.lowest_))

    def rewind(self, checkpoint: Checkpoint) -> None:
        """Go back to a state, so that what was learnt before a failed training stays usable."""
        self.attach().restore(checkpoint.snapshot)
        for name, value in self.criterion_.named_buffers():
            value.copy_(checkpoint.constants[name])
        del self.history[checkpoint.n_epochs :]
        self.lowest_ = dict(checkpoint.lowest)
        self.optimizer_.state.clear()
        if checkpoint.optimizer is not None:
            self.optimizer_.load_state_dict(checkpoint.optimizer)

    def __getstate__(self) -> dict[str, Any]:
        bare = object.__new__(type(self))
        bare.__dict__.update(self.__dict__)
        bare.__dict__.pop("stack_", None)
        for name in ("module", "criterion"):
            bare.__dict__[name] = None
            bare.__dict__[f"{name}_"] = copy.deepcopy(bare.__dict__[f"{name}_"])
        return NeuralNet.__getstate__(bare)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.update(module=self.module_, criterion=self.criterion_)

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any) -> LossNet:
        """Train on; unlike in skorch, an interruption by the user is raised."""
        if not self.initialized_:
            self.initialize()
        return self.fit_loop(X, y, **fit_params)

    def fit_loop(
        self,
        X: Any,
        y: Any = None,
        epochs: int | None = None,
        on_epoch: Callable[[int], None] | None = None,
        **fit_params: Any,
    ) -> LossNet:
        """Train for some epochs, or until the stopping rule ends training.

        Parameters
        ----------
        X : TrainingSet, or array-like of shape (n_samples, n_features)
            What to learn from.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), or None
            Targets, where X is an array.
        epochs : int or None
            How many; by default `max_epochs`.
        on_epoch : callable or None
            Called with the number of epochs that are done or no longer needed.

        Raises
        ------
        FloatingPointError
            If the loss or the parameters turn NaN or infinite.
        """
        data = X if isinstance(X, TrainingSet) else self._training_set(X, y)
        (error,) = train([self], [data], epochs, on_epoch)
        if error is not None:
            raise error
        return self

    def ends_by_callback(self, **datasets: Any) -> bool:
        """Report the end of an epoch to callbacks; return whether one of them stops training."""
        try:
            with explaining_missing_scores(self.history):
                self.notify("on_epoch_end", **datasets)
        except KeyboardInterrupt:
            # This is how skorch's EarlyStopping stops training.
            return True
        return False

    def record(self, losses: dict[str, float]) -> None:
        """Write an epoch's losses into the history."""
        for name, loss in losses.items():
            lowest = self.lowest_.get(name, np.inf)
            self.history.record(f"{name}_loss", loss)
            self.history.record(f"{name}_loss_best", loss < lowest)
            self.lowest_[name] = min(loss, lowest)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities (n, classes), or (n, labels), of scaled X.

        Where the loss has none, they are raw output.
        """
        if not hasattr(self.loss, "predict_proba"):
            return self.forward(X).numpy()
        probabilities = self.loss.predict_proba(self.raw(X), self.criterion_.state)[0]
        return probabilities.squeeze(1).cpu().numpy()

    @property
    def classes_(self) -> np.ndarray:
        """The class indices, for scikit-learn's scorers."""
        return np.arange(self.criterion_.state["prior"].shape[-1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if getattr(self, "criterion_", None) is not None and self.loss.task == "classification":
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
        return tags

    def predict(self, X: Any) -> np.ndarray:
        """Return class indices, or predictions of scaled y, (n,) or (n, targets), of scaled X."""
        prediction = self.loss.predict(self.raw(X), self.criterion_.state)[0]
        return prediction.squeeze(-1).cpu().numpy()

    def raw(self, X: Any) -> Tensor:
        """Return raw output for scaled X in the contract's shape, (1, n, targets, outputs)."""
        pieces = list(self._infer(X))
        raw = pieces[0] if len(pieces) == 1 else torch.cat(pieces, 1)
        return raw.unflatten(-1, self.raw_shape or (self.criterion_.baseline.shape[1], -1))

    def forward_iter(self, X: Any, training: bool = False, device: str = "cpu") -> Iterator[Tensor]:
        """Yield raw output (n, width) for slices of scaled X, an array, tensor or CSR matrix."""
        return (piece.squeeze(0).to(device) for piece in self._infer(X))

    def _infer(self, X: Any) -> Iterator[Tensor]:
        stack = self.attach()
        features = rows(X, stack.flat.values.dtype, stack.flat.values.device)
        size, infer = stack.rows_at_once(EVALUATION_ROWS, features.row_shape), stack.inference()
        for start in range(0, max(len(features), 1), size):
            piece = stack.pad(features.slice(start, start + size))
            yield infer(piece.unsqueeze(0))

    def _training_set(self, X: Any, y: Any) -> TrainingSet:
        values = self.attach().flat.values
        dtype, device = values.dtype, values.device
        targets = torch.as_tensor(np.asarray(y)).reshape(len(y), -1)
        targets = targets.to(device, torch.long if self.loss.y_is_index else dtype)
        weights = torch.ones(len(y), dtype=dtype, device=device)
        train = torch.arange(len(y), device=device)
        return TrainingSet(rows(X, dtype, device), targets, weights, train, given=(X, y))
