"""Pauses of trainings as plain values and tensors, which `pack` takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...modules.stacks.stack import Snapshot
from ..pause import Pause
from ..stopping import Standing

# Of a fit: where each of its members stands; None for one that has not begun.
Pauses = Sequence[Pause | None]


def plain_pauses(pauses: Pauses) -> list[dict[str, Any] | None]:
    """Return where the members of a fit stand, as plain values and tensors."""
    return [None if pause is None else _plain_pause(pause) for pause in pauses]


def pauses_of_plain(values: Sequence[Any]) -> list[Pause | None]:
    """Return where the members of a fit stand."""
    return [None if value is None else _pause(value) for value in values]


def _plain_pause(pause: Pause) -> dict[str, Any]:
    return {
        **vars(pause),
        "weights": _plain_snapshot(pause.weights),
        "history": _plain_history(pause.history),
        "standing": pause.standing and _plain_standing(pause.standing),
    }


def _plain_history(rows: Any) -> Any:
    """Return rows of a history with plain numbers, which callbacks may have made those of NumPy."""
    if isinstance(rows, list):
        return [_plain_history(row) for row in rows]
    if isinstance(rows, dict):
        return {name: _plain_history(held) for name, held in rows.items()}
    return rows.item() if isinstance(rows, np.generic) else rows


def _plain_snapshot(snapshot: Snapshot | None) -> Any:
    return snapshot and {"values": snapshot.values, "buffers": snapshot.buffers}


def _plain_standing(standing: Standing) -> dict[str, Any]:
    kept, begun = map(_plain_snapshot, (standing.kept, standing.begun))
    return {"numbers": standing.numbers, "kept": kept, "begun": begun}


def _pause(value: dict[str, Any]) -> Pause:
    standing = value["standing"]
    if standing is not None:
        kept, begun = map(_snapshot, (standing["kept"], standing["begun"]))
        standing = Standing(standing["numbers"], kept, begun)
    return Pause(**{**value, "weights": _snapshot(value["weights"]), "standing": standing})


def _snapshot(value: Any) -> Any:
    return value and Snapshot(value["values"], value["buffers"])
