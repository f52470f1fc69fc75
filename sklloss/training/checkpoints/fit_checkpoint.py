"""FitCheckpoint: a callback with which one long fit goes on after its process was killed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skorch.callbacks import Callback, EpochTimer, PrintLog, ProgressBar

from ..pause import Pause
from .fit_file import check_same, read, write
from .identity import Parts, described, described_data, versions
from .keeper import SECONDS, CheckpointError, Clock, KeptFit
from .lock import FileLock
from .packed_pauses import Pauses, pauses_of_plain, plain_pauses
from .paths import checked_path

# Callbacks without a state of their own, which may stand beside it.
STATELESS = (EpochTimer, PrintLog, ProgressBar)


@dataclass(eq=False)
class FitCheckpoint(Callback):
    """Callback that lets one long fit resume after its process was killed.

    Give it to an estimator: ``callbacks=[FitCheckpoint(path)]``.  The state of training (weights,
    optimiser and stopping rule of all members) is written to a file at regular intervals.  After a
    kill, the same call of `fit` resumes at the last saved epoch, and the result is bit for bit that
    of an uninterrupted fit.

    Parameters
    ----------
    path : str or path
        The file.  It is kept when the fit is finished: the same call then returns the same model at
        once (unless ``random_state`` is None, which asks for a new one), and another fit replaces
        the file.
    seconds : float, default=60
        Time between two writes, >= 0; 0 writes after every epoch.

    Raises
    ------
    ValueError
        In `fit`: if the file has an unfinished fit with other data, parameters or versions; if it
        is no checkpoint, is damaged, or was written by a newer version of sklloss; with
        `partial_fit` or ``warm_start``; together with callbacks that have a state, such as
        schedules.
    OSError
        In `fit`, before training, if the file cannot be read or written, or if another fit is
        using it; during training, if it can no longer be written.

    Notes
    -----
    This callback works with the estimators of sklloss; for a plain skorch net use
    ``skorch.callbacks.Checkpoint``.  For a search, give `checkpoint` to `LossSearchCV` instead.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_diabetes
    >>> from sklloss import NeuralRegressor
    >>> from sklloss.training import FitCheckpoint
    >>> X, y = load_diabetes(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = FitCheckpoint(Path(folder) / "fit.checkpoint")
    ...     model = NeuralRegressor(callbacks=[kept], random_state=0).fit(X, y)
    >>> len(model.members_)
    8
    """

    path: Any
    seconds: float = field(default=SECONDS, kw_only=True)

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Raise a ValueError, because a plain skorch net cannot resume.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        X, y : object, default=None
            Ignored.
        **kwargs
            Ignored.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(
            f"FitCheckpoint is for estimators of sklloss, but {type(net).__name__} is a net"
            " of skorch. Use skorch.callbacks.Checkpoint and LoadInitState."
        )

    @contextmanager
    def opened(self, estimator: Any, data: Mapping[str, Any]) -> Iterator[KeptFile]:
        """Lock the file for this process while an estimator is fitted.

        Parameters
        ----------
        estimator : estimator
            The estimator that is fitted.
        data : dict
            The data of the fit by name.

        Yields
        ------
        KeptFile
            The file, from which training resumes and to which it writes.

        Raises
        ------
        OSError
            If another fit is using the file.
        """
        self._check(estimator)
        path = checked_path(self.path, "FitCheckpoint")
        lock = FileLock(path.with_name(f"{path.name}.lock"))
        if not lock.acquire():
            raise OSError(
                f"{path} is being written by another fit, here or in another process. Wait for it,"
                " or give each fit a path of its own."
            )
        try:
            yield KeptFile(path, self.seconds, parts_of(estimator, data), estimator.random_state)
        finally:
            lock.release()

    def _check(self, estimator: Any) -> None:
        if not (isinstance(self.seconds, int | float) and self.seconds >= 0):
            raise ValueError(f"FitCheckpoint needs seconds >= 0; got {self.seconds!r}.")
        for callback in map(callback_of, estimator.callbacks):
            if not (callback is self or isinstance(callback, STATELESS)):
                name = getattr(callback, "__name__", type(callback).__name__)
                raise ValueError(
                    f"FitCheckpoint cannot keep the state of the callback {name}, without which a"
                    " fit cannot resume. Leave one of the two out."
                )


class KeptFile(KeptFit):
    """The file of one fit.

    Parameters
    ----------
    path : Path
    seconds : float
        Between two states.
    parts : mapping
        What the fit is known by.
    random_state : object
        That of the estimator.
    """

    def __init__(self, path: Path, seconds: float, parts: Parts, random_state: Any) -> None:
        self._path, self._parts, self._clock = path, parts, Clock(seconds)
        self._new = path.with_name(f"{path.name}.new")
        found = read(path) if path.exists() else None
        if found is not None and not found["is_over"]:
            check_same(path, found["parts"], parts)
        is_same = found is not None and found["parts"] == parts
        self._found = found if is_same and self._is_wanted(found, random_state) else None
        if self._found is not None:
            self.seeds = tuple(self._found["seeds"])

    @staticmethod
    def _is_wanted(found: Any, random_state: Any) -> bool:
        """Return whether a fit is to go on, or to be returned, instead of another being drawn."""
        return not found["is_over"] or random_state is not None

    def pauses(self) -> list[Pause | None] | None:
        """Return where the members stand, None where the fit begins."""
        return None if self._found is None else pauses_of_plain(self._found["pauses"])

    def wants_state(self) -> bool:
        """Return whether a state is due."""
        return self._clock.is_due()

    def save(self, pauses: Pauses) -> None:
        """Write where the members stand; the old file is replaced once the new one is whole."""
        is_over = all(pause is not None and pause.is_over for pause in pauses)
        held = {"seeds": self.seeds, "is_over": is_over, "pauses": plain_pauses(pauses)}
        try:
            write(self._path, self._new, {"parts": self._parts, **held})
        except OSError as error:
            with suppress(OSError):
                self._new.unlink()
            raise CheckpointError(
                error.errno,
                f"{self._path} can no longer be written ({error.strerror}); the previous"
                " state is complete. Make room, and call fit again to resume from there.",
            ) from error
        self._clock.begin_anew()


def callback_of(item: Any) -> Any:
    """Return the callback of an item of a list of them, which may be a pair of a name and it."""
    return item[1] if isinstance(item, tuple | list) else item


def is_list(callbacks: Any) -> bool:
    """Return whether callbacks are given as what skorch takes; others are refused elsewhere."""
    return isinstance(callbacks, list | tuple)


def fit_checkpoint_of(callbacks: Any) -> FitCheckpoint | None:
    """Return the first FitCheckpoint among callbacks."""
    given = callbacks if is_list(callbacks) else ()
    return next((c for c in map(callback_of, given) if isinstance(c, FitCheckpoint)), None)


def without_checkpoint(callbacks: Any) -> Any:
    """Return the callbacks that a net receives, None where there are no others."""
    if not is_list(callbacks):
        return callbacks
    return [c for c in callbacks if not isinstance(callback_of(c), FitCheckpoint)] or None


def parts_of(estimator: Any, data: Mapping[str, Any]) -> Parts:
    """Return what a fit is known by: its data, its parameters and the versions of libraries."""
    params = estimator.get_params(deep=False)
    params["callbacks"] = without_checkpoint(params["callbacks"])
    shown = {name: described(value) for name, value in params.items() if name != "verbose"}
    of_data: dict[str, str] = {}
    for name, value in data.items():
        if value is not None:
            of_data |= described_data(name, value)
    of_estimator = {"class": described(type(estimator)), **shown}
    return {"data": of_data, "estimator": of_estimator, "versions": versions()}
