"""What a fitted estimator knows of the columns that it was fitted on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from ..inputs.column_values import kind_of_values
from ..inputs.data import LearnedInputs
from ..inputs.frames import CategoryColumn, Column, DateColumn
from ..inputs.missing import is_missing


@dataclass(frozen=True)
class Feature:
    """What is known of a column of training.

    Attributes
    ----------
    kind : {"numbers", "dates", "durations", "categories", "nothing", "anything"}
        What it held; "anything" where the estimator keeps no record of it.
    zone : str or None
        The time zone of dates.
    levels : tuple or None
        Of categories, the values that occurred, as whatever reads them compares them; None where
        they are not known, or where the column holds something else.
    of_kind : str
        What categories are: categories, which is text, numbers, dates or durations.
    missing : object
        What stood for missing values.
    knows_missing : bool
        Whether whatever reads the column takes missing values.
    as_objects : bool
        Whether categories were objects, whatever they are.
    """

    kind: str = "anything"
    zone: str | None = None
    levels: tuple[Any, ...] | None = None
    of_kind: str = "categories"
    missing: Any = np.nan
    knows_missing: bool = True
    as_objects: bool = False


ANYTHING, NUMBERS = Feature(), Feature("numbers")


@dataclass(frozen=True)
class Features:
    """The columns of training.

    Attributes
    ----------
    names : tuple or None
        Their names; None where X was an array.
    columns : tuple of Feature
    """

    names: tuple[Hashable, ...] | None
    columns: tuple[Feature, ...]

    @property
    def is_named(self) -> bool:
        """Whether training had names."""
        return self.names is not None

    @property
    def labels(self) -> pd.Index:
        """The labels of a table: numbers where training had no names."""
        return pd.RangeIndex(len(self.columns)) if self.names is None else pd.Index(self.names)

    @classmethod
    def of(cls, estimator: Any) -> Features:
        """Return the columns that a fitted estimator was fitted on.

        Raises
        ------
        NotFittedError
            If it is not fitted.
        TypeError
            If it is not an estimator of tables.
        """
        if not hasattr(estimator, "fit") or isinstance(estimator, type):
            raise TypeError(
                f"align_columns needs a fitted estimator, Pipeline or search; got {estimator!r}."
            )
        check_is_fitted(estimator)
        if getattr(estimator, "refit", True) is False:
            raise ValueError(
                f"This {type(estimator).__name__} has no best_estimator_, because it was not"
                " refitted. Set refit=True, or with several metrics the name of one."
            )
        reader = _reader_of(estimator)
        n_features, learned = getattr(reader, "n_features_in_", None), _learned(reader)
        if n_features is None or (learned is not None and not isinstance(learned, LearnedInputs)):
            raise _no_table(estimator)
        names = getattr(reader, "feature_names_in_", None)
        known = None if names is None else tuple(names)
        columns = columns_seen_by(estimator, known or (None,) * n_features)
        if known is None:
            known = _own_names(reader)
        return cls(known, tuple(columns))


def _reader_of(estimator: Any) -> Any:
    """Return the first step of Pipelines that takes X itself."""
    while _is_a("Pipeline")(estimator):
        steps = [step for _, step in estimator.steps if step is not None and step != "passthrough"]
        if not steps:
            raise _no_table(estimator)
        estimator = steps[0]
    return estimator


def _no_table(estimator: Any) -> TypeError:
    return TypeError(
        f"align_columns is for tables, and {type(estimator).__name__} was not fitted on the columns"
        " of one."
    )


def _learned(estimator: Any) -> Any:
    """Return what an estimator of ours has learned of X, None for others."""
    return getattr(getattr(estimator, "_learned", None), "inputs", None)


def _own_names(estimator: Any) -> tuple[Hashable, ...] | None:
    """Return names that scikit-learn ignores: whole numbers of a raw table."""
    inputs = _learned(estimator)
    if inputs is None or inputs.raw_columns is None:
        return None
    names = tuple(column.name for column in inputs.raw_columns.columns)
    return None if all(isinstance(name, str) for name in names) else names


# ---------------------------------------------------------------------- estimators

Columns = list[Feature]
Names = Sequence[Hashable]


def columns_seen_by(estimator: Any, names: Names, then: Sequence[Any] = ()) -> Columns:
    """Return what is known of columns by an estimator and by the steps after it.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    names : sequence
        The columns' names, as many as it takes; None for those that have none.
    then : sequence of estimators
        What takes the output of the estimator.
    """
    for has_it, columns_of in READERS:
        if has_it(estimator):
            return columns_of(estimator, names, then)
    # Of somebody else's transformer, which may read dates or text, only its own author knows.
    is_numeric = type(estimator).__module__.startswith("sklearn.") and _takes_numbers(estimator)
    return [NUMBERS if is_numeric else ANYTHING] * len(names)


def _takes_numbers(estimator: Any) -> bool:
    tags = get_tags(estimator)
    taken = tags.input_tags
    return not (tags.no_validation or taken.categorical or taken.string or not taken.two_d_array)


def _of_steps(steps: Sequence[Any], names: Names) -> Columns:
    """Return what a chain of steps knows: the first that changes columns, and those before it."""
    if not steps:
        return [ANYTHING] * len(names)
    return columns_seen_by(steps[0], names, steps[1:])


def _of_pipeline(pipeline: Any, names: Names, then: Sequence[Any]) -> Columns:
    steps = [step for _, step in pipeline.steps if step is not None and step != "passthrough"]
    return _of_steps([*steps, *then], names)


def _of_identity(transformer: Any, names: Names, then: Sequence[Any]) -> Columns:
    return _of_steps(then, names)


def _of_inner(attribute: str) -> Callable[[Any, Names, Sequence[Any]], Columns]:
    def columns_of(estimator: Any, names: Names, then: Sequence[Any]) -> Columns:
        return columns_seen_by(getattr(estimator, attribute), names, then)

    return columns_of


def _of_each(
    fitted_in: Callable[[Any], Sequence[Any]],
) -> Callable[[Any, Names, Sequence[Any]], Columns]:
    def columns_of(estimator: Any, names: Names, then: Sequence[Any]) -> Columns:
        found = [ANYTHING] * len(names)
        for each in fitted_in(estimator):
            found = _merged(found, columns_seen_by(each, names))
        return found

    return columns_of


def _of_union(union: Any, names: Names, then: Sequence[Any]) -> Columns:
    found = [ANYTHING] * len(names)
    for _, transformer in union.transformer_list:
        if transformer not in ("drop", "passthrough"):
            found = _merged(found, columns_seen_by(transformer, names))
    return found


def _of_column_transformer(chooser: Any, names: Names, then: Sequence[Any]) -> Columns:
    found = [ANYTHING] * len(names)
    for label, transformer, columns in chooser.transformers_:
        where = _positions(columns, names)
        if isinstance(transformer, str) and transformer == "drop":
            continue
        own = [names[i] for i in where]
        if _is_identity(transformer):
            of_own = _passed_on(chooser, label, own, then)
        else:
            of_own = columns_seen_by(transformer, own)
        for i, feature in zip(where, of_own, strict=True):
            (found[i],) = _merged([found[i]], [feature])
    return found


def _passed_on(chooser: Any, label: str, names: Names, then: Sequence[Any]) -> Columns:
    """Return what the next step knows of columns that are passed on as they are."""
    if not then:
        return [ANYTHING] * len(names)
    known = getattr(then[0], "feature_names_in_", None)
    if known is None:
        # Side by side in an array, all columns are of one kind.
        first = _of_steps(then, (None,) * getattr(then[0], "n_features_in_", 1))
        return [NUMBERS if all(each == NUMBERS for each in first) else ANYTHING] * len(names)
    of_next = dict(zip(known, _of_steps(then, tuple(known)), strict=True))
    long = bool(getattr(chooser, "verbose_feature_names_out", True))
    return [of_next.get(f"{label}__{name}" if long else name, ANYTHING) for name in names]


def _positions(columns: Any, names: Names) -> list[int]:
    """Return where the columns of a transformer are, as ColumnTransformer names them."""
    if isinstance(columns, slice) and isinstance(columns.start or columns.stop, str):
        first = 0 if columns.start is None else names.index(columns.start)
        last = len(names) if columns.stop is None else names.index(columns.stop) + 1
        return list(range(len(names)))[first : last : columns.step]
    if isinstance(columns, slice):
        return list(range(len(names)))[columns]
    is_one = isinstance(columns, str) or np.isscalar(columns)
    given: list[Any] = [columns] if is_one else list(columns)
    if given and all(isinstance(each, bool | np.bool_) for each in given):
        return [int(i) for i in np.flatnonzero(given)]
    return [names.index(each) if isinstance(each, str) else int(each) for each in given]


def _merged(features: Columns, others: Columns) -> Columns:
    """Return of two readers of each column what the one knows that knows levels, or anything."""
    return [_of_both(a, b) for a, b in zip(features, others, strict=True)]


def _of_both(a: Feature, b: Feature) -> Feature:
    if a.kind == "anything" or (b.levels is not None and a.levels is None):
        return b
    if a.levels is None or b.levels is None or a.of_kind != b.of_kind:
        return a
    # Folds differ in their levels, and encoders may tell None from NaN where a network does not.
    levels = tuple(dict.fromkeys((*a.levels, *b.levels)))
    missing = b.missing if isinstance(a.missing, float) else a.missing
    return replace(a, levels=levels, missing=missing, as_objects=a.as_objects or b.as_objects)


def _of_net(estimator: Any, names: Names, then: Sequence[Any]) -> Columns:
    """Return what an estimator of ours knows."""
    inputs = _learned(estimator)
    if inputs.raw_columns is not None:
        return [_of_column(column) for column in inputs.raw_columns.columns]
    if len(inputs.shape) != 1:
        raise _no_table(estimator)
    return [NUMBERS] * len(names)


def _of_column(column: Column) -> Feature:
    if isinstance(column, DateColumn):
        return Feature("dates", zone=column.zone)
    if isinstance(column, CategoryColumn):
        return Feature("categories", levels=tuple(column.levels), of_kind=column.of_kind)
    return Feature(column.kind)


def _of_encoder(encoder: Any, names: Names, then: Sequence[Any]) -> Columns:
    """Return the categories that an encoder of scikit-learn tells apart."""
    found = []
    for categories in encoder.categories_:
        # NumPy lists times of some units as whole numbers.
        listed = list(categories) if categories.dtype.kind in "mM" else categories.tolist()
        values = [value for value in listed if not is_missing(value)]
        absent = [value for value in listed if is_missing(value)]
        kind = _kind_of(values)
        if kind is None:
            found.append(ANYTHING)
            continue
        missing = absent[0] if absent else np.nan
        how = bool(absent), categories.dtype == object
        found.append(Feature("categories", None, tuple(values), kind, missing, *how))
    return found


def _kind_of(values: list[Any]) -> str | None:
    try:
        return kind_of_values("", values)
    except ValueError:
        return None


def _of_imputer(imputer: Any, names: Names, then: Sequence[Any]) -> Columns:
    """Return what stands for missing values, and the kinds of what replaces them."""
    stands = imputer.missing_values
    missing = stands if is_missing(stands) else np.nan
    keeps = not imputer.add_indicator and len(imputer.get_feature_names_out()) == len(names)
    after = _of_steps(then, names) if keeps else [ANYTHING] * len(names)
    if all(feature == ANYTHING for feature in after):
        kinds = imputer.statistics_.dtype.kind
        after = [NUMBERS if kinds in "fiub" else Feature("categories")] * len(names)
    return [replace(each, missing=missing, knows_missing=True) for each in after]


def _is_identity(transformer: Any) -> bool:
    """Return whether a transformer passes columns on as they are."""
    if isinstance(transformer, str):
        return transformer == "passthrough"
    return type(transformer).__name__ == "FunctionTransformer" and transformer.func is None


def _is_a(*names: str) -> Callable[[Any], bool]:
    """Return a check by the names of classes, so that nothing is imported to make it."""

    def is_it(estimator: Any) -> bool:
        return any(
            cls.__name__ in names and cls.__module__.partition(".")[0] in ("sklearn", "imblearn")
            for cls in type(estimator).__mro__
        )

    return is_it


# Estimators of scikit-learn that give X as it is to each of their `estimators_`.
OF_SEVERAL = (
    *("VotingClassifier", "VotingRegressor", "StackingClassifier", "StackingRegressor"),
    *("MultiOutputClassifier", "MultiOutputRegressor", "OneVsRestClassifier"),
)

READERS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Names, Sequence[Any]], Columns]], ...]
READERS = (
    (lambda e: isinstance(_learned(e), LearnedInputs), _of_net),
    (_is_a("Pipeline"), _of_pipeline),
    (_is_a("ColumnTransformer"), _of_column_transformer),
    (_is_a("FeatureUnion"), _of_union),
    (_is_a("OneHotEncoder", "OrdinalEncoder", "TargetEncoder"), _of_encoder),
    (_is_a("SimpleImputer"), _of_imputer),
    (_is_identity, _of_identity),
    (lambda e: hasattr(e, "best_estimator_"), _of_inner("best_estimator_")),
    (_is_a("TransformedTargetRegressor"), _of_inner("regressor_")),
    (_is_a(*OF_SEVERAL), _of_each(lambda e: e.estimators_)),
    (
        _is_a("CalibratedClassifierCV"),
        _of_each(lambda e: [each.estimator for each in e.calibrated_classifiers_]),
    ),
    (lambda e: hasattr(e, "estimator_"), _of_inner("estimator_")),
)
