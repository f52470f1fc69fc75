"""The file of searches: an SQLite database, opened, checked, and written in transactions."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ...training.checkpoints.keeper import CheckpointError
from ...training.checkpoints.packing import DamagedStateError

# "sklo", by which a database is known as ours, and the version of its tables.
APPLICATION, VERSION = 0x736B6C6F, 1
# How long a process waits for another that writes.
SECONDS_OF_WAITING = 60.0
SECONDS_BETWEEN_TRIES = 0.05
# What SQLite says of a file that is none of its own, or is damaged.
DAMAGE = (
    *("not a database", "malformed", "corrupt", "no such table", "no such column"),
    "Could not decode to UTF-8",
)
# One row per search; of a search one row per candidate, finished fit and half-finished fit, whose
# `body` is packed.  The fits of the refit are those of candidate -1.
TABLES = (
    """CREATE TABLE searches (
        id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, status TEXT NOT NULL, run TEXT NOT NULL,
        owner TEXT NOT NULL, begun TEXT NOT NULL, seed INTEGER NOT NULL, parts TEXT NOT NULL,
        facts BLOB NOT NULL, parameters BLOB, finished BLOB)""",
    """CREATE TABLE candidates (
        search INTEGER NOT NULL, candidate INTEGER NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (search, candidate))""",
    """CREATE TABLE results (
        search INTEGER NOT NULL, candidate INTEGER NOT NULL, split INTEGER NOT NULL,
        seed INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (search, candidate, split, seed))""",
    """CREATE TABLE states (
        search INTEGER NOT NULL, candidate INTEGER NOT NULL, split INTEGER NOT NULL,
        seed INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (search, candidate, split, seed))""",
)


def opened(path: Path) -> sqlite3.Connection:
    """Return a connection to the database of searches at a path, made where there is none.

    Raises
    ------
    ValueError
        If the file is something else, or was written by a newer version of sklloss.
    OSError
        If it cannot be opened or written.
    """
    with explained(path):
        connection = connected(path, "rwc")
        try:
            if check_is_ours(connection, path):
                _write_ahead(connection, path)
            else:
                _make_tables(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def connected(path: Path, mode: str) -> sqlite3.Connection:
    """Return a connection in which every statement is a transaction, unless one is begun."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=SECONDS_OF_WAITING,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    # What is written ahead goes into the database after every transaction, so that the file beside
    # it stays small, and is seldom left behind where the disk is full.
    connection.execute("PRAGMA wal_autocheckpoint = 1")
    connection.execute("PRAGMA journal_size_limit = 0")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Write all that is done inside, or nothing.

    Raises
    ------
    CheckpointError
        If it cannot be written.
    """
    with explained(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise errors of SQLite with the path and what to do."""
    try:
        yield
    except (sqlite3.Error, OverflowError) as error:
        if _says(error, *DAMAGE):
            raise _damaged(path, error) from error
        raise CheckpointError(_advice(path, error)) from error
    except (DamagedStateError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error
    except IndexError as error:
        # Of a row that lacks a column.
        if not _says(error, "No item with that key"):
            raise
        raise _damaged(path, error) from error


@contextmanager
def structured(path: Path) -> Iterator[None]:
    """Raise what wrong values in a file lead to as an error about the file."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{path} is not a checkpoint of searches, or is damaged ({error!s:.300}). It was not changed;"
        " give another path."
    )


def _advice(path: Path, error: Exception) -> str:
    what = f"The checkpoint {path} cannot be written ({error})"
    if _says(error, "too big", "INT_MAX"):
        return f"{what}. SQLite takes states of 1 GB at most. Leave the checkpoint out."
    if _says(error, "full", "disk I/O"):
        return (
            f"{what}. Its previous content is complete. Make room on the disk, then call fit again."
        )
    if _says(error, "readonly", "unable to open"):
        return f"{what}. Change the permissions of the file and its folder, or give another path."
    return (
        f"{what}. Another process keeps it busy, or it is on a file system without locks, as some"
        " network file systems are. Give a path on a local disk."
    )


def _says(error: Exception, *words: str) -> bool:
    return any(word in str(error) for word in words)


def check_is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether a database has our tables, False where it is empty.

    Raises
    ------
    ValueError
        If it has others, or those of a newer version.
    """
    n_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    )
    if not n_tables and not application:
        return False
    if application != APPLICATION:
        raise ValueError(
            f"{path} is a database of something else, and was not changed. Give another path."
        )
    # Which would run on each insert or query, perhaps for ever.
    running = "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view') LIMIT 1"
    if connection.execute(running).fetchone():
        raise _damaged(path, ValueError("it has triggers or views"))
    if version > VERSION:
        raise ValueError(
            f"{path} was written by a newer version of sklloss (format {version}; this one reads"
            f" {VERSION}). Update sklloss, or give another path."
        )
    return True


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    # The space of what is deleted is given back to the disk.
    connection.execute("PRAGMA auto_vacuum = FULL")
    _write_ahead(connection, path)
    with transaction(connection, path):
        if not check_is_ours(connection, path):  # Another process may have made them.
            for table in TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")


def _write_ahead(connection: sqlite3.Connection, path: Path) -> None:
    """Let others read while one writes; SQLite does not wait for others by itself here."""
    end = time.monotonic() + SECONDS_OF_WAITING
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            if not _says(error, "locked") or time.monotonic() > end:
                raise
            time.sleep(SECONDS_BETWEEN_TRIES)
    if mode != "wal":
        raise CheckpointError(
            f"{path} is on a file system without shared memory, as some network file systems are."
            " Give a path on a local disk."
        )


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection that only reads, beside processes that may write.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it is no database of searches.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Give the path of a checkpoint in it.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint {path}.")
    if not os.access(path, os.R_OK):
        raise PermissionError(
            f"The checkpoint {path} cannot be read: there is no permission. Change that of the"
            " file, or read a copy."
        )
    with explained(path), closing(_reader(path)) as connection:
        if not check_is_ours(connection, path):
            raise ValueError(f"{path} has no searches.")
        # What is read belongs to one moment.
        connection.execute("BEGIN")
        yield connection


def _reader(path: Path) -> sqlite3.Connection:
    # One that might write removes the files beside the database when it is closed.
    connection = connected(path, "rw")
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        connection.close()
        if not _says(error, "readonly", "unable to open"):
            raise
        # In a folder that cannot be written, where nobody writes.
        connection = connected(path, "ro&immutable=1")
    return connection
