"""Which rows train and which decide the best epoch."""

from __future__ import annotations

import numbers
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from ...training import generator
from ...training.seeds import SEED_LIMIT, derived_seed

# Members hold out a fold each, of so many.
N_FOLDS = 8
# Above so many rows, members keep the places of rows as numbers of 32 bits, in half the memory.
MANY_ROWS = 2**20
# As many rows as a part has at least, unless its rows are given one by one.
LEAST = 2
# Training and validation rows.
Parts = tuple[np.ndarray, np.ndarray]


class Split(NamedTuple):
    """Rows by what they do in a fit.

    Attributes
    ----------
    train : ndarray of shape (n_train,)
        Rows that train.
    valid : ndarray of shape (n_valid,) or None
        Validation rows, which decide the best epoch.
    fold : ndarray of shape (n_fold,) or None
        All rows that a member holds out as its fold, validation rows among them; None where folds
        are not what is held out.
    """

    train: np.ndarray
    valid: np.ndarray | None
    fold: np.ndarray | None = None


def fold_splits(
    y: np.ndarray, stratify: bool, seed: int, n_members: int, noun: str = "row"
) -> list[Split]:
    """Split rows so that each member holds out a fold, all of them as many rows.

    Folds have their share of every class, or of every decile of y.  Rows of a class that has fewer
    than there are folds train every member; where all have fewer, those of one row.  Where folds
    differ by a row, members leave one out, so that all train and are judged on equally many.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_targets)
        Targets of the rows whose weight is not 0.
    stratify : bool
        Whether y is one class per row.
    seed : int
        Where the folds come from.
    n_members : int
        Member k holds out fold k, counted round.
    noun : str, default="row"
        What messages call a row.

    Raises
    ------
    ValueError
        If there are too few rows.
    """
    if len(y) < 2:
        raise _nothing_to_hold_out(len(y), noun)
    order = torch.randperm(len(y), generator=generator(seed, "folds")).numpy()
    order = order.astype(index_type(len(y)), copy=False)
    stratum = _strata(y, stratify)[order]
    spread = order[np.argsort(stratum, kind="stable")]
    counts = np.bincount(stratum)
    least = next(n for n in (N_FOLDS, 2, 1) if counts.max() >= n) if stratify else 0
    held = spread[(counts >= least)[np.sort(stratum)]]
    n_folds = min(N_FOLDS, len(held))
    fold = np.full(len(y), -1, dtype=np.int8)
    fold[held] = np.arange(len(held)) % n_folds
    n_valid, n_train = len(held) // n_folds, len(y) - -(-len(held) // n_folds)
    if n_train < LEAST:
        raise _too_few(n_train, n_valid, noun)
    of_order = fold[order]

    def split(k: int) -> Split:
        train, own = order[of_order != k][:n_train], order[of_order == k]
        valid, own = np.sort(own[:n_valid]), np.sort(own)
        return Split(np.sort(train), own if len(own) == n_valid else valid, own)

    of_folds = [split(k) for k in range(min(n_folds, n_members))]
    return [of_folds[k % n_folds] for k in range(n_members)]


def index_type(n_rows: int) -> type[np.signedinteger]:
    """Return the type of the places of rows: 32 bits where they are many, 64 elsewhere."""
    return np.int32 if MANY_ROWS < n_rows <= np.iinfo(np.int32).max else np.int64


def _strata(y: np.ndarray, stratify: bool) -> np.ndarray:
    """Return the class of every row, or its decile of the first target."""
    if stratify:
        return np.unique(y[:, 0], return_inverse=True)[1]
    order = np.argsort(y[:, 0], kind="stable")
    stratum = np.empty(len(y), dtype=np.int8)
    stratum[order] = np.arange(len(y)) * 10 // len(y)
    return stratum


def _nothing_to_hold_out(n_rows: int, noun: str) -> ValueError:
    return ValueError(
        f"early_stopping needs validation {noun}s, but there is only {n_rows} {noun}. Give several"
        f" {noun}s, or set early_stopping=False."
    )


def validation_split(
    validation_fraction: Any,
    y: np.ndarray,
    kept: np.ndarray,
    n_rows: int,
    stratify: bool,
    seed: int,
    noun: str = "row",
) -> Split:
    """Split rows into those that train and those that validate.

    Parameters
    ----------
    validation_fraction : float, splitter, or pair of index arrays
        A share in (0, 1); an object with ``split(X, y)``, whose first split is taken; or indices of
        training and of validation rows in the X that `fit` received.
    y : ndarray of shape (n_samples, n_targets)
        Targets of the rows whose weight is not 0.
    kept : ndarray of shape (n_samples,)
        Where these rows stood in the X that `fit` received.
    n_rows : int
        How many rows that X had.
    stratify : bool
        Whether a share takes as much of every class (where each has at least two rows).
    seed : int
        The model's seed.
    noun : str, default="row"
        What messages call a row.

    Raises
    ------
    ValueError
        If it is none of these, one of the two is empty, they overlap, or there are too few rows.
    """
    if len(y) < 2:
        raise _nothing_to_hold_out(len(y), noun)
    if gives_rows(validation_fraction):
        return Split(*_of_positions(validation_fraction, kept, n_rows, noun))
    if isinstance(validation_fraction, numbers.Real):
        train, valid = _by_share(float(validation_fraction), y, stratify, seed, noun)
    elif hasattr(validation_fraction, "get_n_splits"):
        found = _by_splitter(validation_fraction, y, kept, n_rows, noun)
        train, valid = _of_positions(found, kept, n_rows, noun)
    else:
        raise ValueError(
            "validation_fraction needs to be a number in (0, 1), a splitter such as ShuffleSplit,"
            f" or a pair of index arrays (train, valid); got {validation_fraction!r}."
        )
    if min(len(train), len(valid)) < LEAST:
        raise _too_few(len(train), len(valid), noun)
    return Split(train, valid)


def gives_rows(validation_fraction: Any) -> bool:
    """Return whether a pair says which rows train and which validate."""
    return isinstance(validation_fraction, tuple | list) and len(validation_fraction) == 2


def _too_few(n_train: int, n_valid: int, noun: str) -> ValueError:
    return ValueError(
        f"early_stopping needs at least {LEAST} training and {LEAST} validation {noun}s; there"
        f" would be {n_train} and {n_valid}. Give more {noun}s, another validation_fraction, such"
        " as a pair of index arrays (train, valid), or set early_stopping=False."
    )


def _of_positions(pair: Any, kept: np.ndarray, n_rows: int, noun: str) -> Parts:
    train, valid = (_positions(part, kept, n_rows, noun) for part in pair)
    _check_both(train, valid)
    return train, valid


def _by_splitter(
    splitter: Any, y: np.ndarray, kept: np.ndarray, n_rows: int, noun: str
) -> tuple[Any, Any]:
    """Show a splitter as many rows as `fit` received, so that its indices mean these."""
    labels = np.zeros((n_rows, y.shape[1]), dtype=y.dtype)
    labels[kept] = y
    labels = labels[:, 0] if y.shape[1] == 1 else labels
    try:
        return next(iter(splitter.split(np.zeros((n_rows, 1)), labels)))
    except StopIteration:
        why = "it gives no split"
    except (TypeError, ValueError) as error:
        why = str(error).splitlines()[0]
    raise ValueError(
        f"validation_fraction={splitter!r} cannot split {n_rows} {noun}s ({why}). Use KFold or"
        " ShuffleSplit, which need neither labels nor groups, or give a pair of index arrays"
        " (train, valid)."
    )


def _by_share(share: float, y: np.ndarray, stratify: bool, seed: int, noun: str) -> Parts:
    n_valid = int(np.ceil(share * len(y))) if 0 < share < 1 else len(y)
    if n_valid >= len(y):
        raise ValueError(
            f"validation_fraction needs to be in (0, 1) and leave {noun}s to train on; got"
            f" {share:g} of {len(y)} {noun}s."
        )
    labels = y[:, 0] if stratify and _can_stratify(y[:, 0], n_valid) else None
    random_state = derived_seed(seed, "validation") % SEED_LIMIT
    train, valid = train_test_split(
        np.arange(len(y)), test_size=share, stratify=labels, random_state=random_state
    )
    as_index = index_type(len(y))
    return np.sort(train).astype(as_index), np.sort(valid).astype(as_index)


def _can_stratify(labels: np.ndarray, n_valid: int) -> bool:
    counts = np.unique(labels, return_counts=True)[1]
    return counts.min() >= 2 and min(n_valid, len(labels) - n_valid) >= len(counts)


def _positions(part: Any, kept: np.ndarray, n_rows: int, noun: str) -> np.ndarray:
    part = np.asarray(part)
    if part.ndim != 1 or not np.issubdtype(part.dtype, np.integer):
        raise ValueError(
            f"validation_fraction as a pair needs two arrays of {noun} indices; got one of dtype"
            f" {part.dtype} and shape {part.shape}."
        )
    if part.size and not (part.min() >= 0 and part.max() < n_rows):
        raise ValueError(
            f"validation_fraction names {noun}"
            f" {part.max() if part.max() >= n_rows else part.min()}; X has {n_rows} {noun}s,"
            " counted from 0."
        )
    return np.flatnonzero(np.isin(kept, part))


def _check_both(train: np.ndarray, valid: np.ndarray) -> None:
    if not len(train) or not len(valid) or len(np.intersect1d(train, valid)):
        raise ValueError(
            "validation_fraction needs two sets that are not empty and share no row; got"
            f" {len(train)} and {len(valid)} rows, {len(np.intersect1d(train, valid))} of them in"
            " both."
        )
