"""Where workers of one machine keep their half-finished stacks: in the database itself."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...training.checkpoints.keeper import CheckpointError, Clock
from ...training.checkpoints.packing import unpack
from ..results import Key
from .database import connected, explained, transaction

# How often a worker looks whether the process that searches is alive.
SECONDS_BETWEEN_LOOKS = 1.0
# Only while the run that wants the states still goes on: processes may outlive it.
ADD = """
INSERT OR REPLACE INTO states (search, candidate, split, seed, body)
SELECT :search, :candidate, :split, :seed, :body
WHERE EXISTS (SELECT 1 FROM searches WHERE id = :search AND run = :run AND status = 'running')
AND NOT EXISTS (SELECT 1 FROM results WHERE search = :search AND candidate = :candidate
                AND split = :split AND seed = :seed)
"""


@dataclass
class StatesInFile:
    """Takes the states of one stack.

    Attributes
    ----------
    path : Path
        The database.
    search : int
        The number of the search in it.
    run : str
        What distinguishes this run of the search from those that were killed.
    seconds : float
        Between two states.
    pid : int
        The process that searches.
    """

    path: Path
    search: int
    run: str
    seconds: float
    pid: int = field(default_factory=os.getpid)
    _clock: Clock | None = None
    _is_broken: bool = False

    def __setstate__(self, state: dict[str, Any]) -> None:
        # It has come to a worker process.
        vars(self).update(state)
        end_with(self.pid)

    def wants_state(self) -> bool:
        """Return whether a state is due."""
        if self._clock is None:
            self._clock = Clock(self.seconds)
        return not self._is_broken and self._clock.is_due()

    def keep(self, payload: bytes) -> None:
        """Keep the states of a stack.

        Training does not end because they cannot be written: at most their time is lost, and the
        process that searches finds out as soon as it writes results.
        """
        try:
            write_states(self.path, self.search, self.run, unpack(payload))
        except (CheckpointError, ValueError):
            self._is_broken = True
        if self._clock is not None:
            self._clock.begin_anew()


# The processes with which this one ends.
_watched: set[int] = set()


def end_with(parent: int) -> None:
    """End this process once its parent has died, which was killed before it could end its workers.

    Workers of loky would otherwise wait for tasks for minutes, or for ever.
    """
    if parent in _watched or os.getppid() != parent:
        return
    _watched.add(parent)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="sklloss-watch").start()


def write_states(path: Path, search: int, run: str, states: dict[Key, bytes]) -> None:
    """Write the states of fits, by their keys."""
    with (
        explained(path),
        closing(connected(path, "rw")) as connection,
        transaction(connection, path),
    ):
        for (candidate, split, seed), body in states.items():
            row = {"candidate": candidate, "split": split, "seed": seed, "body": body}
            connection.execute(ADD, {"search": search, "run": run, **row})
