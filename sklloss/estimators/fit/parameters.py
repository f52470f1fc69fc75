"""Nested parameters: ``loss__delta``, ``module__width`` and ``optimizer__betas`` of an estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from ...losses.base import Loss, Task
from ...losses.resolve import get_loss
from ...modules import MODULES
from ...modules.activations import ACTIVATIONS
from ...parameters.domains import (
    Choice,
    Domain,
    Either,
    Interval,
    Satisfies,
    Tuple,
    check_in_domain,
)
from ...parameters.plain import plain
from ...training import is_callback

DICTIONARIES = {"module": "module_params", "optimizer": "optimizer_params"}

POSITIVE = Interval(0, closed="neither")
COUNT = Interval(1, integer=True)
BOOL = Choice(True, False)
MAPPING = Satisfies(
    lambda value: value is None or isinstance(value, Mapping), "{name} to be None or a dict"
)

FUNCTION = Satisfies(
    lambda value: value is None or is_function(value),
    "{name} to be None or a function (a class only as an instance)",
)
CALLBACKS = Satisfies(
    lambda value: (
        value is None
        or (isinstance(value, str) and value == "disable")
        or (isinstance(value, list | tuple) and all(map(is_callback, value)))
    ),
    "{name} to be None or a list of skorch callbacks, or of pairs of a name and a callback",
)
DEVICE = Satisfies(
    lambda value: value is None or isinstance(value, str | int | torch.device),
    "{name} to be a name such as 'cpu', or a torch.device",
)
SCALE = Satisfies(lambda value: is_scale(value), "{name} to be a finite number, or four of them")


def is_function(value: Any) -> bool:
    """Tell what can be called with data from a class, which would be made anew with it."""
    return callable(value) and not isinstance(value, type)


def is_scale(value: Any) -> bool:
    """Tell whether it is a number per corner, or one for all."""
    try:
        numbers = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return False
    return numbers.shape in ((), (4,)) and bool(np.isfinite(numbers).all())


DOMAINS: dict[str, Domain] = {
    "module_params": MAPPING,
    "hidden_layer_sizes": Either(COUNT, Tuple(COUNT, min_length=0)),
    "activation": Choice(*ACTIVATIONS),
    "dropout": Interval(0, 1, closed="left"),
    "optimizer_params": MAPPING,
    "lr": Either(Choice("auto"), POSITIVE),
    "batch_size": Either(Choice("auto"), COUNT),
    "max_epochs": COUNT,
    "weight_decay": Interval(0),
    "l1": Interval(0),
    "early_stopping": BOOL,
    "n_iter_no_change": Either(COUNT, Choice(float("inf"))),
    "tol": Interval(0),
    "scale_inputs": BOOL,
    "augment": FUNCTION,
    "scale_target": BOOL,
    "dtype": Choice("auto", "float32", "float64"),
    "callbacks": CALLBACKS,
    "warm_start": BOOL,
    "device": DEVICE,
    "verbose": Either(BOOL, Interval(0, integer=True)),
    "scale": SCALE,
    "n_members": COUNT,
    "n_components": COUNT,
    "pairs": BOOL,
    "tokens": Choice("char", "word"),
    "decoding": Choice("greedy", "beam"),
    "beam_width": COUNT,
    "n_factors": COUNT,
    "score_at": COUNT,
    "features": Choice(None, "log_mel"),
    "sampling_rate": POSITIVE,
    "n_mels": COUNT,
    "window_seconds": POSITIVE,
    "hop_seconds": POSITIVE,
    "ndcg_at": Either(Choice(None), COUNT),
}
REMEDIES = {
    "hidden_layer_sizes": "Give one width per hidden layer, as (64, 64), or () for the linear model.",
    "scale": "Give module__scale half the longer side of the images, or leave it out.",
}


class NestedParameters(BaseEstimator):
    """An estimator whose `loss`, `module` and `optimizer` have parameters of their own.

    ``loss__x`` replaces `loss` by the resolved loss with x set; ``module__x`` and ``optimizer__x`` make a new dict with x.
    """

    _task: Task
    _loss_owner: ClassVar[str] = "loss"  # the parameter that holds it
    _built_ins: ClassVar[
        tuple[str, ...]
    ] = ()  # networks that make sense here; any, where there are none
    _score_is: ClassVar[
        Mapping[str, str]
    ] = {}  # by task of the loss, where it is not always the same
    _own_domains: ClassVar[Mapping[str, Domain]] = {}  # in place of those that others have
    loss: Any
    module: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add those of the loss, the module and the optimiser, as ``loss__delta``.

        Returns
        -------
        dict
        """
        params = super().get_params(deep=False)
        if deep:
            params |= {f"{self._loss_owner}__{k}": v for k, v in self._loss_params().items()}
            for name, holder in self._dictionaries.items():
                held = params[holder] if isinstance(params[holder], Mapping) else {}
                params |= {f"{name}__{k}": v for k, v in held.items()}
        return params

    def set_params(self, **params: Any) -> NestedParameters:
        """Set parameters, nested ones after the others.

        Parameters
        ----------
        **params
            Names as in `get_params`; also parameters of the loss that is set in the same call.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        nested = {
            k: v
            for k, v in params.items()
            if k.partition("__")[0] in (self._loss_owner, *self._dictionaries) and "__" in k
        }
        before = dict(vars(self))
        try:
            self._set_all({k: v for k, v in params.items() if k not in nested}, nested)
        except Exception:
            self.__dict__.update(before)
            raise
        return self

    @property
    def _dictionaries(self) -> dict[str, str]:
        """What has parameters of its own, and which parameter holds them."""
        return {name: held for name, held in DICTIONARIES.items() if hasattr(self, held)}

    def _set_all(self, own_params: dict[str, Any], nested: dict[str, Any]) -> None:
        self._refuse_parameters_of_none(own_params)
        super().set_params(**own_params)
        for owner in (self._loss_owner, *self._dictionaries):
            prefix = f"{owner}__"
            own = {k.removeprefix(prefix): v for k, v in nested.items() if k.startswith(prefix)}
            if own:
                self._set_nested(owner, own)

    def _refuse_parameters_of_none(self, params: Mapping[str, Any]) -> None:
        """Refuse nested parameters of what has none; scikit-learn would ask it to set them."""
        for key in params:
            name, is_nested, _ = key.partition("__")
            value = params.get(name, getattr(self, name, None))
            if (
                is_nested
                and name in signature(type(self)).parameters
                and not hasattr(value, "set_params")
            ):
                raise ValueError(
                    f"Invalid parameter {key!r} for {type(self).__name__}: {name}={value!r} has no parameters that can be set by name. Give"
                    f" {name} as a whole."
                )

    def _set_nested(self, owner: str, own: dict[str, Any]) -> None:
        if owner == self._loss_owner:
            self._set_loss_params(own)
            return
        holder = DICTIONARIES[owner]
        held = getattr(self, holder)
        self._check_param(holder, held, MAPPING)
        setattr(self, holder, {**(held or {}), **own})

    def _resolved_loss(self) -> Loss:
        """Return what the parameters say the loss is."""
        return get_loss(self.loss, task=self._task)

    def _set_loss_params(self, own: dict[str, Any]) -> None:
        self.loss = get_loss(self.loss, task=self._task, **own)

    def _loss_params(self) -> dict[str, Any]:
        try:
            return get_loss(self.loss, task=self._task).params
        except (TypeError, ValueError):
            return {}

    def _checked_loss(self) -> Loss:
        """Return the resolved loss, its parameters and the estimator's checked."""
        loss = self._resolved_loss()
        loss.check_params()
        own = {name: _plain(getattr(self, name)) for name in DOMAINS if hasattr(self, name)}
        for name, domain in {**DOMAINS, **self._own_domains}.items():
            if name in own:
                self._check_param(name, own[name], domain)
        for name, value in (own.get("module_params") or {}).items():
            if isinstance(self.module, str) and name in DOMAINS:
                self._check_param(name, plain(value), DOMAINS[name])
        self._check_built_in()
        return loss

    def _check_built_in(self) -> None:
        """Refuse a built-in network that is made for other data."""
        others = set(MODULES).difference(self._built_ins) if self._built_ins else ()
        if isinstance(self.module, str) and self.module in others:
            raise ValueError(
                f"module={self.module!r} is a network for other data than those of {type(self).__name__}. Choose"
                f" {' or '.join(map(repr, self._built_ins))}, or give a network of your own."
            )

    def _check_param(self, name: str, value: Any, domain: Domain) -> None:
        if value in domain:
            return
        default = signature(type(self)).parameters.get(name)
        remedy = REMEDIES.get(
            name, f"The default is {name}={default.default!r}." if default else ""
        )
        check_in_domain(type(self).__name__, name, value, domain, remedy)


def _plain(value: Any) -> Any:
    """Return arrays as tuples; one without an axis stays what it is, which no domain has, as a number is needed where it is used."""
    is_array = isinstance(value, np.ndarray | Tensor)
    return value if is_array and value.ndim == 0 else plain(value)


def where_loss_has(method: str, otherwise: str) -> Callable[[NestedParameters], bool]:
    """Return what tells ``available_if`` whether the loss, once fitted that of the fit, has a method."""

    def check(estimator: NestedParameters) -> bool:
        loss = getattr(estimator, "loss_", None) or get_loss(estimator.loss, task=estimator._task)
        if not hasattr(loss, method):
            raise AttributeError(f"Loss {loss.label!r} {otherwise}")
        return True

    return check
