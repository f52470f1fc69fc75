"""Files that were written once are read by this version, with the answers of then."""

import json
import shutil

import numpy as np
import pytest
from sklearn.exceptions import InconsistentVersionWarning

import sklloss
from sklloss.persistence import load, save
from sklloss.persistence.container import FORMAT_VERSION

from .golden import make
from .golden.cases import CASES

# Machines and versions of torch round products in different ways.
RTOL, ATOL = 1e-4, 1e-5
FORMATS = range(1, FORMAT_VERSION + 1)
each_format = pytest.mark.parametrize("version", FORMATS)
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{InconsistentVersionWarning.__module__}.{name}")
    for name in (InconsistentVersionWarning.__name__,)
]


def assert_close(mine, theirs):
    if isinstance(theirs, dict):
        assert list(mine) == list(theirs)
        for name in theirs:
            assert_close(mine[name], theirs[name])
    elif isinstance(theirs, list):
        assert len(mine) == len(theirs)
        for pair in zip(mine, theirs, strict=True):
            assert_close(*pair)
    elif isinstance(theirs, float):
        np.testing.assert_allclose(mine, theirs, rtol=RTOL, atol=ATOL)
    else:
        assert mine == theirs


@each_format
@pytest.mark.parametrize("name", CASES)
def test_golden_files_answer_as_they_did(version, name):
    folder = make.folder_of(version)
    model = load(folder / f"{name}.sklloss")
    assert type(model) is type(CASES[name].model)
    expected = json.loads((folder / "answers.json").read_text())[name]
    assert_close(make.answers_of(model, name), expected)


@each_format
def test_every_estimator_has_a_golden_file(version):
    assert {path.stem for path in make.folder_of(version).glob("*.sklloss")} == set(CASES)
    public = {n for n in sklloss.__all__ if hasattr(getattr(sklloss, n), "get_params")}
    inside = {type(case.model).__name__ for case in CASES.values()}
    assert public - {"Criterion", "FitCheckpoint"} <= inside


@each_format
def test_golden_files_are_small(version):
    sizes = [path.stat().st_size for path in make.folder_of(version).iterdir()]
    assert sum(sizes) < 400_000


def test_training_of_a_golden_file_goes_on():
    case = CASES["partially fitted"]
    model = load(make.folder_of(1) / "partially fitted.sklloss")
    assert len(model.fit(case.X, case.y).history_) == 4


@pytest.mark.parametrize("name", CASES)
def test_golden_files_are_written_again(name, tmp_path):
    model = load(make.folder_of(FORMAT_VERSION) / f"{name}.sklloss")
    save(model, tmp_path / "again")
    assert make.answers_of(load(tmp_path / "again"), name) == make.answers_of(model, name)


def test_the_script_leaves_files_of_a_format_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(make, "HERE", tmp_path)
    with pytest.raises(FileNotFoundError):
        make.main([])
    shutil.copytree(make.Path(make.__file__).parent / "format_1", tmp_path / "format_1")
    with pytest.raises(SystemExit, match="stay as they are"):
        make.main([])
