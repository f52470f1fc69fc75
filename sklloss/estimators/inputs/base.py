"""Inputs: what X may be, from what a user gives to the rows that a network takes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from sklearn.utils import InputTags
from sklearn.utils.validation import validate_data
from torch import Tensor, nn

from ...modules import build_module, check_widths
from ...training import (
    Augment,
    BatchChange,
    Encoding,
    InputScaler,
    Rows,
    TrainingSet,
    with_entries_added,
)
from .columns import check_names, with_columns_named
from .data import Checked, FitData, LearnedInputs
from .floats import check_kind
from .sample import Sample
from .weights import checked_weights

FLOATS = (np.float64, np.float32)

# Size of X up to which it is checked here: scikit-learn's check takes longer than the prediction.
SMALL = 10_000


@dataclass(frozen=True)
class Inputs:
    """Base of the kinds of X: a frozen value that answers everything that a fit asks about X.

    Attributes
    ----------
    batch : int or None
        Rows per step of ``batch_size="auto"``; None leaves it to the size of the data.
    unit : str
        What is weighed, batched and split as a whole, in messages.
    merges_repeats : bool
        Whether equal rows may be merged, their weights added, where one batch holds all rows.
    stacks : bool
        Whether networks for such rows can be computed as a stack.
    takes_any_floats : bool
        Whether finite floats need no other check.
    names_columns : bool
        Whether columns are known by their names, so that no two may share one.
    """

    batch: int | None = None
    unit: ClassVar[str] = "row"
    merges_repeats: ClassVar[bool] = True
    stacks: ClassVar[bool] = True
    takes_any_floats: ClassVar[bool] = False
    names_columns: ClassVar[bool] = True

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """Return what an estimator takes, given its parameters."""
        return cls()

    def alike(self) -> Hashable:
        """Return what is equal for inputs whose networks may share a stack."""
        return self

    def encodes(self) -> bool:
        """Return whether columns are encoded, so that parameters may say how."""
        return False

    def tag(self, tags: InputTags) -> None:
        """Tell scikit-learn what X may be; two axes if nothing else is said."""

    # ------------------------------------------------------------------ what is given

    def options(self, X: Any) -> dict[str, Any]:
        """Return how scikit-learn's ``validate_data`` is to look at X."""
        return {"accept_sparse": "csr", "dtype": FLOATS}

    def opened(self, X: Any) -> Any:
        """Return X with the axes that the network takes, before its values are looked at."""
        return X

    def check(self, X: Any) -> None:
        """Raise if values mean nothing to the network."""

    def facts(self, X: Any) -> dict[str, Any]:
        """Return what later checks and the network need to know of the training rows."""
        return {}

    def check_alike(self, X: Any, facts: Mapping[str, Any]) -> None:
        """Raise if rows are on another scale than the training rows."""

    def checked(
        self,
        owner: Any,
        data: FitData,
        y_options: Mapping[str, Any] | None = None,
        learned: Any = None,
    ) -> Checked:
        """Check X, and y where `y_options` says how.

        Parameters
        ----------
        owner : estimator
            Named in messages; its tags say whether y is required.
        data : FitData
            With X opened.
        y_options : Mapping or None
            Arguments of ``validate_data`` about y, y among them; none where the target checks y.
        learned : LearnedInputs or None
            What an earlier fit has learned, with which X has to agree.

        Raises
        ------
        ValueError or TypeError
            If X or y is not what the estimator takes.
        """
        X, options = data.X, dict(y_options or {})
        if learned is not None:
            clean = self._clean(X, learned)
            if clean is not None and _is_clean_column(options.get("y"), len(clean)):
                return Checked(clean, data.y, learned)
            check_shape(X, learned.shape, type(owner).__name__)
        check_kind(X, "X")
        probe = owner if learned is not None else copy_of(owner)
        reset = learned is None
        try:
            with np.errstate(invalid="ignore"):  # sums of the largest numbers of both signs
                found = validate_data(probe, X, reset=reset, **self.options(X), **options)
            if options.get("y_numeric"):
                found[1].astype(np.float64, copy=False)  # scikit-learn lets arrays of text pass
        except (TypeError, ValueError, OverflowError) as error:
            numbers = options.get("y") if options.get("y_numeric") else None
            raise with_columns_named(X, numbers, error) from error
        values, y = found if "y" in options else (found, data.y)
        values = with_entries_added(values)
        self.check(values)
        if learned is None:
            names = getattr(probe, "feature_names_in_", None)
            learned = LearnedInputs(tuple(values.shape[1:]), probe.n_features_in_, names)
        else:
            self.check_alike(values, learned.facts)
        return Checked(values, y, learned)

    def weights(self, sample_weight: Any, X: Any) -> np.ndarray:
        """Return one weight per row of the engine."""
        return checked_weights(sample_weight, X)

    def learn(self, sample: Sample, data: FitData, learned: Any, before: Any) -> Any:
        """Return what is learned of X.

        Parameters
        ----------
        sample : Sample
            The rows whose weight is not 0.
        data : FitData
            What the call of fit received.
        learned : LearnedInputs
            What `checked` has learned.
        before : LearnedInputs or None
            What an earlier fit has learned, where training goes on.
        """
        return replace(learned, facts=self.facts(sample.X)) if before is None else before

    def check_continued(self, X: Any, checked: Checked, learned: Any, scaler: Encoding) -> None:
        """Warn where training goes on and rows have what was not to be learned from before.

        Parameters
        ----------
        X : object
            As given, opened.
        checked : Checked
            The same rows, checked.
        learned : LearnedInputs
            What an earlier fit has learned.
        scaler : Encoding
            What it has learned to scale or encode X with.
        """

    # ------------------------------------------------------------------ rows of the engine

    def weighted_rows(self, sample: Sample) -> tuple[Any, np.ndarray]:
        """Return the rows that the network sees, one by one, and what each of them weighs."""
        return sample.X, sample.sample_weight

    def scaler(self, sample: Sample, learned: Any, scales: bool) -> Encoding:
        """Return what scales or encodes X; `scales` is whether it is standardised."""
        return InputScaler.fit(*self.weighted_rows(sample)) if scales else InputScaler()

    def training_rows(
        self, X: Any, scaler: Encoding, dtype: torch.dtype, device: torch.device
    ) -> Rows:
        """Return checked X as scaled rows for the engine."""
        return scaler.training_rows(X, dtype, device)

    def prediction_rows(
        self,
        owner: Any,
        X: Any,
        learned: Any,
        scaler: Encoding,
        dtype: torch.dtype,
    ) -> Any:
        """Return X as `predict` receives it, checked and on the scale that the network takes."""
        clean = self._clean(X, learned)
        if clean is None:
            check_names(X)
            clean = self.checked(owner, FitData(self.opened(X)), learned=learned).X
        return scaler.transform(clean, dtype)

    def _clean(self, X: Any, learned: LearnedInputs) -> np.ndarray | None:
        """Return a small table as the array that validation would return, None if it may not be."""
        if not self.takes_any_floats or learned.raw_columns is not None:
            return None
        if learned.names is not None:
            X = _values_of(X, learned.names.tolist())
        is_clean = (
            type(X) is np.ndarray
            and X.dtype.type in FLOATS
            and X.ndim == 2
            and 0 < X.size <= SMALL
            and X.shape[1] == learned.n_features
            and bool(np.isfinite(X).all())
        )
        return X if is_clean else None

    # ------------------------------------------------------------------ networks

    def network(
        self,
        module: Any,
        learned: Any,
        n_outputs: int,
        params: Mapping[str, Any],
        source: torch.Generator,
    ) -> nn.Module:
        """Return a network for single rows, with its initial numbers drawn from `source`."""
        return build_module(module, learned.shape, n_outputs, params, source)

    def wrapped(self, network: nn.Module, learned: Any) -> nn.Module:
        """Return a network for the rows of the engine from one for single rows."""
        return network

    def check_network(
        self, module: nn.Module, few: Tensor, allowed: tuple[int, ...], why: str
    ) -> None:
        """Raise if a module returns other widths for a few rows than those that are allowed."""
        check_widths(module, few, allowed, why)

    def batch_change(
        self,
        augment: Any,
        scaler: Encoding,
        data: TrainingSet,
        loss: Any,
        learned: Any,
    ) -> BatchChange | None:
        """Return what changes the batches of a training set, None where nothing does."""
        if augment is None:
            return None
        if not scaler.is_invertible:
            raise ValueError(
                "augment changes rows on the scale of X, and those of this table are encoded: it"
                " has categories, dates or missing values, another numeric_encoding than"
                " 'standard', or is sparse, wide and mostly constant. Set augment=None, or encode"
                " the table before."
            )
        return Augment(augment, scaler)


def encoding_of(estimator: Any) -> str:
    """Return how an estimator encodes numbers, given `numeric_encoding` or its alias.

    Images and other rows without columns of their own know "standard" and "none" alone.  Unless
    another encoding is asked for, a linear model is linear in X, and what `augment` changes is on
    the scale of X.
    """
    scales = getattr(estimator, "scale_inputs", True)
    if isinstance(scales, bool | np.bool_):
        return "standard" if scales else "none"
    # Where scale_inputs is something else, the check of parameters has yet to say so.
    encoding = str(getattr(estimator, "numeric_encoding", "standard"))
    widths: Any = getattr(estimator, "hidden_layer_sizes", None)
    is_linear = np.ndim(widths) == 1 and not len(widths)
    needs_numbers = is_linear or getattr(estimator, "augment", None) is not None
    return "standard" if encoding == "auto" and needs_numbers else encoding


def _values_of(X: Any, names: list[Any]) -> np.ndarray | None:
    """Return the values of a DataFrame of NumPy's dtypes whose columns have these names."""
    if type(X) is not pd.DataFrame or X.size > SMALL or X.columns.tolist() != names:
        return None
    is_plain = all(isinstance(dtype, np.dtype) for dtype in X.dtypes)
    return X.to_numpy() if is_plain else None


def _is_clean_column(y: Any, n_rows: int) -> bool:
    """Return whether y is an array of finite numbers that validation would return as it is."""
    is_numbers = type(y) is np.ndarray and y.dtype.kind in "fiub" and y.shape == (n_rows,)
    return is_numbers and bool(np.isfinite(y).all())


def check_shape(X: Any, shape: tuple[int, ...], name: str) -> None:
    """Raise if rows have another shape than in training; scikit-learn checks that of tables."""
    given = tuple(getattr(X, "shape", ())[1:])
    has_rows = tuple(getattr(X, "shape", (1,)))[:1] not in ((), (0,))
    if has_rows and len(shape) > 1 and given != shape:
        raise ValueError(
            f"X has rows of shape {given}; {name} was trained on rows of shape {shape}. Crop, pad"
            " or resize them to that."
        )


def copy_of(owner: Any) -> Any:
    """Return an estimator of the same parameters, on which scikit-learn may set what it learns."""
    probe = object.__new__(type(owner))
    vars(probe).update(vars(owner))
    return probe
