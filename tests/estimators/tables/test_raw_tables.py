"""Raw tables go in: categories, dates and missing values, with every encoding of numbers."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklloss import (
    LossSearchCV,
    MetricEmbedder,
    NeuralClassifier,
    NeuralMultiTask,
    NeuralRanker,
)
from sklloss.training import ENCODINGS

from .raw_tables import N, quick

SCALED = [each for each in ENCODINGS if each != "none"]

# Days since 1970 train badly where nothing scales them; what they become is looked at all the same.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("encoding", SCALED)
def test_a_raw_table_is_learned_from(encoding, table, y):
    model = quick(numeric_encoding=encoding, max_epochs=100, lr=0.01).fit(table, y)
    assert model.n_features_in_ == 6
    assert model.feature_names_in_.tolist() == table.columns.tolist()
    error = np.abs(model.predict(table) - y).mean()
    assert error < 0.35 * np.abs(y - np.median(y)).mean()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_raw_table_is_its_encoded_array(encoding, table, y):
    model = quick(numeric_encoding=encoding, dtype="float64").fit(table, y)
    rows = model._learned.input_scaler.training_rows(
        model.as_numbers(table), torch.float64, torch.device("cpu")
    )
    array = rows.values.numpy()
    assert len(model.get_feature_names_out()) == array.shape[1]
    other = quick(numeric_encoding="none", dtype="float64").fit(array, y)
    assert np.array_equal(model.predict(table), other.predict(array))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_table_of_numbers_is_its_array(encoding, y):
    X = np.random.default_rng(1).normal(size=(N, 3))
    of_array = quick(numeric_encoding=encoding).fit(X, y).predict(X)
    for frame in (pd.DataFrame(X, columns=list("abc")), pl.DataFrame(X, list("abc"))):
        model = quick(numeric_encoding=encoding).fit(frame, y)
        assert np.array_equal(model.predict(frame), of_array)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_search_has_the_bits_of_single_fits(encoding, table, y):
    grid = {"loss": ["mae", "huber"], "lr": [1e-3, 1e-2]}
    settings = {"cv": 3, "scoring": "neg_mean_absolute_error"}
    model = quick(numeric_encoding=encoding, max_epochs=3)
    ours = LossSearchCV(model, grid, **settings).fit(table, y)
    theirs = GridSearchCV(model, grid, **settings).fit(table, y)
    for key in ("mean_test_score", "split0_test_score", "split2_test_score"):
        assert np.array_equal(ours.cv_results_[key], theirs.cv_results_[key])
    assert np.array_equal(ours.predict(table), theirs.predict(table))


def test_a_linear_path_in_a_search_has_the_bits_of_single_fits(table, y):
    grid = {"module__linear_path": [False, True], "module__init": ["glorot", "fan_in"]}
    model = quick(numeric_encoding="robust", max_epochs=3, weight_decay=0.01, optimizer="adamw")
    ours = LossSearchCV(model, grid, cv=2).fit(table, y)
    theirs = GridSearchCV(model, grid, cv=2).fit(table, y)
    scores = ours.cv_results_["mean_test_score"]
    assert np.array_equal(scores, theirs.cv_results_["mean_test_score"])
    assert len(set(scores)) == 4
    module = ours.best_estimator_.set_params(module__linear_path=True).fit(table, y).to_module()
    numbers = torch.from_numpy(ours.best_estimator_.as_numbers(table))
    expected = ours.best_estimator_.predict(table)
    assert module(numbers).numpy() == pytest.approx(expected, rel=1e-4)


def test_encodings_are_searched_over(table, y):
    grid = {"numeric_encoding": list(ENCODINGS)}
    ours = LossSearchCV(quick(max_epochs=2), grid, cv=2).fit(table, y)
    theirs = GridSearchCV(quick(max_epochs=2), grid, cv=2).fit(table, y)
    assert np.array_equal(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_members_a_clone_a_pickle_and_a_pipeline_are_the_same(encoding, table, y):
    model = quick(numeric_encoding=encoding, n_members=2).fit(table, y)
    expected = model.predict(table)
    pipeline = make_pipeline(FunctionTransformer(), clone(model)).fit(table, y)
    for other in (
        clone(model).fit(table, y),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        pipeline,
    ):
        assert np.array_equal(other.predict(table), expected)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_module_takes_the_numbers_of_the_table(encoding, table, y):
    # Terms of unscaled days are large and nearly cancel, which leaves float32 too few digits.
    dtype = "float64" if encoding == "none" else "float32"
    model = quick(numeric_encoding=encoding, n_members=2, dtype=dtype).fit(table, y)
    rows = torch.from_numpy(model.as_numbers(table))
    expected = model.predict(table)
    assert model.to_module()(rows).numpy() == pytest.approx(expected, rel=1e-4)
    dynamic = ({0: torch.export.Dim("rows")},)
    exported = torch.export.export(model.to_module(), (rows[:2],), dynamic_shapes=dynamic)
    assert exported.module()(rows).numpy() == pytest.approx(expected, rel=1e-4)


def test_training_goes_on_with_the_first_encoding(table, y):
    model = quick(numeric_encoding="piecewise_linear").partial_fit(table[:100], y[:100])
    names = model.get_feature_names_out()
    model.partial_fit(table[100:].assign(size="huge"), y[100:])
    assert np.array_equal(model.get_feature_names_out(), names)
    assert model.n_iter_ == 2
    warm = quick(warm_start=True).fit(table, y)
    assert warm.fit(table[:50], y[:50]).n_iter_ == 16


def test_every_estimator_of_tables_takes_them(table, y):
    labels = np.where(y > np.median(y), "high", "low")
    classifier = quick(NeuralClassifier, "cross_entropy", max_epochs=40, lr=0.01)
    assert classifier.fit(table, labels).score(table, labels) > 0.85
    tasks = quick(NeuralMultiTask, "huber").fit(table, np.column_stack((y, -y)))
    assert tasks.predict(table).shape == (N, 2)
    embedder = quick(MetricEmbedder, "triplet").fit(table, labels)
    assert embedder.transform(table).shape == (N, 32)
    module = embedder.to_module()(torch.from_numpy(embedder.as_numbers(table)))
    assert module.numpy() == pytest.approx(embedder.transform(table), abs=1e-5)
    groups = np.repeat(np.arange(N // 8), 8)
    ranker = quick(NeuralRanker, "ranknet", batch_size=8, numeric_encoding="auto")
    order = ranker.fit(table.assign(qid=groups), y).predict(table)
    assert np.corrcoef(order, y)[0, 1] > 0.3
    module = ranker.to_module()(torch.from_numpy(ranker.as_numbers(table)))
    assert module.numpy() == pytest.approx(order, abs=1e-5)
    assert "size=large" in ranker.get_feature_names_out()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_missing_values_in_arrays(encoding, y):
    X = np.random.default_rng(1).normal(size=(N, 3))
    X[::6, 1] = np.nan
    model = quick(numeric_encoding=encoding).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert model.get_feature_names_out()[0] == "x1 is missing"
    scipy_rows = sparse.csr_array(np.nan_to_num(X))
    scipy_rows.data[0] = np.nan
    assert np.isfinite(
        quick(numeric_encoding=encoding).fit(scipy_rows, y).predict(scipy_rows)
    ).all()


@pytest.mark.parametrize("encoding", SCALED)
@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame, sparse.csr_array])
def test_a_missing_value_that_training_did_not_have(make, encoding, y):
    X = 1 + np.random.default_rng(1).normal(size=(N, 3))
    model = quick(numeric_encoding=encoding).fit(make(X), y)
    gap, centre = X[:5].copy(), X[:5].copy()
    gap[2, 1], centre[2, 1] = (
        np.nan,
        X[:, 1].mean() if encoding == "standard" else np.median(X[:, 1]),
    )
    assert model.predict(make(gap)) == pytest.approx(model.predict(make(centre)), rel=1e-4)


def test_a_date_has_one_indicator(table, y):
    table.loc[::7, "built"] = pd.NaT
    names = quick().fit(table, y).get_feature_names_out()
    of_date = [name for name in names if "built" in name and "missing" in name]
    assert of_date == ["built (days) is missing"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_training_did_not_have_has_no_influence(encoding, table, y):
    table = table.assign(year=2023, country="CH", empty=np.nan)
    model = quick(numeric_encoding=encoding).fit(table, y)
    other = table.assign(year=2033, country="FR", empty=7.0)
    assert np.array_equal(model.predict(other), model.predict(table))
    unseen = table.assign(size="huge")
    rare = table.assign(size="gigantic")
    assert np.array_equal(model.predict(unseen), model.predict(rare))


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_a_word_that_training_did_not_have_has_no_influence(make, y):
    X = np.random.default_rng(1).poisson(0.5, (N, 4)).astype(float)
    X[:, 2] = 0
    model = quick().fit(make(X), y)
    other = X.copy()
    other[:, 2] = 5
    assert np.array_equal(model.predict(make(other)), model.predict(make(X)))


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame, sparse.csr_array])
def test_columns_of_zeros_and_ones_are_centred_alone(make, y):
    flags = np.arange(N) % 4 == 0
    X = np.column_stack((flags, 2 * flags, y)).astype(float)
    scaler = quick().fit(make(X), y)._learned.input_scaler
    assert scaler.mean == pytest.approx(X.mean(0))
    assert scaler.scale == pytest.approx([1, X[:, 1].std(), y.std()])


def test_sparse_and_dense_rows_teach_the_same(y):
    X = np.random.default_rng(1).poisson(0.5, (N, 4)).astype(float)
    dense, by_row = quick().fit(X, y).predict(X), quick().fit(sparse.csr_array(X), y).predict(X)
    assert by_row == pytest.approx(dense, rel=1e-4)


def test_scale_inputs_is_an_alias(table, y):
    for scale_inputs, encoding in ((True, "standard"), (False, "none")):
        by_alias = quick(scale_inputs=scale_inputs, numeric_encoding="auto").fit(table, y)
        by_name = quick(numeric_encoding=encoding).fit(table, y)
        assert np.array_equal(by_alias.predict(table), by_name.predict(table))


def test_categories_are_named_in_arrays(y):
    rng = np.random.default_rng(2)
    X = np.column_stack((rng.normal(size=N), rng.integers(0, 4, N)))
    model = quick(categorical_features=[1]).fit(X, y)
    expected = ["x0", "x1=0", "x1=1", "x1=2", "x1=3"]
    assert model.get_feature_names_out().tolist() == expected
    frame = pd.DataFrame(X, columns=["a", "b"])
    named = quick(categorical_features=["b"]).fit(frame, y)
    assert np.array_equal(named.predict(frame), model.predict(X))
    from_dtype = quick(categorical_features="from_dtype").fit(frame, y)
    assert from_dtype.get_feature_names_out().tolist() == ["a", "b"]


def test_an_array_of_the_columns_of_a_table(table, y):
    model = quick().fit(table, y)
    expected = model.predict(table)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        assert np.array_equal(model.predict(table.to_numpy()), expected)


def test_an_array_of_times_is_a_table_of_dates(y):
    days = (np.datetime64("2020-01-01") + np.arange(N))[:, None]
    model = quick().fit(days, y)
    assert model.get_feature_names_out()[0] == "x0 (days)"
    for unit in ("s", "us", "ns"):
        assert np.array_equal(model.predict(days.astype(f"M8[{unit}]")), model.predict(days))


def test_tables_of_numbers_are_plain_in_every_library(y):
    X = pd.DataFrame(np.random.default_rng(1).normal(size=(N, 2)), columns=["a", "b"]).assign(c=1.0)
    expected = quick().fit(X, y).predict(X)
    for other in (pl.from_pandas(X), pa.Table.from_pandas(X), X.convert_dtypes()):
        model = quick(augment=lambda X: X).fit(other, y)
        assert np.array_equal(quick().fit(other, y).predict(other), expected)
        assert model.predict(other).shape == (N,)


def test_pairs_have_missing_values(y):
    pairs = np.random.default_rng(1).normal(size=(N, 2, 3))
    pairs[::5, 0, 1] = np.nan
    for encoding in ENCODINGS:
        model = quick(MetricEmbedder, "contrastive", pairs=True, numeric_encoding=encoding)
        model.fit(pairs, np.arange(N) % 2)
        assert np.isfinite(model.transform(pairs[:, 0])).all()


def test_a_scaler_before_the_network_still_works(table, y):
    numbers = table[["area", "rooms"]].fillna(0)
    model = make_pipeline(StandardScaler(), quick()).fit(numbers, y)
    assert np.isfinite(model.predict(numbers)).all()
