"""What brings half-finished trainings to where they survive the process."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from ..model import Trainable
from ..pause import Pause
from .packed_pauses import Pauses

# How often the state of a training is kept, in seconds.
SECONDS = 60.0


class CheckpointError(OSError):
    """A checkpoint that could not be written: no fault of the training that it is about."""


@dataclass
class Clock:
    """Says when the next state is due.

    Attributes
    ----------
    seconds : float
        Between two states, >= 0; the first is due as long after the beginning.
    """

    seconds: float = SECONDS
    _last: float = field(default_factory=time.monotonic)

    def is_due(self) -> bool:
        """Return whether the time is over."""
        return time.monotonic() - self._last >= self.seconds

    def begin_anew(self) -> None:
        """Begin to wait for the next."""
        self._last = time.monotonic()


class Keeping(NamedTuple):
    """How the states of some fits are kept.

    Attributes
    ----------
    wants_state : callable
        Returns whether a state is due; called after every epoch.
    save : callable
        Takes where the members of each fit stand; what it raises ends the training.
    """

    wants_state: Callable[[], bool]
    save: Callable[[Sequence[Pauses]], None]


@dataclass(frozen=True)
class Keeper:
    """Keeps where the nets of some fits stand while the engine trains some of them.

    Attributes
    ----------
    fits : sequence of sequences of Trainable
        The members of each fit.
    keeping : Keeping
    """

    fits: Sequence[Sequence[Trainable]]
    keeping: Keeping

    def keep(self, failed: Container[int]) -> None:
        """Keep where all nets stand, but for those that have failed, given by their ids."""
        nets = (net for members in self.fits for net in members)
        pauses = iter([_stands(net, failed) for net in nets])
        self.keeping.save([list(islice(pauses, len(members))) for members in self.fits])


def _stands(net: Trainable, failed: Container[int]) -> Pause | None:
    """Return where a net stands; a failed one will start again, and fail again."""
    return Pause.of(net) if net.history and id(net) not in failed else None


class KeptFit(ABC):
    """Where a fit of an estimator is kept, so that the same fit can go on after a kill.

    Attributes
    ----------
    seeds : tuple of int or None
        Those of the members, set when the training begins; before, None unless it goes on.
    """

    seeds: tuple[int, ...] | None = None

    @abstractmethod
    def pauses(self) -> list[Pause | None] | None:
        """Return where the members stand, None where the fit begins."""

    @abstractmethod
    def wants_state(self) -> bool:
        """Return whether a state is due."""

    @abstractmethod
    def save(self, pauses: Pauses) -> None:
        """Keep where the members stand, in the middle of the training or at its end."""


# Called with what a fit receives; returns where it is kept.
Begin = Callable[[Mapping[str, Any]], KeptFit]
_kept_by: ContextVar[Begin | None] = ContextVar("kept_by", default=None)


@contextmanager
def fits_kept_by(begin: Begin) -> Iterator[None]:
    """Let fits in this context be kept, each where `begin` says."""
    token = _kept_by.set(begin)
    try:
        yield
    finally:
        _kept_by.reset(token)


def kept_fit(data: Mapping[str, Any]) -> KeptFit | None:
    """Return where the fit of some data is kept, None where nobody wants that."""
    begin = _kept_by.get()
    return begin and begin(data)
