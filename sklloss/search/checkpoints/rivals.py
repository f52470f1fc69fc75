"""Searches of a file that seem to be the one of this call, but differ."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ...training.checkpoints.identity import Parts, differences
from ...training.checkpoints.lock import FileLock


def lock_of(path: Path, key: str) -> Path:
    """Return the file by which the search of a key is locked."""
    return path.with_name(f"{path.name}-{key}.lock")


def check_no_rival(connection: sqlite3.Connection, path: Path, parts: Parts, owner: str) -> None:
    """Raise a ValueError if an interrupted search of a file is this one, changed.

    That is likely if it has the same kind of estimator and either the same data or the same
    candidates.  Searches that are finished, failed or running are others beside which this one is
    kept, such as those of the other folds of `cross_val_score`.
    """
    for key, there in _interrupted(connection, path):
        if not _is_like(there, parts):
            continue
        raise ValueError(
            f"{path} has an interrupted search (key {key!r}) that differs from this one. "
            + "; ".join(differences(there, parts))
            + ". Repeat the same call of fit to resume, or give another path;"
            f" {owner}.drop_checkpoint("
            f"{str(path)!r}, {key!r}) forgets the old one."
        )


def _is_like(there: Parts, here: Parts) -> bool:
    is_kind = there["estimator"]["class"] == here["estimator"]["class"]
    return is_kind and any(there[part] == here[part] for part in ("data", "candidates"))


def _interrupted(connection: sqlite3.Connection, path: Path) -> Iterator[tuple[str, Parts]]:
    query = "SELECT key, parts FROM searches WHERE status = 'running'"
    for row in connection.execute(query).fetchall():
        if not is_running(path, row["key"]):
            yield row["key"], json.loads(row["parts"])


def is_running(path: Path, key: str) -> bool:
    """Return whether a process is at a search, instead of having been killed."""
    file = lock_of(path, key)
    if not file.exists():
        return False
    lock = FileLock(file)
    if not lock.acquire():
        return True
    lock.release()
    return False
