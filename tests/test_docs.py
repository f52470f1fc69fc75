"""The page of losses is what its script writes, and its code runs as it stands."""

import importlib
import re
import sys
import types
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from sklloss.losses.catalogue import CATALOGUE

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))

make_losses = importlib.import_module("make_losses")
svg_of, picture_of = make_losses.svg_of, make_losses.picture_of

PAGE = (DOCS / "losses.md").read_text(encoding="utf-8")


def numbers_in(svg: str) -> np.ndarray:
    """Return every number of a picture but those in names and colours."""
    plain = re.sub(r'(id="|#)[\w.]+', "", svg)
    return np.array(re.findall(r"-?\d+\.?\d*", plain), dtype=float)


def elements_of(svg: str) -> list[str]:
    return [element.tag for element in ElementTree.fromstring(svg).iter()]


def test_page_is_what_the_script_writes():
    """Write it anew with ``python docs/make_losses.py``."""
    assert make_losses.page() == PAGE


def test_pictures_are_those_that_the_page_shows():
    shown = re.findall(r"!\[.*?\]\((.*?)\)", PAGE)
    checked_in = [path.relative_to(DOCS).as_posix() for path in DOCS.glob("losses/*")]
    assert sorted(shown) == sorted(checked_in)
    assert len(shown) == len(CATALOGUE)


def test_links_inside_the_page_lead_somewhere():
    headings = re.findall(r"^#+ (.*)$", PAGE, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
    anchors |= set(re.findall(r'<a id="(.*?)">', PAGE))
    assert set(re.findall(r"\]\(#(.*?)\)", PAGE)) <= anchors


def test_tables_have_as_many_cells_in_every_row():
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, flags=re.MULTILINE)
    assert len(tables) > len(CATALOGUE)
    for table in tables:
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(bars) == 1, table


@pytest.mark.parametrize("cls", CATALOGUE, ids=lambda cls: cls.__name__)
def test_picture_is_what_the_script_draws(cls):
    """Not bit for bit: another processor rounds otherwise."""
    checked_in, fresh = (
        make_losses.picture_path(cls).read_text(encoding="utf-8"),
        svg_of(picture_of(cls)),
    )
    assert elements_of(checked_in) == elements_of(fresh)
    np.testing.assert_allclose(numbers_in(checked_in), numbers_in(fresh), rtol=0, atol=0.5)
    assert len(checked_in) < 25_000


def test_code_of_own_losses_runs(monkeypatch, capsys):
    module = types.ModuleType("own_losses")  # pickle looks functions up where they were defined
    monkeypatch.setitem(sys.modules, "own_losses", module)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 6
    for block in blocks:
        exec(compile(block, "losses.md", "exec"), vars(module))
    printed = capsys.readouterr().out
    assert "{'loss': <class 'own_losses.LowIsWorse'>" in printed
    assert "sample_weight and class_weight cannot reach it" in printed
    assert "True\nCan't pickle <function <lambda>" in printed
