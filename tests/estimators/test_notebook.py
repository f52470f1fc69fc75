"""Notebooks show an estimator's loss in scikit-learn's diagram, and link its page of the guide."""

from importlib.metadata import metadata
from pathlib import Path

import pytest
from sklearn import config_context
from sklearn.datasets import load_diabetes
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklloss
from sklloss import LossSearchCV, NeuralClassifier, NeuralMultiTask, NeuralRegressor
from sklloss.estimators import notebook
from sklloss.losses import Huber

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
TINY = {"n_members": 1, "max_epochs": 2, "random_state": 0}
ESTIMATORS = {
    name: getattr(sklloss, name)
    for name in sklloss.__all__
    if hasattr(getattr(sklloss, name), "_doc_link_module")
}


@pytest.mark.parametrize(
    "wrap", [lambda net: net, lambda net: make_pipeline(StandardScaler(), net)]
)
def test_diagrams_show_the_loss(wrap):
    html = wrap(NeuralRegressor(Huber(delta=2.0)))._repr_html_()
    assert "loss: Huber(delta=2.0)" in html
    assert "loss: Brier()" in wrap(NeuralClassifier("mse"))._repr_html_()


def test_losses_that_do_not_exist_or_are_long_are_shown_as_given():
    assert "loss: &#x27;hubr&#x27;" in NeuralRegressor("hubr")._repr_html_()
    tasks = {f"task_{i}": "huber" for i in range(9)}
    assert "…" in NeuralMultiTask(tasks)._repr_html_()


def test_fitted_estimators_say_what_they_estimate():
    X, y = load_diabetes(return_X_y=True)
    html = NeuralRegressor("mae", **TINY).fit(X, y)._repr_html_()
    assert "<code>AbsoluteError()</code>, which estimates: median. It trained 1 network" in html
    assert "Trained on" not in NeuralRegressor("mae")._repr_html_()


def test_text_is_shown_where_diagrams_are_off():
    with config_context(display="text"):
        assert not hasattr(NeuralRegressor(), "_repr_html_")


def test_no_link_without_an_address(monkeypatch):
    monkeypatch.setattr(notebook, "documentation", lambda: "")
    assert NeuralRegressor()._get_doc_link() == ""


@pytest.mark.parametrize("name", ESTIMATORS)
def test_links_lead_to_pages_of_the_guide(name, monkeypatch):
    monkeypatch.setattr(notebook, "documentation", lambda: "https://somewhere.org/docs")
    make = ESTIMATORS[name]
    estimator = make(NeuralRegressor(), {}) if make is LossSearchCV else make()
    link = estimator._get_doc_link()
    prefix = "https://somewhere.org/docs/guide/"
    assert link.startswith(prefix)
    assert (GUIDE / link.removeprefix(prefix)).exists()
    assert link in estimator._repr_html_()


def test_classes_of_users_have_no_link(monkeypatch):
    monkeypatch.setattr(notebook, "documentation", lambda: "https://somewhere.org/docs")

    class Own(NeuralRegressor):
        pass

    assert Own()._get_doc_link() == ""


def test_address_is_that_of_the_installed_package():
    notebook.documentation.cache_clear()
    urls = metadata("sklloss").get_all("Project-URL") or []
    named = [url for url in urls if url.startswith("Documentation, ")]
    assert notebook.documentation() == "".join(named).removeprefix("Documentation, ").rstrip("/")


@pytest.mark.parametrize(
    ("urls", "address"),
    [
        (["Source, https://a.org", "Documentation, https://b.org/docs/"], "https://b.org/docs"),
        (["Source, https://a.org"], ""),
        (None, ""),
    ],
)
def test_address_is_read_from_the_urls_of_the_package(urls, address, monkeypatch):
    class Urls:
        def get_all(self, _):
            return urls

    notebook.documentation.cache_clear()
    monkeypatch.setattr(notebook, "metadata", lambda _: Urls())
    assert notebook.documentation() == address
    notebook.documentation.cache_clear()
