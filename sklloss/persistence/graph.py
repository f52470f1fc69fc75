"""Values as JSON and back: `Writer` and `Reader` go through a value, codecs know its parts.

None, bool, int, str, finite float and list stand for themselves.  Everything else is a node, an
object with one key, its kind, and what the codec of that kind has written.  A node that is needed
twice also has an "id", and its second place is ``{"ref": id}``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from math import isfinite
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .container import DamagedFileError

Node = Any
# A node as a reader meets it: parsed JSON.
PLAIN = (type(None), bool, int, str)
# Most values inside each other: hashing deeper tuples overruns the stack of Python.
MOST_DEPTH = 1000
# Most values that references may repeat, and how many more for each value that is written out.
# Tuples that hold each other twice are few values, and take for ever to be hashed.
MOST_REPEATED, MOST_REPEATED_TIMES = 10**7, 100


class Codec(ABC):
    """Writes and reads the values of some kinds."""

    kinds: ClassVar[tuple[str, ...]]

    @abstractmethod
    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return ``{kind: payload}``, or None for a value of another codec."""

    @abstractmethod
    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return the value of a payload; anything that it raises means a damaged file."""


class CannotWriteError(TypeError):
    """Why a value cannot be written, and what to do."""


@dataclass
class Writer:
    """Turns values into nodes.

    Attributes
    ----------
    codecs : sequence of Codec
        The first that knows a value writes it.
    oof : bool
        Whether out-of-fold predictions are written.
    training : bool or None
        Whether what further training needs is written; None where the estimator is to go on.
    arrays : dict of str to ndarray
        Everything that is written outside of JSON.
    """

    codecs: Sequence[Codec]
    oof: bool = True
    training: bool | None = None
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    keeps_optimizer: bool = True
    _seen: dict[int, tuple[Any, dict[str, Any] | None]] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=count)
    _path: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Where in the estimator the present value is."""
        return ".".join(self._path) or "the estimator"

    def node(self, value: Any, name: str = "") -> Node:
        """Return what stands for a value.

        Parameters
        ----------
        value : Any
        name : str, default=""
            What the value is called in what holds it, for errors.

        Raises
        ------
        CannotWriteError
            If the value, or a part of it, cannot be written.
        """
        if type(value) in PLAIN or (type(value) is float and isfinite(value)):
            return value
        with self._at(name):
            if id(value) in self._seen:
                return self._again(value)
            self._seen[id(value)] = value, None
            if type(value) is list:
                # A list is changed in place, and may be held twice.
                node = {"list": [self.node(each, f"{k}") for k, each in enumerate(value)]}
            else:
                node = self._by_codec(value)
            self._seen[id(value)] = value, node
            return node

    def pairs(self, items: Iterable[tuple[str, Any]]) -> list[list[Node]]:
        """Return nodes of named values as pairs."""
        return [[name, self.node(value, name)] for name, value in items]

    def array(self, values: np.ndarray) -> str:
        """Keep a contiguous array of numbers; return its name."""
        name = str(len(self.arrays))
        self.arrays[name] = values
        return name

    def refuse(self, why: str) -> CannotWriteError:
        """Return the error of a value that cannot be written."""
        return CannotWriteError(f"save cannot write {self.place}: {why}")

    def _by_codec(self, value: Any) -> dict[str, Any]:
        for codec in self.codecs:
            node = codec.write(value, self)
            if node is not None:
                return dict(node)
        raise self.refuse(f"it is a {type(value).__qualname__}, for which the format has no form.")

    def _again(self, value: Any) -> Node:
        """Return the node of a value that was met before."""
        node = self._seen[id(value)][1]
        if node is None:
            raise self.refuse("it holds itself.")
        node.setdefault("id", None)
        if node["id"] is None:
            node["id"] = next(self._ids)
        return {"ref": node["id"]}

    @contextmanager
    def _at(self, name: str) -> Iterator[None]:
        if name:
            self._path.append(name)
        try:
            yield
        finally:
            if name:
                self._path.pop()


class Held(NamedTuple):
    """A value to which references may point.

    Attributes
    ----------
    value : Any
    size : int
        Number of values in it, where each reference counts as what it points to.
    depth : int
        Number of values inside each other, likewise.
    """

    value: Any
    size: int
    depth: int


@dataclass
class Reader:
    """Turns nodes into values.

    Attributes
    ----------
    codecs : sequence of Codec
    arrays : mapping of str to ndarray
    trusted : frozenset of str
        The names of others that may be imported.
    """

    codecs: Sequence[Codec]
    arrays: Mapping[str, np.ndarray]
    trusted: frozenset[str] = frozenset()
    _of_ids: dict[int, Held] = field(default_factory=dict)
    _n_written: int = 0
    _n_repeated: int = 0
    _level: int = 0
    _deepest: int = 0

    def __post_init__(self) -> None:
        self._of_kinds = {kind: codec for codec in self.codecs for kind in codec.kinds}

    def value(self, node: Node) -> Any:
        """Return the value that a node stands for.

        Raises
        ------
        DamagedFileError
            If there is none.
        """
        self._n_written += 1
        if type(node) in PLAIN or (type(node) is float and isfinite(node)):
            return node
        if type(node) is not dict:
            raise DamagedFileError(f"a value has the form {str(node)[:40]!r}")
        if "ref" in node:
            return self._repeated(self._of_ids[node["ref"]])
        number, size, deepest = node.get("id"), self._size, self._deepest
        self._level += 1
        self._reach(self._level)
        self._deepest = self._level
        (kind,) = node.keys() - {"id"}
        if kind == "list":
            value = [self.value(each) for each in node[kind]]
        elif kind in self._of_kinds:
            value = self._of_kinds[kind].read(kind, node[kind], self)
        else:
            raise DamagedFileError(f"it has a value of the unknown kind {kind[:40]!r}")
        self._level -= 1
        if number is not None:
            self._of_ids[number] = Held(value, self._size - size, self._deepest - self._level)
        self._deepest = max(deepest, self._deepest)
        return value

    @property
    def _size(self) -> int:
        """Number of values so far, where each reference counts as what it points to."""
        return self._n_written + self._n_repeated

    def _repeated(self, held: Held) -> Any:
        """Return the value of a reference."""
        self._n_repeated += held.size
        if self._n_repeated > MOST_REPEATED + MOST_REPEATED_TIMES * self._n_written:
            raise DamagedFileError("its references repeat far more values than it holds")
        self._reach(self._level + held.depth)
        return held.value

    def _reach(self, level: int) -> None:
        """Note how many values are inside each other."""
        if level > MOST_DEPTH:
            raise DamagedFileError("its values are nested too deeply")
        self._deepest = max(self._deepest, level)

    def named(self, pairs: Sequence[Sequence[Node]]) -> dict[str, Any]:
        """Return named values, as `Writer.pairs` writes them."""
        found: dict[str, Any] = {}
        for name, node in pairs:
            if type(name) is not str or name in found:
                raise DamagedFileError(f"a name stands twice or is none: {str(name)[:40]!r}")
            found[name] = self.value(node)
        return found


def nodes_in(tree: Node) -> Iterator[tuple[str, Any]]:
    """Yield every key of a manifest with what stands under it."""
    rest = [tree]
    while rest:
        node = rest.pop()
        if isinstance(node, dict):
            yield from node.items()
            rest += node.values()
        elif isinstance(node, list):
            rest += node
