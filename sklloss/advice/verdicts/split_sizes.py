"""How many rows the splits of a search test on, for each row that they train on."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import model_selection as splitters

from ...parameters.domains import Interval, check_in_domain

OPEN_UNIT = Interval(0, 1, closed="neither")
# Their test sets are disjoint and together all rows.
PARTITIONS = (
    splitters.KFold,
    splitters.StratifiedKFold,
    splitters.GroupKFold,
    splitters.StratifiedGroupKFold,
    splitters.LeaveOneOut,
    splitters.LeaveOneGroupOut,
)
REPEATED = (splitters.RepeatedKFold, splitters.RepeatedStratifiedKFold)
# Their test_size where none is given, a subclass before its base.
DRAWN = {
    splitters.GroupShuffleSplit: 0.2,
    splitters.ShuffleSplit: 0.1,
    splitters.StratifiedShuffleSplit: 0.1,
}


def ratio_of_rows(search: Any, n_splits: int, test_size: float | None, owner: str) -> float:
    """Return the test rows of a split divided by its training rows.

    Parameters
    ----------
    search : estimator or None
        None where only its table is known.
    n_splits : int
        Of the search.
    test_size : float or None
        The share of the rows that a split tests on, in (0, 1); None reads it from the search.
    owner : str
        Who asks, for messages.

    Raises
    ------
    ValueError
        If `test_size` is outside (0, 1), or is None and the search does not tell.
    """
    if test_size is not None:
        remedy = (
            "It is the share of the rows that a split tests on, 0.1 for 10-fold cross-validation."
        )
        check_in_domain(owner, "test_size", test_size, OPEN_UNIT, remedy)
        return test_size / (1 - test_size)
    ratio = _ratio_of(search, n_splits)
    if ratio is None or not np.isfinite(ratio):
        source = "its table" if not hasattr(search, "cv") else f"cv={search.cv!r}"
        raise ValueError(
            f"{owner} cannot tell from {source} on which share of the rows a split tests. Give"
            " test_size: 0.1 for 10-fold cross-validation, 0.2 for 5-fold."
        )
    return ratio


def _ratio_of(search: Any, n_splits: int) -> float | None:
    if hasattr(search, "split_sizes_"):
        return _ratio_of_sizes(search.split_sizes_)
    if not hasattr(search, "cv"):
        return None
    cv = search.cv
    if cv is None or isinstance(cv, (int, np.integer, *PARTITIONS)):
        return 1 / (n_splits - 1) if n_splits > 1 else None
    if isinstance(cv, REPEATED):
        return 1 / (n_splits / cv.n_repeats - 1)
    if isinstance(cv, splitters.PredefinedSplit):
        cv = list(cv.split())
    if isinstance(cv, list | tuple):
        return _ratio_of_sizes([(_n_rows(train), _n_rows(test)) for train, test in cv])
    return _ratio_of_shares(cv)


def _ratio_of_shares(cv: Any) -> float | None:
    """Return the ratio of a splitter that draws its test rows; None for any other."""
    default = next((share for kind, share in DRAWN.items() if isinstance(cv, kind)), None)
    if default is None:
        return None
    test, train = cv.test_size, cv.train_size
    if test is None and train is None:
        test = default
    if isinstance(test, int) and isinstance(train, int):
        return test / train
    if isinstance(test, int) or isinstance(train, int):
        return None  # The other is a share, or the rest, of a number of rows that nobody knows.
    train = 1 - test if train is None else train
    return (1 - train if test is None else test) / train


def _ratio_of_sizes(sizes: Any) -> float:
    n_train, n_test = np.sum(sizes, axis=0)
    return float(n_test / n_train)


def _n_rows(indices: Any) -> int:
    indices = np.asarray(indices)
    return int(indices.sum()) if indices.dtype == bool else len(indices)
