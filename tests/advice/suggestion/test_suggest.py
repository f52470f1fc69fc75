"""What is suggested: reasons with their numbers, losses that take y, tables and grids."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import make_scorer, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, ParameterGrid

from sklloss import (
    LossSearchCV,
    NeuralClassifier,
    NeuralRegressor,
    get_loss,
    list_losses,
    suggest_losses,
)
from sklloss.advice.suggestion.aim import GOALS, Aim
from sklloss.advice.suggestion.facts import facts_of
from sklloss.advice.suggestion.label_rules import RULES as LABEL_RULES
from sklloss.advice.suggestion.number_rules import RULES as NUMBER_RULES
from sklloss.advice.suggestion.target import KINDS, read_target

from ...laws.small_models import ONE_NETWORK

rng = np.random.default_rng(0)
X = rng.standard_normal((200, 3))
RANKS = pd.CategoricalDtype([1, 2, 3], ordered=True)
TARGETS = {
    "real": X[:, 0] + rng.standard_normal(200),
    "wild": X[:, 0] + rng.standard_t(1.5, 200),
    "positive": rng.gamma(1, np.exp(X[:, 0])),
    "far from zero": 1_000 + rng.gamma(1, np.exp(X[:, 0])),
    "amounts with zeros": rng.gamma(1, np.exp(X[:, 0])) * (X[:, 1] > 0),
    "counts": rng.poisson(rng.gamma(0.5, 4 * np.exp(X[:, 0]))).astype(float),
    "several": X[:, :2] + rng.standard_normal((200, 2)),
    "binary": np.where(X[:, 0] + rng.standard_normal(200) > 0, "yes", "no"),
    "": (X[:, 0] + rng.standard_normal(200) > 2).astype(int),
    "classes": X.argmax(1),
    "ordered": pd.Series(1 + X.argmax(1)).astype(RANKS),
    "multi-label": (X > 0.5).astype(int),
}
METRICS = {
    "regression": [
        *("r2", "neg_mean_absolute_error", "neg_mean_absolute_percentage_error"),
        *("neg_mean_squared_log_error", "neg_max_error", "neg_crps", "neg_pinball_0.9", None),
    ],
    "classification": [
        *("accuracy", "neg_log_loss", "roc_auc", "balanced_accuracy", "f1_macro", None)
    ],
}
KIND_OF = {name: read_target(y, "auto").kind for name, y in TARGETS.items()}
CASES = [
    (name, metric)
    for name, kind in KIND_OF.items()
    for metric in METRICS[KINDS[kind]]
    if not (kind == "real" and metric == "neg_mean_squared_log_error")
]


@pytest.mark.parametrize(("name", "metric"), CASES)
def test_every_suggestion_resolves_takes_y_and_has_a_reason(name, metric):
    y = TARGETS[name]
    advice = suggest_losses(X, y, metric=metric)
    task = read_target(y, "auto").task
    known = set(list_losses(task).name)
    assert len({row.loss for row in advice}) == len(advice) >= 3
    for row in advice:
        assert row.loss in known
        assert re.search(r"\d", row.why), row.why
        for params in ParameterGrid(row.parameters):
            loss = get_loss(row.loss, task=task, **params)
            loss.check_params()
            assert loss.functional == row.estimates
            if task == "regression":
                loss.check_y(np.asarray(y))


@pytest.mark.parametrize("rules", [NUMBER_RULES, LABEL_RULES])
def test_every_goal_has_rules_that_name_losses_there_are(rules):
    task = "regression" if rules is NUMBER_RULES else "classification"
    assert set(rules) - {None} == {goal for goal in GOALS if GOALS[goal].task == task}
    known = set(list_losses(task).name)
    for name, y in TARGETS.items():
        target = read_target(y, "auto")
        if target.task == task:
            for goal, rule in rules.items():
                aim = goal and Aim("a metric", goal)
                named = {idea.loss for idea in rule(facts_of(target), aim)}
                assert named <= known, name


def test_extra_zeros_call_for_a_zero_inflated_loss():
    def names(y):
        return [row.loss for row in suggest_losses(None, y, metric="neg_mean_poisson_deviance")]

    rng = np.random.default_rng(0)
    plain = rng.negative_binomial(2, 0.4, size=2_000)
    assert "zero_inflated_negative_binomial" not in names(plain)
    assert "zero_inflated_negative_binomial" in names(plain * (rng.random(2_000) < 0.6))


@pytest.mark.parametrize(
    ("y", "metric", "first", "why"),
    [
        ("real", "r2", "squared_error", "estimates the mean"),
        ("positive", "neg_mean_gamma_deviance", "gamma", "no zeros, the variance grows with"),
        ("counts", "neg_mean_poisson_deviance", "poisson", "the variance grows with the power"),
        ("counts", "neg_log_likelihood", "negative_binomial", r"\d+ % zeros, variance \d+ times"),
        ("wild", "neg_mean_absolute_error", "absolute_error", "estimates the median"),
        ("ordered", "neg_mean_absolute_error", "cumulative_link", "3 ordered classes"),
        ("classes", "neg_log_loss", "cross_entropy", r"probabilities.*has [\d.]+ % of the rows"),
        ("", "balanced_accuracy", "logit_adjusted", r"class 1 has [\d.]+ % of the rows \(\d+"),
        (
            "multi-label",
            "neg_log_loss",
            "cross_entropy",
            r"probabilities.*has [\d.]+ % of the rows",
        ),
    ],
)
def test_what_comes_among_the_first_and_why(y, metric, first, why):
    advice = suggest_losses(X, TARGETS[y], metric=metric)
    (row,) = [row for row in advice[:3] if row.loss == first]
    assert re.search(why, row.why)


def test_reasons_quote_numbers_that_are_true():
    y = TARGETS["counts"]
    (row,) = [r for r in suggest_losses(None, y) if r.loss == "negative_binomial"]
    zeros, ratio = (y == 0).mean(), y.var() / y.mean()
    assert row.why == f"{100 * zeros:.0f} % zeros, variance {ratio:,.2g} times the mean" or (
        row.why == f"{100 * zeros:.0f} % zeros, variance {ratio:,.0f} times the mean"
    )


def test_losses_that_multiply_are_left_out_far_from_zero():
    multiplicative = {"poisson", "gamma", "tweedie"}
    far, near = (
        {row.loss for row in suggest_losses(X, TARGETS[name], metric="r2")}
        for name in ("far from zero", "positive")
    )
    assert not multiplicative & far
    assert multiplicative & near


def test_the_level_of_the_metric_becomes_that_of_the_loss():
    metric = make_scorer(mean_pinball_loss, alpha=0.8, greater_is_better=False)
    advice = suggest_losses(X, TARGETS["real"], metric=metric)
    assert advice[0].parameters == {"quantile": [0.8]}
    assert "0.8 quantile" in advice.question


def test_disagreement_with_the_metric_is_said():
    skewed = suggest_losses(X, TARGETS["positive"], metric="neg_mean_absolute_error")
    whys = {row.loss: row.why for row in skewed}
    assert "disagrees" not in whys["absolute_error"]
    assert "In principle it disagrees with the metric: it estimates" in whys["huber"]
    symmetric = suggest_losses(X, TARGETS["real"], metric="neg_mean_absolute_error")
    whys = {row.loss: row.why for row in symmetric}
    assert "nearly the median in noise of skewness" in whys["huber"]


def test_notes_say_what_was_guessed_and_what_is_not_known():
    y = np.repeat(np.arange(5), 40)
    assert "set task='regression'" in " ".join(suggest_losses(X, y).notes)
    assert not suggest_losses(X, y, task="classification", metric="accuracy").notes

    def mine(y, predicted):
        return 0.0

    assert (
        "What mine asks of a prediction is not known" in suggest_losses(X, y, metric=mine).notes[1]
    )


@pytest.mark.parametrize(
    ("y", "metric", "message"),
    [
        ("real", "accuracy", "is for classification, but y has numbers. Set task='classif"),
        ("binary", "r2", "is for regression, but y has two classes. Set task='regression'"),
        ("real", "neg_mean_poisson_deviance", "needs y >= 0; .* rows are negative.*Shift y"),
        ("real", "neg_mean_squared_log_error", "needs y >= 0; .* rows are negative.*Shift y"),
        ("real", "neg_mean_absolut_error", "Did you mean 'neg_mean_absolute_error'"),
    ],
)
def test_a_metric_that_does_not_fit(y, metric, message):
    with pytest.raises(ValueError, match=message):
        suggest_losses(X, TARGETS[y], metric=metric)


def test_a_table_to_read_in_a_terminal_and_in_a_notebook():
    advice = suggest_losses(X, TARGETS["counts"], metric="neg_mean_poisson_deviance")
    lines = repr(advice).splitlines()
    assert lines[0] == (
        "200 rows of counts; neg_mean_poisson_deviance asks for the mean, as a prediction above 0."
    )
    assert lines[2].split() == ["rank", "loss", "parameters", "why"]
    assert lines[3].split()[:2] == ["1", advice[0].loss]
    assert max(map(len, lines)) <= 100
    page = advice._repr_html_()
    assert all(f"<td>{row.loss}</td>" in page for row in advice)
    assert "y &gt;= 0" in page
    assert advice.to_frame()["loss"].tolist() == [row.loss for row in advice]


@pytest.mark.parametrize("search", [GridSearchCV, LossSearchCV])
@pytest.mark.parametrize(
    ("load", "kind"), [(load_diabetes, NeuralRegressor), (load_breast_cancer, NeuralClassifier)]
)
def test_searches_take_the_grid(search, load, kind):
    X, y = (part[:60] for part in load(return_X_y=True))
    grid = suggest_losses(X, y).to_param_grid()
    net = kind(**{**ONE_NETWORK, "hidden_layer_sizes": (4,), "max_epochs": 2, "random_state": 0})
    found = search(net, grid, cv=2, error_score="raise").fit(X, y)
    assert len(found.cv_results_["params"]) == len(ParameterGrid(grid))


def test_real_tables_go_in_as_they_are():
    frame = load_diabetes(as_frame=True).data.assign(city=["Rome", None] * 221)
    advice = suggest_losses(frame, load_diabetes().target, metric="r2")
    assert advice.facts["explained"] > 0.2
    digits = suggest_losses(*load_digits(return_X_y=True))
    assert digits.facts["kind"] == "classes"
