"""Which models of a stack have their losses computed at once, and how."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..losses.base import Loss
from .composite import BareCompositeGroup, CompositeGroup
from .groups import BareGroup, LossGroup, WholeBatchGroup
from .loss_module import LossModule


def loss_groups(modules: Sequence[LossModule]) -> list[LossGroup]:
    """Group the models of a stack, in their order, by the structure of their losses."""
    groups: list[LossGroup] = []
    first = 0
    for _, run in groupby(modules, key=lambda module: module.structure):
        members = list(run)
        groups.append(group_type(members[0].loss)(members, first))
        first += len(members)
    return groups


def group_type(loss: Loss) -> type[LossGroup]:
    """Return how models with a loss are computed at once."""
    if loss.is_composite:
        return CompositeGroup if loss.weighs_rows else BareCompositeGroup
    if loss.whole_batch and not loss.compares_rows:
        return WholeBatchGroup
    return LossGroup if loss.weighs_rows and not loss.compares_rows else BareGroup
