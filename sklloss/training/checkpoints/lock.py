"""Locks between processes that end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path

# What a system answers where another process has the lock.
IS_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
# Paths that this process has locked: systems know processes alone, not their threads.
_held: set[str] = set()
_guard = threading.Lock()


class FileLock:
    """A lock that the system keeps on a file, and releases when the process dies.

    Parameters
    ----------
    path : Path
        A file of its own, made here and removed with the lock; a process that was killed leaves it
        behind, unlocked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def acquire(self) -> bool:
        """Return whether nobody else has it, and take it.

        Raises
        ------
        OSError
            If the file cannot be written, or lies on a file system that has no locks.
        """
        with _guard:
            if str(self.path) in _held:
                return False
            while (taken := self._try()) is None:
                pass
            if taken:
                _held.add(str(self.path))
            return taken

    def release(self) -> None:
        """Release it, and remove its file."""
        with _guard:
            with suppress(OSError):
                # While it is locked, so that nobody locks a file that is about to be removed.
                self.path.unlink()
            os.close(self._file)
            with suppress(OSError):
                self.path.unlink()  # Where open files cannot be removed.
            _held.discard(str(self.path))

    def _try(self) -> bool | None:
        """Return whether the file could be locked, None where it was removed meanwhile."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
        except OSError as error:
            os.close(file)
            if error.errno in IS_HELD:
                return False
            raise OSError(
                error.errno,
                f"{self.path.parent} is on a file system without locks ({error.strerror}), as some"
                " network file systems are. Give a path on a local disk.",
            ) from error
        if not _is_same(file, self.path):
            os.close(file)
            return None
        self._file = file
        return True


def _is_same(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: int) -> None:
    """Lock a file for this process, or raise an OSError."""
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows.
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
