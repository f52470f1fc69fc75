"""Notebooks show the verdict on a fitted search, and the top of its table."""

import sys
import types
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from tqdm import TqdmWarning

from sklloss import LossSearchCV, NeuralRegressor, compare_losses
from sklloss.search.notebook import verdict_html

X, Y = load_diabetes(return_X_y=True)
NET = NeuralRegressor(n_members=1, max_epochs=2, hidden_layer_sizes=(4,), random_state=0)


def test_fitted_search_shows_its_verdict_and_five_candidates():
    grid = {"lr": np.logspace(-4, -2, 7).tolist()}
    search = LossSearchCV(NET, grid, scoring="neg_mean_absolute_error", cv=3).fit(X, Y)
    html = search._repr_html_()
    compared = compare_losses(search)
    assert f"<strong>{compared.verdict}</strong>" in html
    assert "... and 2 more" in html
    assert "<th>mean_absolute_error</th>" in html
    for label in compared.to_frame()["candidate"][:5]:
        assert f"<td>{label}</td>" in html
    assert "loss: SquaredError()" in html


def test_search_that_is_not_fitted_shows_its_diagram():
    search = LossSearchCV(NET, {"loss": ["mse"]})
    assert verdict_html(search) == ""
    assert "LossSearchCV" in search._repr_html_()


def test_search_without_a_metric_that_decides_shows_its_diagram():
    search = LossSearchCV(
        NET, {"loss": ["mse"]}, scoring=["r2", "neg_max_error"], refit=False, cv=2
    )
    assert verdict_html(search.fit(X, Y)) == ""


@pytest.mark.parametrize("verbose", [0, 1])
def test_bar_is_that_of_notebooks_and_asked_for_only_if_shown(verbose, monkeypatch, capsys):
    used = []
    auto = types.ModuleType("tqdm.auto")
    from tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *args, **kwargs):
            used.append(kwargs["desc"])
            super().__init__(*args, **kwargs)

    auto.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm.auto", auto)
    LossSearchCV(NET, {"loss": ["mse", "mae"]}, cv=2, verbose=verbose).fit(X, Y)
    assert used == ["search"] * verbose


def test_importing_the_search_does_not_warn_of_missing_widgets():
    """tqdm.auto warns in notebooks without ipywidgets, of which only those who see a bar hear."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", TqdmWarning)
        from sklloss.search import progress
    assert "tqdm" not in vars(progress)
