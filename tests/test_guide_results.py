"""What pages of the guide quote of an example is in its stored output."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
STORED = sorted((DOCS / "guide_results").glob("*.txt"))
PAGES = {path.stem: path.read_text() for path in sorted((DOCS / "guide").glob("*.md"))}
LINK = re.compile(r"\]\(\.\./(g\w+_results/\w+\.txt)\)")
QUOTES = [
    (name, paragraph)
    for name, page in PAGES.items()
    for paragraph in page.split("\n\n")
    if LINK.search(paragraph)
]


@pytest.mark.parametrize(("name", "paragraph"), QUOTES, ids=[name for name, _ in QUOTES])
def test_figures_are_those_of_the_stored_output(name, paragraph):
    stored = "".join((DOCS / link).read_text() for link in LINK.findall(paragraph))
    figures = re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]*\w)", paragraph)
    assert figures
    assert [figure for figure in figures if figure not in stored] == []


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_what_is_stored_is_quoted_and_says_its_command(path):
    assert path.read_text().startswith(f"$ python docs/store_gallery.py {path.stem}\n")
    assert any(f"guide_results/{path.name}" in page for page in PAGES.values())


def test_pictures_are_shown():
    shown = set(re.findall(r"guide_results/(\w+\.png)", "".join(PAGES.values())))
    assert shown == {path.name for path in (DOCS / "guide_results").glob("*.png")}
