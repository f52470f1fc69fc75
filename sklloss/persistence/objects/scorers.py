"""Scorers of predictive distributions, by their name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...metrics.scorers import DistributionScorer
from ..graph import Codec, Reader, Writer


class DistributionScorers(Codec):
    """What `sklloss.metrics.get_scorer` returns for names of its own."""

    kinds = ("scorer",)

    def write(self, value: Any, writer: Writer) -> Mapping[str, Any] | None:
        """Return a node."""
        if type(value) is not DistributionScorer:
            return None
        return {"scorer": [value.kind, value.level]}

    def read(self, kind: str, payload: Any, reader: Reader) -> Any:
        """Return a value."""
        return DistributionScorer(*payload)
