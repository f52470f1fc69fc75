"""The benchmark of halving compares what it says."""

import importlib
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))
halving = importlib.import_module("halving")


def test_every_search_has_a_row_and_ours_the_bars(monkeypatch, capsys):
    monkeypatch.setattr(halving, "EPOCHS", 6)
    halving.main(["--candidates", "4", "--sets", "concrete"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[0] for row in rows[2:]] == ["full", *halving.CONTENDERS]
    assert rows[2][2] == "100 %"
    ours = rows[3]
    assert ours[3] == "35%"
    assert ours[4] == ("met" if float(ours[2].rstrip("%")) <= 35 else "missed")
    assert ours[7] == ("met" if float(ours[5].rstrip("%")) <= 0.5 else "missed")
    assert all(row[3] == row[6] == "" for row in (rows[2], *rows[4:]))
