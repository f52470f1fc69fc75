"""Files that are written as a whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_whole(path: str, data: bytes) -> None:
    """Write a file; where that fails, the file that was there before stays as it is.

    The data go to a temporary file beside it, which takes its place once it is on the disk.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written, the disk is full, or the path is that of
        a device or a pipe.
    """
    target = _replaceable(path)
    mode = _mode_of(target)
    descriptor, name = tempfile.mkstemp(".tmp", f".{target.name[:64]}.", target.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(mode)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _replaceable(path: str) -> Path:
    """Return the file to replace: where a link points to, and never a device or a pipe."""
    try:
        target = Path(path).resolve()
    except RuntimeError as error:  # Before Python 3.13, for links in a circle.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "It is no regular file")
    return target


def _mode_of(target: Path) -> int:
    """Return the permissions of a file that is there, else those of a new one."""
    with suppress(OSError):
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
