"""Which kind of X a network takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn.utils import InputTags

from ...modules import MODULES
from .base import Inputs
from .images import Images
from .tables import Arrays, Table
from .tokens import Tokens


@dataclass(frozen=True)
class OnlyForTranscriber(Inputs):
    """Sequences of frames, which only a `SequenceTranscriber` takes."""

    def tag(self, tags: InputTags) -> None:
        """No table."""
        tags.two_d_array = False

    def opened(self, X: Any) -> Any:
        """Refuse, and say what takes them."""
        raise ValueError(
            "module='sequence' returns a distribution for every frame of an utterance and is for"
            " SequenceTranscriber. For one label per row take another module."
        )


KINDS: dict[str, type[Inputs]] = {
    "sequences": OnlyForTranscriber,
    "table": Table,
    "images": Images,
    "tokens": Tokens,
}


def inputs_of(estimator: Any) -> Inputs:
    """Return what the network of an estimator takes.

    For the name of a network that there is not, it is anything: building it raises.
    """
    module = estimator.module
    if isinstance(module, str) and module in MODULES:
        return KINDS[getattr(MODULES[module], "inputs", "table")].of(estimator)
    return Arrays()
