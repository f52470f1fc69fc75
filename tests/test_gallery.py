"""Examples are pages of the gallery, and those that its build does not run have stored output."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "docs"))

import gallery  # noqa: E402
import store_gallery  # noqa: E402

EXAMPLES = {path.stem: path for path in sorted((ROOT / "examples").glob("*.py"))}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
for other in gallery.NOT_EXAMPLES:
    del EXAMPLES[other]


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Return a function that stores the output of an example that consists of some code."""
    monkeypatch.setattr(store_gallery, "ROOT", tmp_path)
    monkeypatch.setenv("PYTHONWARNINGS", "")  # Restored after the test.
    (tmp_path / "examples").mkdir()

    def stored(code: str) -> Path:
        (tmp_path / "examples" / "small.py").write_text(code)
        store_gallery.main(["small", "--folder", str(tmp_path / "results")])
        return tmp_path / "results"

    return stored


def test_every_example_is_in_one_group_of_the_gallery():
    assert sorted(gallery.ORDER) == sorted(EXAMPLES)
    assert set(EXAMPLES) >= gallery.LONG


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_title_is_a_question_and_the_head_says_how_to_run_it(name):
    docstring = ast.get_docstring(ast.parse(EXAMPLES[name].read_text()))
    title, underline, *_ = docstring.splitlines()
    assert title.count("?") == 1
    assert title.endswith("?")
    assert len(underline) >= len(title)
    assert set(underline) == {"="}
    assert f"``python examples/{name}.py``" in docstring
    extras = re.findall(r"``(\w+)``(?= extra| and ``\w+`` extras)", " ".join(docstring.split()))
    assert extras
    assert set(extras) <= set(EXTRAS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_cells_follow_each_other_and_nothing_waits_for_a_window(name):
    code = EXAMPLES[name].read_text()
    assert len(re.findall(r"^# %%$", code, re.MULTILINE)) >= 3
    assert "plt.show(" not in code
    last_cell = re.split(r"^# %%$", code, flags=re.MULTILINE)[-1]
    assert "print" in last_cell


def test_long_examples_have_stored_output_and_others_have_none():
    stored = {path.stem for path in gallery.RESULTS.glob("*.txt")}
    assert stored == gallery.LONG
    pictures = {re.sub(r"_\d+$", "", path.stem) for path in gallery.RESULTS.glob("*.png")}
    assert pictures <= stored
    for name in stored:
        picture = f"# sphinx_gallery_thumbnail_path = 'gallery_results/{name}.png'"
        assert (picture in EXAMPLES[name].read_text()) == (name in pictures)
        first = (gallery.RESULTS / f"{name}.txt").read_text().splitlines()[0]
        assert first == f"$ python docs/store_gallery.py {name}"


def test_the_index_has_a_heading_above_each_group():
    thumbnail = '.. raw:: html\n\n    <div class="sphx-glr-thumbcontainer">\n\n  :doc:`/auto_examples/{}`\n\n'
    thumbnails = [thumbnail.format(name) for name in gallery.ORDER]
    index = gallery.grouped("Gallery\n=======\n\n" + "".join(thumbnails))
    found = re.findall(r"^(.+)\n-+$|:doc:`/auto_examples/(\w+)`", index, re.MULTILINE)
    groups = gallery.GROUPS.items()
    expected = [line for title, names in groups for line in (title, *names)]
    assert [title or name for title, name in found] == expected
    assert index.count("</div>") == index.count('<div class="sphx-glr-thumbnails">') == len(groups)


def test_the_page_of_a_long_example_ends_with_its_stored_output(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "RESULTS", tmp_path)
    for name in ("counts.png", "counts_2.png", "counts_more.png"):
        (tmp_path / name).touch()
    page = "The head\n\n.. GENERATED FROM PYTHON SOURCE LINES 1-2\n\nThe code\n\n"
    page += ".. _sphx_glr_download_auto_examples_counts.py:\n\nDownload\n"
    changed = gallery.with_results(page, "counts")
    parts = ["The head", ".. note::", ":ref:`at the end <stored_counts>`", "The code"]
    parts += [".. _stored_counts:", "literalinclude:: ../gallery_results/counts.txt"]
    parts += ["gallery_results/counts.png", "gallery_results/counts_2.png", "Download"]
    places = [changed.index(part) for part in parts]
    assert places == sorted(places)
    assert "counts_more" not in changed


def test_output_and_pictures_are_stored_with_command_and_versions(example):
    draws = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.figure()\n"
    prints = "import sys\nprint('  a table')\nprint(len(sys.argv))\n"
    folder = example(draws + prints)
    assert sorted(path.name for path in folder.iterdir()) == [
        "small.png",
        "small.txt",
        "small_2.png",
    ]
    command, versions, empty, *printed = (folder / "small.txt").read_text().splitlines()
    assert command == "$ python docs/store_gallery.py small"
    assert re.search(r"sklloss \S+, scikit-learn \S+, torch \S+, numpy", versions)
    assert empty == ""
    assert printed == ["  a table", "1"]


def test_warnings_of_a_stored_example_are_errors(example):
    with pytest.raises(UserWarning, match="look"):
        example("import warnings\nwarnings.warn('look')\n")
    folder = example("import warnings\nwarnings.warn('max_epochs=1 has ended')\nprint(1)\n")
    assert (folder / "small.txt").read_text().endswith("\n\n1\n")
