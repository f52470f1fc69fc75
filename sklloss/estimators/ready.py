"""What a fit has before its training, and what fits that are prepared one after another need not make twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from ..losses.base import Loss
from ..training import LossNet, TrainingSet

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
        self._tensors: dict[Hashable, list[Tensor]] = {}

    def once(self, key: Hashable, make: Callable[[], T], keep: Any = None) -> T:
        """Return what `make` returned at the first call with this key."""
        if key not in self._made:
            self._made[key] = (make(), keep)
        return self._made[key][0]

    def tensor(self, values: Tensor) -> Tensor:
        """Return the tensor with these values that came first."""
        alike = self._tensors.setdefault((values.shape, values.dtype, values.device), [])
        for tensor in alike:
            if torch.equal(tensor, values):
                return tensor
        alike.append(values)
        return values
