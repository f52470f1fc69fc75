"""Objects of other libraries: skops writes them, inside the same file."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from math import prod
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np

from ..container import DamagedFileError
from ..graph import Codec, Reader, Writer
from .functions import is_score_of_features, is_ufunc
from .own import check_trusted

MISSING = (
    '{} is written by skops, which is not installed. Install it with: pip install "sklloss[files]"'
)
# What skops does not trust, and what holds nothing but the name of a type.
SAFE = ("numpy.dtype",)
# Most bytes that a compressed array may unpack to, as a multiple of its file, or at all.
MOST_TIMES, MOST_BYTES = 20, 2**26
# Most numbers that the parameters of a distribution may be, brought to one shape.
MOST_NUMBERS = 2**20


def skops_io(what: str) -> Any:
    """Import skops.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import skops.io
    except ImportError as error:
        raise ImportError(MISSING.format(what)) from error
    return skops.io


class Foreign(Codec):
    """Steps of scikit-learn, and objects of libraries that skops can write."""

    kinds = ("skops",)

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        skops = skops_io(f"{writer.place}, a {type(value).__qualname__},")
        try:
            data = skops.dumps(value)
            untrusted = skops.get_untrusted_types(data=data)
        except Exception as error:
            raise writer.refuse(f"skops cannot write this {name} ({error}).") from error
        for each in untrusted:
            _check_importable(each, name, writer)
        return {"skops": [name, writer.array(np.frombuffer(data, np.uint8))]}

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        name, key = payload
        data = reader.arrays[key].tobytes()
        check_trusted(untrusted_of(name, data), reader.trusted)
        skops = skops_io(name)
        return skops.loads(data, trusted=skops.get_untrusted_types(data=data))


def untrusted_of(name: str, data: bytes) -> list[str]:
    """Return what the bytes of skops need that it does not trust; nothing is imported for it."""
    skops = skops_io(f"A {name:.80} in it")
    _check_sizes(data)
    named = skops.get_untrusted_types(data=data)
    known = (SAFE.__contains__, is_ufunc, is_score_of_features)
    return [each for each in named if not any(is_known(each) for is_known in known)]


def _check_importable(untrusted: str, name: str, writer: Writer) -> None:
    """Raise for what could never be loaded."""
    if untrusted.startswith("sklloss."):
        raise writer.refuse(
            f"an sklloss estimator is inside a {name}, which cannot be written around it. Save the"
            " estimators of sklloss by themselves."
        )
    if untrusted.startswith("__main__.") or "<lambda>" in untrusted or "<locals>" in untrusted:
        raise writer.refuse(
            f"a {name} holds {untrusted!r}, which has no name that another process can import."
            " Define it at the top level of a module, and give it from there."
        )


def _check_sizes(data: bytes) -> None:
    """Raise where the archive of skops unpacks to more than it holds."""
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if entry.compress_type != ZIP_STORED or entry.file_size > len(data):
                    raise DamagedFileError("a step has an entry that is compressed")
                if entry.filename.endswith(".npy"):
                    _check_array(archive.read(entry))
                if entry.filename.endswith(".npz"):
                    _check_compressed(archive.read(entry))
    except (BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DamagedFileError(f"a step is not an archive of skops ({error})") from error


def _check_array(data: bytes) -> None:
    """Raise where an array of NumPy has another size than its header says."""
    form, source = np.lib.format, io.BytesIO(data)
    version = form.read_magic(source)
    read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
    shape, _, dtype = read(source)
    if dtype.hasobject or prod(shape) * dtype.itemsize != len(data) - source.tell():
        raise DamagedFileError("an array of a step has another size than its header says")


def _check_compressed(data: bytes) -> None:
    """Raise where compressed arrays unpack to far more than they hold."""
    with ZipFile(io.BytesIO(data)) as archive:
        if sum(e.file_size for e in archive.infolist()) > max(MOST_TIMES * len(data), MOST_BYTES):
            raise DamagedFileError("a compressed array of a step is far too large")
        for entry in archive.infolist():
            _check_array(archive.read(entry))


class Distributions(Codec):
    """Frozen distributions of SciPy, from which searches draw."""

    kinds = ("distribution",)

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        # Where nobody has imported them, which takes its time, there are none.
        if "scipy.stats" not in sys.modules:
            return None
        import scipy.stats
        from scipy.stats._distn_infrastructure import rv_frozen

        if not isinstance(value, rv_frozen):
            return None
        name = value.dist.name
        if type(getattr(scipy.stats, name, None)) is not type(value.dist):
            raise writer.refuse(f"{name!r} is not a distribution of scipy.stats.")
        parts = [("args", value.args), ("keywords", value.kwds)]
        return {"distribution": [name, writer.pairs(parts)]}

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        import scipy.stats

        name, parts = payload[0], reader.named(payload[1])
        made = getattr(scipy.stats, name)
        if not isinstance(made, scipy.stats.rv_continuous | scipy.stats.rv_discrete):
            raise DamagedFileError(f"{name!r:.40} is not a distribution")
        arguments = *parts["args"], *parts["keywords"].values()
        # SciPy may bring them to one shape.
        if prod(np.broadcast_shapes(*map(_shape_of, arguments))) > MOST_NUMBERS:
            raise DamagedFileError("a distribution has far too many parameters")
        return made(*parts["args"], **parts["keywords"])


def _shape_of(parameter: Any) -> tuple[int, ...]:
    """Return the shape of a parameter of a distribution."""
    if isinstance(parameter, range):
        return (len(parameter),)
    if isinstance(parameter, list | tuple):
        inner = {_shape_of(each) for each in parameter} or {()}
        return (len(parameter), *inner.pop())
    return np.shape(parameter)
