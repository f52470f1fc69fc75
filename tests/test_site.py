"""The site: every page has a place, every public name a page, and links lead where they should.

``python docs/build.py`` builds it, and fails on more than a fast test can see.
"""

import os
import re
import sys
import warnings
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import sklloss
from sklloss.losses import Huber, Loss
from sklloss.losses.catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
sys.path.append(str(DOCS))

import api_groups  # noqa: E402
import api_pages  # noqa: E402
import gallery  # noqa: E402
import page_links  # noqa: E402
from public_names import public_names  # noqa: E402

PAGES = sorted(
    path
    for path in DOCS.rglob("*.md")
    if not {"_build", "auto_examples", "generated"} & set(path.relative_to(DOCS).parts)
)
# What the build writes.
GALLERY, GENERATED = DOCS / "auto_examples", DOCS / "api" / "generated"
PUBLIC = public_names()


def in_toctrees(page: Path) -> list[Path]:
    """Return the pages that the toctrees of a page name, without what the build writes."""
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = [line for tree in trees for line in tree.splitlines()]
    # "Catalogue <losses>" is the page losses with a title for menus.
    names = [re.sub(r".*<(.*)>", r"\1", line) for line in lines if line and line[0] != ":"]
    paths = [page.parent / f"{name}.md" for name in names]
    return [path for path in paths if not path.is_relative_to(GENERATED) and path.parent != GALLERY]


def exists_in_site(path: Path) -> bool:
    """Return whether a page is there, or is written from an example that is there."""
    if path.parent == GALLERY:
        return path.stem == "index" or (ROOT / "examples" / f"{path.stem}.py").exists()
    return path.exists()


def site_text(page: Path) -> str:
    return page_links.site_text(page.read_text(encoding="utf-8"), page, page)


def test_every_page_is_in_one_toctree():
    places = [path for page in PAGES for path in in_toctrees(page)]
    assert sorted(places) == sorted(set(PAGES) - {DOCS / "index.md"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_links_of_the_site_lead_somewhere(page):
    text = re.sub(
        r"^( *)```.*?^\1```|`[^`\n]*`", "", site_text(page), flags=re.DOTALL | re.MULTILINE
    )
    links = re.findall(r"\]\(([^)\s#]+)", text) + re.findall(r"^:link: (.*)$", text, re.MULTILINE)
    for link in links:
        if "://" not in link:
            path = Path(page_links._path(link, page))
            assert exists_in_site(path) or exists_in_site(path.with_suffix(".md")), link


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("guide/a.md", "[x](../../examples/counts.py)", "[x](../auto_examples/counts.rst)"),
        ("a.md", "[x](../examples/counts.py)", "[x](auto_examples/counts.rst)"),
        ("a.md", "[x](../examples)", "[x](auto_examples/index.rst)"),
        ("a.md", "[x](../examples/data.py)", "[x](../examples/data.py)"),
        ("guide/a.md", "[x](../../README.md)", "[x](../index.md)"),
        ("guide/a.md", "[x](../../CONTRIBUTING.md#b)", "[x](../contributing.md#b)"),
        ("guide/a.md", "[x](../losses.md#b)", "[x](../losses.md#b)"),
        ("guide/a.md", "[`x`](../report_example.html)", '<a href="../report_example.html">`x`</a>'),
        ("a.md", "[two\nlines](../LICENSE)", "[two\nlines](../LICENSE)"),
        ("a.md", "[x](https://a.b/examples)", "[x](https://a.b/examples)"),
        ("a.md", "[x](#b)", "[x](#b)"),
        ("a.md", "`[x](../examples)`", "`[x](../examples)`"),
        ("a.md", "```python\nf[x](../examples)\n```", "```python\nf[x](../examples)\n```"),
        ("a.md", '<a id="b"></a>', "(b)="),
    ],
)
def test_links_become_those_of_the_site(page, link, expected):
    path = DOCS / page
    assert page_links.site_text(link, path, path) == expected


def test_included_files_have_links_of_the_page():
    text = site_text(DOCS / "changelog.md")
    assert text.startswith("# Changelog")
    assert "](guide/serving.md)" in text
    assert "](docs/" not in text
    assert site_text(DOCS / "contributing.md").startswith("# Contributing")


def test_every_public_name_has_a_page():
    shown = [name for group in api_groups.groups() for name in group.names]
    assert sorted(shown) == sorted(PUBLIC)


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        (["sklloss.a"], "sklloss.b have no page in the API reference"),
        (["sklloss.a", "sklloss.b", "sklloss.c"], "sklloss.c have a page, but are not public"),
        (["sklloss.a", "sklloss.b", "sklloss.b"], "sklloss.b have more than one group"),
    ],
)
def test_public_names_without_a_page_fail_the_build(shown, message):
    groups = [api_groups.Group("key", "Title", "Text.", shown)]
    with pytest.raises(ValueError, match=re.escape(message)):
        api_groups.check_complete(groups, ["sklloss.a", "sklloss.b"])


def test_reference_has_a_page_for_every_group():
    tree = re.search(r"\{toctree\}.*?```", (DOCS / "api" / "index.md").read_text(), re.DOTALL)[0]
    names = re.findall(r"^generated/(\w+)$", tree, re.MULTILINE)
    assert names == [group.key for group in api_groups.groups()]


def test_methods_of_a_base_with_a_page_are_only_listed():
    public = set(PUBLIC.values())
    own, listed = api_pages.members_of(sklloss.NeuralClassifier, public)
    assert {"fit", "predict", "predict_proba", "score"} <= set(own)
    assert {"get_params", "set_params", "set_fit_request"} <= set(listed["scikit-learn"])
    own, listed = api_pages.members_of(Huber, public)
    assert "pointwise" in listed["`Loss`"]
    assert not set(own) & set(dir(Loss))


def test_pages_of_losses_lead_to_the_catalogue():
    anchors = set(re.findall(r'<a id="(\w+)">', (DOCS / "losses.md").read_text()))
    for cls in CATALOGUE:
        page = api_pages.name_page(f"sklloss.losses.{cls.__name__}", cls, set())
        assert re.search(r"<(\w+)>`\.$", page, re.MULTILINE)[1] in anchors


def test_markup_in_docstrings_is_escaped_outside_of_code():
    lines = [
        "of shape (*models, n), where ``(*models,)`` and n_features_in_ are |r|",
        ">>> search.best_params_",
        "{'loss': 'a|b'}",
        "",
        "r\\_ and `x_` and a_b, *emphasis*",
    ]
    api_pages.escape(None, "class", "name", None, None, lines)
    assert lines == [
        r"of shape (\*models, n), where ``(*models,)`` and n_features_in\_ are \|r\|",
        ">>> search.best_params_",
        "{'loss': 'a|b'}",
        "",
        "r\\_ and `x_` and a_b, *emphasis*",
    ]


def test_what_the_build_writes_is_ignored():
    # Not by its name, which another package has.
    spec = spec_from_file_location("build_site", DOCS / "build.py")
    build = module_from_spec(spec)
    spec.loader.exec_module(build)
    ignored = [ROOT / line for line in (ROOT / ".gitignore").read_text().splitlines()]
    assert set(ignored) >= {build.BUILD, *build.WRITTEN}


def test_ci_and_contributors_build_the_site():
    assert ".venv/bin/python docs/build.py" in (ROOT / ".ci" / "run").read_text()
    assert "`.venv/bin/python docs/build.py`" in (ROOT / "CONTRIBUTING.md").read_text()


def test_warnings_are_errors_while_an_example_runs(monkeypatch):
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outside = warnings.filters[:]
        gallery.reset_warnings({}, "example", "before")
        with pytest.raises(UserWarning, match="anything"):
            warnings.warn("anything", stacklevel=1)
        warnings.warn("max_epochs=3 has ended", stacklevel=1)
        # Processes that the example starts are as strict.
        assert os.environ["PYTHONWARNINGS"].startswith("error,")
        gallery.reset_warnings({}, "example", "after")
        assert warnings.filters == outside
        assert "PYTHONWARNINGS" not in os.environ
