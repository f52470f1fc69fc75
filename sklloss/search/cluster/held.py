"""What a worker process of a cluster holds of searches, so that it receives X and y only once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# How long a search is held that gets no more tasks, where nobody says that it is over.
SECONDS_HELD = 60.0


class Held:
    """The workers of searches with their rows, by name.

    A cluster may drop its own copies of data whenever no task waits for them, and send them again
    with the next.  These stay until the search is over, or has had no task for a while.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._things: dict[str, Any] = {}
        self._users: Counter[str] = Counter()
        self._timers: dict[str, threading.Timer] = {}

    @contextmanager
    def using(self, name: str, fetch: Callable[[], Any]) -> Iterator[Any]:
        """Yield what is held under a name, or what is fetched and held from now on if not None."""
        with self._lock:
            if name not in self._things and (fetched := fetch()) is not None:
                self._things[name] = fetched
            thing = self._things.get(name)
            self._users[name] += 1
            self._stop_timer(name)
        try:
            yield thing
        finally:
            with self._lock:
                self._users[name] -= 1
                if not self._users[name]:
                    del self._users[name]
                    self._start_timer(name)

    def forget(self, name: str) -> None:
        """Let go of what is held under a name."""
        with self._lock:
            self._stop_timer(name)
            self._things.pop(name, None)

    def _start_timer(self, name: str) -> None:
        if name in self._things:
            self._stop_timer(name)
            timer = threading.Timer(SECONDS_HELD, self._forget_unused, (name,))
            timer.daemon = True
            self._timers[name] = timer
            timer.start()

    def _stop_timer(self, name: str) -> None:
        if name in self._timers:
            self._timers.pop(name).cancel()

    def _forget_unused(self, name: str) -> None:
        with self._lock:
            if not self._users[name]:
                self.forget(name)


# That of this process.
held = Held()


async def forget(name: str) -> None:
    """Let go of a search in this process; dask calls without waiting only what is asynchronous."""
    held.forget(name)
