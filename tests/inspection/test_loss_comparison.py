"""LossComparisonDisplay draws the scores, intervals and ties that the search and its test have."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from sklloss import LossSearchCV, NeuralRegressor, compare_losses
from sklloss.inspection import LossComparisonDisplay
from sklloss.inspection.candidates import Candidates

from .small_searches import Scored, X, Y, loss_search

RNG = np.random.default_rng(0)


def lines_of(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


def test_draws_every_split_and_mean_of_every_metric():
    search = loss_search()
    display = LossComparisonDisplay.from_search(search)
    table = search.cv_results_
    assert [ax.get_xlabel() for ax in display.axes_] == [
        "r2 (higher is better)",
        "mean_absolute_error (lower is better)",
    ]
    for ax, metric, sign in zip(
        display.axes_, ["r2", "neg_mean_absolute_error"], [1, -1], strict=True
    ):
        (splits,) = lines_of(ax, "split")
        wanted = np.array([table[f"split{k}_test_{metric}"] for k in range(4)]).T[display.order_]
        np.testing.assert_allclose(splits.get_xdata().reshape(4, 4), sign * wanted)
        means = {
            line.get_ydata()[0]: line.get_xdata()[0]
            for line in ax.lines
            if len(line.get_xdata()) == 1
        }
        np.testing.assert_allclose([means[i] for i in range(4)], sign * wanted.mean(axis=1))


def test_best_stands_on_top_and_the_chosen_one_has_a_star():
    search = loss_search()
    display = LossComparisonDisplay.from_search(search)
    means = search.cv_results_["mean_test_r2"]
    assert display.order_.tolist() == np.argsort(-means).tolist()
    (star,) = lines_of(display.ax_, "chosen")
    assert (star.get_xdata()[0], star.get_marker()) == (means[search.best_index_], "*")
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert sorted(labels) == ["huber(delta=0.5)", "huber(delta=2)", "mae", "mse"]


def test_ties_are_those_of_compare_losses():
    scores = 0.5 + RNG.normal(0, 0.02, (6, 10)) + np.array([0, 0, 0, -0.1, -0.12, -0.15])[:, None]
    search = Scored(scores, cv=10)
    display = LossComparisonDisplay.from_search(search)
    frame = compare_losses(search).to_frame()
    drawn = {
        int(display.order_[int(line.get_ydata()[0])])
        for line in lines_of(display.ax_, "tied with the best")
    }
    assert drawn == set(frame.index[frame["tied"]])
    assert len(lines_of(display.ax_, "worse")) == 5 - len(drawn) > 0


def test_interval_is_that_of_the_corrected_difference_to_the_best():
    scores = 0.5 + RNG.normal(0, 0.02, (2, 10)) + np.array([[0.05], [0.0]])
    display = LossComparisonDisplay.from_search(Scored(scores, cv=10))
    (of_metric,) = display.candidates.scores
    difference = scores[1] - scores[0]
    # Nadeau and Bengio (2003): the variance of a mean over splits, with 1/9 test rows per training row.
    scale = np.sqrt(difference.var(ddof=1) * (1 / 10 + 1 / 9))
    wanted = stats.t.interval(0.95, 9, loc=scores[1].mean(), scale=scale)
    np.testing.assert_allclose(of_metric.intervals[1], wanted)
    assert np.isnan(of_metric.intervals[0]).all()


def test_candidates_that_went_wrong_leave_the_axis_to_the_others():
    scores = 0.5 + RNG.normal(0, 0.02, (5, 3))
    scores[3] = -1e6
    scores[4, 1] = np.nan
    display = LossComparisonDisplay.from_search(Scored(scores, cv=3))
    assert display.order_[-1] == 4
    assert display.ax_.get_xlim()[0] > 0
    assert [text.get_text() for text in display.ax_.texts] == ["◂ -1e+06", "no score"]


def test_shows_as_many_candidates_as_asked_and_the_chosen_one():
    scores = 0.5 + RNG.normal(0, 0.02, (60, 3))
    search = Scored(scores, cv=3)
    search.best_index_ = int(np.argmin(scores.mean(axis=1)))
    display = LossComparisonDisplay.from_search(search, max_candidates=10)
    assert len(display.order_) == 10
    assert display.order_[-1] == search.best_index_
    assert display.axes_[-1].get_title(loc="right") == "50 more not shown"
    assert len(LossComparisonDisplay.from_search(search).order_) == 40


@pytest.mark.parametrize("scores", [[[0.5, 0.6, 0.4]], [[0.5], [0.6]], [[0.5]], [[0.5, 0.5]] * 2])
def test_one_candidate_one_split_or_no_spread(scores):
    display = LossComparisonDisplay.from_search(Scored(scores, cv=max(2, len(scores[0]))))
    (star,) = lines_of(display.ax_, "chosen")
    assert star.get_xdata()[0] == np.mean(scores, axis=1).max()


def test_without_the_share_of_test_rows_no_ties_are_claimed():
    scores = 0.5 + RNG.normal(0, 0.02, (3, 5))
    search = Scored(scores, cv=TimeSeriesSplit(5))
    display = LossComparisonDisplay.from_search(search)
    assert len(lines_of(display.ax_, "mean")) == 2
    display = LossComparisonDisplay.from_search(search, test_size=0.2)
    assert not lines_of(display.ax_, "mean")


def test_scikit_learns_halving_shows_its_last_iteration():
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import HalvingGridSearchCV

    search = HalvingGridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0, 100.0]}, cv=3, factor=2)
    display = LossComparisonDisplay.from_search(search.fit(X, Y))
    last = search.cv_results_["iter"] == search.n_iterations_ - 1
    assert display.candidates.rows.tolist() == np.flatnonzero(last).tolist()


def test_draws_into_given_axes():
    search = loss_search()
    _, two = plt.subplots(1, 2)
    assert LossComparisonDisplay.from_search(search, ax=two).axes_.tolist() == two.tolist()
    _, one = plt.subplots()
    divided = LossComparisonDisplay.from_search(search, ax=one)
    assert len(divided.axes_) == 2
    assert divided.figure_ is one.figure
    single = LossComparisonDisplay.from_search(search, metrics="r2", ax=plt.subplots()[1])
    assert len(single.axes_) == 1


def test_draws_into_axes_of_a_closed_figure(tmp_path):
    """A notebook closes a figure once its cell is done; drawing and saving still work."""
    figure, ax = plt.subplots()
    plt.close(figure)
    display = LossComparisonDisplay.from_search(loss_search(), metrics="r2", ax=ax)
    display.figure_.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("search", "params", "error", "message"),
    [
        (NeuralRegressor(), {}, TypeError, "needs a fitted search.*got NeuralRegressor"),
        (5, {}, TypeError, "got int"),
        (GridSearchCV(NeuralRegressor(), {}), {}, NotFittedError, r"Call fit\(X, y\) first"),
        (Scored([[np.nan, 1.0]]), {}, ValueError, "all 1 have failed"),
        (Scored([[1.0, 2.0]]), {"metrics": "r22"}, ValueError, "no metric 'r22'"),
        (Scored([[1.0, 2.0]]), {"metrics": []}, ValueError, "needs a metric"),
        (Scored([[1.0, 2.0]] * 2), {"test_size": 2}, ValueError, "test_size"),
        (Scored([[1.0, 2.0]]), {"ax": "here"}, TypeError, "needs ax to be Axes"),
        (Scored([[1.0, 2.0]]), {"max_candidates": 0}, ValueError, "max_candidates >= 1"),
        (Scored([[1.0, 2.0]]), {"max_candidates": "a"}, ValueError, "max_candidates >= 1"),
        (Scored([[1.0, 2.0]]), {"max_candidates": 1.5}, ValueError, "max_candidates >= 1"),
        (Scored([[1.0, 2.0]]), {"metrics": 3}, TypeError, "names of metrics; got metrics=3"),
        (LossSearchCV, {}, TypeError, "got the class LossSearchCV"),
    ],
)
def test_bad_input(search, params, error, message):
    with pytest.raises(error, match=message):
        LossComparisonDisplay.from_search(search, **params)


def test_wrong_axes_are_refused():
    figure, axes = plt.subplots(1, 3)
    with pytest.raises(ValueError, match="draws 2 panels and got 3 Axes"):
        LossComparisonDisplay.from_search(loss_search(), ax=axes)
    figure.clear()
    with pytest.raises(ValueError, match="in no figure any more"):
        LossComparisonDisplay.from_search(loss_search(), ax=axes[:2])


def test_the_label_of_the_axis_is_not_cut_beside_long_names():
    """As in a column of a report, where names leave the axis hardly any room."""
    search = Scored([[1.0, 2.0], [1.5, 1.0]], scoring="neg_mean_absolute_percentage_error")
    candidates = Candidates.of_search(search, "test", test_size=0.5)
    labels = ["multi_quantile(quantiles=(0.1, 0.5, 0.9))", "mse"]
    display = LossComparisonDisplay(candidates=replace(candidates, labels=labels))
    figure = Figure(figsize=(5.0, 3.0), layout="constrained")
    display.plot(figure.subplots())
    figure.draw_without_rendering()
    box = display.ax_.xaxis.label.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
