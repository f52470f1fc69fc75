"""Documents: what may be given as texts."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from ...parameters.refusals import refuse_rows


def checked_documents(X: Any, *, kind: type | tuple[type, ...] = str) -> list[Any]:
    """Return documents as a list.

    Parameters
    ----------
    X : list, Series, array or other iterable of documents, of shape (n_documents,)
    kind : type or tuple of type, default=str
        What a document is.

    Raises
    ------
    TypeError
        If X is one string or has no order, or if something in it is no document.
    ValueError
        If X is a table.
    """
    if getattr(X, "ndim", 1) != 1:
        raise ValueError(
            f"X has the shape {tuple(X.shape)}, and documents are one column of strings,"
            " (n_documents,). Choose the column, as in X['text'] or X[:, 0]; in a ColumnTransformer"
            " name it by a string, not by a list."
        )
    if isinstance(X, str | bytes | Mapping | Set) or not hasattr(X, "__iter__"):
        raise TypeError(
            "X must be a list, Series or array of strings, one per document; got"
            f" {type(X).__name__}. Put a single document into a list, as in [document]."
        )
    documents = list(X)
    refuse_rows(
        [not isinstance(document, kind) for document in documents],
        "Documents must be strings",
        "are something else",
        "Leave such rows out, or put '' instead of missing documents.",
        example=documents.__getitem__,
        error=TypeError,
    )
    return documents
