"""What workers of other machines tell the search: epochs counted, and half-finished states."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..progress import SECONDS_BETWEEN_LOOKS, Counts

# How often a stack sends its number of epochs.
SECONDS_BETWEEN_MESSAGES = 0.5
# The position of the stack; epochs so far, or None; the number and state of a stack, or None.
Message = tuple[int, int | None, int | None, bytes | None]


@dataclass
class MailSlot:
    """Where one stack counts its epochs, in a worker whose searching process is elsewhere.

    Attributes
    ----------
    post : callable
        Sends a message, without waiting for it.
    position : int
    seconds_between_states : float or None
        How often a half-finished state is wanted; None wants none.
    """

    post: Callable[[Message], None]
    position: int
    seconds_between_states: float | None = None
    _total: int = 0
    _sent: float = field(default_factory=time.monotonic)
    _kept: float | None = None

    def add(self, n_epochs: int) -> None:
        """Count epochs as done, where the search still listens."""
        self._total += n_epochs
        now = time.monotonic()
        if not self._sent <= now < self._sent + SECONDS_BETWEEN_MESSAGES:
            self._sent = now
            self._post((self.position, self._total, None, None))

    def wants_state(self) -> bool:
        """Return whether it is time to keep the half-finished state of the stack."""
        if self.seconds_between_states is None:
            return False
        now = time.monotonic()
        if self._kept is None:
            self._kept = now  # A stack that begins has nothing worth keeping.
        return now >= self._kept + self.seconds_between_states

    def keep(self, number_of_stack: int, payload: bytes) -> None:
        """Bring the half-finished state of a stack to the searching process."""
        self._kept = time.monotonic()
        self._post((self.position, None, number_of_stack, payload))

    def _post(self, message: Message) -> None:
        # A search does not end because of its bar.
        with suppress(Exception):
            self.post(message)


class CountsByMail(Counts):
    """Counts what stacks send, and passes on their half-finished states.

    Parameters
    ----------
    n_stacks : int
    post : callable
        What stacks send with; it must be picklable.
    fetch : callable
        Returns the messages that have come.
    close : callable
        Called in the end.
    checkpoint : Unkept or None, default=None
        Its `keep` is called with the number and the state of each stack that has sent one, every
        `seconds` if these are not None.
    """

    def __init__(
        self,
        n_stacks: int,
        post: Callable[[Message], None],
        fetch: Callable[[], Iterable[Message]],
        close: Callable[[], None],
        checkpoint: Any = None,
    ) -> None:
        self._counts = np.zeros(max(n_stacks, 1), dtype=np.int64)
        self._finished: set[int] = set()
        self._post, self._fetch, self._close = post, fetch, close
        self._checkpoint = checkpoint
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._fetch_until_done, daemon=True)

    def __enter__(self) -> CountsByMail:
        """Begin to fetch messages."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of what carries the mail."""
        self._done.set()
        self._thread.join()
        with suppress(Exception):
            self._close()

    def slot(self, position: int) -> MailSlot:
        """Return where the stack of a position counts."""
        seconds = None if self._checkpoint is None else self._checkpoint.seconds
        return MailSlot(self._post, position, seconds)

    def read(self) -> np.ndarray:
        """Return what has been counted, by position."""
        return self._counts.copy()

    def reset(self, position: int) -> None:
        """Let the stack of a position start again."""
        self._counts[position] = 0

    def finish(self, position: int, n_epochs: int) -> None:
        """Note that the stack of a position is over, whose last messages may still be on the way."""
        self._finished.add(position)
        self._counts[position] = n_epochs

    def _fetch_until_done(self) -> None:
        last = False
        while not last:
            last = self._done.wait(SECONDS_BETWEEN_LOOKS)
            # The search finds out by itself where its cluster is gone.
            with suppress(Exception):
                for message in self._fetch():
                    self._take(*message)

    def _take(
        self, position: int, n_epochs: int | None, number: int | None, payload: bytes | None
    ) -> None:
        if position in self._finished:
            return
        if n_epochs is not None:
            self._counts[position] = n_epochs
        if self._checkpoint is not None and number is not None and payload is not None:
            self._checkpoint.keep(number, payload)
