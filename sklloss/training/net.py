"""The one training loop: K models of one shape, trained together as one skorch net."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.utils import ClassifierTags
from skorch import NeuralNet
from skorch.callbacks import EpochTimer, PrintLog
from torch import Tensor, nn, optim

from ..losses.base import Loss, State
from ..modules import Stack, stack_modules
from .callbacks import datasets_of, refuse_if_it_replaces_parameters, watches_batches
from .criterion import Criterion
from .data import EVALUATION_ROWS, Batch, Batches, TrainingSet, rows
from .outcome import check_finite, warn_if_worse, warn_if_worse_on_rows_set_aside
from .penalties import Penalties
from .rounding import is_rounding, rounded
from .seeds import derived_seed
from .stopping import Stopping, StoppingRule


class StackNet(NeuralNet):
    """K models of one shape, trained together along a leading axis; one model is K = 1.

    Parameters
    ----------
    module : nn.Module
        The initialised module; for several models an ``nn.ModuleList`` of K.
    criterion : Criterion
        The loss and the models' stacked state.
    optimizer : type of torch.optim.Optimizer
        Built over one flat parameter of shape (models, size).
    lr : float
        Learning rate.
    seeds : sequence of int, one per model
        Where each model's shuffles and dropout come from.
    weight_decay, l1 : sequence of float, one per model
        Penalties on weights.
    decoupled : bool
        Whether weight decay shrinks the weights in place of entering the gradient.
    full_batch : bool
        Whether a step evaluates the loss of all rows several times, as L-BFGS does.
    stopping : StoppingRule or None
        When to stop before `max_epochs`.
    max_epochs, batch_size, callbacks, device, verbose
        As in skorch.
    **kwargs
        Arguments of the optimiser, as ``optimizer__betas``.

    Notes
    -----
    It takes scaled X and returns raw output.  ``module_`` is the plain module during training too: its parameters are views
    into the buffer that the optimiser steps, so that callbacks and checkpoints are skorch's own.  Callbacks that look at batches
    are called, and cost their time, only where there are any.
    """

    def __init__(
        self,
        module: nn.Module,
        criterion: Criterion,
        *,
        optimizer: type[optim.Optimizer] = optim.Adam,
        lr: float = 0.005,
        seeds: Sequence[int] = (0,),
        weight_decay: Sequence[float] = (0.0,),
        l1: Sequence[float] = (0.0,),
        decoupled: bool = False,
        full_batch: bool = False,
        stopping: StoppingRule | None = None,
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
        self.seeds = seeds
        self.weight_decay = weight_decay
        self.l1 = l1
        self.decoupled = decoupled
        self.full_batch = full_batch
        self.stopping = stopping

    # ------------------------------------------------------------------ parts

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def initialize_callbacks(self) -> StackNet:
        """Refuse callbacks that would replace or freeze parameters behind the engine's back."""
        super().initialize_callbacks()
        for name, callback in self.callbacks_:
            refuse_if_it_replaces_parameters(name, callback)
        return self

    def initialize_history(self) -> StackNet:
        """Start the history, and the lowest loss of each kind so far."""
        super().initialize_history()
        self.lowest_: dict[str, float] = {}
        return self

    def initialize_optimizer(self, triggered_directly: bool | None = None) -> StackNet:
        """Move the modules' parameters into one flat buffer and build the optimiser over it."""
        self.stack_ = stack_modules(self.models, list(self.criterion_.parameters()))
        named = [("values", self.stack_.flat.values)]
        args, kwargs = self.get_params_for_optimizer("optimizer", named)
        self.optimizer_ = self.optimizer(*args, **kwargs)
        return self

    @property
    def models(self) -> list[nn.Module]:
        """The plain modules, one per model."""
        return list(self.module_) if len(self.seeds) > 1 else [self.module_]

    @property
    def loss(self) -> Loss:
        """The loss that is trained."""
        return self.criterion_.loss

    def attach(self) -> Stack:
        """Return the stack of the modules, made anew where loading or moving has taken them out of their buffer."""
        if getattr(self, "stack_", None) is None or not self.stack_.holds_parameters():
            old = self.optimizer_.state_dict()
            self.initialize_optimizer()
            self.optimizer_.load_state_dict(old)
        return self.stack_

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

    # ------------------------------------------------------------------ training

    def partial_fit(
        self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any
    ) -> StackNet:
        """Train on; unlike skorch's, an interruption by the user is not swallowed."""
        if not self.initialized_:
            self.initialize()
        self.attach()
        self.notify("on_train_begin", X=X, y=y)
        self.fit_loop(X, y, **fit_params)
        self.notify("on_train_end", X=X, y=y)
        return self

    def fit_loop(
        self, X: Any, y: Any = None, epochs: int | None = None, **fit_params: Any
    ) -> StackNet:
        """Train for some epochs, or until the stopping rule is content.

        Parameters
        ----------
        X : TrainingSet, or array-like of shape (n_samples, n_features)
            What to learn from.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), or None
            Targets, where X is an array.
        epochs : int or None
            How many; by default `max_epochs`.

        Raises
        ------
        FloatingPointError
            If the loss or the parameters turn NaN or infinite.
        """
        stack = self.attach()
        data = X if isinstance(X, TrainingSet) else self._training_set(X, y)
        train, valid = self._batches(data)
        penalties = Penalties(stack.flat, self.weight_decay, self.l1, self.decoupled)
        constant = self.constant_loss(train)
        stopping = None
        if self.stopping is not None and epochs is None:
            stopping = Stopping(self.stopping, constant)
        with self._undone_by_divergence():
            for _ in range(self.max_epochs if epochs is None else epochs):
                if self._epoch(train, valid, penalties, stopping, data):
                    break
            if stopping is not None:
                stopping.restore_best(stack)
            last = self.evaluate(train)
            check_finite(self, last)
        if stopping is not None:
            warn_if_worse(self.loss, last, constant)
        if stopping is not None and valid is not None:
            kept, constant = self.evaluate(valid), self.constant_loss(valid)
            warn_if_worse_on_rows_set_aside(self.loss, kept, constant)
        return self

    @contextmanager
    def _undone_by_divergence(self) -> Iterator[None]:
        """Put back the state before a training that turned NaN: what was learnt in earlier calls stays usable."""
        snapshot, n_epochs = self.stack_.snapshot(), len(self.history)
        optimizer = copy.deepcopy(self.optimizer_.state_dict()) if n_epochs else None
        try:
            yield
        except FloatingPointError:
            self.stack_.restore(snapshot)
            del self.history[n_epochs:]
            if optimizer is not None:
                self.optimizer_.load_state_dict(optimizer)
            raise

    def _epoch(
        self,
        train: Batches,
        valid: Batches | None,
        penalties: Penalties,
        stopping: Stopping | None,
        data: TrainingSet,
    ) -> bool:
        """Run one epoch with skorch's events; return whether training is done."""
        datasets = datasets_of(data)
        self.notify("on_epoch_begin", **datasets)
        losses = {"train": self.train_epoch(train, penalties)}
        check_finite(self, losses["train"])
        if valid is not None:
            losses["valid"] = self.evaluate(valid)
            check_finite(self, losses["valid"])
        self._record(losses)
        monitored = losses.get("valid", losses["train"] + penalties.value())
        rounding = self._rounds_kinks and is_rounding(len(self.history))
        done = stopping is not None and not rounding and stopping.update(monitored, self.stack_)
        try:
            self.notify("on_epoch_end", **datasets)
        except KeyboardInterrupt:  # how skorch's EarlyStopping says that it is content
            return True
        return done

    def train_epoch(self, batches: Batches, penalties: Penalties) -> Tensor:
        """Take one step per batch; return the weighted mean loss over the epoch, shape (models,)."""
        with torch.no_grad():
            return self._steps(batches, penalties)

    def _steps(self, batches: Batches, penalties: Penalties) -> Tensor:
        epoch = len(self.history)
        self.stack_.start_epoch([derived_seed(seed, "module", epoch) for seed in self.seeds])
        self._watching = any(watches_batches(callback) for _, callback in self.callbacks_)
        state = self._state_of_epoch(epoch)
        if not self._watching:
            self.history.new_batch()  # one for the epoch: skorch's file names look for a last batch
        total = torch.zeros_like(batches.total_weight)
        for batch in batches.shuffled(self.seeds, epoch):
            if not self._watching:
                total += self.train_batch(batch, state, penalties)
                continue
            self._begin_batch(batch)
            batch_total = self.train_batch(batch, state, penalties)
            self._end_batch(batch, batch_total)
            total += batch_total
        return total / batches.total_weight

    def train_batch(self, batch: Batch, state: State, penalties: Penalties) -> Tensor:
        """Take one optimiser step; return the sum of weighted losses that it started from, shape (models,)."""
        if self.full_batch:
            return self._closure_step(batch, state, penalties)
        total = self._gradients(batch, state)
        penalties.add_to_gradients()
        self._show_gradients(batch)
        signs = penalties.before_step(self.optimizer_.param_groups[0]["lr"])
        self.optimizer_.step()
        penalties.after_step(signs)
        return total

    def _closure_step(self, batch: Batch, state: State, penalties: Penalties) -> Tensor:
        def closure() -> Tensor:
            total = self._gradients(batch, state)
            penalties.add_to_gradients()
            self._show_gradients(batch)
            return (total / len(batch) + penalties.value()).sum()

        self.optimizer_.step(closure)
        return self._total(batch)

    def _gradients(self, batch: Batch, state: State) -> Tensor:
        """Write the gradient of Σwℓ / rows into the flat buffer; return Σwℓ, shape (models,)."""
        stack = self.stack_
        stack.flat.gradients.zero_()
        out = stack.forward(batch.X)
        raw = out.view(*batch.y.shape, -1).requires_grad_()
        with torch.enable_grad():
            total = self.loss.total(raw, batch.y, state, batch.sample_weight)
        total.backward(torch.full_like(total, 1 / len(batch)))
        grad_raw = torch.zeros_like(raw) if raw.grad is None else raw.grad
        stack.backward(grad_raw.flatten(2))
        return total.detach()

    @property
    def _rounds_kinks(self) -> bool:
        return self.full_batch and self.loss.kinked

    def _state_of_epoch(self, epoch: int) -> State:
        if not self._rounds_kinks:
            return self.criterion_.state
        self.optimizer_.state.clear()  # curvature of another function
        return rounded(self.criterion_.state, epoch, self.stack_.flat.values)

    # ------------------------------------------------------------------ evaluation

    def evaluate(self, batches: Batches) -> Tensor:
        """Return the weighted mean loss of the present weights, shape (models,)."""
        with torch.no_grad():
            seen = ((self._infer(b), b.y, b.sample_weight) for b in batches.in_order())
            return self._sum_of_losses(seen) / batches.total_weight

    def _sum_of_losses(self, seen: Iterable[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
        """Return Σwℓ over pieces of (raw, y, sample_weight), shape (models,); joined where no row has a loss of its own."""
        state = self.criterion_.state
        if self.loss.whole_batch:
            raw, y, sample_weight = (torch.cat(parts, 1) for parts in zip(*seen, strict=True))
            return self.loss.total(raw, y, state, sample_weight)
        return torch.stack([self.loss.total(r, y, state, w) for r, y, w in seen]).sum(0)

    def _infer(self, batch: Batch) -> Tensor:
        """Return raw output in the contract's shape."""
        return self.stack_.infer(batch.X).unflatten(-1, (batch.y.shape[-1], -1))

    def _total(self, batch: Batch) -> Tensor:
        """Return Σwℓ of the present weights, shape (models,)."""
        return self.loss.total(
            self._infer(batch), batch.y, self.criterion_.state, batch.sample_weight
        )

    def constant_loss(self, batches: Batches) -> Tensor:
        """Return the weighted mean loss of the best constant, shape (models,)."""
        constant = self.criterion_.baseline.unsqueeze(1)
        with torch.no_grad():
            seen = ((constant.expand(*y.shape, -1), y, w) for y, w in batches.targets())
            return self._sum_of_losses(seen) / batches.total_weight

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities (n, classes), or (n, labels), of scaled X; raw output where the loss has none."""
        raw = self.forward(X)
        if not hasattr(self.loss, "predict_proba"):
            return raw.numpy()
        shaped = self.shaped(raw)
        return self.loss.predict_proba(shaped, self.criterion_.state)[0].squeeze(1).cpu().numpy()

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
        prediction = self.loss.predict(self.shaped(self.forward(X)), self.criterion_.state)[0]
        return prediction.squeeze(-1).cpu().numpy()

    def shaped(self, raw: Tensor) -> Tensor:
        """Give a single model's raw output (n, width) the contract's shape (1, n, targets, outputs)."""
        n_targets = self.criterion_.baseline.shape[1]
        return raw.to(self.stack_.flat.values.device).unflatten(-1, (n_targets, -1)).unsqueeze(0)

    def forward_iter(self, X: Any, training: bool = False, device: str = "cpu") -> Iterator[Tensor]:
        """Yield raw output for slices of scaled X, an array, tensor or CSR matrix."""
        stack = self.attach()
        features = rows(X, stack.flat.values.dtype, stack.flat.values.device)
        for start in range(0, max(len(features), 1), EVALUATION_ROWS):
            piece = stack.pad(features.slice(start, start + EVALUATION_ROWS))
            yield stack.infer(piece.expand(len(stack), *piece.shape)).squeeze(0).to(device)

    # ------------------------------------------------------------------ helpers of the loop

    def _training_set(self, X: Any, y: Any) -> TrainingSet:
        values = self.stack_.flat.values
        dtype = torch.long if self.loss.task == "classification" else values.dtype
        targets = torch.as_tensor(np.asarray(y)).reshape(len(y), -1).to(values.device, dtype)
        weights = torch.ones(len(y), dtype=values.dtype, device=values.device)
        return TrainingSet.of_one_model(rows(X, values.dtype, values.device), targets, weights)

    def _batches(self, data: TrainingSet) -> tuple[Batches, Batches | None]:
        size = data.train.shape[1] if self.full_batch else self.batch_size
        balanced, complete = self.loss.whole_batch, self.loss.needs_all_classes
        train = Batches(data, data.train, size, self.stack_.pad, balanced, complete)
        if data.valid is None:
            return train, None
        return train, Batches(data, data.valid, EVALUATION_ROWS, self.stack_.pad)

    def _record(self, losses: dict[str, Tensor]) -> None:
        for name, loss in losses.items():
            mean = loss.mean().item()
            lowest = self.lowest_.get(name, np.inf)
            self.history.record(f"{name}_loss", mean)
            self.history.record(f"{name}_loss_best", mean < lowest)
            self.lowest_[name] = min(mean, lowest)

    def _begin_batch(self, batch: Batch) -> None:
        self.notify("on_batch_begin", batch=_seen(batch), training=True)
        self.history.record_batch("train_batch_size", len(batch))

    def _show_gradients(self, batch: Batch) -> None:
        if self._watching:
            named = list(self.get_all_learnable_params())
            self.notify(
                "on_grad_computed", named_parameters=named, batch=_seen(batch), training=True
            )

    def _end_batch(self, batch: Batch, total: Tensor) -> None:
        loss = (total / batch.sample_weight.sum(-1))[0]
        self.history.record_batch("train_loss", loss.item())
        y_pred = self.stack_.infer(batch.X)[0]
        self.notify("on_batch_end", batch=_seen(batch), training=True, loss=loss, y_pred=y_pred)


def _seen(batch: Batch) -> tuple[Tensor, Tensor]:
    """What callbacks see of a batch: X and y of the first model."""
    return batch.X[0], batch.y[0]
