"""What a search asks of its checkpoint; here, that of a search without one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ...training.checkpoints.identity import Parts
from ..results import Key, Result


class Unkept(AbstractContextManager["Unkept"]):
    """Keeps nothing.

    Attributes
    ----------
    is_kept : bool
        Whether anything is kept.
    results : dict of Result by key
        Those of an earlier run, which are not fitted again.
    seconds : float or None
        How often states of half-finished fits are wanted; None wants none.
    """

    is_kept = False
    seconds: float | None = None

    def __init__(self) -> None:
        self.results: dict[Key, Result] = {}

    def __exit__(self, *_: object) -> None:
        """Close it."""

    def begin(self, parts: Callable[[], Parts], seed: int) -> int:
        """Find the search that is known by these parts, for this process alone.

        Returns
        -------
        int
            The seed that it has begun with; `seed` for a new one.
        """
        return seed

    def expect(
        self, start: int, settings: Sequence[Mapping[str, Any]], more: Mapping[str, Sequence[Any]]
    ) -> None:
        """Note candidates from a number on, with more columns of the table for them."""

    def add(self, results: Sequence[Result]) -> None:
        """Keep results, and where their trainings have paused."""

    def pauses(self, key: Key) -> Any:
        """Return where the members of a fit stand, None where it begins."""
        return None

    def forget_before(self, start: int) -> None:
        """Forget where trainings of candidates before a number have paused."""

    def states(self) -> Any:
        """Return where workers of this machine keep states, None where these are not wanted."""
        return None

    def keep(self, position: int, payload: bytes) -> None:
        """Keep the states that a worker of another machine has sent."""

    def refit(self, best_params: Any) -> AbstractContextManager[None]:
        """Return what the best candidate is fitted in."""
        return nullcontext()

    def finish(self, search: Any) -> None:
        """Keep a search that is over."""
