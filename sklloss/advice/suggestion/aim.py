"""What a metric asks of a prediction: the mean, the median, a quantile, probabilities ..."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from sklearn.metrics import get_scorer, get_scorer_names

from ...losses.loss import Loss
from ...metrics.scorers import DistributionScorer, distribution_measure, nearest_scorers
from .target import CLASSIFICATION, REGRESSION


@dataclass(frozen=True)
class Goal:
    """What the best prediction under some metrics is.

    Attributes
    ----------
    words : str
        After "asks for".
    task : str
    functionals : frozenset of str
        The `Loss.functional` of losses whose prediction is that.
    """

    words: str
    task: str
    functionals: frozenset[str] = frozenset()


_POSTERIOR = frozenset({"class posterior", "clean class posterior", "distribution over ranks"})
_MODE = _POSTERIOR | {"mode", "class posterior of large classes"}
_MEAN = frozenset({"mean", "mean and variance", "mean and distribution", "predictive distribution"})
# What estimates the centre of symmetric noise.
_CENTRES = _MEAN | {
    *("median", "median and spread", "median of a symmetric distribution"),
    *("between median and mean", "similar to the mean", "mean to redescending location"),
    *("redescending location", "location and scale", "location and shape"),
}
GOALS = {
    "mean": Goal("the mean", REGRESSION, _MEAN),
    "positive mean": Goal("the mean, as a prediction above 0", REGRESSION, _MEAN),
    "median": Goal("the median", REGRESSION, frozenset({"median", "median and spread"})),
    "quantile": Goal(
        "the {level:g} quantile", REGRESSION, frozenset({"quantile", "several quantiles"})
    ),
    "log": Goal("the mean of log(1 + y)", REGRESSION, frozenset({"exp(E log(1 + y)) - 1"})),
    "relative": Goal(
        "a median in which small targets count more",
        REGRESSION,
        frozenset({"median weighted by 1/|y|"}),
    ),
    "extremes": Goal("the middle between the extremes", REGRESSION),
    "distribution": Goal(
        "a predictive distribution",
        REGRESSION,
        frozenset(
            {
                *("mean and variance", "mean and distribution", "predictive distribution"),
                *("median and spread", "location and scale", "location and shape"),
            }
        ),
    ),
    "posterior": Goal("probabilities", CLASSIFICATION, _POSTERIOR),
    "mode": Goal("the likeliest class", CLASSIFICATION, _MODE),
    "ranking": Goal(
        "an order of the rows", CLASSIFICATION, _POSTERIOR | {"ranking of two classes"}
    ),
    "balanced": Goal(
        "a decision in which all classes weigh the same",
        CLASSIFICATION,
        frozenset({"decision that favours rare classes"}),
    ),
    "f1": Goal(
        "a decision that weighs hits of rare classes against false alarms",
        CLASSIFICATION,
        frozenset({"decision of highest F1", "decision that favours rare classes"}),
    ),
    "ranks": Goal("the median rank", CLASSIFICATION, frozenset({"distribution over ranks"})),
}

# What the functions of sklearn.metrics ask for.
_OF_FUNCTIONS = {
    **dict.fromkeys(
        (
            *("mean_squared_error", "root_mean_squared_error", "r2_score"),
            "explained_variance_score",
        ),
        "mean",
    ),
    **dict.fromkeys(
        (
            *("mean_poisson_deviance", "mean_gamma_deviance"),
            *("mean_tweedie_deviance", "d2_tweedie_score"),
        ),
        "positive mean",
    ),
    **dict.fromkeys(
        ("mean_absolute_error", "median_absolute_error", "d2_absolute_error_score"), "median"
    ),
    **dict.fromkeys(("mean_pinball_loss", "d2_pinball_score"), "quantile"),
    **dict.fromkeys(("mean_squared_log_error", "root_mean_squared_log_error"), "log"),
    "mean_absolute_percentage_error": "relative",
    "max_error": "extremes",
    **dict.fromkeys(
        ("log_loss", "brier_score_loss", "d2_log_loss_score", "d2_brier_score"), "posterior"
    ),
    **dict.fromkeys(
        ("accuracy_score", "top_k_accuracy_score", "zero_one_loss", "hamming_loss", "hinge_loss"),
        "mode",
    ),
    **dict.fromkeys(("roc_auc_score", "average_precision_score"), "ranking"),
    "balanced_accuracy_score": "balanced",
    **dict.fromkeys(
        (
            *("f1_score", "fbeta_score", "jaccard_score", "precision_score", "recall_score"),
            *("matthews_corrcoef", "cohen_kappa_score"),
            *("positive_likelihood_ratio", "negative_likelihood_ratio"),
            *("class_likelihood_ratios",),
        ),
        "f1",
    ),
}


@dataclass(frozen=True)
class Aim:
    """What a metric asks for.

    Attributes
    ----------
    metric : str
        How messages name it.
    goal : str
        A key of `GOALS`.
    level : float, default=0.5
        Of a quantile.
    """

    metric: str
    goal: str
    level: float = 0.5

    @property
    def task(self) -> str:
        """Regression or classification."""
        return GOALS[self.goal].task

    @property
    def words(self) -> str:
        """What it asks for, in words."""
        return GOALS[self.goal].words.format(level=self.level)

    def is_met_by(self, loss: Loss) -> bool:
        """Return whether the prediction of a loss is, in principle, the best under the metric."""
        if self.goal in ("balanced", "f1") and not getattr(loss, "decides_by_posterior", True):
            return True
        levels = loss.params.get("quantiles", (loss.params.get("quantile"),))
        if self.goal in ("median", "quantile") and None not in levels:
            # Of several quantiles, the one nearest the median is predicted.
            return min(levels, key=lambda level: abs(level - 0.5)) == self.level
        return loss.functional in GOALS[self.goal].functionals

    def is_met_in_symmetry(self, loss: Loss) -> bool:
        """Return whether the prediction would be the best one if the noise were symmetric."""
        return self.goal in ("mean", "positive mean", "median") and loss.functional in _CENTRES


def aim_of(metric: Any) -> Aim | None:
    """Return what a metric asks for; None where there is none, or nobody knows.

    Parameters
    ----------
    metric : str, callable or None
        The name of a scorer, a scorer, a function of `sklearn.metrics`, or one of your own, of
        which nothing is known.

    Raises
    ------
    ValueError
        If there is no scorer of that name, or if it measures clusters.
    TypeError
        If it is neither a name nor callable.
    """
    if metric is None:
        return None
    if isinstance(metric, str | DistributionScorer):
        return _of_name(name_of(metric))
    if not callable(metric):
        raise TypeError(
            f"metric must be the name of a scorer, a scorer or a function; got {metric!r} of type"
            f" {type(metric).__name__}. For several metrics, call it for each of them."
        )
    function, given = _function_of(metric)
    return _of_function(function, given, name_of(metric))


def name_of(metric: Any) -> str:
    """Return how messages name a metric."""
    if isinstance(metric, str):
        return metric
    if isinstance(metric, DistributionScorer):
        return metric.name
    function, given = _function_of(metric)
    shown = ", ".join(f"{key}={value!r}" for key, value in given.items())
    name = getattr(function, "__name__", type(function).__name__)
    return f"{name}({shown})" if shown else name


def for_ranks(aim: Aim) -> Aim:
    """Return what a metric of numbers asks for where the numbers are ordered classes."""
    return Aim(aim.metric, "ranks" if aim.task == REGRESSION else aim.goal, aim.level)


def _function_of(metric: Any) -> tuple[Any, dict[str, Any]]:
    """Return the function that a scorer or a partial calls, and what it is called with."""
    if isinstance(metric, functools.partial):
        return metric.func, dict(metric.keywords)
    function = getattr(metric, "_score_func", None)
    return (metric, {}) if function is None else (function, dict(metric._kwargs))


def _of_name(name: str) -> Aim:
    kind, level = distribution_measure(name)
    if kind == "neg_pinball":
        return Aim(name, "quantile", level or 0.5)
    if kind is not None:
        return Aim(name, "distribution")
    if name not in get_scorer_names():
        hint = nearest_scorers(name)
        raise ValueError(
            f"There is no metric {name!r}."
            f" {hint or 'sklearn.metrics.get_scorer_names() lists the names.'} Your own function"
            " may be given itself."
        )
    function, given = _function_of(get_scorer(name))
    aim = _of_function(function, given, name)
    if aim is None:
        raise ValueError(
            f"The metric {name!r} measures clusters, and losses are for targets. Choose one for"
            " regression or classification, such as 'r2' or 'accuracy'."
        )
    return aim


def _of_function(function: Any, given: dict[str, Any], name: str) -> Aim | None:
    """Return what a function of sklearn.metrics asks for, None for others."""
    known = getattr(function, "__name__", "")
    goal = _OF_FUNCTIONS.get(known) if _is_sklearns(function) else None
    if goal is None:
        return None
    if "tweedie" in known and not given.get("power", 0):
        goal = "mean"  # The deviance of power 0 is the squared error.
    if known == "recall_score" and given.get("average") == "macro":
        goal = "balanced"
    if known.endswith("_score") and given.get("average") == "micro":
        goal = "mode"
    if known == "cohen_kappa_score" and given.get("weights"):
        goal = "ranks"
    if goal == "quantile":
        return Aim(name, goal, given.get("alpha", 0.5))
    return Aim(name, goal)


def _is_sklearns(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("sklearn.")
