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
from sklloss.parameters.synonyms import loss_synonym

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))

make_losses = importlib.import_module("make_losses")
loss_words = importlib.import_module("loss_words")
engine_pictures = importlib.import_module("engine_pictures")
svg_of, picture_of = make_losses.svg_of, make_losses.picture_of

PAGE = (DOCS / "losses.md").read_text(encoding="utf-8")


def numbers_in(svg: str) -> np.ndarray:
    """Return every number of a picture but those in names and colours."""
    plain = re.sub(r'(id="|#)[\w.]+', "", svg)
    return np.array(re.findall(r"-?\d+\.?\d*", plain), dtype=float)


def elements_of(svg: str) -> list[str]:
    return [element.tag for element in ElementTree.fromstring(svg).iter()]


def assert_same_picture(checked_in: str, fresh: str) -> None:
    assert elements_of(checked_in) == elements_of(fresh)
    np.testing.assert_allclose(numbers_in(checked_in), numbers_in(fresh), rtol=0, atol=0.5)
    assert len(checked_in) < 25_000


def test_page_is_what_the_script_writes():
    """Write it anew with ``python docs/make_losses.py``."""
    assert make_losses.page() == PAGE


def test_pictures_are_those_that_the_page_shows():
    shown = re.findall(r"!\[.*?\]\((.*?)\)", PAGE)
    checked_in = [path.relative_to(DOCS).as_posix() for path in DOCS.glob("losses/*")]
    assert sorted(shown) == sorted(checked_in)
    assert len(shown) == len(CATALOGUE)


def test_table_of_all_losses_has_each_of_them_and_the_headers_of_the_filter():
    table = re.search(r"^\| Loss \| Task \|.*\n\| ---.*\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)[
        1
    ]
    linked = re.findall(r"^\| \[.*?\]\(#(.*?)\) \| (\w+) \|", table, flags=re.MULTILINE)
    assert sorted(linked) == sorted((make_losses.anchor(cls), cls.task) for cls in CATALOGUE)
    script = (DOCS / "_static" / "filter.js").read_text(encoding="utf-8")
    assert 'HEADERS = ["loss", "task"]' in script


@pytest.mark.parametrize("cls", CATALOGUE, ids=lambda cls: cls.__name__)
def test_entry_says_when_and_when_not_and_what_it_costs(cls):
    entry = PAGE.split(f'<a id="{make_losses.anchor(cls)}"></a>')[1].split("<a id=")[0]
    assert re.search(r"^\*\*When:\*\* [A-Z\[].*\.$", entry, flags=re.MULTILINE)
    assert re.search(r"^\*\*When not:\*\* .*\.$", entry, flags=re.MULTILINE)
    assert "Not " not in entry.split("**When not:**")[1].split("![")[0]
    assert len(re.findall(r"^\| cost \|", entry, flags=re.MULTILINE)) == 1


def test_words_on_losses_are_few_and_used():
    anchors = {make_losses.anchor(cls): cls.when for cls in CATALOGUE}
    assert set(loss_words.IN_SHORT) == set(anchors)
    assert set(loss_words.WHEN_NOT) <= set(anchors)
    assert [text for text in loss_words.IN_SHORT.values() if len(text.split()) > 6] == []
    # A sentence that a class no longer has would be read as a reason for the loss.
    for sentence in loss_words.REFUSALS:
        assert any(sentence in when for when in anchors.values()), sentence


def test_costs_are_those_of_the_catalogue():
    costs = make_losses.costs()
    assert set(costs) == {(cls.task, cls.name) for cls in CATALOGUE}
    for (task, name), row in costs.items():
        assert float(row["time"]) > 0.5
        assert float(row["memory"]) > 0.5
        if name == row["relative_to"]:
            assert (float(row["time"]), float(row["memory"])) == (1, 1), task


def test_pictures_of_the_engine_are_those_of_their_page():
    page = (DOCS / "how_it_works.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]+\]\(engine/(.*?)\.svg\)", page)
    assert sorted(shown) == sorted(engine_pictures.PICTURES)
    assert sorted(path.stem for path in DOCS.glob("engine/*")) == sorted(shown)


@pytest.mark.parametrize("name", engine_pictures.PICTURES)
def test_picture_of_the_engine_is_what_the_script_draws(name):
    checked_in = (engine_pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert_same_picture(checked_in, engine_pictures.svg_of(name))


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
    assert_same_picture(checked_in, fresh)


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


def losses_named(cell: str) -> set[str]:
    """Return our losses in a cell: names in quotes."""
    return set(re.findall(r'`"([a-z_0-9]+)"`', cell))


NAMES = {name for cls in CATALOGUE for name in (cls.name, *cls.aliases)}
COMING_FROM = sorted(path.stem for path in DOCS.glob("coming_from/*.md"))


def loss_tables(page: str) -> list[list[str]]:
    """Return the rows of the tables of losses of a page on coming from another library."""
    sections = re.split(r"^## ", (DOCS / "coming_from" / f"{page}.md").read_text(), flags=re.M)
    text = "".join(section for section in sections if section.startswith("Losses"))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("page", [page for page in COMING_FROM if page != "index"])
def test_translations_name_losses_that_there_are(page):
    rows = loss_tables(page)
    assert len(rows) >= 6
    ours = -1 if page == "boosting" else 1
    for row in rows:
        assert losses_named(row[ours]) <= NAMES, row


def test_translations_of_boosting_are_those_of_the_error_messages():
    checked = 0
    for *theirs, ours in loss_tables("boosting"):
        for code in re.findall(r"`(.*?)`", " ".join(theirs)):
            found, _ = loss_synonym(code)
            # What is named alike in both has no synonym.
            if found is not None and found.is_same and losses_named(ours):
                assert found.ours in losses_named(ours), (code, ours)
                checked += 1
    assert checked >= 20
