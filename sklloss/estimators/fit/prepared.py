"""What a fit has before its training, and what fits that are prepared one after another need not make twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ...losses.base import Loss
from ...training import LossNet, TrainingSet

T = TypeVar("T")


@dataclass(frozen=True)
class Ready:
    """A fit whose training can begin.

    Attributes
    ----------
    loss : Loss
    nets : list of LossNet
        One per member.
    data : list of TrainingSet
        What each of them learns from.
    """

    loss: Loss
    nets: list[LossNet]
    data: list[TrainingSet]


class Shelf:
    """What several fits have in common: computed once, held once.

    Keys may hold the ``id`` of objects that are given as `keep`, which then live as long as the shelf.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[Any, Any]] = {}

    def once(self, key: Hashable, make: Callable[[], T], keep: Any = None) -> T:
        """Return what `make` returned at the first call with this key; a key that does not hash is never met again."""
        if not hashes(key):
            return make()
        if key not in self._made:
            self._made[key] = (make(), keep)
        return self._made[key][0]

    def learnt(self, learner: Any, key: Hashable, make: Callable[[], T], keep: Any = None) -> T:
        """Return the same, and give `learner` the attributes that `make` set on the one that came first."""

        def made() -> tuple[T, dict[str, Any]]:
            before = dict(vars(learner))
            value = make()
            after = vars(learner).items()
            return value, {k: v for k, v in after if k not in before or before[k] is not v}

        value, attributes = self.once(key, made, keep)
        vars(learner).update(attributes)
        return value


def frozen(value: Any) -> Hashable:
    """Return a parameter as something that hashes, equal for equal values."""
    if isinstance(value, Mapping):
        return frozenset((name, frozen(held)) for name, held in value.items())
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(frozen(held) for held in value)
    return value


def hashes(key: Any) -> bool:
    """Tell whether something can be a key."""
    try:
        hash(key)
    except TypeError:
        return False
    return True
