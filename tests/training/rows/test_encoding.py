"""Encodings of tables: references, and laws over all of them."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

from sklloss.training import ENCODINGS, InputScaler, learn_encoding, rows
from sklloss.training.rows import columns as columns_file
from sklloss.training.rows import encoding as encoding_file
from sklloss.training.rows.columns import Distribution, bins_per_column, n_distinct_rows
from sklloss.training.rows.data import SparseRows

CPU = torch.device("cpu")


def encoded(X, encoding, n_levels=None, weight=None, to=None, dtype=torch.float64):
    weight = np.ones(X.shape[0]) if weight is None else weight
    learned = learn_encoding(X, n_levels or [0] * X.shape[1], weight, encoding)
    kept = learned.training_rows(X if to is None else to, dtype, CPU)
    return learned, kept.slice(0, len(kept)).numpy()


@pytest.fixture
def X(rng):
    return np.column_stack((rng.normal(5, 2, 400), rng.lognormal(size=400), rng.poisson(2, 400)))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_standard_is_the_standard_scaler(X):
    assert encoded(X, "standard")[1] == pytest.approx(StandardScaler().fit_transform(X))


def test_robust_is_the_formula(X):
    low, median, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0, method="averaged_inverted_cdf")
    z = (X - median) / (high - low)
    expected = z / np.sqrt(1 + (z / 3) ** 2)
    assert encoded(X, "robust")[1] == pytest.approx(expected - expected.mean(0))


def test_quantile_is_close_to_the_quantile_transformer(X):
    continuous = X[:, :2]
    reference = QuantileTransformer(n_quantiles=400, output_distribution="normal")
    expected = reference.fit_transform(continuous).clip(-3, 3)
    found = encoded(continuous, "quantile")[1].clip(-3, 3)
    assert np.abs(found - expected).max() < 0.15
    assert np.abs(found - expected).mean() < 0.01


def test_piecewise_linear_codes_are_the_formula(X):
    column = X[:, :1]
    learned, found = encoded(column, "piecewise_linear")
    edges = np.quantile(column, np.linspace(0, 1, 33), method="averaged_inverted_cdf")
    edges[[0, -1]] = column.min(), column.max()
    codes = np.clip((column - edges[:-1]) / np.diff(edges), 0, 1)
    assert found[:, 1:] == pytest.approx(codes - codes.mean(0))
    assert len(learned.code_column) == 32


def test_a_number_of_few_values_is_cut_at_each_of_them():
    column = np.repeat([0.0, 1.0, 5.0], 100)[:, None]
    learned, found = encoded(column, "piecewise_linear")
    centre, scale = learned.centre[0], learned.scale[0]
    assert learned.code_low * scale + centre == pytest.approx([0, 1])
    assert len(np.unique(found.round(12), axis=0)) == 3


def test_levels_are_the_one_hot_encoder(rng):
    codes = rng.choice(6, 500, p=[0.4, 0.3, 0.2, 0.092, 0.004, 0.004]).astype(float)[:, None]
    counts = np.bincount(codes[:, 0].astype(int), minlength=6)
    assert counts[-2:].max() < 5 <= counts[:-2].min()
    reference = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    expected = reference.fit_transform(codes)[:, :4]
    found = encoded(codes, "standard", n_levels=[6])[1]
    assert found == pytest.approx(expected - expected.mean(0))


def test_two_levels_are_one_column_unless_there_are_rare_ones():
    two, rare = np.repeat([0.0, 1.0], 50), np.repeat([0.0, 1.0, 2.0], [50, 48, 2])
    assert encoded(two[:, None], "standard", n_levels=[2])[1].shape[1] == 1
    assert encoded(rare[:, None], "standard", n_levels=[3])[1].shape[1] == 2


def test_an_unknown_level_is_the_mean_of_a_column_of_two():
    column = np.repeat([0.0, 1.0], [30, 10])[:, None]
    learned, _ = encoded(column, "standard", n_levels=[2])
    found = learned.transform(np.array([[0.0], [1.0], [-1.0], [2.0]]), torch.float64)
    assert found.slice(0, 4).numpy()[:, 0] == pytest.approx([-0.25, 0.75, 0, 0])


def test_levels_are_counted_in_rows():
    codes = np.array([[0.0], [1.0], [2.0]])
    weight = np.array([300.0, 40.0, 4.0])
    learned = learn_encoding(codes, [3], weight, "standard", unit=1.0)
    assert learned.level.tolist() == [0, 1]
    learned = learn_encoding(codes, [3], weight / 1000, "standard", unit=0.001)
    assert learned.level.tolist() == [0, 1]


def test_most_frequent_levels_are_kept(monkeypatch):
    monkeypatch.setattr(columns_file, "MOST_LEVELS", 2)
    codes = np.repeat([0.0, 1.0, 2.0, 3.0], [10, 30, 20, 5])[:, None]
    learned, _ = encoded(codes, "standard", n_levels=[4])
    assert learned.level.tolist() == [1, 2]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_missing_values_have_an_indicator_and_are_nowhere(encoding, X, rng):
    X[rng.random(400) < 0.2, 1] = np.nan
    learned, found = encoded(X, encoding)
    absent = np.isnan(X[:, 1])
    assert found[:, 0] + learned.offset[0] == pytest.approx(absent.astype(float))
    assert np.isfinite(found).all()
    of_column = learned.code_column == 1
    codes = found[:, 4:] + learned.offset[4:]
    assert (codes[absent][:, of_column] == 0).all()


@pytest.mark.parametrize("encoding", [each for each in ENCODINGS if each != "none"])
def test_a_missing_value_that_training_did_not_have_is_the_centre(encoding, X):
    learned, _ = encoded(X, encoding)
    gap, centre = X[:1].copy(), X[:1].copy()
    gap[0, 0] = np.nan
    centre[0, 0] = X[:, 0].mean() if encoding == "standard" else np.median(X[:, 0])
    a, b = (learned.transform(each, torch.float64).slice(0, 1).numpy() for each in (gap, centre))
    assert a == pytest.approx(b)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_never_varied_has_no_influence(encoding, X):
    X = np.column_stack((X, np.full(400, 2023.0), np.full(400, np.nan)))
    learned, found = encoded(X, encoding)
    other = X.copy()
    other[:, 3], other[:, 4] = 1e6, 7.0
    after = learned.training_rows(other, torch.float64, CPU).values.numpy()
    assert np.array_equal(found, after)
    assert not {3, 4} & {*learned.numbers, *learned.code_column}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_zeros_and_ones_are_only_centred(encoding):
    column = np.repeat([0.0, 1.0], [90, 10])[:, None]
    found = encoded(column, encoding)[1]
    shift = 0.0 if encoding == "none" else 0.1
    assert found == pytest.approx(column - shift)


@pytest.mark.parametrize("encoding", [each for each in ENCODINGS if each != "none"])
def test_columns_are_centred_with_weights(encoding, X, rng):
    X[::7, 0] = np.nan
    weight = rng.integers(1, 4, 400).astype(float)
    found = encoded(X, encoding, weight=weight)[1]
    assert np.average(found, axis=0, weights=weight) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_weight_two_is_a_row_repeated(encoding, X, rng):
    X[::9, 0] = np.nan
    X = np.column_stack((X, rng.integers(0, 30, 400)))
    weight = rng.integers(1, 3, 400)
    levels = [0, 0, 0, 30]
    by_weight = encoded(X, encoding, levels, weight.astype(float))[1]
    repeated = np.repeat(X, weight, axis=0)
    by_row = encoded(repeated, encoding, levels, to=X)[1]
    assert by_weight == pytest.approx(by_row, abs=1e-9)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_encoded_by_the_batch_are_those_encoded_once(encoding, dtype, X, monkeypatch):
    X[::5, 1] = np.nan
    learned, kept = encoded(X, encoding, dtype=dtype)
    monkeypatch.setattr(encoding_file, "KEPT_BYTES", 0)
    lazy = learned.training_rows(X, dtype, CPU)
    assert isinstance(lazy, encoding_file.EncodedRows)
    index = torch.tensor([7, 3, 399])
    assert np.array_equal(lazy.take(index).numpy(), kept[index])
    assert np.array_equal(lazy.slice(10, 20).numpy(), kept[10:20])
    assert (len(lazy), lazy.row_shape) == (400, (kept.shape[1],))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_sparse_rows_are_encoded_as_dense_ones(encoding, rng):
    X = rng.poisson(0.7, (300, 4)).astype(float)
    dense, by_row = encoded(X, encoding)[1], encoded(sparse.csr_array(X), encoding)[1]
    assert by_row == pytest.approx(dense)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_only_columns_that_are_used_are_made_dense(encoding, rng, monkeypatch):
    X = rng.poisson(0.7, (300, 4)).astype(float)
    X[::7, 1] = np.nan
    where = np.tile([5, 70_000, 70_001, 99_999], 300), 4 * np.arange(301)
    wide = sparse.csr_array((X.ravel(), *where), shape=(300, 100_000))
    widths = []
    dense = SparseRows._dense
    monkeypatch.setattr(
        SparseRows, "_dense", lambda self, rows: widths.append(rows.shape[1]) or dense(self, rows)
    )
    expected, found = encoded(X, encoding)[1], encoded(wide, encoding)[1]
    assert found == pytest.approx(expected)
    assert set(widths) == {4}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_module_is_what_the_rows_are(encoding, X):
    X[::5, 1] = np.nan
    learned, found = encoded(X, encoding)
    assert learned.module((3,))(torch.from_numpy(X)).numpy() == pytest.approx(found)


def test_rows_that_are_encoded_late_follow_the_networks_to_their_device(X):
    learned, _ = encoded(X, "piecewise_linear")
    here = learned.transform(X, torch.float32)
    there = rows(here, torch.float32, torch.device("meta"))
    assert there.slice(0, 2).device.type == "meta"
    assert here.slice(0, 2).device.type == "cpu"
    of_csr = rows(learned.transform(sparse.csr_array(X), torch.float32), torch.float32, CPU)
    assert of_csr.to(torch.device("meta")).slice(0, 2).device.type == "meta"


def test_times_that_differ_little_stay_apart():
    seconds = 1.7e9 + np.arange(400.0)[:, None]
    found = encoded(seconds, "robust", dtype=torch.float32)[1]
    assert (np.diff(found[:, 0]) > 0).all()


def test_numbers_too_large_to_be_scaled_are_refused():
    for encoding, value in (("standard", 1e308), ("robust", 1.7e308), ("quantile", -1.7e308)):
        with pytest.raises(ValueError, match="X has values too large to be scaled, for example 1"):
            encoded(np.r_[np.arange(100.0), value][:, None], encoding)


def test_sparse_numbers_too_large_for_float32_are_named(rng):
    X = sparse.csr_array(rng.poisson(0.7, (300, 4)).astype(float))
    scaler = InputScaler.fit(X, np.ones(300))
    broken = X.copy()
    broken.data[3] = 1e300
    with pytest.raises(ValueError, match=r"too large for float32, for example 1e\+300"):
        scaler.transform(broken, torch.float32)


def test_pairs_of_rows_are_encoded_on_both_sides(X):
    for encoding in ENCODINGS:
        learned, found = encoded(X, encoding)
        pairs = X.reshape(200, 2, 3)
        kept = learned.training_rows(pairs, torch.float64, CPU)
        assert np.array_equal(kept.values.numpy(), found.reshape(200, 2, -1))
        lazy = learned.transform(pairs, torch.float64)
        assert lazy.row_shape == kept.row_shape == (2, found.shape[1])


def test_a_table_of_constants_is_a_column_of_zeros():
    for encoding in ENCODINGS:
        X = np.column_stack((np.full(50, 3.0), np.full(50, np.nan)))
        learned, found = encoded(X, encoding)
        other = learned.transform(np.array([[7.0, 1.0], [np.nan, 2.0]]), torch.float64)
        assert np.array_equal(found, np.zeros((50, 1)))
        assert np.array_equal(other.slice(0, 2).numpy(), np.zeros((2, 1)))


def test_names_of_bins_tell_them_apart():
    seconds = 1.7e9 + np.arange(400.0)[:, None]
    learned, found = encoded(seconds, "piecewise_linear")
    assert len(set(learned.names(["t"], [()]))) == found.shape[1]


@pytest.mark.parametrize("value", [1e300, -1e300])
def test_an_extreme_number_stays_finite(value):
    X = np.r_[np.arange(100.0), value][:, None]
    for encoding in ("robust", "quantile", "piecewise_linear"):
        assert np.isfinite(encoded(X, encoding, dtype=torch.float32)[1]).all()


def test_a_number_beyond_float32_is_refused_where_nothing_bounds_it():
    X = np.arange(100.0)[:, None]
    learned, _ = encoded(X, "standard")
    with pytest.raises(ValueError, match="X has values too large for float32, for example 1e"):
        learned.transform(np.array([[1e60]]), torch.float32)


@pytest.mark.parametrize(
    ("n_rows", "n_columns", "bins"),
    [(400, 1, 32), (400, 10, 30), (400, 70, 4), (400, 80, 0), (10_000, 60, 17), (10_000, 300, 0)],
)
def test_bins_are_as_many_as_the_rows_pay_for(n_rows, n_columns, bins, rng):
    assert bins_per_column(rng.normal(size=(n_rows, n_columns)), n_columns) == bins


def test_repeated_rows_pay_once(rng):
    X = rng.normal(size=(40, 2))
    assert bins_per_column(np.tile(X, (100, 1)), 2) == bins_per_column(X, 2) == 15


def test_a_forced_cut_has_four_bins_at_least(rng):
    X = rng.normal(size=(40, 20))
    assert len(encoded(X, "auto")[0].code_column) == 0
    assert len(encoded(X, "piecewise_linear")[0].code_column) == 80


def test_encoded_columns_are_named(X):
    X = np.column_stack((X, np.repeat([0.0, 1.0, 2.0, 3.0], 100)))
    X[0, 0] = np.nan
    learned, found = encoded(X, "piecewise_linear", [0, 0, 0, 4])
    names = learned.names(["a", "b", "c", "d"], [(), (), (), ("=w", "=x", "=y", "=z")])
    assert len(names) == found.shape[1] == len(set(names))
    assert names[:4].tolist() == ["a is missing", "a", "b", "c"]
    assert names[-4:].tolist() == ["d=w", "d=x", "d=y", "d=z"]
    low, high = X[:, 1].min(), X[:, 1].max()
    of_b = [name for name in names if name.startswith("b from")]
    assert of_b[0].startswith(f"b from {low:.6g} to ")
    assert of_b[-1].endswith(f" to {high:.6g}")


@pytest.mark.parametrize("encoding", ["robust", "standard", "none"])
def test_sparse_numbers_are_encoded_where_they_are_stored(encoding):
    """Beside the same numbers dense; one column is nowhere 0, one is constant."""
    table = sparse.random_array((60, 7), density=0.3, rng=np.random.default_rng(0)).toarray()
    table[:, 3] += 2
    table[:, 5] = 1
    given = (0,) * 7, np.ones(60), encoding
    rows = learn_encoding(sparse.csr_array(table), *given).transform(
        sparse.csr_array(table), torch.float64
    )
    dense = learn_encoding(table, *given).transform(table, torch.float64)
    assert isinstance(rows, SparseRows)
    index = torch.arange(60)
    torch.testing.assert_close(rows.take(index), dense.take(index))
    torch.testing.assert_close(rows.slice(5, 9), dense.slice(5, 9))


@pytest.mark.parametrize("encoding", ["robust", "quantile", "piecewise_linear", "auto"])
@pytest.mark.parametrize("values", [(0.0, 1.0), (1.0, 2.0), (-7.0, 900.0)])
def test_a_number_of_two_values_is_between_them(encoding, values, rng):
    X = np.column_stack((np.repeat(values, 200), rng.standard_normal(400)))
    found = learn_encoding(X, (0, 0), np.ones(400), encoding)
    rows = np.array([[values[0], 0], [values[1], 0], [-1e30, 0], [999, 0], [1e30, 0]])
    low, high, below, beyond, far = found.transform(rows, torch.float64).slice(0, 5)[:, 0]
    assert low == below
    assert high == beyond == far


@pytest.mark.parametrize("encoding", ["auto", "piecewise_linear"])
def test_edges_that_float32_does_not_tell_apart_are_one(encoding, rng):
    close = np.r_[np.arange(380) * 1e-13, 50.0 + np.arange(20)]
    far = 10 ** rng.uniform(-50, 50, 400)
    for column in (close, far, close * 1e-40, np.r_[close[:399], 1e300]):
        found = learn_encoding(column[:, None], (0,), np.ones(400), encoding)
        assert (np.float32(found.code_width) > 0).all()
        assert found.transform(column[:, None], torch.float32).slice(0, 400).isfinite().all()


def test_missing_values_are_the_same_whatever_their_sign():
    X = np.column_stack((np.repeat(np.arange(30.0), 2), np.full(60, np.nan)))
    Z = X.copy()
    Z[1::2, 1] = -np.nan
    assert n_distinct_rows(Z) == n_distinct_rows(X) == 30


@pytest.mark.parametrize(
    "levels", [(-1, 1), (0, 1, 2, 3), (0, 0.5, -0.5, np.nan), (-1e300, 1e-300)]
)
def test_distinct_rows_of_sparse_tables_are_counted_without_making_them_dense(levels):
    X = np.array(list(product(levels, repeat=6)), dtype=float)
    repeated = sparse.csr_array(np.tile(X, (3, 1)))
    assert n_distinct_rows(repeated) == n_distinct_rows(X) == len(X)
    # With zeros that are stored, and so wide that it would not fit into memory.
    where = np.tile(np.arange(6) * 10**8, len(X)), 6 * np.arange(len(X) + 1)
    assert n_distinct_rows(sparse.csr_array((X.ravel(), *where))) == len(X)


def test_entries_that_are_stored_twice_are_added():
    X = sparse.csr_array(
        ([1.0, 2.0, 3.0, 4.0, -4.0], [0, 0, 0, 1, 1], [0, 2, 3, 5, 5]), shape=(4, 2)
    )
    assert n_distinct_rows(X) == 2
    assert X.nnz == 5


@pytest.mark.parametrize("kind", ["auto", "standard", "robust", "quantile", "piecewise_linear"])
def test_constant_columns_of_sparse_tables_are_not_looked_at(kind, monkeypatch):
    X = np.zeros((400, 50))
    X[:, [3, 20]] = np.random.default_rng(0).normal(size=(400, 2))
    X[::2, 7], X[:, 8], X[5, 9] = np.nan, np.nan, np.nan
    X[:, 30] = 2.0
    expected = learn_encoding(X, (0,) * 50, np.ones(400), kind)
    looked_at = []
    of = Distribution.of
    monkeypatch.setattr(Distribution, "of", lambda *args: looked_at.append(args) or of(*args))
    found = learn_encoding(sparse.csr_array(X), (0,) * 50, np.ones(400), kind)
    assert len(looked_at) == 5
    for name, value in vars(expected).items():
        np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)


@pytest.mark.parametrize("kind", ["auto", "piecewise_linear"])
def test_columns_are_counted_until_they_are_too_many_to_be_cut(kind, rng, monkeypatch):
    X = rng.normal(size=(60, 400))
    looked_at = []
    has_three = columns_file.has_three
    monkeypatch.setattr(
        columns_file, "has_three", lambda column: looked_at.append(0) or has_three(column)
    )
    learned = learn_encoding(X, (0,) * 400, np.ones(60), kind)
    assert len(looked_at) == columns_file.MOST_CODES // columns_file.FEWEST_BINS + 1
    assert len(learned.code_column) == (1600 if kind == "piecewise_linear" else 0)


@pytest.mark.parametrize("kind", ["piecewise_linear", "quantile", "robust"])
def test_many_numbers_are_placed_a_part_at_a_time(kind, monkeypatch):
    X = np.random.default_rng(0).normal(size=(500, 2))
    expected = learn_encoding(X, (0, 0), np.ones(500), kind)
    monkeypatch.setattr(columns_file, "PART", 60)
    found = learn_encoding(X, (0, 0), np.ones(500), kind)
    for name in ("centre", "scale", "code_low", "code_width", "offset"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
