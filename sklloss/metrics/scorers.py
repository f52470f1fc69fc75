"""Scorers of predictive distributions and intervals, by name, for any search."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer as sklearn_scorer
from sklearn.metrics import get_scorer_names, mean_pinball_loss
from sklearn.metrics._scorer import _BaseScorer

from ..estimators.distributions.of_estimators import has_distribution, predict_distribution
from ..estimators.distributions.predictive import OPEN_UNIT, PredictiveDistribution
from ..parameters.domains import check_in_domain
from .distributions import crps, interval_coverage, interval_score, interval_width, log_likelihood


@dataclass(frozen=True)
class Measure:
    """What a scorer measures.

    Attributes
    ----------
    of : callable
        Called with an estimator, X, y, the level and weights.
    sign : {1, -1}
        -1 where lower is better.
    level : float or None
        That of a name without one; None where there is none.
    """

    of: Callable[[Any, Any, Any, float, Any], float]
    sign: int
    level: float | None = None


def _distribution(estimator: Any, X: Any) -> PredictiveDistribution:
    try:
        return predict_distribution(estimator, X)
    except NotFittedError:
        raise
    except AttributeError as error:
        raise ValueError(
            f"This scorer needs a predictive distribution, and there is none. {error}"
        ) from None


def _crps(estimator: Any, X: Any, y: Any, level: float, sample_weight: Any) -> float:
    return crps(y, _distribution(estimator, X), sample_weight=sample_weight)


def _log_likelihood(estimator: Any, X: Any, y: Any, level: float, sample_weight: Any) -> float:
    distribution = _distribution(estimator, X)
    if why := distribution._lacks("log_likelihood"):
        raise ValueError(why)
    return log_likelihood(y, distribution, sample_weight=sample_weight)


def _pinball(estimator: Any, X: Any, y: Any, level: float, sample_weight: Any) -> float:
    """Return the pinball loss of the quantile, or of the prediction where there is no quantile."""
    is_point = not has_distribution(estimator)
    found = estimator.predict(X) if is_point else predict_distribution(estimator, X).ppf(level)
    return float(mean_pinball_loss(y, found, alpha=level, sample_weight=sample_weight))


def _coverage(estimator: Any, X: Any, y: Any, level: float, sample_weight: Any) -> float:
    interval = _distribution(estimator, X).interval(level)
    return interval_coverage(y, interval, sample_weight=sample_weight)


def _width(estimator: Any, X: Any, y: Any, level: float, sample_weight: Any) -> float:
    interval = _distribution(estimator, X).interval(level)
    return interval_width(y, interval, sample_weight=sample_weight)


def _winkler(estimator: Any, X: Any, y: Any, level: float, sample_weight: Any) -> float:
    interval = _distribution(estimator, X).interval(level)
    return interval_score(y, interval, level, sample_weight=sample_weight)


MEASURES = {
    "neg_crps": Measure(_crps, -1),
    "log_likelihood": Measure(_log_likelihood, 1),
    "neg_pinball": Measure(_pinball, -1, 0.5),
    "interval_coverage": Measure(_coverage, 1, 0.8),
    "neg_interval_width": Measure(_width, -1, 0.8),
    "neg_interval_score": Measure(_winkler, -1, 0.8),
}
# Other names of the same. Minus the log-likelihood is a cost, which a scorer negates.
ALIASES = {
    "neg_log_likelihood": "log_likelihood",
    "interval_width": "neg_interval_width",
    "interval_score": "neg_interval_score",
}
# What scorers of scikit-learn are called elsewhere.
SHORT = {
    "mae": "neg_mean_absolute_error",
    "mse": "neg_mean_squared_error",
    "rmse": "neg_root_mean_squared_error",
    "mape": "neg_mean_absolute_percentage_error",
    "msle": "neg_mean_squared_log_error",
    "rmsle": "neg_root_mean_squared_log_error",
    "medae": "neg_median_absolute_error",
    "acc": "accuracy",
    "auc": "roc_auc",
    "ap": "average_precision",
    "prauc": "average_precision",
    "pr_auc": "average_precision",
    "logloss": "neg_log_loss",
    "log_loss": "neg_log_loss",
    "cross_entropy": "neg_log_loss",
    "brier": "neg_brier_score",
    "mcc": "matthews_corrcoef",
    "coverage": "interval_coverage_0.8",
    "nll": "neg_log_likelihood",
}


class DistributionScorer(_BaseScorer):
    """A scorer of predictive distributions; `get_scorer` returns it.

    Parameters
    ----------
    kind : str
        A name in ``MEASURES``.
    level : float or None
        Of a quantile, or the coverage of an interval.
    """

    def __init__(self, kind: str, level: float | None) -> None:
        self.kind, self.level = kind, level
        measure = MEASURES[kind]
        super().__init__(measure.of, measure.sign, {}, "predict")

    def _score(
        self, method_caller: Any, estimator: Any, X: Any, y_true: Any, sample_weight: Any = None
    ) -> float:
        found = self._score_func(estimator, X, y_true, self.level, sample_weight)
        return float(self._sign * found)

    @property
    def name(self) -> str:
        """The name by which `get_scorer` returns it."""
        return self.kind if self.level is None else f"{self.kind}_{self.level:g}"

    def __repr__(self) -> str:
        return f"get_scorer({self.name!r})"


def get_scorer(scoring: Any) -> Any:
    """Return a scorer by its name, for any search or cross-validation.

    Higher scores are better, and costs are negated; only coverage should be near its level. Scores
    of distributions use `predict_distribution`, so the estimator may be a Pipeline, a search or a
    TransformedTargetRegressor around a `NeuralRegressor`.

    ============================  ==================================================================
    "neg_crps"                    `crps` of the predictive distribution
    "neg_log_likelihood"          `log_likelihood`, the negated negative log-likelihood
    "neg_pinball_0.9"             scikit-learn's mean_pinball_loss of a quantile of any level, or of
                                  ``predict`` for estimators without quantiles
    "interval_coverage_0.8"       share of y inside the central interval, for any coverage
    "neg_interval_width_0.8"      mean width of these intervals
    "neg_interval_score_0.8"      `interval_score`: width, and distance of y from the interval
    ============================  ==================================================================

    Parameters
    ----------
    scoring : str or scorer
        One of these names, with any level in (0, 1) (by default 0.5 for quantiles and 0.8 for
        intervals), or a name of `sklearn.metrics.get_scorer`. "log_likelihood",
        "interval_width_0.8" and "interval_score_0.8" are other names of the same scorers. A scorer
        is returned unchanged.

    Returns
    -------
    scorer
        A callable ``scorer(estimator, X, y, sample_weight=None)`` that returns a float.

    Raises
    ------
    ValueError
        If there is no such scorer; the message lists the nearest names.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import cross_validate
    >>> from sklloss import NeuralRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = NeuralRegressor("gaussian_nll", n_members=1, max_epochs=10, random_state=0)
    >>> names = ["neg_crps", "interval_coverage_0.9", "r2"]
    >>> scores = cross_validate(model, X, y, scoring={name: get_scorer(name) for name in names})
    >>> sorted(scores)[2:]
    ['test_interval_coverage_0.9', 'test_neg_crps', 'test_r2']
    """
    if not isinstance(scoring, str):
        return sklearn_scorer(scoring)
    kind, level = distribution_measure(scoring)
    if kind is not None:
        return DistributionScorer(kind, level)
    if scoring in get_scorer_names():
        return sklearn_scorer(scoring)
    hint = nearest_scorers(scoring)
    raise ValueError(
        f"There is no scorer {scoring!r}. {hint + ' ' if hint else ''}Besides those of scikit-learn"
        f" (sklearn.metrics.get_scorer_names()) there are {', '.join(_ours())}, with any"
        " level in (0, 1)."
    )


def nearest_scorers(name: str) -> str:
    """Return a question that offers scorers of nearly this name, or what it is short for, or ''.

    Examples
    --------
    >>> nearest_scorers("MAE"), nearest_scorers("auc"), nearest_scorers("crsp")
    ("Did you mean 'neg_mean_absolute_error'?", "Did you mean 'roc_auc'?", "Did you mean 'neg_crps'?")
    """
    bare = name.lower().removeprefix("neg_")
    # Of names that begin alike, the beginning says nothing.
    known = {each.removeprefix("neg_"): each for each in (*get_scorer_names(), *_ours())}
    for names, n, cutoff in ((SHORT, 1, 0.99), (known, 3, 0.6), (SHORT, 1, 0.7), (known, 3, 0.5)):
        if near := difflib.get_close_matches(bare, names, n=n, cutoff=cutoff):
            return f"Did you mean {' or '.join(repr(names[each]) for each in near)}?"
    return ""


def _ours() -> list[str]:
    """Return the names of this module as the documentation has them, each with a level."""
    names = [_with_level(each) for each in MEASURES]
    return ["neg_log_likelihood" if each == "log_likelihood" else each for each in names]


def _with_level(name: str) -> str:
    level = MEASURES[ALIASES.get(name, name)].level
    return name if level is None else f"{name}_{0.9 if level == 0.5 else level:g}"


def distribution_measure(name: str) -> tuple[str | None, float | None]:
    """Return the kind and the level of a scorer of this module, None for names of others.

    Raises
    ------
    ValueError
        If the level is outside (0, 1).

    Examples
    --------
    >>> distribution_measure("neg_pinball_0.9"), distribution_measure("r2")
    (('neg_pinball', 0.9), (None, None))
    """
    kind, _, suffix = name.rpartition("_")
    whole = ALIASES.get(name, name)
    if whole in MEASURES:
        return whole, MEASURES[whole].level
    measure = MEASURES.get(ALIASES.get(kind, kind))
    if measure is None or measure.level is None:
        return None, None
    try:
        level = float(suffix)
    except ValueError:
        return None, None
    check_in_domain("get_scorer", name, level, OPEN_UNIT, f"A name is {_with_level(kind)!r}.")
    return ALIASES.get(kind, kind), level


def with_scorers(scoring: Any) -> Any:
    """Return the `scoring` of a search with names of this module replaced by scorers.

    Names of scikit-learn stay as they are, and so does what holds none of ours.
    """
    if isinstance(scoring, str):
        return scoring if scoring in get_scorer_names() else get_scorer(scoring)
    if isinstance(scoring, Mapping):
        return {
            name: with_scorers(each) if isinstance(each, str) else each
            for name, each in scoring.items()
        }
    if isinstance(scoring, list | tuple | set) and all(isinstance(each, str) for each in scoring):
        ours = set(scoring).difference(get_scorer_names())
        if ours and len(set(scoring)) == len(scoring):
            return {name: with_scorers(name) for name in scoring}
    return scoring
