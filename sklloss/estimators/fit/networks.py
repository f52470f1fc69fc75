"""From an estimator's parameters and what a fit has learned to nets that can be trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from ...losses.base import Loss, State
from ...modules import MODULES
from ...modules.last_step import last_step
from ...training import (
    BatchChange,
    LossModule,
    LossNet,
    StoppingRule,
    TrainingSet,
    generator,
    optimizer_options,
    optimizer_spec,
)
from ...training.checkpoints.fit_checkpoint import without_checkpoint
from ..inputs.base import Inputs
from ..targets.base import Start, Target
from .learned import Learned
from .settings import batch_size, epochs, hidden_widths, learning_rate, rules_of


@dataclass(frozen=True)
class NetBuilder:
    """Builds the nets of one fit.

    Attributes
    ----------
    estimator : NeuralEstimator
        Whose parameters count.
    inputs : Inputs
    target : Target
    learned : Learned
    loss : Loss
    device : torch.device
    """

    estimator: Any
    inputs: Inputs
    target: Target
    learned: Learned
    loss: Any
    device: torch.device

    def net(self, start: Start, data: TrainingSet, seed: int, scaler: Any) -> LossNet:
        """Return an initialised net; `scaler` is that of its targets."""
        estimator = self.estimator
        module = self._module(start, data, seed, scaler)
        baseline = start.baseline.unsqueeze(0).clone()
        spec = optimizer_spec(estimator.optimizer)
        options = optimizer_options(spec, estimator.optimizer_params or {}, self.device)
        given = without_checkpoint(estimator.callbacks)
        net = LossNet(
            module,
            LossModule(start.loss, State.stack([start.state]), baseline),
            optimizer=spec.cls,
            seed=seed,
            decoupled=spec.decoupled,
            full_batch=spec.full_batch,
            raw_shape=self.target.raw_shape(self.learned.target),
            target_scaler=scaler,
            callbacks=given if isinstance(given, str | None) else list(given),
            device=str(self.device),
            **self._changeable(data, scaler),
            **{f"optimizer__{name}": value for name, value in options.items()},
        )
        return net.initialize()

    def continued(self, net: LossNet, data: TrainingSet, scaler: Any, weighted: bool) -> LossNet:
        """Give a fitted net what may change between calls of fit."""
        if weighted or data.y.isnan().any():
            # The first fit may have had neither weights nor missing labels; the loss is the same.
            n_outputs = net.criterion_.constant.shape[-1]
            state = net.criterion_.state.without_models().detached()
            dtype = self.learned.torch_dtype
            self.target.check_values(self.loss, data.y, state, n_outputs, dtype, weighted)
        changeable = self._changeable(data, scaler)
        # A schedule that has changed the rate continues where it was.
        if changeable["lr"] != net.lr:
            net.optimizer_.param_groups[0]["lr"] = changeable["lr"]
        net.__dict__.update(changeable)
        return net

    def _changeable(self, data: TrainingSet, scaler: Any) -> dict[str, Any]:
        """Return the arguments of a net that may change while its training continues."""
        estimator, learned = self.estimator, self.learned
        n_rows, holds_out = len(data.train), data.valid is not None
        n_inputs = prod(learned.row_inputs.shape)
        at_most, patience = epochs(estimator, self.inputs, n_rows, holds_out)
        return {
            "lr": learning_rate(estimator, self.inputs, n_inputs, holds_out),
            "weight_decay": self._weight_decay(),
            "l1": float(getattr(estimator, "l1", 0.0)),
            "batch_change": self._batch_change(data, scaler),
            "stopping": StoppingRule(
                patience, estimator.tol, keep_best=holds_out, keep_begun=not estimator.warm_start
            ),
            "max_epochs": at_most,
            "batch_size": batch_size(estimator, self.inputs, n_rows),
            "verbose": estimator.verbose,
        }

    def _batch_change(self, data: TrainingSet, scaler: Any) -> BatchChange | None:
        """Return what changes the batches of a net, None where nothing does."""
        learned, augment = self.learned, getattr(self.estimator, "augment", None)
        of_rows = self.inputs.batch_change(
            augment, learned.input_scaler, data, self.loss, learned.inputs
        )
        return self.target.batch_change(of_rows, learned.target, scaler)

    def _weight_decay(self) -> float:
        given = self.estimator.weight_decay
        if given != "auto":
            return float(given)
        of_rules = rules_of(self.estimator, self.inputs).weight_decay(self.estimator.optimizer)
        return self.target.auto_decay(self.loss) if of_rules is None else of_rules

    # ------------------------------------------------------------------ networks

    def _module(self, start: Start, data: TrainingSet, seed: int, scaler: Any) -> nn.Module:
        """Return a network for the rows of the engine, at its start."""
        is_built_in = isinstance(self.estimator.module, str)
        head = self.target.head(start, self.learned.target, is_built_in)
        network = self.network(head.n_outputs, generator(seed, "weights"), scaler)
        network = self.target.wrapped(network, is_built_in)
        module = self.inputs.wrapped(network, self.learned.row_inputs)
        module = module.to(dtype=self.learned.torch_dtype, device=self.device)
        few = data.X.slice(0, 2)
        self.inputs.check_network(module, few, head.allowed, head.why)
        if is_built_in:
            self.target.begin(module, start, data)
        elif start.loss.takes_logits:
            check_gives_logits(module, few, data.y[:2], start)
        return module

    def network(self, n_outputs: int, source: torch.Generator, scaler: Any = None) -> nn.Module:
        """Return a network for single rows, its initial numbers drawn from a generator."""
        learned, module = self.learned, self.estimator.module
        arguments = self._arguments(scaler)
        try:
            return self.inputs.network(module, learned.row_inputs, n_outputs, arguments, source)
        except (MemoryError, OverflowError, RuntimeError, TypeError) as error:
            if not isinstance(module, str):
                raise
            raise _too_large(module, arguments, n_outputs, error) from error

    def _arguments(self, scaler: Any) -> Mapping[str, Any]:
        """Return what a network is built with: what a built-in one takes of all there is."""
        estimator = self.estimator
        own = dict(getattr(estimator, "module_params", None) or {})
        if not (isinstance(estimator.module, str) and estimator.module in MODULES):
            return own
        learned = self.learned
        rules = rules_of(estimator, self.inputs)
        available = {
            "hidden_layer_sizes": hidden_widths(estimator),
            "activation": estimator.activation,
            "dropout": estimator.dropout,
            # Under L1, weights that are all 0 are a stationary point.
            "start_constant": self.target.starts_constant and not estimator.l1,
            **rules.module_params,
            **learned.inputs.facts,
            **self.target.network_params(estimator.module, learned.target, scaler),
            **own,
        }
        taken = signature(MODULES[estimator.module]).parameters
        return {name: value for name, value in available.items() if name in taken or name in own}


def check_gives_logits(module: nn.Module, few: Tensor, y: Tensor, start: Start) -> None:
    """Raise a ValueError for a network that ends in softmax or sigmoid, under a loss of logits."""
    output, step = last_step(module, few)
    if not step or (step == "log_softmax" and _ignores_shifts(start, output, y)):
        return
    raise ValueError(
        f"The network ends in {step}, and loss {start.loss.label!r} takes what comes before it, the"
        " logits. Remove this last step; where the loss has probabilities, predict_proba makes"
        " them of logits."
    )


def _ignores_shifts(start: Start, output: Tensor, y: Tensor) -> bool:
    """Return whether the loss is the same where all outputs of a row grow by 1."""
    loss: Loss = start.loss
    raw = loss.shaped(output.flatten(1), y, start.state)
    as_it_is, shifted = loss(raw, y, start.state), loss(raw + 1, y, start.state)
    return torch.allclose(as_it_is, shifted, atol=1e-5)


def _too_large(
    module: str, arguments: Mapping[str, Any], n_outputs: int, error: Exception
) -> ValueError:
    """Return the error of a built-in network for which there is not enough memory."""
    sizes = ("hidden_layer_sizes", "channels", "widths", "n_units", "kernel_size", "n_dims")
    given = ", ".join(f"{name}={arguments[name]!r}" for name in sizes if name in arguments)
    widths = f" with {given}" if given else ""
    return ValueError(
        f"The network {module!r}{widths} and {n_outputs} outputs cannot be built"
        f" ({str(error).splitlines()[0]}). Make these numbers smaller."
    )
