"""Searches as bytes: their parameters and, where they are finished, all that they have found."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ...training.checkpoints.packing import pack, unpack
from ..progress import temporary_folder
from ..results import Result, Results
from .records import result_of

NAME = "search.sklloss"
# Splits or seeds of a search: a file that says more means to fill the memory.
MOST = 10**6


class NotKept(BaseEstimator):
    """Stands for an estimator that could not be written to a checkpoint.

    Parameters
    ----------
    reason : str
    """

    def __init__(self, reason: str = "") -> None:
        self.reason = reason

    def fit(self, X: Any, y: Any = None) -> NotKept:
        """Raise: it is only a name."""
        raise ValueError(f"This estimator was not kept in the checkpoint. {self.reason}")

    def score(self, X: Any, y: Any = None) -> float:
        """Raise as `fit` does, so that a search over it says why it fails."""
        self.fit(X, y)
        return np.nan


def packed_search(search: Any) -> bytes:
    """Return a search as bytes; where it cannot be written, why, and which candidate is best."""
    best = {
        name: _plain(getattr(search, name))
        for name in ("best_index_", "best_score_", "refit_time_")
        if hasattr(search, name)
    }
    # Few searches are kept, and all of persistence takes its time to be imported.
    from ...persistence import save

    written = copy.copy(search)
    # A path is no value that a file may hold.
    written.checkpoint = os.fspath(search.checkpoint)
    with temporary_folder() as folder:
        path = folder / NAME
        try:
            save(written, path)
        except (TypeError, ImportError) as error:
            return pack({"search": None, "error": str(error), "best": best})
        return pack({"search": path.read_bytes(), "error": None, "best": best})


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def search_of(data: bytes, trusted: Iterable[str]) -> tuple[Any, str]:
    """Return a search from its bytes, or None and why it could not be written.

    Raises
    ------
    ValueError
        If it uses names that are not trusted.
    """
    from ...persistence import load

    found = unpack(data)
    if found["search"] is None:
        return None, found["error"]
    with temporary_folder() as folder:
        path = folder / NAME
        path.write_bytes(found["search"])
        try:
            return load(path, trusted=trusted), ""
        except ValueError as error:
            # The user knows nothing of this file.
            raise ValueError(str(error).replace(repr(str(path)), "The search")) from None


def results_of(facts: Any, candidates: Iterable[Any], rows: Iterable[Any]) -> Results:
    """Return results from rows of the tables of candidates and of results."""
    numbers = [facts[name] for name in ("n_splits", "n_seeds")]
    if not all(type(each) is int and 0 < each < MOST for each in numbers):
        raise TypeError(f"it has numbers of splits and seeds that are none: {numbers!s:.80}")
    train = np.nan if facts["return_train_score"] else None
    missing = Result((0, 0, 0), None, np.nan, np.nan, np.nan, train)
    results = Results(facts["n_splits"], facts["n_seeds"], missing)
    for row in candidates:
        body = unpack(row["body"])
        more = {name: [value] for name, value in body["more"].items()}
        results.expect([body["params"]], more)
    keys = [((row["candidate"], row["split"], row["seed"]), row["body"]) for row in rows]
    results.add([result_of(key, body) for key, body in keys])
    return results
