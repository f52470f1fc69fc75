"""Searches opened from a checkpoint, finished or not."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import numpy as np

from ...training.checkpoints.packing import unpack
from ...training.checkpoints.paths import checked_path, path_of_checkpoint
from ..evaluation import table_of
from .database import explained, opened, reading, structured, transaction
from .finished import NotKept, results_of, search_of
from .rivals import is_running

TABLES_OF_SEARCH = ("candidates", "results", "states")


class InCheckpoints:
    """The methods of a search that read and change a checkpoint."""

    @classmethod
    def from_checkpoint(
        cls, path: Any, key: str | None = None, *, trusted: Iterable[str] = ()
    ) -> Self:
        """Open a search from the file of its `checkpoint`.

        A finished search is restored, with ``cv_results_``, ``best_params_`` and, if it was
        refitted, `predict`.  A search that is running or was interrupted has the scores so far in
        ``partial_results_``, a table like ``cv_results_`` whose column ``interrupted`` marks
        unfinished candidates.  The file is not changed, and no code in it is run.

        Parameters
        ----------
        path : str or path
            The file.
        key : str or None, default=None
            Key of the search; required if the file has several.
        trusted : list of str, default=()
            Full names of your own modules, losses and functions that the file may use, as in
            `sklloss.load`.

        Returns
        -------
        LossSearchCV
            The search.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is not a checkpoint of a search, is damaged, was written by a newer version,
            has no search with this key, or has several and no key is given; the message lists them.
        """
        found = path_of_checkpoint(path, cls.__name__)
        with reading(found) as connection, structured(found):
            row = _chosen(connection, found, key)
            many = (row["id"],)
            if row["status"] == "finished":
                search, reason = search_of(row["finished"], trusted)
                if search is not None:
                    return _checked(search, cls)
            else:
                search, reason = search_of(row["parameters"], trusted)
            query = "SELECT * FROM {} WHERE search = ? ORDER BY candidate"
            tables = (connection.execute(query.format(name), many) for name in TABLES_OF_SEARCH[:2])
            facts = unpack(row["facts"])
            results = results_of(facts, *(list(each) for each in tables))
        if search is None:
            warnings.warn(
                f"The estimator of this search is not in {found}, only its scores: {reason}",
                stacklevel=2,
            )
            search = cls(NotKept(reason), {}, return_train_score=facts["return_train_score"])  # type: ignore[call-arg]
        with explained(found), structured(found):
            best = unpack(row["finished"])["best"] if row["status"] == "finished" else None
            return _with_table(_checked(search, cls), results, best)

    @classmethod
    def drop_checkpoint(cls, path: Any, key: str) -> None:
        """Remove a search from a checkpoint.

        Parameters
        ----------
        path : str or path
            The file.
        key : str
            Key of the search.

        Raises
        ------
        ValueError
            If the file has no such search.
        RuntimeError
            If a process is running the search.
        """
        found = checked_path(path, cls.__name__)
        with reading(found) as connection:
            number = _chosen(connection, found, key)["id"]
        if is_running(found, key):
            raise RuntimeError(
                f"A process is running the search {key!r} of {found}. Wait until it ends."
            )
        with closing(opened(found)) as connection, transaction(connection, found):
            connection.execute("DELETE FROM searches WHERE id = ?", (number,))
            for table in TABLES_OF_SEARCH:
                connection.execute(f"DELETE FROM {table} WHERE search = ?", (number,))


def _chosen(connection: Any, path: Path, key: str | None) -> Any:
    """Return the row of a search."""
    rows = connection.execute("SELECT * FROM searches ORDER BY id").fetchall()
    chosen = [row for row in rows if key is None or row["key"] == key]
    if len(chosen) == 1:
        return chosen[0]
    if not rows:
        raise ValueError(f"{path} has no searches. One that has just begun is there soon.")
    shown = "\n".join(_line(connection, row) for row in rows)
    what = f"no search with key {key!r}" if key is not None else "several searches"
    raise ValueError(f"{path} has {what}. Give one of these keys:\n{shown}")


def _line(connection: Any, row: Any) -> str:
    """Return a line about a search, for a list of them."""
    query = "SELECT count(*) FROM {} WHERE search = ?"
    n_candidates, n_fits = (
        connection.execute(query.format(table), (row["id"],)).fetchone()[0]
        for table in TABLES_OF_SEARCH[:2]
    )
    kind = json.loads(row["parts"])["estimator"]["class"].rpartition(".")[2]
    counted = f"{n_candidates} candidates, {n_fits} fits done"
    return f"{row['key']}  {row['status']}, begun {row['begun']}: {kind}, {counted}"


def _checked(search: Any, cls: type) -> Any:
    if not isinstance(search, cls):
        raise ValueError(
            f"The checkpoint has a {type(search).__name__}. Open it with"
            f" {type(search).__name__}.from_checkpoint."
        )
    return search


def _with_table(search: Any, results: Any, best: Any) -> Any:
    """Return a search with the table of its results."""
    with warnings.catch_warnings():
        # Scores are missing, of which scikit-learn would warn.
        warnings.filterwarnings("ignore", "One or more of the", UserWarning)
        table = table_of(search, results)
    if best is None:
        interrupted = np.array([not each for each in results.finished])
        search.partial_results_ = {**table, "interrupted": interrupted}
        return search
    search.cv_results_, search.n_splits_ = table, results.n_splits
    vars(search).update(best)
    if "best_index_" in best:
        search.best_params_ = table["params"][best["best_index_"]]
    return search
