"""The report of a search is one page that needs nothing else, says what came out, and is readable."""

import os
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklloss import (
    LossSearchCV,
    NeuralClassifier,
    NeuralRegressor,
    compare_losses,
    report,
    suggest_losses,
)
from sklloss.inspection import TrainingCurveDisplay
from sklloss.inspection.reports.page import shown

from ..small_searches import TINY, Scored, X, Y, loss_search
from .pages import BROWSER, Page, seen_by_browser

FRAME = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])


def read(path):
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return report(loss_search(), tmp_path_factory.mktemp("page") / "report.html", X=X, y=Y)


def test_page_is_well_formed_and_needs_nothing_else(path):
    page = read(path)
    assert page.tags["h1"] == page.tags["title"] == page.tags["main"] == 1
    assert page.tags["script"] == page.tags["link"] == page.tags["iframe"] == 0
    assert len(page.ids) == len(set(page.ids))
    assert all(value.startswith("#") for _, value in page.resources)
    assert {value[1:] for _, value in page.resources} <= set(page.ids)
    style = re.findall(r"<style>.*?</style>", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"url\((?!#)|@import", "".join(style))
    assert path.stat().st_size < 400_000


def test_page_is_accessible(path):
    page = read(path)
    attributes = dict(page.attributes)
    assert attributes["html"]["lang"] == "en"
    pictures = [each for tag, each in page.attributes if tag == "div" and each.get("role") == "img"]
    assert len(pictures) == page.tags["svg"] == page.tags["figure"] == page.tags["figcaption"] == 6
    assert all(len(each["aria-label"]) > 20 for each in pictures)
    headers = [each for tag, each in page.attributes if tag == "th"]
    assert headers
    assert all(each["scope"] == "col" for each in headers)


def luminance(colour):
    """Return the relative luminance of the Web Content Accessibility Guidelines."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_text_has_contrast_in_the_light_and_in_the_dark(path):
    schemes = re.findall(r":root \{(.*?)\}", path.read_text(encoding="utf-8"))
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): (#\w+)", scheme))
        for ink in ("ink", "faint", "link"):
            for ground in ("paper", "card"):
                pair = sorted(luminance(colours[each]) + 0.05 for each in (ink, ground))
                assert pair[1] / pair[0] >= 4.5, (ink, ground)


def test_page_says_what_came_out(path):
    search, page = loss_search(), read(path)
    compared = compare_losses(search)
    assert compared.verdict in page.text
    for label, score in zip(
        compared.to_frame()["candidate"], compared.to_frame()["mean"], strict=True
    ):
        assert label in page.text
        assert shown(score) in page.text
    for title in ("question", "data", "comparison", "training", "losses", "winner"):
        assert f"The {title}" in page.text
    for words in ("Advice", "Predictions", "All candidates", "Versions", "442", "higher is better"):
        assert words in page.text


def test_code_of_the_winner_rebuilds_it(path):
    html = path.read_text(encoding="utf-8")
    page = Page(re.search(r"<pre.*?</pre>", html, flags=re.DOTALL)[0])
    names = {"X": X, "y": Y}
    exec(page.text, names)
    best = loss_search().best_estimator_
    np.testing.assert_array_equal(names["model"].predict(X), best.predict(X))


def test_without_data_there_is_no_advice_and_no_prediction(tmp_path):
    page = read(report(loss_search(), tmp_path / "r.html"))
    assert "Advice" not in page.text
    assert "Predictions" not in page.text


def test_classifiers_in_pipelines(tmp_path):
    labels = np.where(Y > 200, "<b>high</b> $x_$", "low & $middle 中")
    pipeline = make_pipeline(StandardScaler(), NeuralClassifier(**TINY))
    grid = {"neuralclassifier__loss": ["cross_entropy", "hinge", "soft_f1"]}
    search = LossSearchCV(pipeline, grid, scoring="accuracy", cv=3).fit(FRAME, labels)
    page = read(report(search, tmp_path / "r.html", X=FRAME, y=labels))
    assert "<b>high</b> $x_$" in page.text
    assert page.tags["b"] == 0
    assert "Matrix of confusion" in str(page.attributes)


def test_searches_of_scikit_learn(tmp_path):
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, cv=3).fit(X, Y)
    page = read(report(search, tmp_path / "r.html", X=X, y=Y))
    assert "alpha=0.1" in page.text
    assert "The training" not in page.text
    assert "The losses" not in page.text
    classes = (Y > 150).astype(int)
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 10.0]}, cv=3, refit=False)
    page = read(report(search.fit(X, classes), tmp_path / "r.html", X=X, y=classes))
    assert "model = LogisticRegression(C=" in page.text


def test_forty_losses_and_failed_ones(tmp_path):
    scores = 0.5 + np.random.default_rng(0).normal(0, 0.02, (40, 5))
    scores[7, 2] = np.nan
    page = read(report(Scored(scores, cv=5), tmp_path / "r.html"))
    assert "Failed and left out: alpha=7" in page.text
    assert page.tags["details"] == 2


@pytest.mark.parametrize(
    ("cv", "size", "words"),
    [(TimeSeriesSplit(4), None, "Give test_size"), (TimeSeriesSplit(4), 0.2, "P(equivalent)")],
)
def test_splits_that_do_not_tell_their_size(cv, size, words, tmp_path):
    scores = 0.5 + np.random.default_rng(0).normal(0, 0.02, (3, 4))
    page = read(report(Scored(scores, cv=cv), tmp_path / "r.html", test_size=size))
    assert words in page.text


def test_one_candidate_and_one_split(tmp_path):
    page = read(report(Scored([[0.5, 0.6]], cv=2), tmp_path / "r.html"))
    assert "only candidate" in page.text
    page = read(report(Scored([[0.5], [0.6]], cv=[([0, 1], [2])]), tmp_path / "r.html"))
    assert "on the only split" in page.text


def test_splitters_that_need_groups_leave_out_predictions(tmp_path):
    search = LossSearchCV(NeuralRegressor(**TINY), {"loss": ["mse", "mae"]}, cv=GroupKFold(3))
    search.fit(X, Y, groups=np.arange(len(Y)) % 9)
    page = read(report(search, tmp_path / "r.html", X=X, y=Y))
    assert "No pictures of predictions: The 'groups' parameter should not be None" in page.text


def test_an_old_page_is_replaced(tmp_path):
    old = tmp_path / "r.html"
    old.write_text("old" * 1000)
    assert report(loss_search(), str(old)) == old
    assert "old" * 10 not in old.read_text(encoding="utf-8")


def test_places_where_no_page_can_be_written(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="there is no folder.*Make it first"):
        report(loss_search(), tmp_path / "missing" / "r.html")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        report(loss_search(), tmp_path)
    # The superuser, as whom tests may run, may write everywhere.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="read-only"):
        report(loss_search(), tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("search", "params", "error", "message"),
    [
        (NeuralRegressor(), {}, TypeError, "report needs a fitted search"),
        (LossSearchCV(NeuralRegressor(), {}), {}, NotFittedError, "report needs cv_results_"),
        (Scored([[np.nan, 1.0]]), {}, ValueError, "all 1 have failed"),
        (Scored([[0.5, 1.0]]), {"X": X}, ValueError, "X and y together"),
        (Scored([[0.5, 1.0]]), {"metric": "r22"}, ValueError, "no metric 'r22'"),
        (Scored([[0.5, 1.0]]), {"X": X, "y": Y[:50]}, ValueError, "X has 442 rows and y has 50"),
        (Scored([[0.5, 1.0]]), {"X": X, "y": 3}, TypeError, "report needs y of shape"),
        (Scored([[0.5, 1.0]] * 2), {"test_size": "a"}, ValueError, "0 < test_size < 1"),
        (LossSearchCV, {}, TypeError, "got the class LossSearchCV"),
    ],
)
def test_bad_input(search, params, error, message, tmp_path):
    with pytest.raises(error, match=message):
        report(search, tmp_path / "r.html", **params)
    assert not list(tmp_path.iterdir())


MEASURE = """(() => {
  const boxes = [...document.querySelectorAll('figure svg')].map(e => e.getBoundingClientRect());
  const texts = [...document.querySelectorAll('figure svg text')];
  return {
    window: window.innerWidth,
    page: document.documentElement.scrollWidth,
    pictures: boxes.length,
    narrowest: Math.min(...boxes.map(box => box.width)),
    lowest: Math.min(...boxes.map(box => box.height)),
    rightmost: Math.max(...boxes.map(box => box.right)),
    smallest: Math.min(...texts.map(e => Math.hypot(e.getScreenCTM().a, e.getScreenCTM().b) * parseFloat(
      getComputedStyle(e).fontSize))),
    requests: performance.getEntriesByType('resource').length,
  };
})()"""


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
@pytest.mark.parametrize("width", [400, 1400])
def test_browser_shows_all_pictures_without_errors(path, width, tmp_path):
    seen, console = seen_by_browser(path, width, MEASURE, tmp_path)
    assert console == ""
    assert seen["window"] == width
    assert seen["page"] <= width
    assert seen["pictures"] == 6
    assert seen["narrowest"] > min(0.8 * width, 450)
    assert seen["lowest"] > 150
    assert seen["rightmost"] <= width
    assert seen["smallest"] >= 8
    assert seen["requests"] == 0


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
def test_browser_would_tell_of_errors(path, tmp_path):
    seen, console = seen_by_browser(path, 400, "(console.error('wrong'), {})", tmp_path)
    assert seen == {}
    assert "wrong" in console


def test_the_columns_are_those_of_the_search(tmp_path):
    with pytest.raises(ValueError, match=r"which had 10 features; got 9"):
        report(loss_search(), tmp_path / "r.html", X=X[:, :9], y=Y)


@pytest.mark.parametrize("path", [None, 3, b"r.html", ["r.html"], "r\0.html"], ids=repr)
def test_what_is_no_path(path):
    with pytest.raises(TypeError, match="report needs a path, as text or a pathlib.Path; got"):
        report(loss_search(), path)


def test_a_file_system_that_refuses(tmp_path, monkeypatch):
    """Such as /proc, which says that it may be written."""

    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", refuse)
    with pytest.raises(OSError, match="report cannot write .*No space left.*Give another path"):
        report(loss_search(), tmp_path / "r.html")


def test_captions_facts_and_losses_read_well(path):
    page = path.read_text(encoding="utf-8")
    assert "?," not in page
    assert "its members, and their mean" not in page  # There is one.
    assert "<dt>skewness</dt>" in page
    assert "<dt>rows</dt>" in page
    # Two settings of huber have one row among the losses, and one each among the candidates.
    losses = page[page.index(">The losses</h2>") : page.index(">The winner</h2>")]
    assert losses.count('<td data-label="loss">huber</td>') == 1


def test_of_halving_each_candidate_counts_once(tmp_path):
    net = NeuralRegressor(**{**TINY, "max_epochs": 9}, early_stopping=True)
    grid = {"loss": ["mse", "mae", "huber"], "lr": [0.001, 0.01]}
    search = LossSearchCV(net, grid, cv=2, halving=3).fit(X, Y)
    n_rows = len(search.cv_results_["params"])
    assert n_rows > 6
    display = TrainingCurveDisplay.from_search(search)
    assert len(display.labels) == len(set(display.labels)) == 6
    assert not any("[row" in label for label in display.labels)
    # The winner has the epochs of all its rungs.
    kept = search.histories_[search.best_index_][0]["epoch"]
    assert len(display.courses[display.best][0].epoch) == len(kept) > 5
    page = report(search, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<dt>Candidates</dt><dd>6</dd>" in page


@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
def test_advice_is_that_of_a_suggested_search(scoring, tmp_path):
    y = np.digitize(Y, np.quantile(Y, [0.3, 0.6, 0.9]))  # Numbers that could be classes.
    search = LossSearchCV(NeuralRegressor(**TINY), "suggested", scoring=scoring, cv=2)
    page = read(report(search.fit(FRAME, y), tmp_path / "r.html", X=FRAME, y=y))
    metric = scoring or "r2"
    advice = suggest_losses(FRAME, y, task="regression", metric=metric)
    assert search.param_grid_ == advice.to_param_grid()
    assert advice.question in page.text
    assert f"{metric} asks for the" in page.text


def test_advice_for_other_estimators(tmp_path):
    y = Y > 140
    search = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2).fit(X, y)
    page = read(report(search, tmp_path / "r.html", X=X, y=y))
    assert "two classes; accuracy asks for" in page.text


def test_advice_of_a_search_by_a_function_is_for_the_task_of_its_estimator(tmp_path):
    y = np.digitize(Y, np.quantile(Y, [0.3, 0.6, 0.9]))

    def closeness(model, X, y):
        return -np.abs(model.predict(X) - y).max()

    search = LossSearchCV(
        NeuralRegressor(**TINY), {"loss": ["mse", "mae"]}, scoring=closeness, cv=2
    )
    page = read(report(search.fit(FRAME, y), tmp_path / "r.html", X=FRAME, y=y))
    advice, other = suggest_losses(FRAME, y, task="regression"), suggest_losses(FRAME, y)
    assert advice.question in page.text
    assert advice.question != other.question
    assert other.question not in page.text
