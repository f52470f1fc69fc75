"""Worker processes of joblib whose search was killed before it could end them."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from joblib.parallel import get_active_backend

from ...training.threads import is_worker

# How often a worker looks whether the process that searches is alive.
SECONDS_BETWEEN_LOOKS = 1.0

# The processes with which this one ends.
_watched: set[int] = set()


def end_with(searching: int) -> None:
    """End this process once the one that searches has died.

    Workers of loky would otherwise wait for tasks for minutes, or for ever: for the rest of a task,
    or to be rid of a result.

    Parameters
    ----------
    searching : int
        The process that searches; where it is this one or no parent, nothing is done.
    """
    if searching in (os.getpid(), *_watched):
        return
    if os.getppid() != searching:
        # A worker of loky is a child of the process that searches, or was before that died.
        if is_worker():
            os._exit(1)
        return
    _watched.add(searching)

    def watch() -> None:
        while os.getppid() == searching:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="sklloss-watch").start()


def ends_from_start() -> dict[str, Any]:
    """Return options of joblib's Parallel by which its workers end with this process.

    Every task has them watch it, but a process can die while it sends them their first. joblib
    starts new workers where these options change, so they are for searches that expect a kill.
    """
    backend, _ = get_active_backend()
    kinds = {kind.__name__ for kind in type(backend).__mro__}
    # An initializer of the user's comes first.
    if "LokyBackend" not in kinds or "initializer" in backend.backend_kwargs:
        return {}
    return {"initializer": end_with, "initargs": (os.getpid(),)}
