"""suggest_losses: which losses suit a target and a metric."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...losses.listing import losses_of
from ...losses.loss import Loss
from ...losses.resolve import get_loss
from ...parameters.refusals import refuse_rows
from . import label_rules, number_rules
from .aim import Aim, aim_of, for_ranks, name_of
from .facts import Facts, NumberFacts, facts_of, table_of
from .ideas import Idea, number
from .suggestions import Suggestion, Suggestions
from .target import CLASSIFICATION, REGRESSION, TargetOfAdvice, check_rows, read_target
from .weights import weighted_rows

# How many losses are suggested at most.
MOST = 6


def suggest_losses(
    X: Any, y: Any, *, task: str = "auto", metric: Any = None, sample_weight: Any = None
) -> Suggestions:
    """Suggest losses for a target, each with parameters to try and the reason.

    The suggestions depend on y: its zeros, skewness, outliers and variance, or its rare classes.
    With X, a quick cross-validated fit of boosted trees separates the noise from what X explains.
    With a metric, losses that are consistent with it come first, and for the others the reason says
    what they estimate instead.

    Parameters
    ----------
    X : array-like, DataFrame, sparse matrix of shape (n_rows, n_features), or None
        Rows, which may have text, categories, dates and missing values.  If None, or an array with
        more than two axes, the noise is not estimated.
    y : array-like of shape (n_rows,) or (n_rows, n_targets)
        Numbers, or labels of any type; ordered labels as an ordered categorical, and several labels
        per row as a matrix of 0 and 1.
    task : {"auto", "regression", "classification"}, default="auto"
        How to read y.  "auto" takes text, booleans and categories for labels, and also integers
        with few distinct values, unless the metric is one for regression.
    metric : str, callable or None, default=None
        The metric by which predictions will be judged: the name of a scorer, a scorer, or a
        function of `sklearn.metrics`.  Your own function has no effect on the suggestions.
    sample_weight : array-like of shape (n_rows,) or None, default=None
        Weights of the rows in the fit, >= 0.  Rows of weight 0 are left out; integers up to 100
        count as repeated rows; for other weights only the ratios matter.

    Returns
    -------
    Suggestions
        The suggestions, which print as a table.  ``to_param_grid()`` returns a grid for a search,
        and ``facts`` has the properties of the data.

    Raises
    ------
    ValueError
        If y has missing values, is constant or has fewer than 10 rows; if no loss suits y; if X has
        another number of rows; if a weight is negative; or if the metric is unknown or for another
        task.
    TypeError
        If y has labels of several types, or `metric` is not a metric.

    See Also
    --------
    sklloss.LossSearchCV : Searches the suggestions with ``param_grid="suggested"``.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = rng.poisson(rng.gamma(0.5, 10.0, size=500))
    >>> advice = suggest_losses(None, y, metric="neg_mean_poisson_deviance")
    >>> [row.loss for row in advice][:2], round(advice.facts["zeros"], 2)
    (['poisson', 'tweedie'], 0.28)
    >>> advice.to_param_grid()[1]
    {'loss': ['tweedie'], 'loss__power': [1.2]}
    """
    aim = aim_of(metric)
    check_rows(X, y)
    X, y, weight = weighted_rows(X, y, sample_weight)
    target = read_target(y, task, None if aim is None else aim.task)
    aim = _checked(aim, target)
    facts = facts_of(target, X, weight)
    rows = tuple(_row(idea, target, aim, facts) for idea in _ranked(_ideas(facts, aim), target))
    question, notes = _question(facts, target, aim), _notes(target, aim, metric)
    return Suggestions(rows, table_of(facts), question, notes)


def _ideas(facts: Facts, aim: Aim | None) -> Iterable[Idea]:
    """Return the ideas of the rules for a kind of target and a goal."""
    goal = None if aim is None else aim.goal
    if isinstance(facts, NumberFacts):
        return number_rules.RULES[goal](facts, aim)
    return label_rules.RULES[goal](facts, aim)


def _checked(aim: Aim | None, target: TargetOfAdvice) -> Aim | None:
    """Return what the metric asks of a target of this kind; raise if it is for another task."""
    if aim is None:
        return None
    if target.kind == "ordered" and aim.task == REGRESSION:
        aim = for_ranks(aim)
    if aim.goal in ("positive mean", "log") and target.kind == "real":
        refuse_rows(
            np.asarray(target.values.min(1) < 0),
            f"The metric {aim.metric!r} needs y >= 0",
            "are negative",
            "Shift y, or choose a metric such as 'r2'.",
            example=lambda row: target.values[row].min(),
        )
    if aim.task != target.task:
        remedy = (
            "Set task='classification' if y has labels, or choose a metric such as 'r2'."
            if target.task == REGRESSION
            else "Set task='regression' if y has numbers, or choose a metric such as 'accuracy'."
        )
        raise ValueError(
            f"The metric {aim.metric!r} is for {aim.task}, but y has {_words(target)}. {remedy}"
        )
    return aim


def _ranked(ideas: Iterable[Idea], target: TargetOfAdvice) -> list[Idea]:
    """Return the heaviest ideas, one per loss, of losses that take y."""
    best: dict[str, Idea] = {}
    known = {cls.name for cls in losses_of(target.task)}
    for idea in ideas:
        is_heavier = idea.loss not in best or idea.weight > best[idea.loss].weight
        if is_heavier and idea.loss in known and _takes(_loss_of(idea, target), target):
            best[idea.loss] = idea
    ranked = sorted(best.values(), key=lambda idea: -idea.weight)
    return ranked[:MOST]


def _loss_of(idea: Idea, target: TargetOfAdvice) -> Loss:
    """Return the loss of an idea, with the first of its values."""
    first = {name: values[0] for name, values in idea.parameters.items()}
    return get_loss(idea.loss, task=target.task, **first)


def _takes(loss: Any, target: TargetOfAdvice) -> bool:
    """Return whether a loss takes a target."""
    if target.task == REGRESSION:
        return bool(loss.y_domain.inside(target.values).all())
    if target.kind == "multi-label":
        return loss.multi_label
    return loss.multi_class or len(target.classes) == 2


def _row(idea: Idea, target: TargetOfAdvice, aim: Aim | None, facts: Facts) -> Suggestion:
    loss, why = _loss_of(idea, target), idea.why
    if aim is not None and not aim.is_met_by(loss):
        why += f". {_disagreement(loss, aim, facts)}"
    return Suggestion(idea.loss, idea.parameters, why, loss.functional)


def _disagreement(loss: Loss, aim: Aim, facts: Facts) -> str:
    """Return what a loss estimates that is not what the metric asks for."""
    in_symmetry = aim.is_met_in_symmetry(loss)
    if isinstance(facts, NumberFacts) and in_symmetry and number_rules.is_symmetric(facts):
        skew = number(number_rules.skew_of_noise(facts))
        same = f"which is nearly {aim.words} in noise of skewness {skew}"
        return f"It estimates {_estimated(loss)}, {same}"
    return f"In principle it disagrees with the metric: it estimates {_estimated(loss)}"


def _estimated(loss: Loss) -> str:
    """Return what a loss estimates, with its article."""
    words = loss.functional
    bare = ("between", "exp(", "location", "several")
    whole = {"similar to the mean": "something like the mean", "between median and mean": "a value"}
    words = f"{whole.get(words, '')} {words}".strip() if words in whole else words
    return words if words.startswith((*bare, "a value", "something")) else f"the {words}"


def _words(target: TargetOfAdvice) -> str:
    """Return what y holds, in words."""
    n = len(target.classes)
    several = target.values.shape[1]
    found = {
        "real": "numbers",
        "positive": "numbers >= 0",
        "counts": "counts",
        "binary": "two classes",
        "classes": f"{n} classes",
        "ordered": f"{n} ordered classes",
        "multi-label": f"{several} labels, of which a row has any number",
    }[target.kind]
    is_table = several > 1 and target.task == REGRESSION
    return f"{several} columns of {found}" if is_table else found


def _question(facts: Facts, target: TargetOfAdvice, aim: Aim | None) -> str:
    asks = "" if aim is None else f"; {aim.metric} asks for {aim.words}"
    return f"{facts.n_rows:,} rows of {_words(target)}{asks}."


def _notes(target: TargetOfAdvice, aim: Aim | None, metric: Any) -> tuple[str, ...]:
    """Return what else to know."""
    notes = []
    if target.guessed:
        other = CLASSIFICATION if target.task == REGRESSION else REGRESSION
        notes.append(f"y was read as {_words(target)}. If it is not, set task={other!r}.")
    if metric is not None and aim is None:
        notes.append(
            f"What {name_of(metric)} asks of a prediction is not known, so the suggestions depend"
            " only on the data. Use it as scoring in the search."
        )
    if metric is None:
        notes.append(
            "These losses estimate different things. Name the metric by which predictions will be"
            " judged to get those that suit it."
        )
    if aim is not None and aim.goal in ("f1", "balanced"):
        notes.append(
            "With the default of eight networks, decision='macro_f1' beside any loss with"
            " probabilities learns the decision from rows that were held out."
        )
    return tuple(notes)
