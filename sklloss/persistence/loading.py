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
    """Load an estimator from a file that `save` wrote.

    No code in the file is run, whoever wrote it: it holds numbers, strings and names.  Names refer
    to estimators, losses and modules of sklloss, torch, skorch and scikit-learn; any other name is
    imported only if it is in `trusted`.

    Parameters
    ----------
    path : str or path
        The file.
    trusted : list of str, default=()
        Full names of your own modules, losses, callbacks, functions and types that the file may
        use, such as ``["mypackage.Net"]``.  Importing them runs their code.

    Returns
    -------
    estimator
        Its predictions are bit for bit those of the saved estimator.

    Raises
    ------
    ValueError
        If the file is damaged, was not written by `save`, has a newer version of the format, or
        uses names that are not trusted; the message lists them.
    OSError
        If the file cannot be read.
    ImportError
        If a package that the file needs is not installed, such as skops.

    See Also
    --------
    save : Write the file.

    Examples
    --------
    >>> import tempfile
    >>> from sklloss import NeuralRegressor, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(NeuralRegressor("huber"), f"{folder}/model.sklloss")
    ...     model = load(f"{folder}/model.sklloss")
    >>> model.loss
    'huber'
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
            " something other than sklloss.save."
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
