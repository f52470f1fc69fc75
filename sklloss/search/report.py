"""What a search tells while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

from ..parameters.plain import plain
from .progress import Progress, Silence
from .results import Key, Tally
from .scikit_learn import Result


@dataclass(frozen=True)
class Report:
    """Takes results in as they come, and tells of them as much as the user has asked for.

    Attributes
    ----------
    verbose : int
        0 tells nothing, 1 shows a bar, more also prints a line per candidate.
    candidates : list of dict
        Their parameters.
    tally : Tally
        What takes the results.
    metric : str
        Whose best mean the bar shows, where there are several.
    """

    verbose: int
    candidates: list[dict[str, Any]]
    tally: Tally
    metric: str

    def progress(self, n_epochs: int, n_tasks: int) -> Progress | Silence:
        """Return the bar, or none."""
        return Progress(n_epochs, n_tasks) if self.verbose else Silence()

    def take(self, results: Mapping[Key, Result], progress: Progress | Silence) -> None:
        """Take results in; show the scores of candidates that they finish."""
        for candidate in self.tally.add(results):
            if self.verbose:
                scores = self.tally.mean_scores(candidate)
                progress.show_score(scores.get(self.metric, scores.get("score", nan)))
            if self.verbose > 1:
                progress.write(self._line(candidate, scores))

    def _line(self, candidate: int, scores: Mapping[str, float]) -> str:
        params = self.candidates[candidate].items()
        setting = ", ".join(f"{name}={plain(value)!r}" for name, value in params)
        results = ", ".join(f"{name}={score:.4g}" for name, score in scores.items())
        number = f"{candidate + 1}/{len(self.candidates)}"
        return f"[LossSearchCV {number}] {setting}: {results}"
