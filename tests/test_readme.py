"""The code of the README and the guide runs as it stands; the commands are those that CI runs."""

import contextlib
import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from sklloss.losses import list_losses

from .readme_table import rows

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
GUIDE = sorted(set((DOCS / "guide").glob("*.md")) - {DOCS / "guide" / "index.md"})
COMING_FROM = sorted((DOCS / "coming_from").glob("*.md"))
FRONT = [DOCS / "index.md", DOCS / "get_started.md"]
PAGES = [ROOT / "README.md", *FRONT, *GUIDE, *COMING_FROM, DOCS / "how_it_works.md"]
WRITTEN_BY_HAND = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
WITH_LINKS = [*WRITTEN_BY_HAND, ROOT / "docs" / "losses.md"]
README = (ROOT / "README.md").read_text()


# A block of code, and the block of text right below it, which is what the code prints.
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", flags=re.DOTALL)


def blocks_of(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text())


def names_after(page: Path) -> dict[str, object]:
    """Run all code of a page in order, in a namespace of its own, and return the namespace."""
    names: dict[str, object] = {"__name__": page.stem}
    for code, shown in blocks_of(page):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, page.name, "exec"), names)
        if shown:
            assert_same_output(shown, printed.getvalue())
    return names


def assert_same_output(shown: str, printed: str) -> None:
    """Compare words exactly, and numbers as another processor may round them.

    That may also make <0.001 of 0.001.
    """
    parts, of_printed = (
        re.split(r"(?:<=? ?)?(\d+(?:\.\d+)?)", " ".join(text.split())) for text in (shown, printed)
    )
    assert parts[::2] == of_printed[::2]
    numbers, of_run = ([float(number) for number in each[1::2]] for each in (parts, of_printed))
    assert numbers == pytest.approx(of_run, rel=0.1, abs=0.1)


def test_output_of_another_run_is_noticed():
    shown = "mae 39.37 leads by 0.24 (p = 1)"
    assert_same_output(shown, "mae  39.36 leads\nby 0.25 (p = 1)")
    assert_same_output("mae 39.37 0.001 (p <= 0.001)", "mae 39.36 <0.001 (p < 0.001)")
    for other in ("mse 39.37 leads by 0.24 (p = 1)", "mae 46.37 leads by 0.24 (p = 1)"):
        with pytest.raises(AssertionError):
            assert_same_output(shown, other)


def lines_of_prose(page: Path) -> list[str]:
    """Return the lines that are neither code nor a table."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [line for line in text.splitlines() if not line.startswith("|")]


def anchors_of(page: Path) -> set[str]:
    text = page.read_text()
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return anchors | set(re.findall(r'<a id="(.*?)">', text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_code_runs_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # Where files are written.
    names = names_after(page)
    plt.close("all")
    for name in ("search", "found", "faster"):
        assert name not in names or names[name].best_params_


def test_pages_have_code():
    assert len(blocks_of(ROOT / "README.md")) == 2
    assert [bool(shown) for _, shown in blocks_of(ROOT / "README.md")] == [False, True]
    assert sum(len(blocks_of(page)) for page in GUIDE) >= 17
    assert [page.stem for page in GUIDE if not blocks_of(page)] == ["notes"]
    assert len(COMING_FROM) == 6
    for page in COMING_FROM:
        assert len(blocks_of(page)) >= (1 if page.stem == "index" else 3)


def test_skorch_probabilities_equal_ours(tmp_path, monkeypatch):
    """The `predict_nonlinearity` that the guide shows gives what the loss says."""
    monkeypatch.chdir(tmp_path)  # Where a callback writes.
    names = names_after(ROOT / "docs" / "guide" / "own_network.md")
    net, features = names["net"], names["features"]
    assert abs(net.predict_proba(features).sum(1) - 1).max() < 1e-5
    criterion = net.criterion_
    raw = net.forward(features)[None, :, None]
    ours = criterion.loss.predict_proba(raw, criterion.state)[0, :, 0]
    assert abs(net.predict_proba(features) - ours.numpy()).max() < 1e-6
    net.set_params(predict_nonlinearity=None)
    assert abs(net.predict_proba(features).sum(1) - 1).max() > 1e-3


@pytest.mark.parametrize("extra", ['-e ".[examples]" ', '-e ".[test]" '])
def test_commands_need_a_clone_and_python_only(extra):
    pattern = (
        rf"^python3 -m venv \.venv && \.venv/bin/pip install -c constraints\.txt {re.escape(extra)}"
    )
    assert re.search(pattern, README, flags=re.MULTILINE)


def test_ci_finds_one_test_command():
    """``.ci/run`` runs the line of the README that this pattern finds."""
    pattern = re.search(r"grep -E '(.*)' README\.md", (ROOT / ".ci" / "run").read_text())[1]
    assert len(re.findall(pattern, README, flags=re.MULTILINE)) == 1


def test_every_install_goes_through_the_constraints():
    documents = [page.read_text() for page in WRITTEN_BY_HAND]
    documents.append((ROOT / ".ci" / "run").read_text())
    for line in "\n".join(documents).splitlines():
        if "pip install" in line:
            assert re.search(r"-c constraints(-oldest)?\.txt ", line)
    for name in ("constraints.txt", "constraints-oldest.txt"):
        assert re.search(r"^torch==2\.13\.0$", (ROOT / name).read_text(), re.MULTILINE)


def test_tables_of_losses_are_those_of_the_catalogue():
    """Print them anew with ``python -m tests.readme_table``."""
    page = (ROOT / "docs" / "guide" / "choose_a_loss.md").read_text()
    for task in ("regression", "classification"):
        assert rows(task) in page


def test_numbers_of_losses_are_those_of_the_catalogue():
    assert f"There are {len(list_losses())} losses" in README
    for task in ("regression", "classification"):
        assert f"| {len(list_losses(task))} for [{task}]" in README


@pytest.mark.parametrize("page", WITH_LINKS, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_readme_leads_to_every_page_of_the_guide():
    assert set(re.findall(r"\]\((docs/guide/[^)#]*)", README)) == {
        page.relative_to(ROOT).as_posix() for page in GUIDE
    }


@pytest.mark.parametrize("page", WRITTEN_BY_HAND, ids=lambda page: page.stem)
def test_lines_of_prose_are_at_most_120_wide(page):
    assert [line for line in lines_of_prose(page) if len(line) > 120] == []


def test_readme_is_short():
    assert len(README.splitlines()) <= 150
