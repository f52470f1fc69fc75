"""What a search shows while it runs: one bar over all epochs of all models, and scores."""

from __future__ import annotations

import tempfile
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import nan
from pathlib import Path
from types import TracebackType

import numpy as np
from tqdm import tqdm

from ..parameters.plain import plain
from .results import Results

# How often the bar is drawn.
SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class Slot:
    """Where one stack counts its epochs: a number in a file that the bar's process reads.

    Attributes
    ----------
    path : str or None
        The file; None counts nothing.
    position : int
    """

    path: str | None
    position: int

    def add(self, n_epochs: int) -> None:
        """Count epochs as done."""
        if self.path is not None:
            counts = np.memmap(self.path, dtype=np.int64, mode="r+")
            counts[self.position] += n_epochs


class Progress:
    """A bar over epochs, with the time left and the best score so far.

    Parameters
    ----------
    n_epochs : int
        Of all models together.
    n_slots : int
        How many stacks count them.
    """

    def __init__(self, n_epochs: int, n_slots: int) -> None:
        self.n_epochs = n_epochs
        self.n_slots = n_slots
        self.best = -np.inf

    def __enter__(self) -> Progress:
        self._folder = tempfile.TemporaryDirectory(prefix="sklloss-")
        self._path = str(Path(self._folder.name) / "epochs")
        np.zeros(max(self.n_slots, 1), dtype=np.int64).tofile(self._path)
        self._bar = tqdm(total=self.n_epochs, desc="search", unit="epoch")
        self._done = threading.Event()
        self._looker = threading.Thread(target=self._look_until_done, daemon=True)
        self._looker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._looker.join()
        self._look()
        self._bar.close()
        self._folder.cleanup()

    def slot(self, position: int) -> Slot:
        """Return where the stack of a position counts."""
        return Slot(self._path, position)

    def show_score(self, score: float) -> None:
        """Show a candidate's score where it is the best so far."""
        if score > self.best:
            self.best = score
            self._bar.set_postfix({"best": f"{score:.4g}"}, refresh=False)

    def write(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.write(line)

    def _look_until_done(self) -> None:
        while not self._done.wait(SECONDS_BETWEEN_LOOKS):
            self._look()

    def _look(self) -> None:
        self._bar.n = int(np.fromfile(self._path, dtype=np.int64).sum())
        self._bar.refresh()


class Silence(AbstractContextManager):
    """Progress that nobody asked for."""

    def __exit__(self, *_: object) -> None:
        return None

    def slot(self, position: int) -> Slot:
        """Return what counts nothing."""
        return Slot(None, position)

    def show_score(self, score: float) -> None:
        """Show nothing."""

    def write(self, line: str) -> None:
        """Print nothing."""


@dataclass(frozen=True)
class Report:
    """Shows as much of the results as the user has asked for.

    Attributes
    ----------
    owner : str
        The class of the search.
    verbose : int
        0 shows nothing, 1 a bar, more also prints a line per candidate.
    results : Results
    metric : str
        Whose best mean the bar shows, where there are several.
    """

    owner: str
    verbose: int
    results: Results
    metric: str

    def progress(self, n_epochs: int, n_slots: int) -> Progress | Silence:
        """Return the bar, or none."""
        return Progress(n_epochs, n_slots) if self.verbose else Silence()

    def show(self, finished: list[int], progress: Progress | Silence) -> None:
        """Show the scores of the candidates of some numbers."""
        for number in finished if self.verbose else ():
            scores = self.results.mean_scores(number)
            progress.show_score(scores.get(self.metric, scores.get("score", nan)))
            if self.verbose > 1:
                progress.write(self._line(number, scores))

    def _line(self, number: int, scores: dict[str, float]) -> str:
        settings = self.results.settings
        params = ", ".join(f"{name}={plain(value)!r}" for name, value in settings[number].items())
        shown = ", ".join(f"{name}={score:.4g}" for name, score in scores.items())
        return f"[{self.owner} {number + 1}/{len(settings)}] {params}: {shown}"
