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
from ..container import DamagedFileError
from ..graph import Codec, Reader, Writer
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


class Modules(Codec):
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
            raise DamagedFileError("a network is of a class that is none")
        held = {name: reader.named(items) for name, items in payload["held"]}
        kinds = {"_parameters": nn.Parameter, "_buffers": torch.Tensor, "_modules": nn.Module}
        for name, of_kind in kinds.items():
            if not all(each is None or isinstance(each, of_kind) for each in held[name].values()):
                raise DamagedFileError(f"the {name.strip('_')} of a network are something else")
        state = reader.named(payload["state"])
        if state.keys() & (vars(nn.Module()).keys() - {*SETS, "training"}):
            raise DamagedFileError("a network has names that are torch's own")
        module = cls.__new__(cls)
        nn.Module.__init__(module)
        state |= {name: set(state[name]) for name in SETS}
        module.__setstate__({**state, **{name: held[name] for name in HELD}})
        return module


class Nets(Codec):
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
            raise DamagedFileError("a net has no network, or no history")
        unknown = [n for n in arguments if n not in ARGUMENTS and not n.startswith("optimizer__")]
        if unknown:
            raise DamagedFileError(f"a net has the argument {unknown[0]!r:.40}")
        arguments["device"] = _device_here(arguments["device"])
        net = LossNet(parts["module"], parts["criterion"], **arguments)
        given = arguments["callbacks"] or ()
        if isinstance(given, range):
            raise DamagedFileError("the callbacks of a net are a range")
        callbacks = [each[-1] if isinstance(each, tuple) else each for each in given]
        callbacks = [each for each in callbacks if hasattr(each, "__dict__")]
        before = [dict(vars(each)) for each in callbacks]
        with without_compiler():
            net.initialize()
        for callback, state in zip(callbacks, before, strict=True):
            callback.__dict__.update(state)
        net.history_, net.lowest_ = parts["history"], parts["lowest"]
        net.__dict__.update({name: parts["ends"][name] for name in ENDS})
        net.may_go_on_ = parts["optimizer"] is not None
        if net.may_go_on_:
            _go_on(net.optimizer_, parts["optimizer"])
        return net


def _go_on(optimizer: torch.optim.Optimizer, state: Any) -> None:
    """Give an optimiser the state of another, in the precision that it had there."""
    with without_compiler():
        optimizer.load_state_dict(state)
    (parameter,) = optimizer.param_groups[0]["params"]
    for name, value in state["state"].get(0, {}).items():
        now = optimizer.state[parameter][name]
        # torch gives numbers that are kept in single precision the type of the weights.
        if isinstance(value, torch.Tensor) and value.dtype != now.dtype:
            optimizer.state[parameter][name] = value.to(now.device)


def _state_of_optimizer(net: Any) -> Any:
    """Return what the optimiser of a net needs to go on, None where it is not known."""
    if not net.may_go_on_:
        return None
    with without_compiler():
        return net.optimizer_.state_dict()


def _device_here(device: str) -> str:
    """Return the device of a net where there is such a one here, else the CPU."""
    try:
        one = torch.ones(1, device=device)
        one.item()  # Raises where a device such as "meta" holds no numbers.
        return str(one.device)
    except (AssertionError, RuntimeError):
        return "cpu"


class Histories(Codec):
    """skorch's history of a training, written column by column."""

    kinds = ("history",)
    _columns = {float: np.float64, int: np.int64, bool: np.bool_}  # noqa: RUF012

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if type(value) is not History:
            return None
        names = list(value[0]) if value else []
        is_table = all(list(epoch) == names and epoch["batches"] == [{}] for epoch in value)
        if not (names and is_table):
            return {"history": {"epochs": writer.node([dict(epoch) for epoch in value])}}
        names.remove("batches")
        columns = [(name, self._column([epoch[name] for epoch in value])) for name in names]
        return {"history": {"columns": writer.pairs(columns)}}

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if "epochs" in payload:
            return History(_listed(reader.value(payload["epochs"])))
        named = reader.named(payload["columns"])
        columns = {name: _listed(each) for name, each in named.items()}
        rows = zip(*columns.values(), strict=True)
        return History({"batches": [{}], **dict(zip(columns, row, strict=True))} for row in rows)

    def _column(self, values: list[Any]) -> Any:
        """Return values of one type as an array, others as they are."""
        kinds = set(map(type, values))
        dtype = self._columns.get(kinds.pop()) if len(kinds) == 1 else None
        return values if dtype is None else np.array(values, dtype)


def _listed(values: Any) -> list[Any]:
    """Return a list or an array as a list; a range, say, would be far longer than its file."""
    found = values.tolist() if isinstance(values, np.ndarray) else values
    if not isinstance(found, list):
        raise DamagedFileError(f"a history has a {type(found).__name__:.40} instead of a list")
    return found
