"""save: write an estimator to one file."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from .atomic import write_whole
from .codecs import CODECS
from .container import Content, to_bytes
from .graph import Writer

LIBRARIES = ("sklloss", "torch", "skorch", "scikit-learn", "numpy", "scipy", "pandas", "skops")


def save(
    estimator: Any, path: str | os.PathLike[str], *, oof: bool = True, training: bool | None = None
) -> None:
    """Write an estimator to a file that contains no code.

    `load` returns an estimator whose predictions are bit for bit the same.  The file has the format
    of safetensors, with JSON for everything that is not an array; nothing is pickled.

    Parameters
    ----------
    estimator : estimator
        An estimator of sklloss or scikit-learn, fitted or not; or a Pipeline, ColumnTransformer,
        TransformedTargetRegressor, search, ensemble or other meta-estimator of them.
    path : str or path
        The file.  An existing file is replaced only when the new one is complete.
    oof : bool, default=True
        Whether to keep ``oof_``, one prediction per training row.
    training : bool or None, default=None
        Whether to keep the state of the optimiser, with which `partial_fit` and ``warm_start``
        continue training; for adamw it is twice as large as the weights.  None keeps it if
        ``warm_start`` is set or `partial_fit` was called last.

    Raises
    ------
    TypeError
        If it is not an estimator, or if a part cannot be written: a lambda, a function or class
        defined in ``__main__`` or inside a function, or an object that is not described by its
        attributes.  The message names the part.
    OSError
        If the file cannot be written; an existing file is then unchanged.
    ImportError
        If a step comes from another library and skops is not installed.

    See Also
    --------
    load : Read the file.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import load_diabetes
    >>> from sklloss import NeuralRegressor, load, save
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = NeuralRegressor("huber", max_epochs=5, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.sklloss")
    ...     save(model, path)
    ...     loaded = load(path)
    >>> bool((loaded.predict(X) == model.predict(X)).all())
    True
    """
    if isinstance(estimator, type) or not isinstance(estimator, BaseEstimator):
        raise TypeError(
            "save writes estimators of sklloss and scikit-learn; got"
            f" {estimator if isinstance(estimator, type) else type(estimator)}. Give an instance"
            " such as NeuralRegressor(), or a Pipeline or search around one."
        )
    if training not in (None, True, False) or oof not in (True, False):
        raise ValueError(f"oof is a bool, training a bool or None; got {oof!r}, {training!r}.")
    target = path_of(path)
    writer = Writer(CODECS, oof, training)
    try:
        manifest = writer.node(estimator, type(estimator).__name__)
        data = to_bytes(Content(manifest, writer.arrays), _versions())
    except RecursionError as error:
        raise TypeError(
            f"save cannot write this {type(estimator).__name__}: it is nested too deeply."
        ) from error
    try:
        write_whole(target, data)
    except OSError as error:
        raise explained(error, target, "written") from error


def path_of(path: Any) -> str:
    """Return a path as a str.

    Raises
    ------
    TypeError or ValueError
        If it is none.
    IsADirectoryError
        If it is a folder.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path is a str or a path; got {type(path).__name__}.")
    found = os.fsdecode(path)
    if not found or "\0" in found:
        raise ValueError(f"path is the path of a file; got {found!r}.")
    with suppress(PermissionError):  # Reading or writing says what there is no permission for.
        if Path(found).is_dir():
            raise IsADirectoryError(f"{found!r} is a folder. Give the path of a file in it.")
    return found


def explained(error: OSError, path: str, what: str) -> OSError:
    """Return an error of the system with the path and what to do."""
    # A file is written beside the one it replaces, so the permission is the folder's.
    where = f" to write in the folder {str(Path(os.path.realpath(path)).parent)!r}"
    remedies = {
        FileNotFoundError: "There is no such file or folder",
        PermissionError: f"There is no permission{where if what == 'written' else ''}",
    }
    reason = remedies.get(type(error), error.strerror or str(error))
    kept = " An existing file is unchanged." if what == "written" else ""
    return type(error)(error.errno, f"{path!r} cannot be {what}: {reason}.{kept}")


@cache
def _versions() -> dict[str, str]:
    """Return the versions of the libraries in use."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
