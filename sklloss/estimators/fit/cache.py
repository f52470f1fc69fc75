"""Cache of intermediate results shared by fits that are prepared one after another."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from ...parameters.plain import hashes

T = TypeVar("T")


class Cache:
    """Cache of intermediate results that several fits share.

    Keys name arrays by identity, so that each entry holds on to the objects its key stands for: an
    address is not given to another array while the cache lives.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[Any, Any]] = {}

    def once(self, key: Hashable, make: Callable[[], T], keep: Any = None) -> T:
        """Return what `make` returned at the first call with this key.

        Parameters
        ----------
        key : Hashable
            Equal for equal results.  One that does not hash is never met again.
        make : callable
            Called without arguments.
        keep : object, default=None
            What the key names by identity.
        """
        if not hashes(key):
            return make()
        if key not in self._made:
            self._made[key] = (make(), keep)
        return self._made[key][0]
