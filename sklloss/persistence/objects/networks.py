"""Networks and the nets that train them."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np
import torch
from skorch.history import History
from torch import nn

from ...training import LossNet
from ...training.model import Trainable
from ...training.steps.fused import without_compiler
from ..container import DamagedFile
from ..graph import Reader, Writer
from .functions import class_node

# What a net is built with, beside arguments of its optimiser.
ARGUMENTS = tuple(
    name
    for name in signature(Trainable).parameters
    if name not in ("module", "criterion", "kwargs")
)
ENDS = ("may_improve_", "stopped_by_", "best_epoch_")
HELD = ("_parameters", "_buffers", "_modules")
SETS = ("_non_persistent_buffers_set",)


class Modules:
    """Networks: their class, and everything that they hold."""

    kinds = ("module",)

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if not isinstance(value, nn.Module):
            return None
        state = dict(value.__getstate__())
        fresh = vars(nn.Module())
        for name in fresh.keys() - {*HELD, *SETS, "training"}:
            if state.pop(name, None):
                raise writer.refuse(
                    f"{type(value).__name__} has {name.strip('_')}, which are functions. Remove"
                    " hooks before saving."
                )
        held = [[name, writer.pairs(state.pop(name, {}).items())] for name in HELD]
        own = {name: sorted(state.pop(name, ())) for name in SETS}
        return {
            "module": {
                "of": class_node(type(value), writer),
                "held": held,
                "state": writer.pairs({**state, **own}.items()),
            }
        }

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        cls = reader.value(payload["of"])
        if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
            raise DamagedFile("a network is of a class that is none")
        held = {name: reader.named(items) for name, items in payload["held"]}
        kinds = {"_parameters": nn.Parameter, "_buffers": torch.Tensor, "_modules": nn.Module}
        for name, of_kind in kinds.items():
            if not all(each is None or isinstance(each, of_kind) for each in held[name].values()):
                raise DamagedFile(f"the {name.strip('_')} of a network are something else")
        state = reader.named(payload["state"])
        if state.keys() & (vars(nn.Module()).keys() - {*SETS, "training"}):
            raise DamagedFile("a network has names that are torch's own")
        module = cls.__new__(cls)
        nn.Module.__init__(module)
        state |= {name: set(state[name]) for name in SETS}
        module.__setstate__({**state, **{name: held[name] for name in HELD}})
        return module


class Nets:
    """The nets of an estimator: a network, its loss, how both were trained."""

    kinds = ("net",)

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if type(value) is not LossNet:
            return None
        of_optimizer = [(k, v) for k, v in vars(value).items() if k.startswith("optimizer__")]
        arguments = [(name, getattr(value, name)) for name in ARGUMENTS]
        parts = {
            "module": value.module_,
            "criterion": value.criterion_,
            "arguments": {**dict(arguments), **dict(of_optimizer)},
            "history": value.history,
            "lowest": value.lowest_,
            "ends": {name: getattr(value, name) for name in ENDS},
            "optimizer": _state_of_optimizer(value) if writer.keeps_optimizer else None,
        }
        return {"net": writer.pairs(parts.items())}

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        parts = reader.named(payload)
        arguments = parts["arguments"]
        if not (isinstance(parts["module"], nn.Module) and isinstance(parts["history"], History)):
            raise DamagedFile("a net has no network, or no history")
        arguments["device"] = _device_here(arguments["device"])
        net = LossNet(parts["module"], parts["criterion"], **arguments)
        callbacks = [each for each in arguments["callbacks"] or () if hasattr(each, "__dict__")]
        before = [dict(vars(each)) for each in callbacks]
        with without_compiler():
            net.initialize()
        for callback, state in zip(callbacks, before, strict=True):
            vars(callback).update(state)
        net.history_, net.lowest_ = parts["history"], parts["lowest"]
        vars(net).update({name: parts["ends"][name] for name in ENDS})
        net.may_go_on_ = parts["optimizer"] is not None
        if net.may_go_on_:
            with without_compiler():
                net.optimizer_.load_state_dict(parts["optimizer"])
        return net


def _state_of_optimizer(net: Any) -> Any:
    """Return what the optimiser of a net needs to go on, None where it is not known."""
    if not net.may_go_on_:
        return None
    with without_compiler():
        return net.optimizer_.state_dict()


def _device_here(device: str) -> str:
    """Return the device of a net where there is such a one here, else the CPU."""
    try:
        return str(torch.ones(1, device=device).device)
    except (AssertionError, RuntimeError):
        return "cpu"


class Histories:
    """skorch's history of a training, written column by column."""

    kinds = ("history",)
    _columns = {float: np.float64, int: np.int64, bool: np.bool_}  # noqa: RUF012

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if type(value) is not History:
            return None
        epochs = [{k: v for k, v in epoch.items() if k != "batches"} for epoch in value]
        n_batches = [len(epoch.get("batches", ())) for epoch in value]
        if any(epoch["batches"] != [{}] * n for epoch, n in zip(value, n_batches, strict=True)):
            return {"history": {"epochs": writer.node([dict(epoch) for epoch in value])}}
        names = list(epochs[0]) if epochs else []
        if any(list(epoch) != names for epoch in epochs):
            return {"history": {"epochs": writer.node([dict(epoch) for epoch in value])}}
        columns = [(name, self._column([epoch[name] for epoch in epochs])) for name in names]
        counts = np.array(n_batches, dtype=np.int64)
        return {"history": {"columns": writer.pairs(columns), "batches": writer.node(counts)}}

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if "epochs" in payload:
            return History(reader.value(payload["epochs"]))
        counts = reader.value(payload["batches"]).tolist()
        if any(n > MOST_BATCHES for n in counts):
            raise DamagedFile("an epoch has too many batches")
        columns = {
            name: each.tolist() if isinstance(each, np.ndarray) else each
            for name, each in reader.named(payload["columns"]).items()
        }
        if any(len(each) != len(counts) for each in columns.values()):
            raise DamagedFile("the columns of a history differ in length")
        rows = zip(*columns.values(), strict=True) if columns else ((),) * len(counts)
        return History(
            {"batches": [{} for _ in range(n)], **dict(zip(columns, row, strict=True))}
            for n, row in zip(counts, rows, strict=True)
        )

    def _column(self, values: list[Any]) -> Any:
        """Return values of one type as an array, others as they are."""
        kinds = set(map(type, values))
        dtype = self._columns.get(kinds.pop()) if len(kinds) == 1 else None
        return values if dtype is None else np.array(values, dtype)


# More would be a file that was made to fill the memory.
MOST_BATCHES = 10**4
