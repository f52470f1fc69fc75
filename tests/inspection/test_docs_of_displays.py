"""The examples under docs are small, and as self-contained as a report is."""

from pathlib import Path

import pytest

from .reports.pages import Page

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = sorted((DOCS / "displays").iterdir())
PAGES = sorted(DOCS.glob("*_example.html"))


@pytest.mark.parametrize("path", [*PICTURES, *PAGES], ids=lambda path: path.name)
def test_files_are_small(path):
    assert 5_000 < path.stat().st_size < 300_000


def test_every_picture_is_shown_or_linked_in_the_guide_or_on_the_front_page():
    guide = (DOCS / "guide" / "pictures_and_report.md").read_text(encoding="utf-8")
    guide += (DOCS / "index.md").read_text(encoding="utf-8")
    assert [path.name for path in PICTURES if f"displays/{path.name}" not in guide] == []
    assert len(PICTURES) == 11


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_load_nothing(path):
    page = Page(path.read_text(encoding="utf-8"))
    loaded = [value for tag, value in page.resources if tag != "a" and value]
    assert all(value.startswith(("#", "data:")) for value in loaded)
