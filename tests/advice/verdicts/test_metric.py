"""A metric is found by its name and shown in its own units."""

import warnings

import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, max_error, mean_absolute_error
from sklearn.model_selection import GridSearchCV

from sklloss import compare_losses
from sklloss.advice.verdicts.metric import metric_of_scorer
from sklloss.metrics import get_scorer

from .tables import table_of

X, Y = load_diabetes(return_X_y=True)
MAE = make_scorer(mean_absolute_error, greater_is_better=False)


def searched(scoring, refit=True):
    grid = {"alpha": [0.1, 1.0, 2.0]}
    return GridSearchCV(Ridge(), grid, scoring=scoring, refit=refit, cv=5).fit(X, Y)


@pytest.mark.parametrize(
    ("scoring", "refit", "metric", "name", "is_error"),
    [
        (None, True, None, "score", False),
        ("r2", True, None, "r2", False),
        ("r2", True, "score", "r2", False),
        ("neg_mean_absolute_error", True, None, "mean_absolute_error", True),
        ("neg_mean_absolute_error", True, "neg_mean_absolute_error", "mean_absolute_error", True),
        ("neg_mean_absolute_error", True, "mean_absolute_error", "mean_absolute_error", True),
        (MAE, True, None, "mean_absolute_error", True),
        (["r2", "neg_max_error"], "r2", None, "r2", False),
        (["r2", "neg_max_error"], "r2", "neg_max_error", "max_error", True),
        (["r2", "neg_max_error"], "r2", "max_error", "max_error", True),
        (["r2", "neg_max_error"], False, "max_error", "max_error", True),
        ({"off by": MAE, "fit": "r2"}, "off by", None, "off by", True),
        ({"off by": "neg_mean_absolute_error"}, "off by", None, "off by", True),
        (lambda estimator, X, y: estimator.score(X, y), True, None, "score", False),
    ],
)
def test_metrics_are_named_and_shown_as_they_are(scoring, refit, metric, name, is_error):
    compared = compare_losses(searched(scoring, refit), metric=metric)
    frame = compared.to_frame()
    assert compared.metric == name
    assert compared.best == "alpha=0.1"
    assert (frame["mean"] > 0).all()
    assert frame["mean"].is_monotonic_increasing == is_error
    assert (frame["difference"].iloc[1:] > 0).all() == is_error


def test_an_unknown_metric_is_told_the_nearest():
    with pytest.raises(ValueError, match=r"no metric 'r_2' in cv_results_. Did you mean 'r2'\?"):
        compare_losses(searched(["r2", "neg_max_error"], "r2"), metric="r_2")
    with pytest.raises(ValueError, match=r"no metric 'accuracy'.*There are \['score'\]"):
        compare_losses(searched(None), metric="accuracy")


def test_several_metrics_of_which_none_decides():
    with pytest.raises(ValueError, match=r"\['r2', 'neg_max_error'\]. Give metric=."):
        compare_losses(searched(["r2", "neg_max_error"], False))
    table = {**table_of([[1, 2]], metric="r2"), **table_of([[1, 2]], metric="f1")}
    with pytest.raises(ValueError, match="Give metric="):
        compare_losses(table, test_size=0.5)


def test_an_error_that_is_taken_for_a_score_is_reported():
    with pytest.warns(UserWarning, match="higher max_error for better.*greater_is_better=False"):
        compare_losses(searched(make_scorer(max_error)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare_losses(searched(make_scorer(max_error, greater_is_better=False)))


def test_a_table_without_scores_on_test_rows():
    with pytest.raises(ValueError, match="no column mean_test_"):
        compare_losses(pd.DataFrame({"params": [{}], "mean_fit_time": [1.0]}))


@pytest.mark.parametrize(
    ("name", "shown", "sign"),
    [
        ("neg_crps", "crps", -1),
        ("neg_pinball_0.9", "pinball_0.9", -1),
        ("interval_coverage_0.8", "interval_coverage_0.8", 1),
        ("neg_log_likelihood", "log_likelihood", 1),
    ],
)
def test_scorers_of_distributions_have_their_names(name, shown, sign):
    """Also where the scorer itself is given, which has a function that nobody knows."""
    metric = metric_of_scorer("score", get_scorer(name))
    assert (metric.name, metric.sign) == (shown, sign)


def test_a_log_likelihood_is_shown_as_what_it_is():
    """Its scorer returns the log-likelihood under either name; the other is its negative."""
    scores = [[-3.0, -3.5], [-2.0, -2.5]]
    for name, shown, best in (
        ("log_likelihood", "log_likelihood", -2.25),
        ("neg_log_likelihood", "negative_log_likelihood", 2.25),
    ):
        compared = compare_losses(table_of(scores, metric=name), test_size=0.2)
        assert (compared.metric, compared.to_frame()["mean"].iloc[0]) == (shown, best)
