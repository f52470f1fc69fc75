"""What a search shows while it runs: one bar over all epochs of all models, and scores."""

from __future__ import annotations

import glob
import os
import platform
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np

from ..parameters.plain import plain
from .results import Results

# How often the bar is drawn.
SECONDS_BETWEEN_LOOKS = 0.2
FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<LEFT{postfix}]"


@dataclass(frozen=True)
class Slot:
    """Where one stack counts its epochs: a number in a file that the bar's process reads.

    Attributes
    ----------
    path : str or None
        The file; None counts nothing.
    position : int
    states : StatesInFile or None
        Where half-finished states are kept; None where nobody wants them.
    """

    path: str | None
    position: int
    states: Any = None

    def wants_state(self) -> bool:
        """Return whether it is time to keep the half-finished state of the stack."""
        return self.states is not None and self.states.wants_state()

    def keep(self, number_of_stack: int, payload: bytes) -> None:
        """Keep the half-finished state of the stack."""
        self.states.keep(payload)

    def add(self, n_epochs: int) -> None:
        """Count epochs as done, where the file is still there."""
        if self.path is not None:
            with suppress(OSError, ValueError):
                counts = np.memmap(self.path, dtype=np.int64, mode="r+")
                counts[self.position] += n_epochs


class Counts(AbstractContextManager["Counts"]):
    """Counts the epochs of stacks while it is open; this base counts none."""

    def __exit__(self, *_: object) -> None:
        """Close it."""

    def slot(self, position: int) -> Any:
        """Return where the stack of a position counts."""
        return Slot(None, position)

    def read(self) -> np.ndarray:
        """Return what has been counted, by position."""
        return np.zeros(1, dtype=np.int64)

    def reset(self, position: int) -> None:
        """Let the stack of a position start again."""

    def finish(self, position: int, n_epochs: int) -> None:
        """Note that the stack of a position is over, which was expected to take some epochs."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that is removed in the end, or, if this process is killed, by the next one."""
    # Processes of other machines or containers may share the folder for temporary files.
    mine = f"sklloss-{platform.node()}-"
    for left in Path(tempfile.gettempdir()).glob(f"{glob.escape(mine)}*-*"):
        if not _is_alive(left.name.removeprefix(mine).partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix=f"{mine}{os.getpid()}-", ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _is_alive(pid: str) -> bool:
    """Return whether a process is running, as far as can be said."""
    # Elsewhere, os.kill would end the process.
    if os.name != "posix" or not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


class CountsInFile(Counts):
    """Counts epochs in a temporary file, for workers of this machine.

    Where no file can be written, nothing is counted.

    Parameters
    ----------
    n_stacks : int
    checkpoint : Unkept or None, default=None
        Where stacks keep half-finished states.
    """

    def __init__(self, n_stacks: int, checkpoint: Any = None) -> None:
        self.n_stacks, self.checkpoint = max(n_stacks, 1), checkpoint
        self.path: str | None = None
        self._files = ExitStack()

    def __enter__(self) -> CountsInFile:
        """Make the file."""
        with suppress(OSError):
            path = str(self._files.enter_context(temporary_folder()) / "epochs")
            np.zeros(self.n_stacks, dtype=np.int64).tofile(path)
            self.path = path
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file."""
        self._files.close()

    def slot(self, position: int) -> Slot:
        """Return where the stack of a position counts."""
        states = None if self.checkpoint is None else self.checkpoint.states()
        return Slot(self.path, position, states)

    def read(self) -> np.ndarray:
        """Return what has been counted, by position."""
        return np.fromfile(self.path, dtype=np.int64) if self.path else super().read()

    def reset(self, position: int) -> None:
        """Let the stack of a position start again."""
        if self.path is not None:
            with suppress(OSError, ValueError):
                np.memmap(self.path, dtype=np.int64, mode="r+")[position] = 0


@dataclass
class Progress:
    """Shows as much of the results as the user has asked for.

    Attributes
    ----------
    search : LossSearch
        Its `verbose` decides: 0 shows nothing, 1 a bar over the epochs of all models with the time
        left and the best score so far, more also prints a line per candidate.
    results : Results
    best : float
        The best mean score so far, of the metric that `refit` names where there are several.
    """

    search: Any
    results: Results
    best: float = -inf

    @contextmanager
    def bar(
        self, epochs: Sequence[int], costs: Sequence[float], counts: Counts, title: str = "search"
    ) -> Iterator[None]:
        """Draw the bar, if the user wants one, over epochs that stacks count.

        `epochs` are those of each stack, `costs` how long it takes, in any unit: what is left is
        told from these, because an epoch of a wide network takes longer than that of a narrow one.

        A search does not end because of its bar: where epochs cannot be counted, the bar stands
        still and shows scores alone.
        """
        if not self.search.verbose:
            yield
            return
        # Where tqdm is imported, it warns of notebooks without widgets.
        from tqdm.auto import tqdm

        with tqdm(total=sum(epochs), desc=title, unit="epoch") as self._bar:
            self._epochs, self._costs = np.maximum(epochs, 1), np.asarray(costs, dtype=float)
            done = threading.Event()
            looker = threading.Thread(target=self._look_until, args=(done, counts), daemon=True)
            looker.start()
            try:
                yield
            finally:
                done.set()
                looker.join()

    def show(self, finished: list[int]) -> None:
        """Show the scores of the candidates of some numbers."""
        metric = self.search.refit if isinstance(self.search.refit, str) else "score"
        for number in finished if self.search.verbose else ():
            scores = self.results.mean_scores(number)
            score = scores.get(metric, scores.get("score", nan))
            if score > self.best:
                self.best = score
                self._bar.set_postfix({"best": f"{score:.4g}"}, refresh=False)
            if self.search.verbose > 1:
                self._bar.write(self._line(number, scores))

    def _line(self, number: int, scores: dict[str, float]) -> str:
        settings = self.results.settings
        params = ", ".join(f"{name}={plain(value)!r}" for name, value in settings[number].items())
        shown = ", ".join(f"{name}={score:.4g}" for name, score in scores.items())
        return f"[{type(self.search).__name__} {number + 1}/{len(settings)}] {params}: {shown}"

    def _look_until(self, done: threading.Event, counts: Counts) -> None:
        """Draw the epochs that are counted, every now and then, and once they are done."""
        last = False
        while not last:
            last = done.wait(SECONDS_BETWEEN_LOOKS)
            # A file may vanish, and so may a cluster.
            with suppress(Exception):
                counted = counts.read()
                # What was expected of a fit may be corrected once its rows are known.
                self._bar.n = min(max(int(counted.sum()), 0), self._bar.total)
                self._bar.bar_format = FORMAT.replace("LEFT", self._left(counted))
            self._bar.refresh()

    def _left(self, counts: np.ndarray) -> str:
        """Return the time that is left, given the epochs that stacks have counted."""
        done = float((self._costs * np.clip(counts / self._epochs, 0, 1)).sum())
        if not done:
            return "?"
        elapsed = self._bar.format_dict["elapsed"]
        from tqdm import tqdm

        return str(tqdm.format_interval(elapsed * (self._costs.sum() - done) / done))
