"""TrainingCurveDisplay draws the losses that nets and searches have kept."""

import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EpochScoring

from sklloss import LossSearchCV, NeuralRegressor
from sklloss.inspection import TrainingCurveDisplay

from .small_searches import TINY, X, Y, loss_search


def line_of(ax, label):
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line


def test_members_are_thin_and_their_mean_is_bold():
    params = {**TINY, "n_members": 3, "max_epochs": 5}
    model = NeuralRegressor(early_stopping=True, **params).fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(model)
    assert len(display.axes_) == 1
    mean = line_of(display.ax_, "validation loss")
    histories = np.array([member.history[:, "valid_loss"] for member in model.members_])
    np.testing.assert_allclose(mean.get_ydata(), histories.mean(axis=0))
    thin = [line.get_ydata() for line in display.ax_.lines if line.get_linewidth() < 1]
    assert len(thin) == 6
    assert any(np.array_equal(each, histories[1]) for each in thin)
    kept = line_of(display.ax_, "best epoch, kept")
    assert kept.get_xdata().tolist() == [1 + int(np.argmin(each)) for each in histories]
    np.testing.assert_allclose(kept.get_ydata(), histories.min(axis=1))


def test_members_that_stop_count_with_their_last_loss():
    params = {**TINY, "n_members": 4, "max_epochs": 40, "lr": 0.05, "n_iter_no_change": 2}
    model = NeuralRegressor(early_stopping=True, **params).fit(X, Y)
    lengths = [len(member.history) for member in model.members_]
    assert min(lengths) < max(lengths)
    mean = line_of(TrainingCurveDisplay.from_estimator(model).ax_, "training loss").get_ydata()
    assert len(mean) == max(lengths)
    last = [member.history[-1, "train_loss"] for member in model.members_]
    assert mean[-1] == pytest.approx(np.mean(last))


def test_metrics_have_panels_of_their_own():
    scoring = EpochScoring("r2", name="valid_r2", lower_is_better=False)
    net = NeuralRegressor(callbacks=[scoring], early_stopping=True, **TINY)
    model = make_pipeline(StandardScaler(), net).fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(model)
    assert [ax.get_ylabel() for ax in display.axes_] == ["loss", "valid_r2"]
    drawn = line_of(display.axes_[1], "valid_r2").get_ydata()
    np.testing.assert_allclose(drawn, model[-1].history_[:, "valid_r2"])


def test_without_validation_rows_the_training_loss_is_drawn():
    model = NeuralRegressor(early_stopping=False, **TINY).fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(model)
    labels = [line.get_label() for line in display.ax_.lines]
    assert labels == ["training loss", "best epoch, kept"]


def test_every_candidate_is_thin_and_the_winner_bold():
    search = loss_search()
    display = TrainingCurveDisplay.from_search(search, relative=False)
    assert [ax.get_ylabel() for ax in display.axes_] == ["training loss", "validation loss"]
    for ax, name in zip(display.axes_, ("train_loss", "valid_loss"), strict=True):
        curves = [line for line in ax.lines if line.get_linestyle() != "None"]
        bold = [i for i, line in enumerate(curves) if line.get_linewidth() > 2]
        assert bold == [search.best_index_]
        for line, of_candidate in zip(curves, search.histories_, strict=True):
            wanted = np.mean([history[name] for history in of_candidate], axis=0)
            np.testing.assert_allclose(line.get_ydata(), wanted)


def test_losses_in_different_units_go_from_one_to_zero():
    search = loss_search()
    display = TrainingCurveDisplay.from_search(search)
    assert display.relative
    for line in display.ax_.lines:
        if line.get_linestyle() != "None":
            assert line.get_ydata()[0] == 1
            assert line.get_ydata().min() == 0


def test_one_loss_is_drawn_in_its_own_unit():
    grid = {"lr": [0.001, 0.01]}
    search = LossSearchCV(NeuralRegressor(**TINY), grid, cv=2).fit(X, Y)
    display = TrainingCurveDisplay.from_search(search)
    assert not display.relative
    assert [line.get_label() for line in display.ax_.lines][search.best_index_].endswith("(chosen)")


def test_many_candidates_share_one_name():
    grid = {"lr": np.logspace(-4, -2, 12).tolist()}
    search = LossSearchCV(NeuralRegressor(**{**TINY, "max_epochs": 2}), grid, cv=2).fit(X, Y)
    ax = TrainingCurveDisplay.from_search(search).ax_
    named = [line.get_label() for line in ax.lines if not line.get_label().startswith("_")]
    assert "11 other candidates" in named
    assert len(named) == 3


def test_candidates_that_failed_are_left_out():
    grid = {"loss": ["mse", "poisson"]}
    search = LossSearchCV(NeuralRegressor(**TINY), grid, cv=2)
    with pytest.warns(UserWarning, match="non-finite"), pytest.warns(FitFailedWarning):
        search.fit(X, Y - Y.mean())
    display = TrainingCurveDisplay.from_search(search)
    assert display.labels == ["mse"]


def test_bad_input():
    with pytest.raises(NotFittedError):
        TrainingCurveDisplay.from_estimator(NeuralRegressor())
    with pytest.raises(TypeError, match="needs an estimator of sklloss.*got Ridge"):
        TrainingCurveDisplay.from_estimator(Ridge().fit(X, Y))
    with pytest.raises(NotFittedError, match="has none"):
        TrainingCurveDisplay.from_search(LossSearchCV(NeuralRegressor(), {}))
    search = GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2).fit(X, Y)
    with pytest.raises(ValueError, match="losses by epoch, which this GridSearchCV has not kept"):
        TrainingCurveDisplay.from_search(search)
