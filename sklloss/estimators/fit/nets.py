"""From an estimator's parameters and data to a net that is ready to be trained."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...losses.base import Loss, State
from ...modules import MODULES, build_module, check_widths
from ...training import (
    Augment,
    BatchChange,
    InputScaler,
    LossModule,
    LossNet,
    StoppingRule,
    TrainingSet,
    generator,
    optimizer_options,
    optimizer_spec,
)
from ..inputs.columns import count
from .loss_values import check_loss_values
from .parameters import NestedParameters
from .prepared import Shelf
from .sample import Sample

BATCH_MIN, BATCH_MAX, BATCHES_PER_EPOCH = 200, 1024, 50  # what batch_size="auto" aims at


class Start(NamedTuple):
    """Where training starts.

    Attributes
    ----------
    loss : Loss
    state : State
        Of one model, without the axis of models.
    baseline : Tensor of shape (n_targets, n_outputs)
        Raw output of the best constant.
    """

    loss: Loss
    state: State
    baseline: Tensor


class NetBuilder(NestedParameters):
    """An estimator that turns its parameters into nets."""

    loss_: Any
    net_: LossNet
    _dtype: torch.dtype
    _input_shape: tuple[int, ...]
    _input_scaler: InputScaler

    @property
    def _n_classes(self) -> Any:
        """How many classes each target has; None for numbers."""
        return None

    @property
    def _multi_label(self) -> bool:
        return False

    def _start(
        self, loss: Loss, sample: Sample, targets: Tensor, weighted: bool, shelf: Shelf
    ) -> Start:
        """Return where the training of a loss on these targets starts."""

        def start() -> Start:
            row_weight, sample_weight = (
                torch.from_numpy(weights).to(targets.device, self._dtype)
                for weights in (sample.row_weight, sample.sample_weight)
            )
            state = loss.prepare(targets, row_weight, self._n_classes)
            n_outputs = loss.n_outputs(self._n_classes, self._multi_label)
            self._check_values(loss, targets, state, n_outputs, weighted)
            return Start(loss, state, loss.baseline(targets, sample_weight, state))

        told = self._n_classes, self._multi_label, self._dtype, weighted
        return shelf.once(("start", loss, *sample.identity, id(targets), *told), start, targets)

    def _net(self, start: Start, data: TrainingSet, seed: int) -> LossNet:
        """Return an initialised net."""
        module = self._module(start, data, seed)
        baseline = start.baseline.unsqueeze(0).clone()
        criterion = LossModule(start.loss, State.stack([start.state]), baseline)
        spec = optimizer_spec(self.optimizer)
        options = optimizer_options(spec, self.optimizer_params or {})
        net = LossNet(
            module,
            criterion,
            optimizer=spec.cls,
            lr=self._lr(),
            seed=seed,
            weight_decay=self._weight_decay(),
            l1=float(getattr(self, "l1", 0.0)),
            decoupled=spec.decoupled,
            full_batch=spec.full_batch,
            raw_shape=self._raw_shape,
            batch_change=self._batch_change(data),
            stopping=self._stopping_rule(),
            max_epochs=self.max_epochs,
            batch_size=self._batch_size(len(data.train)),
            callbacks=self.callbacks
            if isinstance(self.callbacks, str | None)
            else list(self.callbacks),
            device=str(self._device()),
            verbose=self.verbose,
            **{f"optimizer__{name}": value for name, value in options.items()},
        )
        return net.initialize()

    def _continued_net(self, net: LossNet, data: TrainingSet, weighted: bool) -> LossNet:
        """Give a fitted net what may change between calls."""
        n_outputs = net.criterion_.baseline.shape[-1]
        state = net.criterion_.state.without_models().detached()
        self._check_values(self.loss_, data.y, state, n_outputs, weighted)
        net.optimizer_.param_groups[0]["lr"] = self._lr()
        net.__dict__.update(
            lr=self._lr(),
            weight_decay=self._weight_decay(),
            l1=float(getattr(self, "l1", 0.0)),
            batch_change=self._batch_change(data),
            stopping=self._stopping_rule(),
            max_epochs=self.max_epochs,
            batch_size=self._batch_size(len(data.train)),
            verbose=self.verbose,
        )
        return net

    def _check_values(
        self, loss: Any, y: Tensor, state: State, n_outputs: int, weighted: bool
    ) -> None:
        """Refuse a loss that cannot be trained on."""
        check_loss_values(loss, y, state, n_outputs, self._dtype, weighted)

    @property
    def _raw_shape(self) -> tuple[int, int] | None:
        """How raw output is read, where the best constant does not say."""
        return None

    def _batch_change(self, data: TrainingSet) -> BatchChange | None:
        """Return what changes batches of these rows."""
        return None if self.augment is None else Augment(self.augment, self._input_scaler)

    def _stopping_rule(self) -> StoppingRule:
        return StoppingRule(self.n_iter_no_change, self.tol, keep_best=self.early_stopping)

    def _module(self, start: Start, data: TrainingSet, seed: int) -> nn.Module:
        module: Any = self._built(start, generator(seed, "weights"))
        module = module.to(dtype=self._dtype, device=self._device())
        self._check_module(module, data.X.slice(0, 2), start)
        if isinstance(self.module, str) and self._starts_constant:
            module.output_bias.data.copy_(start.baseline.flatten())
        return module

    @property
    def _starts_constant(self) -> bool:
        """Whether a built-in network starts at the best constant."""
        return True

    def _built(self, start: Start, source: torch.Generator) -> nn.Module:
        """Return the module with its initial numbers."""
        width = start.baseline.numel()
        return build_module(self.module, self._input_shape, width, self._module_params(), source)

    def _check_module(self, module: nn.Module, few: Tensor, start: Start) -> None:
        """Refuse a module that puts out what its loss does not take."""
        width = start.baseline.numel()
        pair = (2,) if self._n_classes == 2 and not self._multi_label and width == 1 else ()
        what = "two classes" if pair else count(len(start.baseline), "target")
        check_widths(module, few, (width, *pair), f"{start.loss.label} for {what}")

    def _module_params(self) -> Mapping[str, Any]:
        own = dict(self.module_params or {})
        if not (isinstance(self.module, str) and self.module in MODULES):
            return own
        widths = getattr(self, "hidden_layer_sizes", ())  # which some networks do not have
        widths = tuple(widths) if np.iterable(widths) else (widths,)
        told = {
            "hidden_layer_sizes": widths,
            "activation": self.activation,
            "dropout": self.dropout,
            "start_constant": self._starts_constant
            and not self.l1,  # all weights at 0 are a stationary point under L1
            **getattr(self, "_input_facts", {}),
            **own,  # module__dropout and the like win
        }
        taken = signature(MODULES[self.module]).parameters
        return {name: value for name, value in told.items() if name in taken or name in own}

    def _lr(self) -> float:
        return optimizer_spec(self.optimizer).lr if self.lr == "auto" else self.lr

    def _weight_decay(self) -> float:
        return float(self.weight_decay)

    def _batch_size(self, n_rows: int) -> int:
        if self.batch_size != "auto":
            return int(self.batch_size)  # torch does not split by a number of NumPy
        if optimizer_spec(self.optimizer).full_batch:
            return n_rows
        return min(n_rows, max(BATCH_MIN, min(BATCH_MAX, n_rows // BATCHES_PER_EPOCH)))

    def _torch_dtype(self, n_rows: int) -> torch.dtype:
        if self.dtype != "auto":
            return getattr(torch, self.dtype)
        is_table = (
            len(getattr(self, "_input_shape", ())) <= 1
        )  # float64 is cheap for no other network
        return torch.float64 if is_table and n_rows <= self._batch_size(n_rows) else torch.float32

    def _device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            return torch.empty(0, device=self.device).device
        except (RuntimeError, TypeError, AssertionError, OverflowError, ValueError) as error:
            raise ValueError(
                f"device={self.device!r} cannot be used here ({str(error).splitlines()[0]}). Use 'cpu', or 'auto' for a GPU where there is"
                " one."
            ) from None
