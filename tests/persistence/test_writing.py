"""A file is written as a whole or not at all, and errors of the system say what to do."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap

import pytest
from sklearn.linear_model import Ridge

from sklloss import NeuralRegressor
from sklloss.persistence import atomic, load, save
from sklloss.persistence.onnx import to_onnx

MODEL, OTHER = NeuralRegressor("mae"), NeuralRegressor("mse")
FITTED = NeuralRegressor(max_epochs=1, random_state=0).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])


def in_folder(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.sklloss"
    save(MODEL, path)
    return path


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "chmod"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_errors_of_the_system_leave_the_old_file_whole(call, error, file, monkeypatch):
    before = file.read_bytes()

    def failing(*args, **kwargs):
        raise OSError(error, os.strerror(error))

    if call == "write":
        monkeypatch.setattr(atomic.os, "fdopen", lambda *args: Unwritable(error, args[0]))
    else:
        monkeypatch.setattr(atomic.os if call == "fsync" else atomic.Path, call, failing)
    with pytest.raises(OSError, match="cannot be written.*An existing file is unchanged") as found:
        save(OTHER, file)
    monkeypatch.undo()
    assert found.value.errno == error
    assert file.read_bytes() == before
    assert in_folder(file.parent) == [file.name]


class Unwritable:
    """A file whose disk is full."""

    def __init__(self, error, descriptor):
        self.error, self.descriptor = error, descriptor

    def __enter__(self):
        return self

    def __exit__(self, *args):
        os.close(self.descriptor)

    def write(self, data):
        os.write(self.descriptor, data[:100])
        raise OSError(self.error, os.strerror(self.error))


def test_an_interruption_leaves_the_old_file_whole(file, monkeypatch):
    before = file.read_bytes()

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(OTHER, file)
    assert file.read_bytes() == before
    assert in_folder(file.parent) == [file.name]


def test_a_disk_that_takes_no_more(file):
    """The system itself refuses more than some bytes, as a full disk does."""
    before = file.read_bytes()
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(OSError, match="cannot be written"):
            save(OTHER, file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handled)
    assert file.read_bytes() == before
    assert in_folder(file.parent) == [file.name]


KILLED = """
    import os, signal, sys
    from sklloss import NeuralRegressor
    from sklloss.persistence import atomic, save
    atomic.Path.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
    save(NeuralRegressor("mse"), sys.argv[1])
"""


def test_a_process_killed_while_it_writes_leaves_the_old_file_whole(file):
    before = file.read_bytes()
    code = textwrap.dedent(KILLED)
    done = subprocess.run([sys.executable, "-c", code, str(file)], check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == before
    save(OTHER, file)
    assert load(file).loss == "mse"


def test_an_estimator_that_cannot_be_written_leaves_the_old_file_whole(file):
    before = file.read_bytes()
    with pytest.raises(TypeError, match="lambda"):
        save(NeuralRegressor(lambda prediction, y: prediction - y), file)
    assert file.read_bytes() == before


def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(file):
    mask = os.umask(0o027)
    try:
        new = file.with_name("new")
        save(MODEL, new)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    new.chmod(0o600)
    save(OTHER, new)
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


def test_a_link_stays_one(file):
    link = file.with_name("link")
    link.symlink_to(file)
    save(OTHER, link)
    assert link.is_symlink()
    assert load(file).loss == load(link).loss == "mse"


def test_folders_and_missing_paths(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"):
        save(MODEL, tmp_path)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        load(tmp_path)
    for name in ("nowhere/model", "none"):
        with pytest.raises(FileNotFoundError, match="cannot be read: There is no such file"):
            load(tmp_path / name)
    with pytest.raises(
        FileNotFoundError, match="cannot be written: There is no such file or folder"
    ):
        save(MODEL, tmp_path / "nowhere" / "model")
    for path in (3, None, b"".join):
        with pytest.raises(TypeError, match="path is a str or a path"):
            save(MODEL, path)
    assert not list(tmp_path.iterdir())


def test_files_without_permission(file, monkeypatch):
    def denied(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(PermissionError, match="cannot be read: There is no permission"):
        load(file)
    monkeypatch.setattr(tempfile, "mkstemp", denied)
    with pytest.raises(
        PermissionError, match="no permission to write in the folder '.*'. An exist"
    ):
        save(MODEL, file)


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "/dev/null"])
def test_pipes_and_devices_are_no_files(kind, tmp_path):
    path = kind
    if kind == "pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    with pytest.raises(ValueError, match="not a regular file"):
        load(path)


@pytest.mark.parametrize("write", [save, to_onnx])
def test_a_pipe_is_not_replaced_by_a_file(write, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="cannot be written: It is no regular file"):
        write(FITTED, path)
    assert path.is_fifo()
    assert in_folder(tmp_path) == ["pipe"]


@pytest.mark.parametrize("write", [save, to_onnx])
def test_paths_that_name_no_file(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("", "a\0b"):
        with pytest.raises(ValueError, match="path is the path of a file; got"):
            write(FITTED, name)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(OSError, match="'circle' cannot be written: Too many levels"):
        write(FITTED, "circle")
    assert in_folder(tmp_path) == ["circle"]


@pytest.mark.parametrize("value", [NeuralRegressor, 3, None, {"model": MODEL}, [MODEL], "model"])
def test_only_estimators_are_saved(value, tmp_path):
    with pytest.raises(TypeError, match="save writes estimators"):
        save(value, tmp_path / "file")


@pytest.mark.parametrize("params", [{"oof": None}, {"training": "auto"}, {"oof": 2}])
def test_arguments_outside_their_domains(params, tmp_path):
    with pytest.raises(ValueError, match="oof is a bool, training a bool or None"):
        save(MODEL, tmp_path / "file", **params)


def test_an_estimator_of_scikit_learn_alone(tmp_path):
    save(Ridge(alpha=2.0), tmp_path / "file")
    assert load(tmp_path / "file").alpha == 2.0
