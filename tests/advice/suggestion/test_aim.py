"""What metrics ask for, and which losses give it."""

from functools import partial

import numpy as np
import pytest
from sklearn import metrics
from sklearn.metrics import get_scorer_names, make_scorer

from sklloss.advice.suggestion.aim import GOALS, aim_of, name_of
from sklloss.losses import get_loss, list_losses
from sklloss.metrics import get_scorer

OF_CLUSTERS = {
    *("adjusted_mutual_info_score", "adjusted_rand_score", "completeness_score"),
    *("fowlkes_mallows_score", "homogeneity_score", "mutual_info_score"),
    *("normalized_mutual_info_score", "rand_score", "v_measure_score"),
}


@pytest.mark.parametrize("name", sorted(set(get_scorer_names()) - OF_CLUSTERS))
def test_every_scorer_of_scikit_learn_is_known_alike_by_name_and_as_an_object(name):
    by_name, as_object = aim_of(name), aim_of(get_scorer(name))
    assert (by_name.goal, by_name.level) == (as_object.goal, as_object.level)
    assert by_name.task == GOALS[by_name.goal].task


@pytest.mark.parametrize("name", sorted(OF_CLUSTERS & set(get_scorer_names())))
def test_scores_of_clusters_are_refused(name):
    with pytest.raises(ValueError, match="measures clusters.*Choose one for regression"):
        aim_of(name)


@pytest.mark.parametrize(
    ("metric", "goal", "level"),
    [
        ("r2", "mean", 0.5),
        ("neg_mean_absolute_error", "median", 0.5),
        (metrics.mean_absolute_error, "median", 0.5),
        (partial(metrics.mean_pinball_loss, alpha=0.9), "quantile", 0.9),
        (make_scorer(metrics.mean_pinball_loss, alpha=0.1), "quantile", 0.1),
        (make_scorer(metrics.cohen_kappa_score, weights="quadratic"), "ranks", 0.5),
        ("neg_pinball_0.95", "quantile", 0.95),
        ("neg_crps", "distribution", 0.5),
        ("interval_coverage", "distribution", 0.5),
        ("neg_log_loss", "posterior", 0.5),
        ("accuracy", "mode", 0.5),
        ("recall_macro", "balanced", 0.5),
        ("recall", "f1", 0.5),
        ("roc_auc_ovr", "ranking", 0.5),
    ],
)
def test_what_a_metric_asks_for(metric, goal, level):
    aim = aim_of(metric)
    assert (aim.goal, aim.level) == (goal, level)


def test_of_a_function_of_ones_own_nothing_is_known():
    def mean_absolute_error(y, predicted):
        return 0.0

    assert aim_of(mean_absolute_error) is None
    assert aim_of(None) is None
    assert name_of(make_scorer(mean_absolute_error)) == "mean_absolute_error"
    assert name_of(partial(metrics.mean_pinball_loss, alpha=0.9)) == "mean_pinball_loss(alpha=0.9)"


def test_an_unknown_name_lists_the_nearest():
    with pytest.raises(
        ValueError, match="no metric 'mean_absolute_error'. Did you mean 'neg_mean_a"
    ):
        aim_of("mean_absolute_error")
    with pytest.raises(
        ValueError, match="no metric 'rsme'. Did you mean 'neg_root_mean_squared_error"
    ):
        aim_of("rsme")
    with pytest.raises(TypeError, match="must be the name of a scorer.*got 3 of type int"):
        aim_of(3)
    with pytest.raises(TypeError, match="For several metrics, call it for each of them"):
        aim_of(["r2", "neg_mean_absolute_error"])


def best_constant(metric, y, grid):
    errors = [metric(y, np.full(len(y), value)) for value in grid]
    return grid[int(np.argmin(errors))]


@pytest.mark.parametrize(
    "metric",
    [
        metrics.mean_squared_error,
        metrics.mean_absolute_error,
        metrics.mean_poisson_deviance,
        metrics.mean_gamma_deviance,
        metrics.mean_squared_log_error,
        partial(metrics.mean_pinball_loss, alpha=0.9),
    ],
)
@pytest.mark.parametrize(
    ("loss", "params"),
    [
        ("squared_error", {}),
        ("absolute_error", {}),
        ("poisson", {}),
        ("gamma", {}),
        ("squared_log_error", {}),
        ("quantile", {"quantile": 0.9}),
        ("quantile", {"quantile": 0.5}),
    ],
)
def test_a_loss_meets_a_metric_exactly_where_its_best_constant_is_best_under_it(
    metric, loss, params
):
    torch = pytest.importorskip("torch")
    y = np.random.default_rng(0).exponential(size=4_000) + 0.01
    grid = np.linspace(0.02, 4, 400)
    loss = get_loss(loss, task="regression", **params)
    column, weights = torch.from_numpy(y)[:, None], torch.ones(len(y), dtype=torch.float64)
    state = loss.prepare(column, weights)
    raw = loss.baseline(column, weights, state).expand(1, 1, -1)
    constant = float(loss.predict(raw, state))
    is_best = abs(best_constant(metric, y, grid) - constant) < 0.03
    assert aim_of(metric).is_met_by(loss) == is_best


def test_no_goal_names_a_functional_that_no_loss_has():
    known = set(list_losses().functional)
    assert set().union(*(goal.functionals for goal in GOALS.values())) <= known


@pytest.mark.parametrize("name", ["mae", "MSE", "rmse", "auc", "logloss", "mape"])
def test_short_names_are_answered_with_the_scorer(name):
    meant = {
        "mae": "neg_mean_absolute_error",
        "MSE": "neg_mean_squared_error",
        "rmse": "neg_root_mean_squared_error",
        "auc": "roc_auc",
        "logloss": "neg_log_loss",
        "mape": "neg_mean_absolute_percentage_error",
    }[name]
    with pytest.raises(ValueError, match=rf"no metric '{name}'\. Did you mean '{meant}'\?"):
        aim_of(name)


@pytest.mark.parametrize(
    ("name", "goal", "level"),
    [
        ("neg_crps", "distribution", 0.5),
        ("neg_pinball_0.25", "quantile", 0.25),
        ("neg_pinball", "quantile", 0.5),
        ("interval_score_0.9", "distribution", 0.5),
    ],
)
def test_scorers_of_distributions_as_names_and_as_objects(name, goal, level):
    for metric in (name, get_scorer(name)):
        aim = aim_of(metric)
        assert (aim.goal, aim.level) == (goal, level)


@pytest.mark.parametrize("name", ["interval_width_of_mine", "neg_pinball_2", "interval_"])
def test_what_only_begins_like_a_scorer_is_refused(name):
    with pytest.raises(ValueError, match=name):
        aim_of(name)
