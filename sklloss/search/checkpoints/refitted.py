"""The refit of a search, kept in its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from ...training import Pause
from ...training.checkpoints.identity import described_data, fingerprint
from ...training.checkpoints.keeper import Clock, KeptFit
from ...training.checkpoints.packed_pauses import Pauses, pauses_of_plain, plain_pauses


class KeptRefit:
    """Keeps the fits of a refit: that of the best candidate, and of other nets in its Pipeline.

    Parameters
    ----------
    kept : KeptSearch
    of_best : str
        What the best candidate is known by.
    """

    def __init__(self, kept: Any, of_best: str) -> None:
        self.kept, self.of_best = kept, of_best
        self._numbers = count()

    def begin(self, data: Mapping[str, Any]) -> KeptFit:
        """Return where the next fit is kept."""
        given = {name: value for name, value in data.items() if value is not None}
        of_data = {
            n: text for name in given for n, text in described_data(name, given[name]).items()
        }
        name = fingerprint({"data": of_data, "best": {"params": self.of_best}})
        return FitOfRefit(self.kept, next(self._numbers), name)


class FitOfRefit(KeptFit):
    """One fit of a refit."""

    def __init__(self, kept: Any, number: int, name: str) -> None:
        self._kept, self._number, self._name = kept, number, name
        self._clock = Clock(kept.seconds)
        found = kept.state_of_refit(number)
        self._found = found if found is not None and found["name"] == name else None
        if self._found is not None:
            self.seeds = self._found["seeds"]

    def pauses(self) -> list[Pause | None] | None:
        """Return where the members stand, None where the fit begins."""
        return None if self._found is None else pauses_of_plain(self._found["pauses"])

    def wants_state(self) -> bool:
        """Return whether a state is due."""
        return self._clock.is_due()

    def save(self, pauses: Pauses) -> None:
        """Keep where the members stand."""
        state = {"name": self._name, "seeds": self.seeds, "pauses": plain_pauses(pauses)}
        self._kept.keep_refit(self._number, state)
        self._clock.begin_anew()
