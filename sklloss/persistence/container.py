"""The file: a safetensors file with one tensor of JSON, its checksum in the header.

======  ==========================================================================================
part    content
======  ==========================================================================================
header  of safetensors: names, types, shapes and places of tensors; under ``__metadata__`` one
        entry, "sklloss", JSON with the version of the format, the size and the SHA-256 of the
        file, and the versions of the libraries that wrote it
data    tensor "manifest", UTF-8 of JSON: what the estimator is; the others, by number, are its
        arrays
======  ==========================================================================================

The checksum is that of the whole file with 64 zeros instead of the checksum itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

FORMAT_VERSION = 1
MANIFEST = "manifest"
ZEROS, NO_SIZE = b"0" * 64, b"0" * 20
# A file of this package begins with it, behind the length of the header.
BEGINNING = re.compile(rb'\{"__metadata__":\{"sklloss":"((?:[^"\\]|\\.)*)"\}')
SIZE = re.compile(rb'\\"size\\":\\"([0-9]{20})\\"')
DIGEST = re.compile(rb'\\"sha256\\":\\"([0-9a-f]{64})\\"')
# What other files of this package begin with, and what opens them.
OTHERS = {
    b"SQLite format 3\0": (
        "it is a database of SQLite. The checkpoint of a search is for LossSearchCV.from_checkpoint"
    ),
    b"sklloss checkpoint of a fit\n": (
        "it is a checkpoint of FitCheckpoint, which the same call of fit resumes. Keep the fitted"
        " model with sklloss.save"
    ),
}
# Most bytes of a header, and of the entry at its beginning.
LARGEST_HEADER, LARGEST_ENTRY = 2**24, 2**14


class Content(NamedTuple):
    """What is in a file.

    Attributes
    ----------
    manifest : Any
        Parsed JSON.
    arrays : dict of str to ndarray
    """

    manifest: Any
    arrays: Mapping[str, np.ndarray]


class DamagedFileError(ValueError):
    """What is wrong with a file, which the reader puts into a sentence with its path."""


def to_bytes(content: Content, versions: Mapping[str, str]) -> bytes:
    """Return a file."""
    from safetensors.numpy import save

    text = json.dumps(content.manifest, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # What is no Unicode, such as half of a surrogate pair, has to survive, too.
    manifest = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    entry = {
        "format_version": FORMAT_VERSION,
        "size": NO_SIZE.decode(),
        "sha256": ZEROS.decode(),
        "versions": versions,
    }
    tensors = {MANIFEST: manifest, **content.arrays}
    data = bytearray(save(tensors, {"sklloss": json.dumps(entry, separators=(",", ":"))}))
    seal(data)
    return bytes(data)


def seal(data: bytearray) -> None:
    """Write the size and the checksum of a file into its header."""
    size, digest = _place_of(SIZE, data), _place_of(DIGEST, data)
    data[size] = f"{len(data):020}".encode()
    data[digest] = ZEROS
    data[digest] = hashlib.sha256(data).hexdigest().encode()


def read(path: str) -> bytes:
    """Return the bytes of a file that this package has written, checked against their checksum.

    Raises
    ------
    DamagedFileError
        If it is another file, of a newer version, or not as it was written.
    OSError
        If there is no such file, or it cannot be read.
    """
    # A pipe must not block before it is known to be one.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise DamagedFileError("it is not a regular file")
        start = file.read(8 + LARGEST_ENTRY)
        _check_beginning(start, found.st_size)
        data = start + file.read()
    place = _place_of(DIGEST, data)
    digest = hashlib.sha256(data[: place.start])
    digest.update(ZEROS)
    digest.update(memoryview(data)[place.stop :])
    if digest.hexdigest().encode() != data[place]:
        raise DamagedFileError(
            "its checksum is wrong, because bytes have changed or are missing. Copy or save it again"
        )
    return data


def parsed(data: bytes) -> Content:
    """Return what is in the bytes of a file.

    Raises
    ------
    DamagedFileError
        If they are no safetensors with a manifest.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(data)
        manifest = arrays.pop(MANIFEST).tobytes().decode("utf-8", "surrogatepass")
        return Content(json.loads(manifest, parse_constant=_refused), arrays)
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise DamagedFileError(f"its content cannot be read ({error})") from error


def _check_beginning(start: bytes, size: int) -> None:
    """Raise for files of others, of a newer version, and cut ones, by their first bytes."""
    found = BEGINNING.match(start, 8)
    for beginning, what in OTHERS.items():
        if start.startswith(beginning):
            raise DamagedFileError(what)
    if found is None:
        raise DamagedFileError(
            "it does not begin as files of sklloss.save do. Pickles are for joblib.load, files of"
            " skops for skops.io.load"
        )
    (length,) = struct.unpack("<Q", start[:8])
    if length > min(size - 8, LARGEST_HEADER):
        raise DamagedFileError(f"its header of {length} bytes does not fit into it")
    try:
        entry = json.loads(json.loads(b'"' + found[1] + b'"'))
        version, written = entry["format_version"], entry["versions"].get("sklloss", "unknown")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise DamagedFileError("its header cannot be read") from None
    if type(version) is not int or version < 1:
        raise DamagedFileError("its header has no version of the format")
    if version > FORMAT_VERSION:
        raise DamagedFileError(
            f"it has version {version} of the format, written by sklloss {written!r:.40}, and this"
            f" sklloss reads versions up to {FORMAT_VERSION}. Install a newer sklloss"
        )
    written_size = int(start[_place_of(SIZE, start)])
    if written_size != size:
        raise DamagedFileError(
            f"it has {size:,} bytes and was written with {written_size:,}. Copy or save it again"
        )


def _place_of(what: re.Pattern[bytes], data: bytes | bytearray) -> slice:
    """Return where the size or the checksum stands in the entry of a header."""
    entry = BEGINNING.match(data, 8, 8 + LARGEST_ENTRY)
    places = [] if entry is None else list(what.finditer(data, 8, entry.end()))
    if len(places) != 1:
        raise DamagedFileError("its header lacks its size or its checksum")
    return slice(*places[0].span(1))


def _refused(constant: str) -> Any:
    raise ValueError(f"JSON has no {constant}")
