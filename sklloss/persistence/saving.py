"""save: an estimator as one file."""

from __future__ import annotations

import os
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
    """Write an estimator to a file that holds no code.

    `load` returns an estimator whose every answer has the same bits.  The file is one of safetensors,
    with JSON for what is no array; nothing is pickled.

    Parameters
    ----------
    estimator : estimator
        Any of sklloss, fitted or not; a Pipeline, ColumnTransformer, TransformedTargetRegressor, a
        search, an ensemble or another object of scikit-learn around them, or without them.
    path : str or path
        The file.  One that is there is replaced as a whole, once the new one is on the disk.
    oof : bool, default=True
        Whether ``oof_``, one prediction per training row, is kept.
    training : bool or None, default=None
        Whether to keep the state of the optimiser, with which `partial_fit` and ``warm_start`` go on
        where training ended; for adamw it takes twice as much as the weights.  None keeps it where
        ``warm_start`` is set, or where `partial_fit` has trained last.

    Raises
    ------
    TypeError
        If it is no estimator, or if a part cannot be written: a lambda, a function or class that is
        defined in ``__main__`` or inside a function, an object that is more than its attributes.
        The message says which part.
    OSError
        If the file cannot be written; a file that was there is then as it was.
    ImportError
        If a step of another library is inside and skops is missing.

    See Also
    --------
    load : The way back.

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
    if Path(found).is_dir():
        raise IsADirectoryError(f"{found!r} is a folder. Give the path of a file in it.")
    return found


def explained(error: OSError, path: str, what: str) -> OSError:
    """Return an error of the system with the path and what to do."""
    remedies = {
        FileNotFoundError: "There is no such file or folder",
        PermissionError: "There is no permission",
    }
    reason = remedies.get(type(error), error.strerror or str(error))
    kept = " A file that was there is as it was." if what == "written" else ""
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
