"""Align rows from other sources with the columns that an estimator was fitted on."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Literal

import pandas as pd

from ...parameters.names import did_you_mean
from ...parameters.refusals import count
from .features import Features
from .given_rows import GivenRows
from .values import Misfit, fitted_to, unseen_in

# How many wrong values an error shows, and how many columns.
SHOWN, MOST_NAMES = 5, 20

CHOICES = {
    "absent": ("error", "fill"),
    "surplus": ("drop", "error"),
    "unseen": ("ignore", "error"),
}


def align_columns(
    estimator: Any,
    rows: Any,
    *,
    columns: Sequence[Hashable] | None = None,
    absent: Literal["error", "fill"] = "error",
    surplus: Literal["drop", "error"] = "drop",
    unseen: Literal["ignore", "error"] = "ignore",
) -> pd.DataFrame:
    """Convert rows from JSON, SQL or a DataFrame to the columns that an estimator was fitted on.

    Columns may be in any order.  None, NaN, NaT and ``pd.NA`` become the missing value of training.
    Numbers and dates given as strings, booleans and codes are converted to the type of their
    column.  A value that cannot be converted raises an error with its row and column.

    Parameters
    ----------
    estimator : estimator
        An estimator that was fitted on a table: one of sklloss or scikit-learn, or a Pipeline,
        ColumnTransformer, TransformedTargetRegressor or refitted search of them.
    rows : list of dicts, dict of lists, str, cursor, list of tuples, DataFrame or array
        One row or many: records (dicts, ``sqlite3.Row`` or named tuples), values by column, JSON
        text of either or with one record per line, the cursor of a database after ``execute``,
        tuples with `columns`, a table of pandas, polars, pyarrow or any library with Arrow's C
        stream, or an array.
    columns : sequence of str or None, default=None
        Column names for rows without names, such as tuples.  None takes them from a cursor; for
        other rows it means the columns of training, in their order.
    absent : {"error", "fill"}, default="error"
        What to do if rows lack a column of training: raise an error that names all such columns, or
        fill in missing values.  A value of None is not absent.
    surplus : {"drop", "error"}, default="drop"
        What to do with columns that training did not have.
    unseen : {"ignore", "error"}, default="ignore"
        What to do with a category that did not occur in training: leave it to the encoder, which
        has its own rule for unknown categories, or raise an error with its position.

    Returns
    -------
    DataFrame of shape (n_samples, n_features_in_)
        The rows, with the columns of training in their order, and the index of `rows` if that is a
        pandas DataFrame.  Converted numbers are float64, dates datetime64 in the time zone of
        training, durations timedelta64 and categories objects.  Training rows give the same
        predictions as in training.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If the estimator was not fitted on the columns of a table, or `rows` has no accepted form.
    ValueError
        If a column is absent, or a value does not have the type of its column in training.

    Notes
    -----
    The type of a column is known from the network, encoder, imputer or other transformer that takes
    it first.  A column that goes to your own transformer, or to a step that accepts any type, is
    not converted; its missing values become NaN.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklloss import NeuralRegressor
    >>> from sklloss.estimators.alignment.align import align_columns
    >>> homes = pd.DataFrame({"area": [80.0, None, 50.0] * 9, "kind": ["flat", "house", None] * 9})
    >>> model = NeuralRegressor(random_state=0).fit(homes, [3.0, 4.0, 2.0] * 9)
    >>> align_columns(model, '[{"kind": null, "area": "65"}, {"kind": "flat", "area": null}]')
       area  kind
    0  65.0   NaN
    1   NaN  flat
    >>> align_columns(model, {"kind": ["flat"], "area": ["large"]})
    Traceback (most recent call last):
    ValueError: rows do not fit what NeuralRegressor was fitted on, in 1 value. Row 0, column
    'area': 'large' is not a number. Rows are counted from 0. Correct it, or give None for a missing
    value.
    """
    for name, value in (("absent", absent), ("surplus", surplus), ("unseen", unseen)):
        _check_choice(name, value)
    features, who = Features.of(estimator), type(estimator).__name__
    given = GivenRows.of(rows, columns, features.names)
    if not given.columns and not given.n_rows:
        given = GivenRows({name: [] for name in features.labels}, 0, named=features.is_named)
    names = _names_of(given, features, who)
    _check_names(given, names, who, absent, surplus)
    index = pd.RangeIndex(given.n_rows) if given.index is None else given.index
    found: list[pd.Series] = []
    misfits: list[tuple[Misfit, Hashable]] = []
    for column, feature in zip(names, features.columns, strict=True):
        values = given.columns.get(column, [None] * given.n_rows)
        series, wrong = fitted_to(feature, values, index)
        wrong += unseen_in(feature, series, wrong) if unseen == "error" else []
        found.append(series)
        misfits += [(each, column) for each in wrong]
    _check_values(misfits, who)
    return pd.DataFrame(dict(enumerate(found)), index=index).set_axis(features.labels, axis=1)


def _check_choice(name: str, value: Any) -> None:
    first, second = CHOICES[name]
    if not isinstance(value, str) or value not in (first, second):
        raise ValueError(f"{name} needs to be {first!r} or {second!r}; got {value!r}.")


def _names_of(given: GivenRows, features: Features, who: str) -> list[Hashable]:
    """Return the names under which the rows have the columns of training, in their order."""
    n_features = len(features.columns)
    if given.named and features.names is not None:
        return list(features.names)
    if given.named:
        has_positions = sorted(given.columns, key=str) == sorted(range(n_features), key=str)
        if not has_positions:
            raise ValueError(
                f"These rows have names ({', '.join(map(repr, list(given.columns)[:5]))} ...), and"
                f" {who} was fitted on columns without names, so nothing shows which column is"
                " which. Fit it on a DataFrame; or give tuples in the order of training."
            )
        return list(range(n_features))
    if len(given.columns) != n_features:
        names = features.names or ()
        of_names = f": {', '.join(map(repr, names[:MOST_NAMES]))}" if names else ""
        raise ValueError(
            f"Each row has {count(len(given.columns), 'value')} without names, and {who} was fitted"
            f" on {count(n_features, 'column')}{of_names}. Give as many in that order, or their"
            " names with columns=[...]."
        )
    return list(given.columns)


def _check_names(
    given: GivenRows, names: Sequence[Hashable], who: str, absent: str, surplus: str
) -> None:
    """Raise where columns are absent, or too many."""
    others = [name for name in given.columns if name not in set(names)]
    missing = [name for name in names if name not in given.columns]
    if missing and absent == "error":
        hints = [did_you_mean(name, others, 1) for name in missing] if others else []
        hint = " ".join(dict.fromkeys(filter(None, hints)))
        raise ValueError(
            f"rows lack {_listed(missing)}, of {count(len(names), 'column')} that {who} was fitted"
            f" on. {hint}{' ' if hint else ''}Add what is absent, with None for"
            " missing values, or set absent='fill'."
        )
    in_some = {name: rows for name, rows in given.absent.items() if name in set(names)}
    if in_some and absent == "error":
        said = "; ".join(
            f"{name!r} is absent in {count(len(rows), 'row')}, for example row {rows[0]}"
            for name, rows in list(in_some.items())[:MOST_NAMES]
        )
        raise ValueError(
            f"Some rows lack columns that others have: {said}. Rows are counted from 0. Add them,"
            " with None for missing values, or set absent='fill'."
        )
    if others and surplus == "error":
        raise ValueError(
            f"rows have {_listed(others)}, on which {who} was not fitted. Leave out what training"
            " did not have, or set surplus='drop'."
        )


def _listed(names: Sequence[Hashable]) -> str:
    """Return columns by name, as in ``the columns 'a', 'b'``."""
    more = len(names) - MOST_NAMES
    listed = ", ".join(map(repr, names[:MOST_NAMES]))
    rest = f" and {count(more, 'other')}" if more > 0 else ""
    return f"the column{'s' if len(names) > 1 else ''} {listed}{rest}"


def _check_values(misfits: list[tuple[Misfit, Hashable]], who: str) -> None:
    """Raise if a value does not fit, with the first of them in the order of rows."""
    if not misfits:
        return
    first = sorted(misfits, key=lambda each: each[0].row)[:SHOWN]
    said = "; ".join(f"row {each.row}, column {name!r}: {each.says}" for each, name in first)
    more = len(misfits) - len(first)
    rest = f"; and {count(more, 'other')}" if more else ""
    only_unseen = all(each.is_unseen for each, _ in misfits)
    one = len(misfits) == 1
    remedy = (
        "Correct them, or set unseen='ignore'"
        if only_unseen
        else "Correct them, or give None for missing values"
    )
    remedy = (
        remedy.replace("them", "it").replace("missing values", "a missing value") if one else remedy
    )
    raise ValueError(
        f"rows do not fit what {who} was fitted on, in {count(len(misfits), 'value')}."
        f" {said[0].upper()}{said[1:]}{rest}. Rows are counted from 0. {remedy}."
    )
