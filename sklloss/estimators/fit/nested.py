"""Nested parameters of an estimator: ``loss__delta``, ``module__width``, ``optimizer__betas``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ...losses.base import Loss
from ...modules import MODULES
from ...parameters.arguments import said, synonym_of
from ...parameters.declared import Declared, checkable, declared_by
from ...parameters.domains import check_in_domain
from ...parameters.plain import plain
from .loss_parameter import LossParameter
from .scikit_learn import BaseEstimator

# What has parameters of its own, and which parameter holds them.
HOLDERS = {"module": "module_params", "optimizer": "optimizer_params"}


class NestedParameters(BaseEstimator):
    """An estimator whose loss, module and optimiser have parameters of their own.

    ``loss__x`` replaces `loss` by the resolved loss with x set; ``module__x`` and ``optimizer__x``
    make a new dict with x.

    Attributes
    ----------
    _loss : LossParameter
        What the parameter of the loss means.
    _built_ins : tuple of str
        The built-in networks that make sense here; any, where none is named.
    """

    _loss: ClassVar[LossParameter]
    _built_ins: ClassVar[tuple[str, ...]] = ()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add those of the loss, the module and the optimiser, such as ``loss__delta``.

        Returns
        -------
        dict
            Values by name.
        """
        params = super().get_params(deep=False)
        held = {
            name: params[holder] if isinstance(params[holder], Mapping) else {}
            for name, holder in HOLDERS.items()
            if holder in params
        }
        if self._loss.name in params:
            held[self._loss.name] = self._loss.params(params[self._loss.name])
        if deep:
            params |= {f"{name}__{k}": v for name, each in held.items() for k, v in each.items()}
        return params

    def set_params(self, **params: Any) -> NestedParameters:
        """Set parameters of the estimator, its loss, its module and its optimiser.

        Parameters
        ----------
        **params
            Values by the names of `get_params`.  Parameters of the loss refer to the loss that is
            set in the same call, if any.

        Returns
        -------
        self
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        own, nested = self._divided(params)
        before = dict(vars(self))
        try:
            self._explain_other_names(own)
            self._refuse_parameters_of_none(own)
            super().set_params(**own)
            for owner, of_owner in nested.items():
                self._set_nested(owner, of_owner)
        except Exception:
            self.__dict__.update(before)
            raise
        return self

    def _divided(self, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return parameters of the estimator, and those of the loss, module and optimiser."""
        if not any("__" in key for key in params):
            return dict(params), {}
        known = set(self._get_param_names())
        owners = [self._loss.name, *(name for name, held in HOLDERS.items() if held in known)]
        nested: dict[str, dict[str, Any]] = {owner: {} for owner in owners}
        own = {}
        for key, value in params.items():
            owner, is_nested, name = key.partition("__")
            if is_nested and owner in nested:
                nested[owner][name] = value
            else:
                own[key] = value
        return own, {owner: of_owner for owner, of_owner in nested.items() if of_owner}

    def _explain_other_names(self, params: Mapping[str, Any]) -> None:
        """Raise for parameters by the names that other libraries give them."""
        known = self._get_param_names()
        for key in params.keys() - set(known):
            synonym = synonym_of(key, known)
            if synonym is not None:
                raise ValueError(
                    f"Invalid parameter {key!r} for {type(self).__name__} ({synonym.library})."
                    f" {said(synonym, params[key])}"
                )

    def _refuse_parameters_of_none(self, params: Mapping[str, Any]) -> None:
        """Raise for nested parameters of what has none; scikit-learn would ask it to set them."""
        for key in params:
            name, is_nested, _ = key.partition("__")
            value = params.get(name, getattr(self, name, None))
            if not is_nested or hasattr(value, "set_params"):
                continue
            if name in self._get_param_names():
                raise ValueError(
                    f"Invalid parameter {key!r} for {type(self).__name__}: {name}={value!r} has no"
                    f" parameters that can be set by name. Set {name} itself."
                )

    def _set_nested(self, owner: str, params: dict[str, Any]) -> None:
        if owner == self._loss.name:
            given = getattr(self, owner)
            setattr(self, owner, self._loss.with_params(given, params))
            return
        holder = HOLDERS[owner]
        self._check_param(holder)
        setattr(self, holder, {**(getattr(self, holder) or {}), **params})

    # ------------------------------------------------------------------ checks

    def _checked_loss(self, tasks: Any = None) -> Loss:
        """Return the resolved loss, its parameters and the estimator's checked."""
        loss = self._loss.resolved(self, tasks)
        loss.check_params()
        for name, declared in declared_by(self).items():
            self._check_value(name, checkable(getattr(self, name)), declared)
        if isinstance(getattr(self, "module", None), str):
            self._check_built_in()
        return loss

    def _check_param(self, name: str) -> None:
        """Raise a ValueError if a parameter lies outside its domain."""
        self._check_value(name, checkable(getattr(self, name)), declared_by(self)[name])

    def _check_value(self, name: str, value: Any, declared: Declared) -> None:
        if declared.domain is None or value in declared.domain:
            return
        default = getattr(type(self), name)
        remedy = declared.remedy or f"The default is {name}={default!r}."
        check_in_domain(type(self).__name__, name, value, declared.domain, remedy)

    def _check_built_in(self) -> None:
        """Raise for arguments of a built-in network, or for one that is made for other data."""
        known = declared_by(self)
        for name, value in (getattr(self, "module_params", None) or {}).items():
            if name in known:
                self._check_value(name, plain(value), known[name])
        module = getattr(self, "module", None)
        others = set(MODULES).difference(self._built_ins) if self._built_ins else ()
        if module in others:
            raise ValueError(
                f"module={module!r} is a network for other data than those of"
                f" {type(self).__name__}. Choose {' or '.join(map(repr, self._built_ins))}, or"
                " give your own network."
            )


def where_loss_has(method: str, otherwise: str) -> Callable[[NestedParameters], bool]:
    """Return what tells ``available_if`` whether the loss has a method: the fitted one, if any."""

    def check(estimator: Any) -> bool:
        loss = getattr(estimator, "loss_", None) or estimator._loss.resolved(estimator)
        if not hasattr(loss, method):
            raise AttributeError(f"Loss {loss.label!r} {otherwise}")
        return True

    return check
