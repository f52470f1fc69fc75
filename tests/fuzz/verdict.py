"""Run a recipe and judge how it ends: with right results, with a clear refusal, or wrongly."""

from __future__ import annotations

import copy
import dis
import pickle
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import sklearn
from scipy import sparse
from sklearn.exceptions import FitFailedWarning, NotFittedError

import sklloss

from .answers import ANSWERS, Answers, expect, expect_equal
from .containers import ALIKE, CONTAINERS
from .families import FAMILIES, LISTS
from .odd_values import odd_value
from .recipe import Recipe
from .targets import TARGETS, WEIGHTS
from .values import DTYPES, NUMERIC, VALUES

REFUSALS = (NotFittedError, FloatingPointError, TypeError, ValueError)
PACKAGES = tuple(str(Path(each.__file__).parent) for each in (sklloss, sklearn))
EXPECTED = (UserWarning, FitFailedWarning, pl.exceptions.PolarsWarning)
SECONDS = 30
# The shortest message that can say what is wrong and what to do.
SHORTEST = 15


@dataclass(frozen=True)
class Verdict:
    """How a case has ended.

    Attributes
    ----------
    kind : str
        "right", the name of the error that refused it, or "finding".
    key : str
        Of a finding, what is the same for all cases of its kind.
    detail : str
        The message or the traceback.
    """

    kind: str
    key: str = ""
    detail: str = ""


class OutOfTime(BaseException):
    """A case that takes longer than it may."""


class Case(NamedTuple):
    """What a recipe makes."""

    estimator: Any
    X: Any
    y: Any
    weights: Any


def judged(recipe: Recipe) -> Verdict:
    """Run a recipe and return how it ends."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            with _limited(SECONDS):
                _run(recipe)
        except OutOfTime as error:
            return Verdict("finding", "takes longer than 30 s", _traceback(error))
        except REFUSALS as error:
            fault = "" if is_of_search(recipe, error) else fault_of(error)
            if fault:
                return Verdict("finding", fault, _traceback(error))
            kind = next(each.__name__ for each in REFUSALS if isinstance(error, each))
        except Exception as error:
            if "odd_values" in _place(error):
                return Verdict("own error")  # of a function that the user has written
            key = f"{type(error).__name__} at {_place(error)}: {_first_line(error)}"
            return Verdict("finding", key, _traceback(error))
        else:
            kind = "right"
    for each in seen:
        if not is_expected(each):
            place = f"{Path(each.filename).name}:{each.lineno}"
            return Verdict("finding", f"{each.category.__name__} at {place}", str(each.message))
    return Verdict(kind)


# ---------------------------------------------------------------------- faults


def fault_of(error: BaseException) -> str:
    """Return what is wrong with a refusal, '' where it says clearly what cannot be taken."""
    if isinstance(error, UnexpectedError):
        return str(error)
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    place = _place(error)
    if "odd_values" in place:
        return ""
    if tb is None or not tb.tb_frame.f_code.co_filename.startswith(PACKAGES):
        return f"{type(error).__name__} raised outside sklloss, at {place}: {_first_line(error)}"
    if not _is_raised_by_statement(tb):
        return f"raw {type(error).__name__} at {place}: {_first_line(error)}"
    if len(str(error)) < SHORTEST:
        return f"short message at {place}: {_first_line(error)}"
    return ""


def is_of_search(recipe: Recipe, error: BaseException) -> bool:
    """Return whether an error is the one that scikit-learn's own search raises."""
    place = traceback.extract_tb(error.__traceback__)[-1].filename
    return recipe.family == "LossSearchCV" and place.startswith(PACKAGES[1])


class UnexpectedError(ValueError):
    """A refusal where there must be none."""


def _is_raised_by_statement(tb: Any) -> bool:
    """Return whether a frame raises by itself, not through what it has called in C."""
    instructions = dis.get_instructions(tb.tb_frame.f_code)
    return any(
        i.offset == tb.tb_lasti and i.opname in ("RAISE_VARARGS", "RERAISE") for i in instructions
    )


def is_expected(seen: warnings.WarningMessage) -> bool:
    """Return whether a warning is one of sklloss or scikit-learn for their users."""
    # scikit-learn's metrics warn of a NaN among labels before they refuse it, for all classifiers.
    of_metrics = seen.category is RuntimeWarning and "array_api_compat" in seen.filename
    from_torch = "Triggered internally" in str(seen.message) or "torch" in seen.filename
    return of_metrics or (issubclass(seen.category, EXPECTED) and not from_torch)


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{'/'.join(Path(last.filename).parts[-2:])}:{last.lineno}"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:100]


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-4000:]


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """Interrupt what takes longer than some seconds."""

    def stop(number: int, frame: Any) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# ---------------------------------------------------------------------- cases


def case_of(recipe: Recipe) -> Case:
    """Make what a recipe describes."""
    kind = FAMILIES[recipe.family]
    X, y = plain_data(recipe)
    n = len(X)
    if kind.is_array:
        array = twisted(VALUES[recipe.values], np.array(X))
        X = twisted(CONTAINERS[recipe.container], twisted(DTYPES[recipe.dtype], array))
        n = len(array)
        y = y[:n]
    else:
        X = twisted(LISTS[recipe.container], X)
    y = None if y is None else twisted(TARGETS[recipe.target], y)
    weights = WEIGHTS[recipe.weights](n, np.random.default_rng(recipe.seed))
    return Case(estimator_of(recipe), X, y, weights)


def plain_data(recipe: Recipe) -> tuple[Any, Any]:
    """Return the data of a recipe before any twist."""
    rng = np.random.default_rng(recipe.seed)
    X, y = FAMILIES[recipe.family].data(rng, recipe.n_rows, recipe.n_columns)
    if recipe.params.get("pairs"):
        return np.stack([X, X[::-1]], axis=1), y == y[::-1]
    if isinstance(X, np.ndarray) and recipe.family != "Recommender":
        X = X.astype(float)
    return X, y


def twisted(twist: Callable[[Any], Any], values: Any) -> Any:
    """Return values with a twist, as they are where it does not suit them."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return twist(values)
    except Exception:
        return values


def estimator_of(recipe: Recipe) -> Any:
    """Return the unfitted estimator of a recipe."""
    kind = FAMILIES[recipe.family]
    odd = {name: copy.deepcopy(odd_value(name, value)) for name, value in recipe.odd.items()}
    if recipe.family == "LossSearchCV":
        loss = {} if recipe.loss is None else {"loss": recipe.loss}
        return kind.estimator(**{**loss, **recipe.params, **odd})
    estimator = kind.estimator(**kind.params)
    if recipe.loss is not None:
        estimator.set_params(**{estimator._loss.name: recipe.loss})
    return estimator.set_params(**recipe.params, **odd)


# ---------------------------------------------------------------------- what must hold


def _run(recipe: Recipe) -> None:
    """Run a case; raise if it is refused, or if what it gives is wrong."""
    case = case_of(recipe)
    before = fingerprint(case.X), fingerprint(case.y), fingerprint(case.weights)
    try:
        if recipe.call in ("predict", "score") and recipe.family != "LossSearchCV":
            _run_after_fit(recipe, case)
        else:
            _run_fit(recipe, case)
    finally:
        after = fingerprint(case.X), fingerprint(case.y), fingerprint(case.weights)
        for name, one, other in zip(("X", "y", "the weights"), before, after, strict=True):
            expect(one == other, f"{name} was changed")


def _run_fit(recipe: Recipe, case: Case) -> None:
    """Fit on twisted data, and ask the fitted estimator about them."""
    model = fitted(recipe, case)
    n = len(case.X) if hasattr(case.X, "__len__") and not sparse.issparse(case.X) else None
    if n is None:
        n = case.X.shape[0] if hasattr(case.X, "shape") else 0
    if isinstance(case.X, Iterator) or not n:
        return
    said = asked(recipe, model, case.X, n)
    again = pickle.loads(pickle.dumps(model))
    expect_equal(said, asked(recipe, again, case.X, n), "after pickling")
    other = case_of(recipe)
    is_seeded = "random_state" not in recipe.odd
    if is_seeded and recipe.seed % 3 == 0:
        twin = fitted(recipe, other)
        expect_equal(said, asked(recipe, twin, other.X, n), "with the same seed")
    elif is_seeded and recipe.container in ALIKE and recipe.dtype in NUMERIC:
        plain = as_array(recipe)
        twin = fitted(recipe, other._replace(X=plain))
        expect_equal(said, asked(recipe, twin, plain, n), "given as an array", rtol=1e-5)


def as_array(recipe: Recipe) -> Any:
    """Return the X of a recipe as a plain array."""
    changes = {name: getattr(recipe, name) for name in recipe.__dataclass_fields__}
    return case_of(Recipe(**{**changes, "container": "array"})).X


def _run_after_fit(recipe: Recipe, case: Case) -> None:
    """Fit on plain data; show twisted data to the fitted estimator."""
    X, y = plain_data(recipe)
    model = case.estimator.fit(X, y) if y is not None else case.estimator.fit(X)
    if recipe.call == "score" and hasattr(model, "score"):
        kind = FAMILIES[recipe.family]
        weights = {} if case.weights is None else {kind.weights: case.weights}
        score = model.score(case.X, case.y, **weights)
        expect(isinstance(score, float), f"score is {score!r}")
        return
    is_transformer = hasattr(model, "transform")
    said = model.transform(case.X) if is_transformer else model.predict(case.X)
    if recipe.container in ALIKE and recipe.dtype in NUMERIC and FAMILIES[recipe.family].is_array:
        plain = as_array(recipe)
        other = model.transform(plain) if is_transformer else model.predict(plain)
        expect_equal({"predict": said}, {"predict": other}, "given as an array", rtol=1e-5)


def fitted(recipe: Recipe, case: Case) -> Any:
    """Return the fitted estimator of a case."""
    kind = FAMILIES[recipe.family]
    weights = {} if case.weights is None or not kind.weights else {kind.weights: case.weights}
    name = recipe.call if hasattr(case.estimator, recipe.call) else "fit"
    call = getattr(case.estimator, "fit" if name in ("predict", "score") else name)
    call(case.X, case.y, **weights) if kind.task else call(case.X)
    return case.estimator


def asked(recipe: Recipe, model: Any, X: Any, n: int) -> Answers:
    """Return what a fitted estimator answers about data that it has learned from."""
    try:
        return ANSWERS[recipe.family](model, X, n)
    except REFUSALS as error:
        # A network of which nothing but that can be said, and intervals that nothing corrects.
        if "zero vector" in str(error) or "held-out rows" in str(error):
            raise
        key = f"refuses what it was fitted on, at {_place(error)}: {_first_line(error)}"
        raise UnexpectedError(key) from error


def fingerprint(values: Any) -> Any:
    """Return what changes when data are changed in place."""
    if isinstance(values, np.ndarray):
        mask = (
            np.ma.getmaskarray(values).tobytes() if isinstance(values, np.ma.MaskedArray) else b""
        )
        data = np.asarray(values)
        return (
            data.shape,
            data.dtype,
            repr(data.tolist()) if data.dtype.hasobject else data.tobytes(),
            mask,
        )
    if hasattr(values, "detach"):
        return repr(values)
    if sparse.issparse(values):
        return values.format, fingerprint(values.toarray())
    if hasattr(values, "dtypes") and hasattr(values, "to_numpy"):
        return str(values.dtypes), fingerprint(values.to_numpy())
    return repr(values) if isinstance(values, list | tuple | dict) else type(values)
