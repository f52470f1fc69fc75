"""The rungs of successive halving: after which epochs candidates leave, and how many stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import ceil, floor, log
from numbers import Real
from typing import Any

from ...parameters.domains import Choice, Either, Interval, check_in_domain

FACTOR = Interval(1, closed="neither")
EPOCHS = Either(Choice("auto"), Interval(1, integer=True))
# The first rung of min_epochs="auto" trains at least this share of all epochs: before, learning
# rates and losses that are good in the end may still be behind.
LEAST_SHARE = 0.1


@dataclass(frozen=True)
class Halving:
    """How candidates leave a search.

    Parameters
    ----------
    factor : float, default=3
        The share 1 / factor of the candidates stays at each rung, and trains for factor times as
        many epochs; > 1.
    min_epochs : int or "auto", default="auto"
        How many epochs the first rung has at least, >= 1; "auto" is a tenth of all epochs.
    """

    factor: float = 3
    min_epochs: int | str = "auto"

    @classmethod
    def given(cls, halving: Any, owner: str) -> Halving:
        """Return what a user means.

        Parameters
        ----------
        halving : True, float or dict
            The defaults, a factor, or both parameters by name.
        owner : str
            The class of the search, which messages name.

        Raises
        ------
        ValueError
            If a value is outside its domain, or a name is none of the parameters.
        TypeError
            If it is none of these.
        """
        if halving is True:
            return cls()
        if isinstance(halving, Real) and not isinstance(halving, bool):
            halving = {"factor": halving}
        names = [field.name for field in fields(cls)]
        if not isinstance(halving, Mapping):
            raise TypeError(
                f"{owner} needs halving to be None, True, a factor, or a dict of"
                f" {' and '.join(map(repr, names))}; got {halving!r}. halving=3 lets the best third"
                " of the candidates stay at each rung."
            )
        for name in halving:
            check_in_domain(owner, "a name in halving", name, Choice(*names), "")
        made = cls(**halving)
        remedy = "The default is halving=3."
        check_in_domain(owner, "the factor of halving", made.factor, FACTOR, remedy)
        remedy = "The default is 'auto'."
        check_in_domain(owner, "the min_epochs of halving", made.min_epochs, EPOCHS, remedy)
        return made

    def rungs(self, n_candidates: int, max_epochs: int) -> list[int]:
        """Return after which epochs candidates leave; the last number is that of all epochs.

        There are as many rungs as leave fewer than `factor` candidates for the last, as far as
        the epochs allow.

        Examples
        --------
        >>> Halving().rungs(100, 40), Halving(min_epochs=1).rungs(100, 40), Halving().rungs(5, 40)
        ([4, 13, 40], [1, 4, 13, 40], [13, 40])
        """
        least = ceil(LEAST_SHARE * max_epochs) if self.min_epochs == "auto" else self.min_epochs
        n_needed = 1 + floor(log(n_candidates, self.factor) + 1e-9)
        epochs = [int(max_epochs / self.factor**i + 1e-9) for i in range(n_needed)]
        kept = {max_epochs, *(n for n in epochs if n >= float(least))}
        return sorted(kept)

    def n_staying(self, n_candidates: int) -> int:
        """Return how many of the candidates of a rung stay."""
        return ceil(n_candidates / self.factor)
