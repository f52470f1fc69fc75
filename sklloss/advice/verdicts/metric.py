"""The metric that candidates are compared by, in its own units."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...parameters.names import did_you_mean
from .cv_results import metrics_in

NEGATED = "neg_"
# How functions of scikit-learn end whose value is better the lower it is.
LOWER_IS_BETTER = ("_error", "_loss", "_deviance")


@dataclass(frozen=True)
class Metric:
    """A metric of a search.

    Attributes
    ----------
    column : str
        What its columns of ``cv_results_`` end with.
    name : str
        Its own, without ``neg_``.
    sign : int
        -1 where ``cv_results_`` has its negative, so that higher is better; else 1.
    """

    column: str
    name: str
    sign: int = 1

    def shown(self, scores: Any) -> Any:
        """Return scores of ``cv_results_`` in the metric's own units."""
        return self.sign * scores + 0.0  # Which turns -0.0 into 0.0.


def metric_of(table: Mapping[str, Any], search: Any, given: str | None, owner: str) -> Metric:
    """Return a metric of a search.

    Parameters
    ----------
    table : mapping
        ``cv_results_``.
    search : estimator or None
        Where the table comes from; None where nobody knows.
    given : str or None
        Its name; None is the metric that the search refits by.
    owner : str
        Who asks, for messages.

    Raises
    ------
    ValueError
        If there is no such metric, or none was given where there are several.
    """
    columns = metrics_in(table)
    if not columns:
        raise ValueError(
            f"{owner} needs scores on test rows; there is no column mean_test_... among"
            f" {list(table)}. Give cv_results_ of a fitted search."
        )
    column = _default(columns, search, owner) if given is None else _found(columns, search, given)
    if column is None:
        hint = did_you_mean(given, columns) or f"There are {columns}."
        raise ValueError(f"{owner} finds no metric {given!r} in cv_results_. {hint}")
    return _named(column, search)


def metric_that_refits(search: Any) -> str | None:
    """Return the name of the metric that `refit` names, None where it names none."""
    refit = getattr(search, "refit", None)
    if isinstance(refit, partial):
        refit = refit.keywords.get("metric")
    return refit if isinstance(refit, str) else None


def _default(columns: list[str], search: Any, owner: str) -> str:
    refit = metric_that_refits(search)
    if len(columns) == 1:
        return columns[0]
    if refit is not None and refit in columns:
        return refit
    raise ValueError(f"{owner} compares by one metric; the search has {columns}. Give metric=.")


def _found(columns: list[str], search: Any, given: str) -> str | None:
    if columns == ["score"] and given in {_scoring_name(search), _scoring_name(search)[4:]}:
        return "score"
    return next((each for each in (given, f"{NEGATED}{given}") if each in columns), None)


def _scoring_name(search: Any) -> str:
    scoring = getattr(search, "scoring", None)
    return scoring if isinstance(scoring, str) else "score"


def _named(column: str, search: Any) -> Metric:
    """Return the metric of a column, with the sign that its name or its scorer has."""
    scorer = getattr(search, "scorer_", None)
    scorer = scorer.get(column) if isinstance(scorer, Mapping) else scorer
    name = _scoring_name(search) if column == "score" else column
    return metric_of_scorer(name, scorer, column)


def metric_of_scorer(name: str, scorer: Any = None, column: str = "score") -> Metric:
    """Return a metric from its name, "score" where it has none, and its scorer where it is known.

    Warns
    -----
    UserWarning
        If the scorer takes a higher error for better.
    """
    function = getattr(getattr(scorer, "_score_func", None), "__name__", "")
    sign = int(np.sign(getattr(scorer, "_sign", 1)))
    if name == "score":
        # A scorer of `sklloss.metrics` has a name.
        name = getattr(scorer, "name", function) or name
    if name == "neg_log_likelihood":
        # The scorer's value is the log-likelihood, of which only the negative is a cost.
        return Metric(column, "negative_log_likelihood", -1)
    if name.startswith(NEGATED):
        return Metric(column, name.removeprefix(NEGATED), -1)
    if sign > 0 and function.endswith(LOWER_IS_BETTER):
        warnings.warn(
            f"The search takes a higher {function} for better, because its scorer was made without"
            f" greater_is_better=False: its best candidate is the worst by {function}.",
            stacklevel=5,  # Where the user asks.
        )
    return Metric(column, name, sign)
