"""What the engine trains: one model as a skorch net."""

from __future__ import annotations

import copy
from collections.abc import Callable
from inspect import signature
from typing import Any, ClassVar, Self

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import (
    Checkpoint,
    EpochTimer,
    InputShapeSetter,
    LRScheduler,
    ParamMapper,
    PrintLog,
)
from skorch.exceptions import SkorchException
from torch import Tensor, nn, optim

from ..losses.base import Loss
from ..modules import Stack, stack_modules
from ..modules.stacks.stack import Snapshot
from .loss_module import LossModule
from .rows.augment import BatchChange
from .rows.data import TrainingSet
from .rows.scaling import TargetScaler
from .steps.fused import without_compiler
from .stopping import NEVER, Standing, StoppingRule
from .threads import is_worker, noted_interruptions


def print_line(text: str) -> None:
    """Print a line of the table; unlike Python's print, which ray replaces, it always pickles."""
    print(text)


class QuietPrintLog(PrintLog):
    """skorch's table of losses, which costs its time only where it is printed."""

    def __init__(
        self,
        keys_ignored: Any = None,
        sink: Callable[[str], None] = print_line,
        tablefmt: str = "simple",
        floatfmt: str = ".4f",
        stralign: str = "right",
    ) -> None:
        super().__init__(keys_ignored, sink, tablefmt, floatfmt, stralign)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Print a line, if the net is verbose."""
        if net.verbose:
            super().on_epoch_end(net, **kwargs)


class Trainable(NeuralNet):
    """One model as the engine, its batches and its steps see it; `LossNet` is one.

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
    target_scaler : TargetScaler or None
        What scaled the targets; callbacks see y, and `predict` answers, in units of y.
    batch_change : BatchChange or None
        What changes batches: those that train, and those whose loss is only evaluated.
    stopping : StoppingRule
        When to stop before `max_epochs`.
    max_epochs, batch_size, callbacks, device, verbose
        As in skorch.
    **kwargs
        Arguments of the optimiser, as ``optimizer__betas``.
    """

    module_: nn.Module
    criterion_: LossModule
    # Over one flat parameter of shape (1, size).
    optimizer_: optim.Optimizer
    # As skorch calls them.
    callbacks_: list[tuple[str, Any]]
    max_epochs: int
    batch_size: int
    # Whether training has ended by `max_epochs`, before its rule would have stopped it.
    may_improve_: bool = False
    # What has ended the last training: "patience" of its rule, "max_epochs", a "callback", or a
    # "pause" after which it may go on.
    stopped_by_: str | None = None
    # The epoch whose weights the net has, from 1.
    best_epoch_: int = 0
    # Whether its optimiser is where training ended; files may leave that out.
    may_go_on_: bool = True
    # What holds tensors: skorch writes it as bytes and moves it between devices as it reads it.
    # Modules, criterion and optimiser join it.
    cuda_dependent_attributes_: ClassVar[list[str]] = ["batch_change"]
    # After a pause, the weights of the last epoch and where the stopping rule stands.
    interrupted_: tuple[Snapshot, Standing] | None = None

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
        target_scaler: TargetScaler | None = None,
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
            callbacks=callbacks,
            device=device,
            verbose=verbose,
            **{"train_split": None, "predict_nonlinearity": None, "use_caching": False, **kwargs},
        )
        self.seed = seed
        self.weight_decay, self.l1, self.decoupled = weight_decay, l1, decoupled
        self.full_batch, self.raw_shape = full_batch, raw_shape
        self.target_scaler = target_scaler
        self.batch_change, self.stopping = batch_change, stopping

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("epoch_timer", EpochTimer()), ("print_log", QuietPrintLog())]

    def initialize_callbacks(self) -> Self:
        """Set the callbacks up.

        Raises
        ------
        ValueError
            If one cannot be set up, would replace or freeze parameters without the engine knowing,
            or reads a file that other workers write.
        """
        try:
            super().initialize_callbacks()
            for _, callback in self.callbacks_:
                if isinstance(callback, LRScheduler):
                    # The policy is made only when training starts.
                    signature(callback.policy_).bind(None, **callback.kwargs)
        except (AttributeError, TypeError) as error:
            raise ValueError(
                f"callbacks could not be set up: {error}. Check their arguments; a policy of"
                " LRScheduler is a class of torch.optim.lr_scheduler, or its name."
            ) from error
        for name, callback in self.callbacks_:
            if isinstance(callback, ParamMapper):
                raise ValueError(
                    f"callback {name!r} ({type(callback).__name__}) freezes or replaces parameters,"
                    " which live in one buffer here. Set requires_grad_(False) on the parameters of"
                    " your own module before the fit."
                )
            if isinstance(callback, InputShapeSetter):
                raise ValueError(
                    f"callback {name!r} (InputShapeSetter) rebuilds the module while it is"
                    " trained. Leave it out, and give your own module its number of inputs, for"
                    " example with module_params."
                )
            if isinstance(callback, Checkpoint) and callback.load_best and is_worker():
                raise ValueError(
                    f"callback {name!r} (Checkpoint) loads its best weights from a file that fits"
                    " in other workers write too. Set n_jobs=1, or leave load_best out and set"
                    " early_stopping=True, which keeps the best epoch's weights without a file."
                )
        return self

    def initialize_history(self) -> Self:
        """Start the history, and the lowest loss of each kind so far."""
        super().initialize_history()
        self.lowest_: dict[str, float] = {}
        return self

    def initialize_optimizer(self, triggered_directly: bool | None = None) -> Self:
        """Move the modules' parameters into one flat buffer and build the optimiser over it."""
        self.stack_ = stack_modules([self.module_], list(self.criterion_.parameters()))
        named = [("values", self.stack_.flat.values)]
        args, kwargs = self.get_params_for_optimizer("optimizer", named)
        with without_compiler():
            self.optimizer_ = self.optimizer(*args, **kwargs)
        return self

    def build_optimizer(self, groups: list[dict[str, Any]]) -> optim.Optimizer:
        """Return another optimiser of this net's kind over groups of parameters."""
        _, kwargs = self.get_params_for_optimizer("optimizer", [])
        with without_compiler():
            return self.optimizer(groups, **kwargs)

    @property
    def loss(self) -> Loss:
        """The loss that is trained."""
        return self.criterion_.loss

    def in_units_of_y(self, values: Tensor, column: bool = True) -> np.ndarray:
        """Return targets or predictions (n, targets) as the user gave or expects them.

        `column` says whether a single target stays a column.
        """
        found = values.cpu().numpy()
        if self.target_scaler is not None:
            found = self.target_scaler.inverse_transform(found)
        return found if column or found.shape[-1] != 1 else found[..., 0]

    def attach(self) -> Stack:
        """Return the stack of this model alone, its parameters in the stack's buffer.

        It is made again where loading or moving has taken them out of the buffer.
        """
        if getattr(self, "stack_", None) is None or not self.stack_.holds_parameters():
            with without_compiler():
                old = self.optimizer_.state_dict()
                self.initialize_optimizer()
                self.optimizer_.load_state_dict(old)
        return self.stack_

    def checkpoint(self) -> Callable[[], None]:
        """Return what goes back to the present state, so that a failed training changes nothing."""
        with without_compiler():
            optimizer = _copied(self.optimizer_.state_dict()) if self.history else None
        snapshot = self.attach().snapshot()
        constants = {k: v.clone() for k, v in self.criterion_.named_buffers()}
        n_epochs, lowest = len(self.history), dict(self.lowest_)
        interrupted = self.interrupted_

        def rewind() -> None:
            self.attach().restore(snapshot)
            for name, value in self.criterion_.named_buffers():
                value.copy_(constants[name])
            del self.history[n_epochs:]
            self.lowest_ = lowest
            self.interrupted_ = interrupted
            self.optimizer_.state.clear()
            if optimizer is not None:
                with without_compiler():
                    self.optimizer_.load_state_dict(optimizer)

        return rewind

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

    def ends_by_callback(self, **datasets: Any) -> bool:
        """Report the end of an epoch to callbacks; return whether one of them stops training."""
        interruptions: list[int] = []
        try:
            with noted_interruptions() as interruptions:
                self.notify("on_epoch_end", **datasets)
        except KeyboardInterrupt:
            # Without an interruption, this is how skorch's EarlyStopping stops training.
            if interruptions:
                raise
            return True
        except (KeyError, ValueError, SkorchException) as error:
            if "was not found in history" not in str(error):
                raise
            scores = [key for key in self.history[-1] if key.endswith(("_loss", "_loss_best"))]
            raise ValueError(
                f"a callback monitors what is not there: {error.args[0]} It has"
                f" {', '.join(sorted(scores))}. Set early_stopping=True, which gives valid_loss, or"
                " let the callback monitor another."
            ) from error
        return False

    def record(self, losses: dict[str, float]) -> None:
        """Write an epoch's losses into the history."""
        for name, loss in losses.items():
            lowest = self.lowest_.get(name, np.inf)
            self.history.record(f"{name}_loss", loss)
            self.history.record(f"{name}_loss_best", loss < lowest)
            self.lowest_[name] = min(loss, lowest)


def _copied(state: Any) -> Any:
    """Return a copy of an optimiser's state; `deepcopy` takes four times as long for tensors."""
    if isinstance(state, Tensor):
        return state.clone()
    if state is None or isinstance(state, int | float):
        return state
    if isinstance(state, dict):
        return {name: _copied(value) for name, value in state.items()}
    if isinstance(state, list):
        return [_copied(value) for value in state]
    return copy.deepcopy(state)


def epochs_left(net: Trainable, epochs: int | None, until: int | None) -> int:
    """Return for how many epochs a net is trained at most: to its end, or to a pause."""
    if until is not None:
        return min(net.max_epochs, until) - len(net.history)
    begun = len(net.history) if net.interrupted_ is not None else 0
    return net.max_epochs - begun if epochs is None else epochs


def step_rows(net: Trainable, data: TrainingSet) -> int:
    """Return how many rows a step of a net takes.

    Where its loss needs all classes, there are at most as many batches as the rarest class has
    rows, so that each can hold all.
    """
    if net.full_batch:
        return len(data.train)
    if not net.loss.needs_all_classes:
        return net.batch_size
    labels = data.y[data.train]
    counts = torch.stack([(labels == k).sum(0) for k in labels.unique()])
    return max(net.batch_size, -(-len(labels) // int(counts[counts > 0].min())))
