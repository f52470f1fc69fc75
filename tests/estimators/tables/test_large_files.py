"""Rows that stay in their file: the same bits, and no copy of X in memory."""

import tracemalloc

import numpy as np
import pytest

import sklloss.estimators.fit.splits as splits_file
import sklloss.estimators.targets.answers as answers_file
from sklloss import NeuralClassifier, NeuralRegressor
from sklloss.losses import weighted as weighted_file
from sklloss.training.rows import data as data_file
from sklloss.training.rows import encoding as encoding_file
from sklloss.training.rows import scaling as scaling_file
from sklloss.training.rows.data import DenseRows, MappedRows, PartOfRows, reads_from_file

N_ROWS, N_COLUMNS = 2000, 5
QUICK = {"max_epochs": 2, "random_state": 0, "hidden_layer_sizes": (9,), "n_iter_no_change": 9}


@pytest.fixture(scope="module")
def values():
    X = np.random.default_rng(0).standard_normal((N_ROWS, N_COLUMNS), dtype=np.float32)
    X[:, 1] *= 1e4
    X[:, 2] = np.round(X[:, 2])
    return X


@pytest.fixture
def mapped(values, tmp_path):
    """Return the values in a file that counts as large."""
    path = tmp_path / "X.npy"
    np.save(path, values)
    return np.load(path, mmap_mode="r")


@pytest.fixture
def as_many(monkeypatch):
    """Let few rows count as many."""
    monkeypatch.setattr(data_file, "KEPT_OF_FILE", 0)
    monkeypatch.setattr(splits_file, "MANY_ROWS", 100)
    monkeypatch.setattr(answers_file, "MOST_ROWS", 640)


CASES = {
    "defaults": (NeuralRegressor, {}),
    "standard": (NeuralRegressor, {"numeric_encoding": "standard"}),
    "none": (NeuralRegressor, {"numeric_encoding": "none", "lr": 1e-5}),
    "quantile": (NeuralRegressor, {"numeric_encoding": "quantile"}),
    "one network": (NeuralRegressor, {"n_members": 1, "early_stopping": True}),
    "a share": (NeuralRegressor, {"n_members": 2, "validation_fraction": 0.2, "loss": "crps"}),
    "all rows": (NeuralRegressor, {"n_members": 1, "early_stopping": False}),
    "float64": (NeuralRegressor, {"dtype": "float64"}),
    "calibrated": (NeuralRegressor, {"calibrate": True}),
    "classes": (NeuralClassifier, {}),
    "macro F1": (NeuralClassifier, {"decision": "macro_f1"}),
    "whole batches": (NeuralClassifier, {"loss": "soft_f1"}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:loss:UserWarning", "ignore:.*constant:UserWarning")
def test_same_bits_from_a_file(case, values, mapped, request):
    kind, params = CASES[case]
    y = values[:, 0] + values[:, 2] ** 2
    y = y > 1 if kind is NeuralClassifier else y
    in_memory = kind(**{**QUICK, **params}).fit(values, y)
    expected = [in_memory.predict(values), in_memory.history_[:, "train_loss"]]
    request.getfixturevalue("as_many")
    seen = []
    for X in (mapped, mapped[:]):
        from_file = kind(**{**QUICK, **params}).fit(X, y)
        seen.append([from_file.predict(X), from_file.history_[:, "train_loss"]])
        if getattr(in_memory, "_oof", None) is not None:
            np.testing.assert_array_equal(from_file.oof_, in_memory.oof_)
    for found in seen:
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.usefixtures("as_many")
@pytest.mark.parametrize("encoding", ["standard", "piecewise_linear"])
def test_no_copy_is_made(encoding, tmp_path, monkeypatch):
    """A fit and a prediction take less than the table, whose width is not what they depend on."""
    for file, name in ((scaling_file, "CHUNK_ROWS"), (encoding_file, "CHUNK_ROWS")):
        monkeypatch.setattr(file, name, 512)
    monkeypatch.setattr(data_file, "CHECKED_ROWS", 512)
    n_rows = 20_000
    X = np.memmap(tmp_path / "X.f32", dtype=np.float32, mode="w+", shape=(n_rows, 250))
    X[:, :3] = np.random.default_rng(0).standard_normal((n_rows, 3))
    params = {"max_epochs": 1, "n_members": 1, "early_stopping": False, "batch_size": 256}
    model = NeuralRegressor(**{**QUICK, **params}, numeric_encoding=encoding)
    model.fit(X[:500], X[:500, 0])  # Imports and caches.
    tracemalloc.start()
    try:
        model.fit(X, np.asarray(X[:, 0]))
        model.predict(X)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < X.nbytes / 2


def test_which_arrays_are_read_from_their_file(values, mapped, monkeypatch):
    import torch

    assert not reads_from_file(mapped, torch.float32)  # Few rows are read once.
    monkeypatch.setattr(data_file, "KEPT_OF_FILE", 4 * N_ROWS * N_COLUMNS - 1)
    assert reads_from_file(mapped, torch.float32)
    assert reads_from_file(np.asarray(mapped)[3:], torch.float64)
    assert not reads_from_file(values, torch.float64)


@pytest.mark.usefixtures("as_many")
def test_numbers_that_do_not_fit_are_refused_before_training(tmp_path):
    X = np.memmap(tmp_path / "X.f64", dtype=np.float64, mode="w+", shape=(N_ROWS, 2))
    X[:] = np.random.default_rng(0).standard_normal(X.shape)
    X[-1, 1] = 1e300
    model = NeuralRegressor(**QUICK, numeric_encoding="none")
    with pytest.raises(ValueError, match="too large for float32, for example 1e"):
        model.fit(X, np.asarray(X[:, 0]))
    X[-1, 1] = np.nan
    fitted = NeuralRegressor(**QUICK, numeric_encoding="none").fit(X[:-1], np.asarray(X[:-1, 0]))
    with pytest.raises(ValueError, match="1 missing value in columns that had none"):
        fitted.predict(X)
    missing = NeuralRegressor(**QUICK, numeric_encoding="standard").fit(X, np.asarray(X[:, 0]))
    assert np.isfinite(missing.predict(X)).all()


@pytest.mark.usefixtures("as_many")
def test_rows_of_weight_0_are_left_out_of_a_file(values, mapped):
    weights = np.ones(N_ROWS)
    weights[::7] = 0
    a, b = (
        NeuralRegressor(**QUICK).fit(X, values[:, 0], sample_weight=weights)
        for X in (mapped, values)
    )
    np.testing.assert_array_equal(a.predict(mapped), b.predict(mapped))


def test_rows_of_a_part():
    import torch

    whole = DenseRows(torch.arange(20.0).reshape(10, 2))
    part = PartOfRows(whole, 3, 8)
    assert len(part) == 5
    assert part.row_shape == (2,)
    torch.testing.assert_close(part.slice(3, 9), whole.values[6:8])
    torch.testing.assert_close(part.take(torch.tensor([0, 4])), whole.values[[3, 7]])
    of_file = MappedRows(whole.values.numpy(), torch.from_numpy, torch.device("cpu"))
    assert part.to(torch.device("cpu")).rows.values.equal(of_file.slice(0, 10))


@pytest.mark.parametrize("n_rows", [64, 1000, 1024, 5000])
@pytest.mark.parametrize("n_targets", [1, 3])
def test_sums_of_parts(n_rows, n_targets, monkeypatch):
    import torch

    source = torch.Generator().manual_seed(0)
    values = torch.randn(n_rows, n_targets, generator=source, dtype=torch.float64)
    weights = torch.rand(n_rows, generator=source, dtype=torch.float64)
    functions = weighted_file.weighted_mean, weighted_file.weighted_std
    expected = [function(values, weights) for function in functions]
    monkeypatch.setattr(weighted_file, "PART", 256)
    for function, whole in zip(functions, expected, strict=True):
        torch.testing.assert_close(function(values, weights), whole, rtol=1e-14, atol=0)
        if n_targets == 1:
            assert function(values, weights).equal(whole)
