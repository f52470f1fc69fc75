"""The benchmarks of ONNX files run, and have a line for everything that they compare."""

import importlib
import sys
from pathlib import Path

import pytest

from .agreement import TOLERANCE

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

onnx_answers, serving = map(importlib.import_module, ("onnx_answers", "serving"))


def lines_of(text):
    """Return the cells of the lines of tables."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_answers_of_chosen_losses(capsys):
    onnx_answers.main(["--losses", "mae", "crps", "hinge", "absolute_error"])
    cells = {line[0]: line[1:] for line in lines_of(capsys.readouterr().out)}
    assert all(float(cell) <= TOLERANCE for cell in cells["`crps`"])
    assert len(cells["`crps`"]) == 5
    assert cells["`hinge`"][1] == ""
    assert float(cells["`hinge`"][2]) <= TOLERANCE


def test_a_part_of_the_page_is_not_written():
    with pytest.raises(SystemExit):
        onnx_answers.main(["--losses", "mae", "--write"])


def test_latencies(tmp_path, monkeypatch, capsys):
    page = tmp_path / "serving.md"
    page.write_text(f"before\n{serving.START}\nold\n{serving.END}\nafter\n")
    monkeypatch.setattr(serving, "PAGE", page)
    serving.main(["--rounds", "1", "--calls", "2", "--write"])
    lines = lines_of(capsys.readouterr().out)
    names = [line[0] for line in lines[2:]]
    assert len(names) == 7
    assert names[-1] == serving.MLP
    assert [line[-1] != "" for line in lines[2:]] == [n.startswith("onnxrun") for n in names]
    text = page.read_text()
    assert text.startswith("before")
    assert text.endswith("after\n")
    assert "old" not in text
    assert names[0] in text


def test_the_page_has_a_place_for_the_table():
    text = serving.PAGE.read_text()
    assert text.count(serving.START) == text.count(serving.END) == 1
