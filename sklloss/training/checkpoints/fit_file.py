"""The file of one fit: a header, a checksum, and packed values."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import Any

from .identity import Parts, differences
from .packed_pauses import pauses_of_plain
from .packing import pack, unpack

MAGIC, VERSION = b"sklloss checkpoint of a fit\n", 1
HEADER = struct.Struct("<I16s")


def read(path: Path) -> Any:
    """Return what `write` has written.

    Raises
    ------
    ValueError
        If it is another kind of file, is damaged, or of a newer version.
    """
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        raise ValueError(
            f"{path} is not a checkpoint of a fit, and was not changed. Give another path."
        )
    start = len(MAGIC) + HEADER.size
    number, checksum = HEADER.unpack_from(data, len(MAGIC)) if len(data) >= start else (0, b"")
    if number > VERSION:
        raise ValueError(
            f"{path} was written by a newer version of sklloss (format {number}; this one reads"
            f" {VERSION}). Update sklloss, or give another path."
        )
    if checksum != _checksum(data[start:]):
        raise ValueError(
            f"{path} is damaged: its contents do not match their checksum. Remove it to start"
            " again."
        )
    try:
        found = unpack(data[start:])
        if not isinstance(found["parts"], dict) or type(found["is_over"]) is not bool:
            raise TypeError("its parts are others")
        tuple(found["seeds"])
        pauses_of_plain(found["pauses"])
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} holds no state of a fit ({error!s:.300}). Remove it to start again."
        ) from error
    return found


def write(path: Path, new: Path, value: Any) -> None:
    """Write a value to a file `new`, which then takes the place of the other."""
    data = pack(value)
    with new.open("wb") as file:
        file.write(MAGIC + HEADER.pack(VERSION, _checksum(data)))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def check_same(path: Path, there: Parts, here: Parts) -> None:
    """Raise a ValueError if the unfinished fit of a file is another than this one."""
    found = differences(there, here)
    if found:
        raise ValueError(
            f"{path} has an unfinished fit that differs from this one. "
            + "; ".join(found)
            + ". Repeat the same call"
            " of fit to resume, remove the file to start again, or give another path."
        )


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
