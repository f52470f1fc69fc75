"""Hypothesis strategies for recipes: mostly right settings and data, with a few twists each."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from typing import Any

from hypothesis import strategies as st

import sklloss
from sklloss.losses.listing import losses_of
from sklloss.parameters.declared import declared_by
from sklloss.parameters.domains import Choice, Either, Interval, Tuple

from .containers import CONTAINERS
from .families import FAMILIES, LISTS
from .odd_values import odd_names
from .recipe import Recipe
from .targets import TARGETS, WEIGHTS
from .values import DTYPES, VALUES

# Numbers of steps and of networks that a fit must not have many of, to take little time.
SLOW = {"max_epochs": 4, "n_members": 3, "n_seeds": 2, "sampling_rate": 4}
# Parameters that write to the terminal, or need a package.
QUIET = {"verbose", "n_jobs", "pre_dispatch", "features"}
# Valid values of parameters without a declared domain.
VALID: dict[str, list[Any]] = {
    "random_state": [0, 1, 2**32 - 1],
    "validation_fraction": [0.1, 0.3, 0.5, 0.9],
    "optimizer": ["sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam", "radam", "lbfgs"],
    "class_weight": ["balanced", {0: 2.0, 1: 0.5}],
    "weighting": ["equal", "uncertainty", "dwa", "random"],
    "cv": [2, 3],
    "refit": [True, False],
    "error_score": ["raise", 0.0],
}
FLOATS = (0.0, 5e-324, 1e-300, 1e-30, 1e-3, 0.1, 0.5, 0.99, 1.0, 1.5, 2.0, 10.0, 1e6, 1e30, 1.7e308)
WHOLE = (0, 1, 2, 3, 5, 17)
HUGE = (10**12, 2**63, 10**30)


def _of_domain(domain: Any, name: str) -> list[Any]:
    """Return values that lie in a declared domain, ends of intervals among them."""
    if isinstance(domain, Either):
        return [value for each in domain.domains for value in _of_domain(each, name)]
    if isinstance(domain, Choice):
        return [v for v in domain.options if not (isinstance(v, float) and math.isinf(v))]
    if isinstance(domain, Tuple):
        items = [v for v in _of_domain(domain.item, name) if v in domain.item][:3]
        return [v for v in ((), *((i,) for i in items), tuple(items)) if v in domain]
    if isinstance(domain, Interval):
        ends = [each for each in (domain.low, domain.high) if math.isfinite(each)]
        ends = [int(each) for each in ends] if domain.integer else ends
        numbers = (*WHOLE, *HUGE) if domain.integer else FLOATS
        found = [v for v in (*ends, *(-v for v in numbers), *numbers) if v in domain]
        return [v for v in found if abs(v) <= SLOW.get(name, math.inf)]
    return []


@cache
def _parameters_of(family: str) -> dict[str, list[Any]]:
    """Return the valid values of each parameter of an estimator, those that are literals."""
    estimator = FAMILIES[family].estimator
    cls = sklloss.LossSearchCV if family == "LossSearchCV" else estimator
    own = {name: d for name, d in declared_by(cls).items() if name not in QUIET}
    for name in ("loss", "losses", "estimator"):
        own.pop(name, None)
    return {name: VALID.get(name) or _of_domain(d.domain, name) for name, d in own.items()}


@cache
def _losses_of(family: str) -> dict[str, dict[str, list[Any]]]:
    """Return the values of the parameters of each loss of an estimator."""
    task: Any = FAMILIES[family].task
    return {
        cls.name: {
            field.name: _of_domain(declared_by(cls)[field.name].domain, field.name)
            for field in dataclasses.fields(cls)
            if field.name in declared_by(cls)
        }
        for cls in losses_of(task)
        if task is not None
    }


def _seldom(draw: Any, one_in: int) -> bool:
    """Return True one time in so many; hypothesis prefers the ends of a range, so not for these."""
    return bool(draw(st.integers(0, one_in)) == one_in // 2)


def _mostly(draw: Any, usual: Any, others: Any, one_in: int = 6) -> Any:
    """Draw the usual value, except one time in so many."""
    return draw(st.sampled_from(list(others))) if _seldom(draw, one_in) else usual


@st.composite
def recipes(draw: Any, family: str) -> Recipe:
    """Draw a recipe for an estimator."""
    kind = FAMILIES[family]
    params, odd = _drawn_parameters(draw, family)
    loss = _mostly(draw, None, _losses_of(family), 2) if kind.task else None
    if loss is not None and loss in _losses_of(family) and family != "LossSearchCV":
        for name, values in _losses_of(family)[loss].items():
            if _seldom(draw, 12):
                odd[f"loss__{name}"] = draw(st.sampled_from(odd_names(name)))
            elif values and draw(st.booleans()):
                params[f"loss__{name}"] = draw(st.sampled_from(values))
    if family == "NeuralMultiTask":
        params = {k: v for k, v in params.items() if not k.startswith("loss__")}
        odd = {k: v for k, v in odd.items() if not k.startswith("loss__")}
    return Recipe(
        family,
        seed=draw(st.integers(0, 99)),
        n_rows=draw(st.sampled_from((2, 5, 12, 12, 12, 30, 210))),
        n_columns=draw(st.integers(1, 4)),
        loss=loss,
        params=params,
        odd=odd,
        values=_mostly(draw, "plain", VALUES) if kind.is_array else "plain",
        dtype=_mostly(draw, "float64", DTYPES) if kind.is_array else "float64",
        container=_mostly(draw, "array", CONTAINERS if kind.is_array else LISTS),
        target=_mostly(draw, "plain", TARGETS),
        weights=_mostly(draw, "none", WEIGHTS) if kind.weights else "none",
        call=draw(st.sampled_from(("fit", "fit", "fit", "partial_fit", "predict", "score"))),
    )


def _drawn_parameters(draw: Any, family: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Draw the values of up to four parameters; a few of them odd."""
    known = _parameters_of(family)
    params: dict[str, Any] = {}
    odd: dict[str, str] = {}
    for name in draw(st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True)):
        if _seldom(draw, 6):
            odd[name] = draw(st.sampled_from(_odd_names(name)))
        elif known[name]:
            params[name] = draw(st.sampled_from(known[name]))
    if family not in ("TokenVectorizer", "LossSearchCV") and _seldom(draw, 20):
        odd["losses" if family == "NeuralMultiTask" else "loss"] = draw(
            st.sampled_from(odd_names("loss"))
        )
    return params, odd


def _odd_names(parameter: str) -> list[str]:
    """Return odd values of a parameter that keep a fit short where they are valid."""
    names = odd_names(parameter)
    if parameter in SLOW:
        return [n for n in names if not n.startswith(("2**", "10**"))]
    return names
