"""Paths of checkpoints, checked before anything is trained."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any


def path_of_checkpoint(path: Any, owner: str) -> Path:
    """Return a path where links point to, so that a file has one lock, whatever it is called.

    Raises
    ------
    TypeError or ValueError
        If it is no path.
    OSError
        If links point to each other.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise TypeError(f"{owner} needs the path of a file; got {path!r}.")
    given = os.fsdecode(os.fspath(path))
    if "\0" in given:
        raise ValueError(f"{owner} needs the path of a file; got {given!r}.")
    try:
        return Path(given).expanduser().resolve()
    except RuntimeError as error:  # Before Python 3.13, for links in a circle.
        raise OSError(
            errno.ELOOP, f"{owner} cannot keep a checkpoint in {given}: {error}"
        ) from error


def checked_path(path: Any, owner: str) -> Path:
    """Return a path that can be read and written, as far as can be said before.

    Raises
    ------
    TypeError
        If it is no path.
    OSError
        If it is a folder, lies in a folder that does not exist, or may not be written.
    """
    found = path_of_checkpoint(path, owner)
    what = f"{owner} cannot keep a checkpoint in {found}"
    if found.is_dir():
        raise IsADirectoryError(f"{what}: it is a folder. Give the path of a file in it.")
    if not found.parent.is_dir():
        raise FileNotFoundError(f"{what}: there is no folder {found.parent}. Make it first.")
    if found.exists() and not found.is_file():
        raise OSError(f"{what}: it is not an ordinary file. Give another path.")
    for each in (found.parent, found) if found.exists() else (found.parent,):
        if not os.access(each, os.R_OK | os.W_OK):
            raise PermissionError(
                f"{what}: {each} may not be written. Change its permissions, or give another path."
            )
    return found
