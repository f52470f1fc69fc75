"""Which models of a stack are computed at once, and how."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..losses.base import Loss
from .criterion import Criterion
from .groups import BareGroup, LossGroup, WholeBatchGroup
from .parts import BarePartedGroup, PartedGroup


def loss_groups(criteria: Sequence[Criterion]) -> list[LossGroup]:
    """Group the models of a stack, in their order, by the structure of their losses."""
    groups: list[LossGroup] = []
    first = 0
    for _, run in groupby(criteria, key=lambda criterion: criterion.structure):
        members = list(run)
        groups.append(_kind_of(members[0].loss)(members, first))
        first += len(members)
    return groups


def _kind_of(loss: Loss) -> type[LossGroup]:
    if loss.has_parts:
        return PartedGroup if loss.weighs_rows else BarePartedGroup
    if loss.whole_batch and not loss.compares_rows:
        return WholeBatchGroup
    return LossGroup if loss.weighs_rows and not loss.compares_rows else BareGroup
