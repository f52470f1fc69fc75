"""Results and half-finished fits as bytes, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...training import Pause
from ...training.checkpoints.identity import described
from ...training.checkpoints.packed_pauses import Pauses, pauses_of_plain, plain_pauses
from ...training.checkpoints.packing import is_plain, pack, unpack
from ..records.course import Course
from ..records.predictions import Piece
from ..results import Key, Result


def packed_result(result: Result) -> bytes:
    """Return a result as bytes, without its key and its pauses."""
    piece = result.predictions
    of_fit = {name: value for name, value in vars(result).items() if name not in ("key", "pauses")}
    plain = {**of_fit, "course": vars(result.course), "predictions": piece and piece._asdict()}
    return pack({**plain, **_scores(result)})


def _scores(result: Result) -> dict[str, Any]:
    """Return scores as plain numbers, whatever a scorer of the user has made them."""
    return {name: _number(getattr(result, name)) for name in ("test_scores", "train_scores")}


def _number(score: Any) -> Any:
    if isinstance(score, Mapping):
        return {str(name): _number(each) for name, each in score.items()}
    return score if is_plain(score) else float(score)


def result_of(key: Key, data: bytes) -> Result:
    """Return the result of a key from its bytes."""
    value = unpack(data)
    piece = value["predictions"]
    course, predictions = Course(**value["course"]), piece and Piece(**piece)
    return Result(key, **{**value, "course": course, "predictions": predictions})


def packed_states(states: Mapping[Key, Pauses]) -> bytes:
    """Return where the members of some fits stand, which one worker sends at a time."""
    return pack({key: packed_pauses(pauses) for key, pauses in states.items()})


def packed_setting(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a candidate as plain values; what is none is described."""
    return {name: v if is_plain(v) else described(v) for name, v in params.items()}


def name_of(params: Mapping[str, Any]) -> str:
    """Return the parameters of a candidate in a line, equal where they are."""
    return ", ".join(f"{name}={described(params[name])}" for name in sorted(params))


def packed_pauses(pauses: Pauses) -> bytes:
    """Return where the members of a fit stand, as bytes."""
    return pack(plain_pauses(pauses))


def pauses_of_bytes(data: bytes) -> list[Pause | None]:
    """Return where the members of a fit stand."""
    return pauses_of_plain(unpack(data))


def keys_of(rows: Sequence[Any]) -> list[Key]:
    """Return the keys of rows of a table."""
    return [(row["candidate"], row["split"], row["seed"]) for row in rows]
