"""Parameters declared once, as fields of dataclasses: default, domain, remedy and documentation."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import numpy as np

from .domains import Domain, check_in_domain
from .plain import plain

T = TypeVar("T")
KEY = "parameter"  # Where the metadata of a field hold what is declared.


@dataclasses.dataclass(frozen=True)
class Declared:
    """What is known of a parameter beside its name and default.

    Attributes
    ----------
    domain : Domain or None
        The values that it may take; None where something else checks them.
    doc : str
        What it means, whole sentences.
    kind : str
        Its type and values, as numpydoc writes them.
    remedy : str
        What to do about a value outside the domain; '' names the default.
    fixed : bool
        Whether it cannot change while training goes on, by ``warm_start`` or ``partial_fit``.
    shared : bool
        Whether models that are trained as one stack must have it in common.
    structural : bool
        Of a loss: whether losses that are computed at once must have it in common.
    """

    domain: Domain | None = None
    doc: str = ""
    kind: str = ""
    remedy: str = ""
    fixed: bool = False
    shared: bool = False
    structural: bool = False


def parameter(
    default: T,
    domain: Domain | None = None,
    doc: str = "",
    *,
    kind: str = "",
    remedy: str = "",
    fixed: bool = False,
    shared: bool = False,
    structural: bool = False,
) -> T:
    """Declare a parameter of an estimator, or a hyperparameter of a loss, in the body of a dataclass.

    Parameters
    ----------
    default : object
        The default value.
    domain : Domain or None, default=None
        The values that are allowed, checked in `fit`; None if they are checked elsewhere.
    doc : str, default=""
        The description for the docstring of the class.
    kind : str, default=""
        Type and values, as numpydoc writes them.
    remedy : str, default=""
        How to correct a value outside the domain; "" names the default.
    fixed : bool, default=False
        Whether the parameter of an estimator must not change between calls that continue training.
    shared : bool, default=False
        Whether all estimators of a stack must have the same value.
    structural : bool, default=False
        Whether all losses of a stack must have the same value, instead of one per model in the
        state.

    Returns
    -------
    dataclasses.Field
        Typed as the default, so that type checkers see the parameter.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from sklloss.losses import Interval, RegressionLoss
    >>> @dataclass(frozen=True)
    ... class PowerLoss(RegressionLoss):
    ...     power: float = parameter(3.0, Interval(1))
    ...
    ...     def pointwise(self, raw, y, state):
    ...         return (raw.squeeze(-1) - y).abs() ** state["power"]
    >>> PowerLoss(power=0.5).check_params()
    Traceback (most recent call last):
        ...
    ValueError: PowerLoss needs power >= 1; got 0.5. The default is PowerLoss(power=3.0).
    """
    declared = Declared(domain, doc, kind, remedy, fixed, shared, structural)
    return dataclasses.field(default=default, metadata={KEY: declared})


def redeclared(cls: Any, name: str, **changes: Any) -> Any:
    """Declare a parameter of a base again, with another default or another meaning.

    Parameters
    ----------
    cls : dataclass
        Whose parameter it is.
    name : str
    **changes
        `default`, or attributes of `Declared`.

    Returns
    -------
    dataclasses.Field

    Examples
    --------
    >>> @dataclasses.dataclass(kw_only=True)
    ... class Base:
    ...     max_epochs: int = parameter(200, doc="Passes over the rows, at most.")
    >>> @dataclasses.dataclass(kw_only=True)
    ... class Derived(Base):
    ...     max_epochs: int = redeclared(Base, "max_epochs", default=50)
    >>> Derived().max_epochs
    50
    """
    (known,) = (field for field in dataclasses.fields(cls) if field.name == name)
    default = changes.pop("default", known.default)
    declared = dataclasses.replace(known.metadata[KEY], **changes)
    return dataclasses.field(default=default, metadata={KEY: declared})


def declare(doc: str, *, kind: str) -> dict[str, Declared]:
    """Return the metadata of a field that is written with ``dataclasses.field`` itself.

    The one positional parameter of an estimator, its loss, is: type checkers see ``kw_only`` of a
    field there alone.
    """
    return {KEY: Declared(doc=doc, kind=kind)}


def declared_by(cls: Any) -> Mapping[str, Declared]:
    """Return what a dataclass, or an instance of one, declares of its parameters, by name."""
    return _declared_by(cls if isinstance(cls, type) else type(cls))


@cache
def _declared_by(cls: Any) -> Mapping[str, Declared]:
    return {f.name: f.metadata[KEY] for f in dataclasses.fields(cls) if KEY in f.metadata}


def check_declared(owner: str, declaring: Any, values: Mapping[str, Any]) -> None:
    """Raise a ValueError if a value lies outside the domain that a dataclass declares for it."""
    cls = type(declaring)
    for name, declared in declared_by(cls).items():
        if name in values and declared.domain is not None:
            default = f"The default is {cls.__name__}({name}={getattr(cls, name)!r})."
            check_in_domain(owner, name, values[name], declared.domain, declared.remedy or default)


def checkable(value: Any) -> Any:
    """Return an array as a tuple; one without an axis stays what it is, which no domain contains."""
    is_array = hasattr(value, "__array__") and not isinstance(value, np.generic)
    return value if is_array and getattr(value, "ndim", None) == 0 else plain(value)


def numpydoc_of(cls: Any) -> str:
    """Return the Parameters section of a dataclass, its positional parameters first."""
    fields = [f for f in dataclasses.fields(cls) if KEY in f.metadata]
    entries = map(_entry, sorted(fields, key=lambda f: bool(f.kw_only)))
    return "\n".join(["Parameters", "----------", *entries])


def _entry(field: dataclasses.Field[Any]) -> str:
    declared: Declared = field.metadata[KEY]
    default = "" if field.default is dataclasses.MISSING else f", default={field.default!r}"
    meaning = textwrap.indent(inspect.cleandoc(declared.doc), "    ")
    return f"{field.name} : {declared.kind}{default}\n{meaning}"
