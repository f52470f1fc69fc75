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
    """Write all about a search on one page: question, data, advice, verdict, tables and pictures.

    The page is one file that needs no network and no other file.

    Parameters
    ----------
    search : fitted search
        LossSearchCV, GridSearchCV or another with ``cv_results_``.
    path : str or path-like, default="report.html"
        The file to write; an old one is replaced.
    X, y : data or None, default=None
        What the search was fitted on.  With both, the page has facts about the data, what
        `suggest_losses` advises, and pictures of predictions: the winner is fitted once more, on
        the training rows of the first split, and predicts its test rows.
    metric : str or None, default=None
        The metric that decides, where the search has several and `refit` names none.
    test_size : float in (0, 1) or None, default=None
        Share of the rows that a split tests on, where the search's ``cv`` does not tell it.

    Returns
    -------
    Path
        Where the page is.

    Raises
    ------
    TypeError
        If it is no search, or no path.
    NotFittedError
        If it is not fitted.
    ValueError
        If all candidates have failed, there is no such metric, only one of X and y is given, or
        they are not those of the search.
    FileNotFoundError, IsADirectoryError, PermissionError
        If no file can be written there, which is found before anything is drawn.
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
