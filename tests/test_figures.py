"""Every figure in the prose of the pages that newcomers read is what its source says."""

import importlib
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from sklloss.advice.suggestion.aim import aim_of
from sklloss.losses import get_loss

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))
figures, choice = (importlib.import_module(name) for name in ("figures", "make_choice_table"))

CHOOSE = DOCS / "guide" / "choose_a_loss.md"
NEWCOMERS = [ROOT / "README.md", DOCS / "index.md", DOCS / "get_started.md", CHOOSE]
PAGES = [page for page in NEWCOMERS if page.exists()]
EVERYWHERE = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("guide/*.md"))]
# Code with what it prints, which other tests run; tables that a script writes; names, links.
NOT_PROSE = re.compile(
    r"^ *(```+|:::+).*?^ *\1|<!-- .*? -->\n.*?<!-- end -->|`[^`\n]*`|\]\([^)]*\)|<[^>]*>",
    flags=re.DOTALL | re.MULTILINE,
)
A_NUMBER = re.compile(r"(?<![\w@.-])\.?\d[\d,.]*")


def unsourced(text: str) -> list[str]:
    """Return the numbers in prose that no figure and no setting accounts for, with their lines."""
    for figure in figures.FIGURES:
        text = figure.pattern.sub("", text)
    for setting in figures.SETTINGS:
        text = re.sub(r"\s+".join(map(re.escape, setting.split())), "", text)
    lines = NOT_PROSE.sub("", text).splitlines()
    return [line for line in lines if A_NUMBER.search(line)]


@pytest.mark.parametrize("figure", figures.FIGURES, ids=lambda figure: figure.text)
def test_figure_is_what_its_source_says(figure):
    """Print all of them with ``python docs/figures.py``."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in EVERYWHERE)
    found = {match.groups() for match in figure.pattern.finditer(text)}
    assert found == {figure.values()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_figure_has_a_source(page):
    """Add a line to FIGURES of ``docs/figures.py``, or say there that it is a setting."""
    assert unsourced(page.read_text(encoding="utf-8")) == []


def test_figures_without_a_source_are_found():
    assert unsourced("We are 17 times faster.") == ["We are 17 times faster."]
    assert unsourced("See `f(17)` and [17 pages](17.md).") == ["See  and [17 pages."]
    assert unsourced("```python\nf(17)\n```\nR² and recall@1 of Python 3.11 to 3.13.\n") == []


def test_settings_are_in_the_pages():
    text = " ".join(" ".join(page.read_text(encoding="utf-8").split()) for page in PAGES)
    assert [setting for setting in figures.SETTINGS if setting not in text] == []


def test_tables_of_choices_are_those_of_the_results():
    """Write them anew with ``python docs/make_choice_table.py --write``."""
    page = CHOOSE.read_text(encoding="utf-8")
    results = pd.read_csv(choice.RESULTS)
    assert choice.filled(page, results) == page
    for table in (choice.TIMES, choice.LOANS):
        assert choice.markdown(table, results) in page


def rows_by_metric() -> list[tuple[str, str]]:
    """Return the first scorer and the first loss of each row, where the scorer has a name."""
    table = CHOOSE.read_text(encoding="utf-8").partition("## By metric")[2].partition("\n## ")[0]
    first = r"`(\w[\w.]*)`[^|]*"  # The first name in a cell.
    cells = rf"^\| [^|]+ \| {first}\| [^|]+\|[^|]*\| {first}\|$"
    rows = re.findall(cells, table, flags=re.MULTILINE)
    return [(scorer, loss) for loss, scorer in rows if not scorer.endswith(".score")]


def test_table_by_metric_has_scorers():
    assert len(rows_by_metric()) >= 12


@pytest.mark.parametrize(("scorer", "loss"), rows_by_metric())
def test_loss_by_metric_is_consistent_with_it(scorer, loss):
    """The first loss of a row is one whose prediction is best, in principle, under the metric."""
    aim = aim_of(scorer)
    assert aim is not None
    params = {"quantile": aim.level} if loss == "quantile" else {}
    assert aim.is_met_by(get_loss(loss, task=aim.task, **params))
