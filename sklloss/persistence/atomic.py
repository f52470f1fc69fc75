"""Files that are written as a whole or not at all."""

from __future__ import annotations

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
        If the folder does not exist or cannot be written, or the disk is full.
    """
    # The file that a link points to is replaced, not the link.
    target = Path(path).resolve()
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
