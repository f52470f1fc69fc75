"""The benchmark of large files runs and leaves no file; how much memory it takes, is not looked at."""

import importlib
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

mapped_file = importlib.import_module("mapped_file")


def test_it_measures_a_fit_and_a_prediction(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    name = "classifier, small network"
    mapped_file.main(["--rows", "600", "--contenders", name])
    lines = [line for line in capsys.readouterr().out.splitlines() if name in line]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [each[1] for each in cells] == ["fit", "predict"]
    assert all(100 < float(each[2].replace(",", "")) < 1536 for each in cells)
    assert [each[5] for each in cells] == ["met", "met"]
    assert not list(tmp_path.iterdir())


def test_memory_that_is_taken_is_seen():
    with mapped_file.sampled() as most:
        before = most[0]
        taken = bytearray(200 * mapped_file.MIB)
        taken[::4096] = b"x" * len(taken[::4096])
        mapped_file.time.sleep(0.2)
    assert most[0] - before > 150 * mapped_file.MIB
