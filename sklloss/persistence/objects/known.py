"""Estimators, losses, what fits learn, and whatever else has a name in this format."""

from __future__ import annotations

import copyreg
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils import Bunch
from sklearn.utils._metadata_requests import SIMPLE_METHODS
from sklearn.utils.metadata_routing import MetadataRequest
from torch import nn, optim

from ...estimators.fit.estimator import NeuralEstimator
from ...estimators.fit.learned import Learned
from ...training import LossNet
from ..container import DamagedFileError
from ..graph import Codec, Reader, Writer
from .functions import class_node
from .names import name_of

# Roots of libraries whose objects need a file format of their own.
FOREIGN = frozenset(["sklearn", "scipy", "numpy", "pandas", "lightgbm", "xgboost", "catboost"])
# What metadata routing adds to the attributes of an estimator: an object that holds it.
ROUTING = "_metadata_request"
# What makes an object of its class alone, before it gets its attributes.
NEW_OBJECT = copyreg.__newobj__  # type: ignore[attr-defined]
# Fitted attributes that are made from the others.
FOLLOWING = ("net_", "history_", "_answers_of_fit")
NO_OBJECTS = (nn.Module, optim.Optimizer, dict, list, type)


class Objects(Codec):
    """Objects of classes with a name in this format, and of the user's."""

    kinds = ("object", "bunch")

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if type(value) is Bunch:
            return {"bunch": writer.pairs(value.items())}
        if isinstance(value, NeuralEstimator):
            return _estimator_node(value, writer)
        cls = type(value)
        if name_of(cls) is None:
            if cls.__module__.partition(".")[0] in {*FOREIGN, "builtins"}:
                return None
            return _object_node(value, _state_of_own(value, writer), writer)
        if cls.__module__.startswith("skorch."):
            # A net sets up the rest when it is made.
            own = [(k, v) for k, v in vars(value).items() if not k.endswith("_")]
            return _object_node(value, own, writer)
        if is_dataclass(value) and not isinstance(value, BaseEstimator):
            stated = [(field.name, getattr(value, field.name)) for field in fields(value)]
            return _object_node(value, stated, writer)
        return _object_node(value, _state(value).items(), writer)

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        if kind == "bunch":
            return Bunch(**reader.named(payload))
        of = payload["of"]
        cls: Any = reader.value(of)
        is_allowed = isinstance(cls, type) and ("class" in of or "own" in of)
        if not is_allowed or issubclass(cls, NO_OBJECTS):
            raise DamagedFileError("an object is of a class that has none in files")
        state = reader.named(payload["state"])
        made = cls.__new__(cls)
        is_ours = "class" in of and "/" not in of["class"]
        if is_ours and not issubclass(cls, BaseEstimator):
            _check_names(cls, state)
        if issubclass(cls, NeuralEstimator):
            state |= _following(state)
        if "routing" in payload:
            state[ROUTING] = _routed(made, reader.value(payload["routing"]))
        if not is_ours and hasattr(made, "__setstate__"):
            made.__setstate__(state)
        else:
            vars(made).update(state)
        return made


def _estimator_node(value: NeuralEstimator, writer: Writer) -> Mapping[str, Any]:
    """Return the node of one of our estimators, fitted or not, or of a user's subclass."""
    state = dict(value.__getstate__())
    for name in ("_sklearn_version", *FOLLOWING):
        state.pop(name, None)
    if not writer.oof and "_oof" in state:
        state["_oof"] = None
    goes_on = value.warm_start or state.get("_is_begun", False)
    before = writer.keeps_optimizer
    writer.keeps_optimizer = bool(goes_on if writer.training is None else writer.training)
    try:
        return _object_node(value, state.items(), writer)
    finally:
        writer.keeps_optimizer = before


def _object_node(value: Any, state: Iterable[tuple[str, Any]], writer: Writer) -> Mapping[str, Any]:
    """Return the node of an object with some state."""
    kept = dict(state)
    routing = kept.pop(ROUTING, None)
    node = {"of": class_node(type(value), writer), "state": writer.pairs(kept.items())}
    if routing is not None:
        requests = {name: getattr(routing, name).requests for name in SIMPLE_METHODS}
        node["routing"] = writer.node({name: each for name, each in requests.items() if each})
    return {"object": node}


def _following(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fitted attributes of an estimator that follow from the others."""
    if "members_" not in state:
        return {}
    nets = state["members_"]
    is_whole = isinstance(nets, list) and nets and all(isinstance(net, LossNet) for net in nets)
    if not is_whole or not isinstance(state.get("_learned"), Learned):
        raise DamagedFileError("a fitted estimator lacks its nets, or what it has learned")
    return {"net_": nets[0], "history_": nets[0].history, "_answers_of_fit": {}}


def _routed(owner: Any, requests: Mapping[str, Any]) -> MetadataRequest:
    """Return what an estimator asks of metadata routing."""
    routing = MetadataRequest(owner=owner)
    for name, of_method in requests.items():
        for param, alias in of_method.items():
            if name not in SIMPLE_METHODS:
                raise DamagedFileError(f"there is no method {name!r:.40} of metadata routing")
            getattr(routing, name).add_request(param=param, alias=alias)
    return routing


def _state(value: Any) -> Mapping[str, Any]:
    """Return the attributes of an object as it wants them to be pickled."""
    state = value.__getstate__()
    return {} if state is None else state


def _state_of_own(value: Any, writer: Writer) -> Iterable[tuple[str, Any]]:
    """Return the attributes of a user's object, which has to be nothing but its attributes."""
    cls = type(value)
    reduced = value.__reduce_ex__(4)
    made, arguments, state, *rest = (*reduced, None, None)[:5] if isinstance(reduced, tuple) else ()
    is_plain = made is NEW_OBJECT and arguments == (cls,) and not any(rest)
    if not is_plain or not (state is None or isinstance(state, dict)):
        raise writer.refuse(
            f"a {cls.__module__}.{cls.__qualname__} is more than its attributes (it is pickled in a"
            " way of its own). Leave it out, or give an object with attributes only."
        )
    return (state or {}).items()


def _check_names(cls: Any, state: Mapping[str, Any]) -> None:
    """Raise for fields that a dataclass does not have, or has and no file fills."""
    unknown = state.keys() - {field.name for field in fields(cls)}
    if unknown:
        raise DamagedFileError(
            f"{cls.__name__} has {min(unknown)!r:.40}, which this version of sklloss does not know"
        )
    missing = [f.name for f in fields(cls) if f.name not in state and not hasattr(cls, f.name)]
    if missing:
        raise DamagedFileError(f"{cls.__name__} lacks {missing[0]!r}")
