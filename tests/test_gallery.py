"""Examples are pages of the gallery, and those that its build does not run have stored output."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "docs"))

import gallery  # noqa: E402
import store_gallery  # noqa: E402

EXAMPLES = {path.stem: path for path in (ROOT / "examples").glob("*.py")}
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
    assert underline == "=" * len(title)
    assert f"``python examples/{name}.py``" in docstring
    assert re.search(r"``(\w+)`` extra", docstring)[1] in ("examples", "plot", "cluster", "speech")


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
    pictures = {path.stem.removesuffix("_2") for path in gallery.RESULTS.glob("*.png")}
    assert pictures <= stored
    for name in stored:
        first = (gallery.RESULTS / f"{name}.txt").read_text().splitlines()[0]
        assert first == f"$ python docs/store_gallery.py {name}"


def test_output_and_pictures_are_stored_with_command_and_versions(example):
    draws = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.figure()\n"
    folder = example(f"{draws}print('  a table')\nprint('a sentence')\n")
    assert sorted(path.name for path in folder.iterdir()) == [
        "small.png",
        "small.txt",
        "small_2.png",
    ]
    command, versions, empty, *printed = (folder / "small.txt").read_text().splitlines()
    assert command == "$ python docs/store_gallery.py small"
    assert re.search(r"sklloss \S+, scikit-learn \S+, torch \S+, numpy", versions)
    assert empty == ""
    assert printed == ["  a table", "a sentence"]


def test_warnings_of_a_stored_example_are_errors(example):
    with pytest.raises(UserWarning, match="look"):
        example("import warnings\nwarnings.warn('look')\n")
    folder = example("import warnings\nwarnings.warn('max_epochs=1 has ended')\nprint(1)\n")
    assert (folder / "small.txt").read_text().endswith("\n\n1\n")
