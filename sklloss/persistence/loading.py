"""load: an estimator from a file, without running code of its writer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .codecs import CODECS
from .container import Content, DamagedFileError, parsed, read
from .graph import Reader, nodes_in
from .objects.foreign import untrusted_of
from .objects.own import UntrustedNamesError, check_trusted, full_name
from .saving import explained, path_of


def load(path: str | os.PathLike[str], *, trusted: Iterable[str] = ()) -> Any:
    """Read an estimator that `save` has written.

    No code of the file runs, whoever wrote it: it holds numbers, texts and names.  Names stand for
    classes of sklloss, torch, skorch and scikit-learn that compute; any other is imported only if
    it is in `trusted`.

    Parameters
    ----------
    path : str or path
    trusted : list of str, default=()
        Full names of own modules, losses, callbacks, functions and types that the file may use, such
        as ``["mypackage.Net"]``.  Importing them runs their code.

    Returns
    -------
    estimator
        Its answers have the bits of those of the saved one.

    Raises
    ------
    ValueError
        If the file is damaged, from elsewhere, from a newer version of the format, or uses names
        that are not trusted; the message lists them.
    OSError
        If it cannot be read.
    ImportError
        If what it names, or skops, is not installed.

    See Also
    --------
    save : Writes the file, with an example.
    """
    names = _trusted_names(trusted)
    target = path_of(path)
    try:
        data = read(target)
    except OSError as error:
        raise explained(error, target, "read") from error
    except DamagedFileError as error:
        raise ValueError(f"{target!r} cannot be loaded: {error}.") from error
    try:
        content = parsed(data)
        # All at once, and before anything is built.
        check_trusted(_names_needed(content), names)
        return _estimator(content, names)
    except UntrustedNamesError as error:
        raise ValueError(f"{target!r} is not loaded. {error}") from None
    except ImportError:
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(
            f"{target!r} cannot be loaded: {reason[:300].rstrip('.')}. It is damaged, or was made by"
            " something else than sklloss.save."
        ) from error


def _trusted_names(trusted: Any) -> frozenset[str]:
    if isinstance(trusted, str) or not isinstance(trusted, Iterable):
        raise TypeError(f"trusted is a list of names, such as ['mypackage.Net']; got {trusted!r}.")
    names = frozenset(trusted)
    for each in names:
        if not isinstance(each, str):
            raise TypeError(f"trusted is a list of names as str; it has {each!r}.")
    return names


def _names_needed(content: Content) -> Iterator[str]:
    """Yield the names of others that a file uses."""
    for kind, payload in nodes_in(content.manifest):
        if kind == "own":
            yield full_name(*payload)
        if kind == "skops":
            name, key = payload
            yield from untrusted_of(name, content.arrays[key].tobytes())


def _estimator(content: Content, trusted: frozenset[str]) -> Any:
    arrays: Mapping[str, np.ndarray] = content.arrays
    found = Reader(CODECS, arrays, trusted).value(content.manifest)
    if not isinstance(found, BaseEstimator):
        raise DamagedFileError("it holds no estimator")
    return found
