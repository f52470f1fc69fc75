"""One bar over all epochs of all models, wherever they are trained."""

from __future__ import annotations

import tempfile
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from tqdm import tqdm

SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class Slot:
    """Where one task counts its epochs: a number in a file that the bar's process reads.

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
    n_tasks : int
        That count them.
    """

    def __init__(self, n_epochs: int, n_tasks: int) -> None:
        self.n_epochs = n_epochs
        self.n_tasks = n_tasks
        self.best = -np.inf

    def __enter__(self) -> Progress:
        self._folder = tempfile.TemporaryDirectory(prefix="sklloss-")
        self._path = str(Path(self._folder.name) / "epochs")
        np.zeros(max(self.n_tasks, 1), dtype=np.int64).tofile(self._path)
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
        """Return where the task of a position counts."""
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
