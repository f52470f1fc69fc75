"""What a search is known by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...training.checkpoints.identity import (
    Parts,
    described,
    described_data,
    described_values,
    digest,
    versions,
)
from ..scikit_learn import Data
from .records import name_of

# Parameters that change no result, or whose effect is another part: candidates, splits, the end.
ELSEWHERE = {
    "checkpoint",
    "cv",
    "estimator",
    "n_iter",
    "n_jobs",
    "param_grid",
    "pre_dispatch",
    "random_state",
    "refit",
    "stack_size",
    "verbose",
}


def parts_of(search: Any, data: Data, settings: Sequence[Mapping[str, Any]]) -> Parts:
    """Return what a search on some data, with splits, is known by, given its first candidates."""
    names = [name_of(params) for params in settings]
    candidates = dict.fromkeys(names, "")
    return {
        "data": _of_data(data),
        "estimator": _of_estimator(search.estimator),
        "search": _of_search(search),
        "candidates": {**candidates, "their order": f" #{digest(repr(names).encode())}"},
        "splits": _of_splits(data),
        "versions": versions(),
    }


def _of_data(data: Data) -> dict[str, str]:
    given = {"X": data.X, "y": data.y, **data.fit_params, **data.split_params, **data.score_params}
    found: dict[str, str] = {}
    for name, value in given.items():
        if value is not None:
            found |= described_data(name, value)
    return found


def _of_estimator(estimator: Any) -> dict[str, str]:
    """Describe the parameters of an estimator and of those inside it, by their long names."""
    params = estimator.get_params(deep=True)
    shown = {
        name: described(type(value)) if _is_holder(value) else described(value)
        for name, value in params.items()
        if name.rpartition("__")[2] != "verbose"
    }
    return {"class": described(type(estimator)), **shown}


def _is_holder(value: Any) -> bool:
    """Return whether the parameters of a value are listed beside it."""
    return hasattr(value, "get_params") and not isinstance(value, type)


def _of_search(search: Any) -> dict[str, str]:
    params = search.get_params(deep=False)
    shown = {name: described(value) for name, value in params.items() if name not in ELSEWHERE}
    return {"class": described(type(search)), **shown}


def _of_splits(data: Data) -> dict[str, str]:
    halves = {"training": 0, "test": 1}
    shown = {
        f"{name} rows of split {number}": described_values(split[place])
        for number, split in enumerate(data.splits)
        for name, place in halves.items()
    }
    return {"number": str(len(data.splits)), **shown}
