"""Tables: rows of numbers, raw tables with categories, and arrays for networks of one's own."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, ClassVar, Self

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import InputTags, check_consistent_length
from sklearn.utils.validation import validate_data

from ...parameters.refusals import count
from ...training import Encoding, TableEncoding, learn_encoding
from .base import Inputs, copy_of, encoding_of
from .column_values import floats_of
from .columns import with_columns_named
from .data import Checked, FitData, LearnedInputs
from .frames import Columns, NumberColumn, as_frame
from .sample import Sample

MOST_NAMED = 5

# Sparse tables up to this many columns give the networks of dense ones, constant columns included.
MANY_COLUMNS = 10_000


@dataclass(frozen=True)
class Table(Inputs):
    """Tables: numbers, dense or sparse, and DataFrames of numbers, categories and dates.

    Attributes
    ----------
    numeric_encoding : str
        How numbers are encoded.
    categorical_features : tuple or None
        The columns that hold categories whatever their dtype.
    """

    numeric_encoding: str = "standard"
    categorical_features: tuple[Any, ...] | None = None
    takes_any_floats: ClassVar[bool] = True

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """Return the tables that an estimator takes, given its parameters."""
        given = getattr(estimator, "categorical_features", None)
        by_dtype = given is None or (isinstance(given, str) and given == "from_dtype")
        named = None if by_dtype else tuple(np.asarray(given).ravel().tolist())
        return cls(numeric_encoding=encoding_of(estimator), categorical_features=named)

    def encodes(self) -> bool:
        """True."""
        return True

    def alike(self) -> Hashable:
        """The same for every encoding: stacks group by how wide the encoded rows are."""
        return type(self), self.batch

    def tag(self, tags: InputTags) -> None:
        """Two axes, dense or sparse, with missing values and categories."""
        tags.sparse = tags.allow_nan = tags.categorical = True

    def options(self, X: Any) -> dict[str, Any]:
        """Let missing values pass."""
        return {**super().options(X), "ensure_all_finite": "allow-nan"}

    def opened(self, X: Any) -> Any:
        """Return a table of numbers as scikit-learn takes it; refuse more axes."""
        if len(getattr(X, "shape", ())) > 2:
            raise ValueError(
                f"Found array with dim {len(X.shape)}, while dim <= 2 is required: module='mlp'"
                f" takes tables, and X has the shape {tuple(X.shape)}. For images set module='cnn';"
                " or flatten them, X.reshape(len(X), -1)."
            )
        if getattr(X, "shape", ())[1:] == (0,):
            raise ValueError(
                f"Found array with 0 feature(s) (shape={tuple(X.shape)}) while a minimum of 1 is"
                " required. Give X at least one column."
            )
        if isinstance(X, Mapping) and not sparse.issparse(X):
            raise _no_table(X)
        if type(X).__name__ == "RecordBatch":
            X = X.to_pandas()
        if isinstance(X, np.ma.MaskedArray) and X.dtype.kind in "fiub":
            return np.where(np.ma.getmaskarray(X), np.nan, X.data) if np.ma.is_masked(X) else X.data
        frame = None if _is_plain(X) else as_frame(X)
        if frame is not None and all(
            dtype.is_numeric() or dtype == nw.Boolean for dtype in frame.schema.values()
        ):
            # The bits of an array of these numbers, whichever library they come from.
            columns = {
                series.name: floats_of(series.name, series) for series in frame.iter_columns()
            }
            return pd.DataFrame(columns)
        return X

    def checked(
        self,
        owner: Any,
        data: FitData,
        y_options: Mapping[str, Any] | None = None,
        learned: Any = None,
    ) -> Checked:
        """Check X; a raw table becomes numbers."""
        frame = self._raw(data.X, learned)
        if frame is None:
            return super().checked(owner, data, y_options, learned)
        probe = owner if learned is not None else copy_of(owner)
        validate_data(probe, data.X, reset=learned is None, skip_check_array=True)
        if not len(frame):
            raise ValueError(
                f"Found array with 0 sample(s) while a minimum of 1 is required by"
                f" {type(owner).__name__}."
            )
        if learned is None:
            columns = Columns.of(frame, self.categorical_features)
            names = getattr(probe, "feature_names_in_", None)
            shape = (len(columns.n_levels),)
            learned = LearnedInputs(shape, probe.n_features_in_, names, columns)
        columns = learned.raw_columns or Columns(tuple(map(NumberColumn, frame.columns)))
        numbers = columns.numbers(frame)
        _check_finite(numbers, columns.names)
        options = dict(y_options or {})
        if "y" not in options:
            return Checked(numbers, data.y, learned)
        try:
            y = validate_data(copy_of(owner), **options)
            if options.get("y_numeric"):
                y.astype(np.float64, copy=False)  # scikit-learn lets arrays of text pass
        except (TypeError, ValueError, OverflowError) as error:
            if not options.get("y_numeric"):
                raise
            raise with_columns_named(numbers, options["y"], error) from error
        check_consistent_length(numbers, y)
        return Checked(numbers, y, learned)

    def _raw(self, X: Any, learned: Any) -> nw.DataFrame[Any] | None:
        """Return a raw table, None where scikit-learn's check makes numbers of X."""
        is_raw = self.categorical_features is not None
        if is_raw and sparse.issparse(X):
            raise ValueError(
                "categorical_features is for dense tables, and X is sparse. Encode categories with"
                " OneHotEncoder, which gives sparse columns, and leave categorical_features out."
            )
        if learned is not None:
            is_raw = learned.raw_columns is not None
        if not is_raw and _is_plain(X):
            return None
        frame = as_frame(X)
        if frame is None and (is_raw or _has_values_of_columns(X)):
            return _columns_of(X)
        return frame

    def check_continued(self, X: Any, checked: Checked, learned: Any, scaler: Encoding) -> None:
        """Warn of columns that the network does not see, and that vary in these rows."""
        left_out, columns = scaler.left_out(), learned.raw_columns
        if not len(left_out):
            return
        names, known, filled = learned.names, np.full(len(left_out), np.nan), []
        if columns is not None:
            n_levels = np.array(columns.n_levels)[left_out]
            # Of columns whose levels are all rare, fit has warned; the code of a single one is 0.
            left_out = left_out[n_levels <= 2]
            known = np.where(n_levels[n_levels <= 2] > 0, 0.0, np.nan)
            names, filled = columns.names, columns.filled(self._raw(X, learned))
        varying = {*left_out[_vary(checked.X[:, left_out], known)].tolist(), *filled}
        if varying:
            found = sorted(varying)
            _warn_of_new_values([f"x{j}" if names is None else names[j] for j in found])

    def scaler(self, sample: Sample, learned: Any, scales: bool) -> Encoding:
        """Return what encodes the columns."""
        # What is learned of columns does not know classes, nor what they weigh.
        X, row_weight = self.weighted_rows(replace(sample, sample_weight=sample.row_weight))
        encoding, values = self.numeric_encoding, X.data if sparse.issparse(X) else X
        # The least of numbers is NaN where one of them is.
        has_missing = values.size > 0 and bool(np.isnan(values.min()))
        is_plain = learned.raw_columns is None and not has_missing
        if is_plain and encoding in ("standard", "none"):
            scaler = super().scaler(sample, learned, encoding == "standard")
            if not sparse.issparse(X) or not _is_mostly_constant(X, scaler):
                return scaler
        n_levels = learned.raw_columns.n_levels if learned.raw_columns else (0,) * X.shape[1]
        repeats = learned.raw_columns.repeats if learned.raw_columns else None
        found = learn_encoding(X, n_levels, row_weight, encoding, sample.unit, repeats)
        self._check_columns(found, sample, learned)
        return found

    def _check_columns(self, encoding: TableEncoding, sample: Sample, learned: Any) -> None:
        """Warn if no column is left, or of categories that are all rare."""
        varies = np.isfinite(encoding.scale[encoding.numbers]).any()
        used = {*encoding.numbers, *encoding.level_column, *encoding.missing}
        if not varies and not len(encoding.level_column) and not len(encoding.missing):
            warnings.warn(
                f"No column of X can be learned from, with n_samples={sample.n_rows}: all are"
                " constant, missing in all rows, or have no category that occurs in 5 rows."
                " Predictions are a constant.",
                UserWarning,
                stacklevel=2,
            )
            return
        columns = learned.raw_columns
        if columns is None:
            return
        pairs = zip(columns.names, columns.n_levels, strict=True)
        rare = [name for i, (name, levels) in enumerate(pairs) if levels > 2 and i not in used]
        if rare:
            warnings.warn(
                f"X has {count(len(rare), 'column')} without a category that occurs in 5 rows, which"
                f" the network ignores: {', '.join(map(repr, rare))}. Leave ids out, and turn text"
                " into numbers with TokenVectorizer or TfidfVectorizer.",
                UserWarning,
                stacklevel=2,
            )


def _is_mostly_constant(X: Any, scaler: Encoding) -> bool:
    """Return whether X has so many columns without influence that a network is to be spared them.

    A hashed text has a million columns, nearly all of them zero.
    """
    return X.shape[1] > MANY_COLUMNS and 2 * len(scaler.left_out()) > X.shape[1]


def _vary(X: Any, known: np.ndarray) -> np.ndarray:
    """Return which columns have two values, missing ones aside; a known one, not NaN, counts."""
    if sparse.issparse(X):
        low, high = (end.toarray().ravel() for end in (X.nanmin(axis=0), X.nanmax(axis=0)))
    else:
        low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
    return np.fmin(low, known) < np.fmax(high, known)


def _warn_of_new_values(names: list[Any]) -> None:
    listed = ", ".join(map(repr, names[:MOST_NAMED]))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    warnings.warn(
        f"X has {count(len(names), 'column')} whose values the network ignores, because the rows from"
        f" which the encoding was learned had one value there or none: {listed}{more}. Learn"
        " the encoding from rows of all parts of the data, with fit_encoder where there is one, or"
        " fit on all rows.",
        UserWarning,
        stacklevel=2,
    )


def _columns_of(X: Any) -> nw.DataFrame[Any] | None:
    """Return an array or a list of rows as a table, its columns named x0, x1 ..."""
    if sparse.issparse(X):
        raise TypeError(
            "X is sparse, but training had a table with categories, dates or missing values. Give a"
            " DataFrame of these columns."
        )
    given = X if isinstance(X, list | tuple) else np.asarray(X)
    if np.ndim(given) != 2:
        raise _no_table(X)
    return as_frame(pd.DataFrame(given).infer_objects().rename(columns="x{}".format))


def _no_table(X: Any) -> ValueError:
    return ValueError(
        f"X is a {type(X).__name__}, and no table of rows and columns. Give a DataFrame; of one"
        " record, pd.DataFrame([record])."
    )


def _has_values_of_columns(X: Any) -> bool:
    """Return whether an array, or a list of rows, has text or times.

    scikit-learn's check makes no numbers of them.  Of cells that are no values at all its message
    says more.
    """
    if isinstance(X, list | tuple):
        first = X[0] if len(X) and isinstance(X[0], list | tuple) else ()
        return any(isinstance(value, str) for value in first)
    if not (isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "OUSmM"):
        return False
    try:
        X.astype(np.float64)
        return X.dtype.kind in "mM"
    except ValueError:
        return True
    except OverflowError:
        return False
    except TypeError:
        times = date | timedelta | pd.Period
        return any(value is pd.NA or isinstance(value, times) for value in X.flat)


def _is_plain(X: Any) -> bool:
    """Return whether scikit-learn's check makes numbers of X: of arrays, and pandas' own dtypes."""
    if not isinstance(X, pd.DataFrame):
        return sparse.issparse(X) or (isinstance(X, np.ndarray) and X.dtype.kind in "fiub")
    for dtype in X.dtypes:
        of_values = dtype.subtype if isinstance(dtype, pd.SparseDtype) else dtype
        if not (isinstance(of_values, np.dtype) and of_values.kind in "fiub"):
            return False
    return True


def _check_finite(numbers: np.ndarray, names: list[str]) -> None:
    """Raise if a number of a raw table is infinite."""
    wrong = np.isinf(numbers)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"Input X contains infinity or a value too large: column {names[column]!r} in"
            f" {count(int(wrong[:, column].sum()), 'row')}, for example row {row}. Replace it with"
            " NaN, which is taken as missing, or leave the row out."
        )


@dataclass(frozen=True)
class Arrays(Inputs):
    """Any arrays, for a network of your own: ``(n_samples, ...)``; tables may be sparse."""

    takes_any_floats: ClassVar[bool] = True

    def tag(self, tags: InputTags) -> None:
        """Any axes, tables dense or sparse."""
        tags.sparse = tags.three_d_array = True

    def options(self, X: Any) -> dict[str, Any]:
        """Leave whole numbers of more axes as they are."""
        if len(getattr(X, "shape", ())) <= 2:
            return {**super().options(X), "allow_nd": True}
        return {"dtype": "numeric", "allow_nd": True}
