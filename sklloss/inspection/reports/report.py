"""report: everything about a search on one page."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ...advice.suggestion.target import check_rows
from ...parameters.refusals import count
from ..candidates import check_is_search
from ..style import require_matplotlib
from .page import html_of
from .sections import Subject, sections_of


def report(
    search: Any,
    path: str | os.PathLike[str] = "report.html",
    *,
    X: Any = None,
    y: Any = None,
    metric: str | None = None,
    test_size: float | None = None,
) -> Path:
    """Write a report about a search: question, data, advice, verdict, tables and pictures.

    The report is one HTML file, which needs no network and no other file.

    Parameters
    ----------
    search : fitted search
        LossSearchCV, GridSearchCV or another with ``cv_results_``.
    path : str or path-like, default="report.html"
        The file to write; an existing file is replaced.
    X, y : array-like or None, default=None
        The data that the search was fitted on.  With both, the report has facts about the data, the
        advice of `suggest_losses`, and pictures of predictions, for which the winner is fitted once
        more on the training rows of the first split and predicts its test rows.
    metric : str or None, default=None
        The metric that decides, if the search has several and `refit` names none.
    test_size : float in (0, 1) or None, default=None
        Share of test rows in a split, if it cannot be taken from the search's ``cv``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TypeError
        If `search` is not a search, or `path` is not a path.
    NotFittedError
        If the search is not fitted.
    ValueError
        If all candidates failed, if there is no such metric, if only one of X and y is given, or if
        they are not those of the search.
    FileNotFoundError, IsADirectoryError, PermissionError
        Before anything is drawn, if the file cannot be written.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklloss import LossSearchCV, NeuralRegressor, report
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> net = NeuralRegressor(n_members=1, max_epochs=10, random_state=0)
    >>> search = LossSearchCV(net, {"loss": ["mse", "mae", "huber"]}, cv=3).fit(X, y)
    >>> report(search, "losses.html", X=X, y=y)  # doctest: +SKIP
    PosixPath('losses.html')
    """
    require_matplotlib("report")
    check_is_search(search, "report")
    if (X is None) != (y is None):
        raise ValueError(
            "report needs X and y together, or neither. Give those of search.fit(X, y)."
        )
    path = _writable(path)
    _check_data(search, X, y)
    subject = Subject.of_search(search, X, y, metric, test_size)
    title = f"Which loss? {subject.kind}, judged by {subject.metric_name}"
    written = datetime.now().astimezone().strftime("%d %B %Y, %H:%M %Z")
    page = html_of(title, subject.verdict, sections_of(subject), f"Written on {written}.")
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise type(error)(
            f"report cannot write {str(path)!r}: {error}. Give another path."
        ) from None
    return path


def _check_data(search: Any, X: Any, y: Any) -> None:
    """Raise if X and y are not what the search was fitted on, as far as it knows."""
    if X is None:
        return
    check_rows(X, y, "report")
    shape, expected = np.shape(X), getattr(search, "n_features_in_", None)
    if expected is not None and len(shape) == 2 and shape[1] != expected:
        raise ValueError(
            f"report needs the X of search.fit(X, y), which had {count(expected, 'feature')}; got"
            f" {shape[1]}."
        )


def _writable(given: Any) -> Path:
    """Return a path at which a file can be written, or raise."""
    path = Path(given) if isinstance(given, str | os.PathLike) else None
    if path is None or "\0" in str(path):
        raise TypeError(
            f"report needs a path, as text or a pathlib.Path; got {given!r}. It writes"
            " 'report.html' where none is given."
        )
    folder = path.parent
    if path.is_dir():
        raise IsADirectoryError(
            f"report writes a file, and {str(path)!r} is a folder. Name a file in it, such as"
            f" {str(path / 'report.html')!r}."
        )
    if not folder.is_dir():
        raise FileNotFoundError(
            f"report cannot write {str(path)!r}, because there is no folder {str(folder)!r}. Make"
            " it first, or give another path."
        )
    place = path if path.exists() else folder
    if not os.access(place, os.W_OK):
        raise PermissionError(
            f"report may not write {str(path)!r}: {str(place)!r} is read-only for this user. Give"
            " another path."
        )
    return path
