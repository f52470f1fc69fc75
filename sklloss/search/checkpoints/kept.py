"""A search in a checkpoint: what it has done is kept, and not done again after a kill."""

from __future__ import annotations

import json
import os
import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any

from ...training.checkpoints.identity import Parts, digest, fingerprint
from ...training.checkpoints.keeper import SECONDS, CheckpointError, fits_kept_by
from ...training.checkpoints.lock import FileLock
from ...training.checkpoints.packed_pauses import pauses_of_plain
from ...training.checkpoints.packing import pack, unpack
from ...training.checkpoints.paths import checked_path
from ..results import Key, Result
from .database import explained, opened, structured, transaction
from .finished import packed_search
from .records import (
    name_of,
    packed_pauses,
    packed_result,
    packed_setting,
    pauses_of_bytes,
    result_of,
)
from .refitted import KeptRefit
from .rivals import check_no_rival, lock_of
from .states import StatesInFile, write_states
from .unkept import Unkept

# How often half-finished fits are kept; tests change it.
seconds_between_states = SECONDS
OF_FIT = "search = ? AND candidate = ? AND split = ? AND seed = ?"


class KeptSearch(Unkept):
    """A search in a database.

    Parameters
    ----------
    search : LossSearch
        Its `checkpoint` is the path.

    Raises
    ------
    OSError
        If the file cannot be read or written.
    ValueError
        If it is something else, or of a newer version.
    """

    is_kept = True

    def __init__(self, search: Any) -> None:
        super().__init__()
        self.owner, self._search = type(search).__name__, search
        self.path = checked_path(search.checkpoint, self.owner)
        self.seconds = seconds_between_states
        self.run = uuid.uuid4().hex
        self._lock: FileLock | None = None
        self._seed = 0
        self._id: int | None = None
        self._connection = opened(self.path)

    def __exit__(self, *error: Any) -> None:
        """Note that the search has failed, where it has, and let go of the file."""
        if isinstance(error[1], Exception) and not isinstance(error[1], OSError):
            # One that is interrupted, or has found no room, is to go on.
            with suppress(OSError, ValueError):
                self._set_status("failed")
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    # ------------------------------------------------------------------ which search

    def begin(self, parts: Callable[[], Parts], seed: int) -> int:
        """Find the search, or prepare a new one; lock it for this process.

        Raises
        ------
        ValueError
            If an interrupted search of the file seems to be this one, but differs.
        RuntimeError
            If another process is running it.
        """
        if self._lock is not None:
            return self._seed
        self._parts = parts()
        self.key, self._seed = fingerprint(self._parts), seed
        self._take_lock()
        row = self._row()
        if row is None:
            with explained(self.path):
                check_no_rival(self._connection, self.path, self._parts, self.owner)
        else:
            self._seed = row["seed"]
            self._take_over(row["id"])
        return self._seed

    def _row(self) -> Any:
        query = "SELECT id, seed, owner, begun FROM searches WHERE key = ?"
        return self._first(query, (self.key,))

    def _take_lock(self) -> None:
        lock = FileLock(lock_of(self.path, self.key))
        if not lock.acquire():
            row = self._row()
            of = json.loads(row["owner"]) if row is not None else {}
            who = f" (process {of['pid']} on {of['host']}, since {of['since']})" if of else ""
            raise RuntimeError(
                f"{self.path} has this search already, and another process or thread is running it"
                f"{who}. Wait until it ends, or give another path; from_checkpoint shows what it"
                " has found so far."
            )
        self._lock = lock

    def _take_over(self, number: int) -> None:
        """Go on with a search that an earlier process has begun."""
        self._id = number
        with transaction(self._connection, self.path):
            self._execute(
                "UPDATE searches SET status = 'running', run = ?, owner = ? WHERE id = ?",
                (self.run, _owner(), number),
            )
        with explained(self.path), structured(self.path):
            for row in self._execute("SELECT * FROM results WHERE search = ?", (number,)):
                key = row["candidate"], row["split"], row["seed"]
                self.results[key] = result_of(key, row["body"])

    def expect(
        self, start: int, settings: Sequence[Mapping[str, Any]], more: Mapping[str, Sequence[Any]]
    ) -> None:
        """Note candidates; they have to be those of the earlier run.

        Raises
        ------
        ValueError
            If they are others.
        """
        with transaction(self._connection, self.path):
            if self._id is None:
                self._id = self._new_row()
            for i, params in enumerate(settings):
                columns = {name: column[i] for name, column in more.items()}
                self._expect_one(start + i, params, columns)

    def _expect_one(self, number: int, params: Mapping[str, Any], more: dict[str, Any]) -> None:
        query = "SELECT name FROM candidates WHERE search = ? AND candidate = ?"
        known = self._execute(query, (self._id, number)).fetchone()
        name = name_of(params)
        if known is None:
            body = pack({"params": packed_setting(params), "more": more})
            self._execute(
                "INSERT INTO candidates VALUES (?, ?, ?, ?)", (self._id, number, name, body)
            )
        elif known["name"] != name:
            raise ValueError(
                f"{self.path} has this search, but its candidate {number} was {known['name']}, and"
                f" is {name} now. Give the search a random_state, or another path."
            )

    def _new_row(self) -> int:
        facts, parameters = self._facts(), packed_search(self._search)
        known = self.key, self.run, _owner(), _now(), self._seed, json.dumps(self._parts)
        number: int = self._execute(
            "INSERT INTO searches (key, status, run, owner, begun, seed, parts, facts, parameters)"
            " VALUES (?, 'running', ?, ?, ?, ?, ?, ?, ?)",
            (*known, facts, parameters),
        ).lastrowid
        return number

    def _facts(self) -> bytes:
        """Return what a reader needs to make a table of results."""
        search = self._search
        shape = {"n_splits": search.n_splits_, "n_seeds": search.n_seeds}
        return pack({**shape, "return_train_score": search.return_train_score})

    # ------------------------------------------------------------------ what it has done

    def add(self, results: Sequence[Result]) -> None:
        """Keep the results of a stack, instead of its half-finished state, in one transaction."""
        with transaction(self._connection, self.path):
            for result in results:
                key = (self._id, *result.key)
                row = (*key, packed_result(result))
                self._execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", row)
                self._execute(f"DELETE FROM states WHERE {OF_FIT}", key)
                if result.pauses is not None:
                    body = packed_pauses(result.pauses)
                    self._execute("INSERT INTO states VALUES (?, ?, ?, ?, ?)", (*key, body))

    def pauses(self, key: Key) -> Any:
        """Return where the members of a fit stand, None where it begins."""
        row = self._first(f"SELECT body FROM states WHERE {OF_FIT}", (self._id, *key))
        with explained(self.path), structured(self.path):
            return row and pauses_of_bytes(row["body"])

    def forget_before(self, start: int) -> None:
        """Forget where trainings of candidates before a number have paused."""
        query = "DELETE FROM states WHERE search = ? AND candidate >= 0 AND candidate < ?"
        with transaction(self._connection, self.path):
            self._execute(query, (self._id, start))

    def states(self) -> StatesInFile | None:
        """Return where workers of this machine keep the states of one stack."""
        assert self._id is not None
        return StatesInFile(self.path, self._id, self.run, self.seconds or 0.0)

    def keep(self, position: int, payload: bytes) -> None:
        """Keep the states that a worker of another machine has sent."""
        # What cannot be written now is found out when results are written.
        with suppress(CheckpointError, ValueError):
            write_states(self.path, self._id or 0, self.run, unpack(payload))

    # ------------------------------------------------------------------ its end

    def refit(self, best_params: Any) -> AbstractContextManager[None]:
        """Return what the best candidate is fitted in: that fit is kept, too."""
        of_best = digest(name_of(best_params).encode())
        return fits_kept_by(KeptRefit(self, of_best).begin)

    def state_of_refit(self, number: int) -> Any:
        """Return what was kept of a fit in the refit, None where it begins."""
        key = (self._id, -1, number, 0)
        row = self._first(f"SELECT body FROM states WHERE {OF_FIT}", key)
        with explained(self.path), structured(self.path):
            found = row and unpack(row["body"])
            if found is not None:
                tuple(found["seeds"]), found["name"], pauses_of_plain(found["pauses"])
            return found

    def keep_refit(self, number: int, state: Any) -> None:
        """Keep a fit of the refit."""
        row = (self._id, -1, number, 0, pack(state))
        with transaction(self._connection, self.path):
            self._execute("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?)", row)

    def finish(self, search: Any) -> None:
        """Keep the search as a whole."""
        body = packed_search(search)
        with transaction(self._connection, self.path):
            self._execute("DELETE FROM states WHERE search = ? AND candidate >= 0", (self._id,))
            self._execute(
                "UPDATE searches SET status = 'finished', finished = ? WHERE id = ?",
                (body, self._id),
            )

    def _set_status(self, status: str) -> None:
        with transaction(self._connection, self.path):
            self._execute("UPDATE searches SET status = ? WHERE id = ?", (status, self._id))

    def _execute(self, query: str, values: Sequence[Any]) -> Any:
        with explained(self.path):
            return self._connection.execute(query, values)

    def _first(self, query: str, values: Sequence[Any]) -> Any:
        with explained(self.path):
            return self._connection.execute(query, values).fetchone()


def _owner() -> str:
    return json.dumps({"pid": os.getpid(), "host": platform.node(), "since": _now()})


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def kept_or_not(search: Any) -> Unkept:
    """Return what keeps a search, where it has a checkpoint."""
    return Unkept() if getattr(search, "checkpoint", None) is None else KeptSearch(search)
