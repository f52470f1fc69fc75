"""Where workers of one machine keep their half-finished stacks: in the database itself."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ...training.checkpoints.keeper import CheckpointError, Clock
from ...training.checkpoints.packing import unpack
from ..results import Key
from .database import connected, explained, transaction

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
    """

    path: Path
    search: int
    run: str
    seconds: float
    _clock: Clock | None = None
    _is_broken: bool = False

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
