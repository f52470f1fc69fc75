"""nested_score: the score of a whole search on rows that it has not seen."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import is_classifier
from sklearn.model_selection import cross_validate

from ...estimators.inputs.missing import check_labels
from ...metrics.scorers import with_scorers
from .cv_results import metrics_in, scores_of
from .labels import labels_of, losses_of
from .metric import Metric, metric_of, metric_of_scorer, metric_that_refits
from .phrases import decimals, listed, significant, wrapped
from .resampled_tests import corrected_scale


@dataclass(frozen=True, eq=False, repr=False)
class NestedScore:
    """Scores of a whole search on outer test rows, as `nested_score` returns.

    Attributes
    ----------
    metric : str
        The metric, without ``neg_``; all numbers are in its units.
    scores : array of shape (n_splits,)
        Scores of the refitted search on each outer test set.
    inner_scores : array of shape (n_splits,)
        Mean scores of the chosen candidates in the inner searches; NaN if these do not have the
        metric.
    params : list of dict
        The chosen parameters.
    standard_error : float
        Standard error of the mean, with Nadeau and Bengio's correction for shared training rows;
        NaN with one split.
    """

    metric: str
    scores: np.ndarray
    inner_scores: np.ndarray
    params: list[dict[str, Any]]
    standard_error: float
    _sign: int = 1

    @property
    def mean(self) -> float:
        """The mean outer score."""
        return float(self.scores.mean())

    @property
    def optimism(self) -> np.ndarray:
        """By how much the inner scores are too good, per split; negative if they are too low."""
        return self._sign * (self.inner_scores - self.scores)

    @property
    def verdict(self) -> str:
        """The result in words."""
        return " ".join([self._outer(), *self._flattery(), self._choices()])

    def to_frame(self) -> pd.DataFrame:
        """Return one row per outer split: chosen, score, inner_score, optimism and params."""
        columns = {
            "chosen": labels_of(self.params),
            "score": self.scores,
            "inner_score": self.inner_scores,
            "optimism": self.optimism,
            "params": pd.Series(self.params, dtype=object),
        }
        return pd.DataFrame(columns).rename_axis("split")

    def __repr__(self) -> str:
        table = self._printed().to_string(index=False)
        return f"{self._caption()}\n{table}\n\n{wrapped(self.verdict)}"

    def _repr_html_(self) -> str:
        rows = self._printed().to_html(index=False, border=0)
        caption, verdict = html.escape(self._caption()), html.escape(self.verdict)
        return f"<div><p>{caption}</p>{rows}<p><strong>{verdict}</strong></p></div>"

    def _caption(self) -> str:
        return f"{self.metric} of the whole search on outer test rows"

    def _printed(self) -> pd.DataFrame:
        """Return the table as text."""
        frame = self.to_frame().drop(columns="params").reset_index()
        n_decimals = decimals(self.scores.std())
        for name in ("score", "inner_score", "optimism"):
            frame[name] = [f"{x:.{n_decimals}f}" if np.isfinite(x) else "" for x in frame[name]]
        return frame.rename(columns={"inner_score": "inner score"})

    def _outer(self) -> str:
        n = len(self.scores)
        # The estimator's own score has no name.
        name = "" if self.metric == "score" else f" {self.metric}"
        text = f"The search scores{name} {significant(self.mean, 3)} on rows that it has not seen"
        if n == 1:
            return f"{text}, measured on one split."
        return f"{text} (standard error {significant(self.standard_error)}, {n} splits)."

    def _flattery(self) -> list[str]:
        optimism = self.optimism.mean()
        if not np.isfinite(optimism):
            return []
        how = "better" if optimism > 0 else "worse"
        size = significant(abs(optimism))
        return [f"Its own best score is {how} by {size} on average."]

    def _choices(self) -> str:
        """Return which losses were chosen how often, or which parameters."""
        losses = losses_of(self.params)
        several = len(set(losses)) > 1 and None not in losses
        counts = Counter(losses if several else labels_of(self.params)).most_common()
        (first, often), *others = counts
        n = len(self.params)
        if not others:
            return f"It chose {first}{' in every split' if n > 1 else ''}."
        chosen = [f"{first} in {often} of {n} splits", *(f"{name} in {k}" for name, k in others)]
        return f"It chose {listed(chosen)}."


def nested_score(
    search: Any, X: Any, y: Any = None, *, cv: Any, scoring: Any = None, **params: Any
) -> NestedScore:
    """Score a whole search, including its choice of a candidate, by nested cross-validation.

    The best score of a search is too optimistic, because it is the highest of many.  Here, for each
    outer split, a clone of the search is fitted on the training rows, and its refitted winner is
    scored on the test rows.

    Parameters
    ----------
    search : search
        `LossSearchCV`, or any search of scikit-learn, with `refit`; it is not fitted itself.
    X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        Rows, as the search takes them.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        Targets, as the search takes them.
    cv : int, splitter or iterable
        The outer splits, as in `sklearn.model_selection.cross_validate`.
    scoring : str, callable or None, default=None
        The metric of the outer scores: a name that `sklloss.metrics.get_scorer` knows, or a scorer;
        None is the metric by which the search refits.
    **params
        Passed to `fit` of the search, such as sample_weight, or ``net__sample_weight`` for a
        Pipeline.  `groups` is also passed to the outer splitter.  With scikit-learn's metadata
        routing enabled, each is passed to where it is requested.

    Returns
    -------
    NestedScore
        Scores, their mean and standard error, the chosen parameters and the optimism of the inner
        scores; it prints as a table with a sentence.

    Raises
    ------
    TypeError
        If `search` is not a search, or `scoring` has several metrics.
    ValueError
        If the search has ``refit=False``, or has several metrics and `refit` names none, or if
        labels are missing.

    References
    ----------
    G. Cawley and N. Talbot, "On over-fitting in model selection and subsequent selection bias in
    performance evaluation", JMLR, 2010; C. Nadeau and Y. Bengio, "Inference for the generalization
    error", 2003.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklloss import nested_score
    >>> X, y = load_diabetes(return_X_y=True)
    >>> search = GridSearchCV(Ridge(), {"alpha": [0.1, 1000.0]}, cv=5)
    >>> nested = nested_score(search, X, y, cv=5)
    >>> nested.scores.shape, [each["alpha"] for each in nested.params]
    ((5,), [0.1, 0.1, 0.1, 0.1, 0.1])
    """
    owner = "nested_score"
    _check(search, scoring, owner)
    if is_classifier(search):
        check_labels(y)
    scorer = with_scorers(_scoring_of(search, owner) if scoring is None else scoring)
    outer = cross_validate(
        search,
        X,
        y,
        cv=cv,
        scoring=scorer,
        return_estimator=True,
        return_indices=True,
        error_score="raise",
        **_routed(params),
    )
    fitted: list[Any] = outer["estimator"]
    metric, inner = _inner_scores(fitted, scoring)
    scores = metric.shown(outer["test_score"])
    indices = outer["indices"]
    n_train, n_test = (sum(map(len, indices[rows])) for rows in ("train", "test"))
    error = corrected_scale(scores, n_test / n_train) if len(scores) > 1 else np.nan
    chosen = [each.best_params_ for each in fitted]
    return NestedScore(metric.name, scores, metric.shown(inner), chosen, float(error), metric.sign)


def _check(search: Any, scoring: Any, owner: str) -> None:
    if not hasattr(search, "refit") or isinstance(search, type):
        kind = f"the class {search.__name__}" if isinstance(search, type) else type(search).__name__
        raise TypeError(
            f"{owner} needs a search, such as LossSearchCV or GridSearchCV; got {kind}. Score other"
            " estimators with cross_validate."
        )
    if not search.refit:
        raise ValueError(
            f"{owner} scores the refitted winner, but this {type(search).__name__} has refit=False."
            " Set refit=True, or the name of a metric."
        )
    if scoring is not None and not isinstance(scoring, str) and not callable(scoring):
        raise TypeError(f"{owner} scores one metric; got scoring={scoring!r}. Give one name.")


def _scoring_of(search: Any, owner: str) -> Any:
    """Return the metric by which a search refits; None where its own `score` is by that."""
    scoring, refit = search.scoring, metric_that_refits(search)
    if scoring is None or isinstance(scoring, str) or callable(scoring) or refit == search.refit:
        return None
    if refit is None:
        raise ValueError(
            f"{owner} scores one metric, but the search has {list(scoring)}, and refit names none"
            " of them. Give scoring."
        )
    return scoring[refit] if isinstance(scoring, Mapping) else refit


def _routed(params: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `cross_validate` that hold parameters of fits and splitters."""
    if get_config()["enable_metadata_routing"]:
        return {"params": params}
    return {"params": params, "groups": params.get("groups")}


def _inner_scores(fitted: Sequence[Any], scoring: Any) -> tuple[Metric, np.ndarray]:
    """Return the metric, and the scores that searches gave their winners; NaN without the metric."""
    first = fitted[0]
    if scoring is None or scoring == first.scoring:
        metric = metric_of(first.cv_results_, first, None, "nested_score")
    elif scoring in metrics_in(first.cv_results_):
        metric = metric_of(first.cv_results_, first, scoring, "nested_score")
    else:
        name = scoring if isinstance(scoring, str) else "score"
        metric = metric_of_scorer(name, None if isinstance(scoring, str) else scoring)
        return metric, np.full(len(fitted), np.nan)
    scores = [scores_of(each.cv_results_, metric.column)[each.best_index_] for each in fitted]
    return metric, np.array([each.mean() for each in scores])
