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
    NeuralRegressor,
)
from sklloss.training import ENCODINGS

N = 240
SCALED = [each for each in ENCODINGS if each != "none"]

# Days since 1970 train badly where nothing scales them; what they become is looked at all the same.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    size = rng.choice(["small", "medium", "large"], N)
    return pd.DataFrame(
        {
            "area": np.where(rng.random(N) < 0.1, np.nan, rng.lognormal(4, 0.5, N)),
            "rooms": rng.integers(1, 6, N),
            "size": np.where(rng.random(N) < 0.05, None, size),
            "kind": pd.Categorical(rng.choice(["flat", "house"], N)),
            "garden": rng.random(N) < 0.5,
            "built": pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 9000, N), "D"),
        }
    )


@pytest.fixture
def y(table):
    bonus = table["size"].map({"small": 0.0, "medium": 1.0, "large": 2.0}).fillna(0.5)
    return (bonus + table["rooms"] + table["area"].fillna(50) / 50).to_numpy()


def quick(cls=NeuralRegressor, loss="mae", **params):
    settings = {"max_epochs": 8, "hidden_layer_sizes": (8,), "random_state": 0, "batch_size": 60}
    return cls(loss, **{**settings, **params})


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
    model = quick(numeric_encoding=encoding, n_members=2).fit(table, y)
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
    groups = np.repeat(np.arange(N // 8), 8)
    ranker = quick(NeuralRanker, "ranknet", batch_size=8, numeric_encoding="auto")
    order = ranker.fit(table.assign(qid=groups), y).predict(table)
    assert np.corrcoef(order, y)[0, 1] > 0.3


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_missing_values_in_arrays(encoding, y):
    X = np.random.default_rng(1).normal(size=(N, 3))
    X[::6, 1] = np.nan
    model = quick(numeric_encoding=encoding).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert model.get_feature_names_out()[0] == "x1 is missing"
    scipy_rows = sparse.csr_array(np.nan_to_num(X))
    scipy_rows.data[0] = np.nan
    assert np.isfinite(quick(numeric_encoding=encoding).fit(scipy_rows, y).predict(X)).all()


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


def test_a_missing_value_that_nothing_stands_for(y):
    X = np.random.default_rng(1).normal(size=(N, 3))
    model = quick(numeric_encoding="none").fit(X, y)
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match="X has 1 missing value, and had none in training"):
        model.predict(X)


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


def test_sparse_and_dense_rows_teach_the_same(y):
    X = np.random.default_rng(1).poisson(0.5, (N, 4)).astype(float)
    dense, by_row = quick().fit(X, y).predict(X), quick().fit(sparse.csr_array(X), y).predict(X)
    assert by_row == pytest.approx(dense, rel=1e-4)


def test_scale_inputs_is_an_alias(table, y):
    for scale_inputs, encoding in ((True, "standard"), (False, "none")):
        by_alias = quick(scale_inputs=scale_inputs).fit(table, y)
        by_name = quick(numeric_encoding=encoding).fit(table, y)
        assert np.array_equal(by_alias.predict(table), by_name.predict(table))


def test_an_alias_that_contradicts_is_refused(table, y):
    with pytest.raises(
        ValueError, match="scale_inputs=True stands for numeric_encoding='standard'"
    ):
        quick(scale_inputs=True, numeric_encoding="robust").fit(table, y)


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


def test_names_of_columns_are_checked(table, y):
    model = quick().fit(table, y)
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(table[table.columns[::-1]])
    with pytest.raises(ValueError, match="yet now missing"):
        model.predict(table.drop(columns="size"))
    with pytest.raises(ValueError, match="input_features is"):
        model.get_feature_names_out(["a"])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("area", "large", "Column 'area' of X held numbers .* for example 'large'"),
        ("built", "yesterday", "Column 'built' of X held dates in training"),
        ("kind", 1, "Column 'kind' of X held categories .* for example 1"),
        ("area", np.inf, "column 'area' in 240 rows, for example row 0"),
    ],
)
def test_rows_of_another_kind_are_refused(column, value, message, table, y):
    model = quick().fit(table, y)
    with pytest.raises(ValueError, match=message):
        model.predict(table.assign(**{column: value}))


def test_rows_of_text_are_refused_by_a_model_of_numbers(table, y):
    model = quick().fit(table[["rooms"]], y)
    with pytest.raises(ValueError, match="Column 'rooms' of X held numbers .* 'many'"):
        model.predict(table[["rooms"]].assign(rooms="many"))


@pytest.mark.parametrize(
    "columns", [{"a": np.nan}, {"a": "x"}, {"a": [f"id {i}" for i in range(N)]}]
)
def test_a_table_without_a_usable_column_gives_the_best_constant(columns, y):
    with pytest.warns(UserWarning, match="No column of X can be learned from, with n_samples=240"):
        model = quick().fit(pd.DataFrame(columns, index=range(N)), y)
    found = model.predict(pd.DataFrame(columns, index=range(N)))
    assert found == pytest.approx(np.full(N, np.median(y)), rel=0.1)
    assert np.ptp(found) == 0


def test_categories_that_are_all_rare_are_named(table, y):
    ids = [f"customer {i}" for i in range(N)]
    with pytest.warns(UserWarning, match=r"Categories of the 1 column \['id'\] are ignored"):
        model = quick().fit(table.assign(id=ids), y)
    assert not any("id" in name for name in model.get_feature_names_out())


def test_a_hundred_thousand_levels(y):
    levels = np.repeat(np.arange(50_000), 5)
    X = pd.DataFrame({"a": np.char.add("level ", levels.astype(str)), "b": levels % 7})
    model = quick(max_epochs=1, batch_size=20_000).fit(X, levels % 3)
    assert len(model.get_feature_names_out()) == 1001
    assert model.predict(X[:10]).shape == (10,)


@pytest.mark.parametrize("n_rows", [3, 12])
def test_a_few_rows(n_rows, table, y):
    model = quick(numeric_encoding="auto").fit(table[["area", "rooms"]][:n_rows], y[:n_rows])
    assert np.isfinite(model.predict(table[["area", "rooms"]])).all()


def test_augmentation_needs_rows_on_the_scale_of_X(table, y):
    with pytest.raises(ValueError, match=r"augment changes rows on the scale of X.*encoded"):
        quick(augment=lambda X: X).fit(table, y)


def test_levels_of_merged_rows_are_counted():
    X = pd.DataFrame({"c": ["a"] * 60 + ["b"] * 60 + ["r"] * 30})
    y = np.tile([0, 1], 75)
    model = quick(NeuralClassifier, "cross_entropy", optimizer="lbfgs", batch_size="auto").fit(X, y)
    assert model.get_feature_names_out().tolist() == ["c=a", "c=b", "c=r"]


def test_one_tiny_weight_does_not_keep_rare_levels(table, y):
    ids = table.assign(id=[f"customer {i}" for i in range(N)])
    weight = np.r_[1e-9, np.ones(N - 1)]
    with pytest.warns(UserWarning, match="are ignored"):
        quick().fit(ids, y, sample_weight=weight)


def test_lists_and_object_arrays_of_text(y):
    rng = np.random.default_rng(0)
    rows = [
        [value, city]
        for value, city in zip(y.tolist(), rng.choice(["a", "b", "c"], N), strict=True)
    ]
    expected = ["x0", "x1=a", "x1=b", "x1=c"]
    arrays = np.array(rows, dtype=object)
    for X, params in ((rows, {"categorical_features": [1]}), (arrays, {})):
        model = quick(**params).fit(X, y)
        assert model.get_feature_names_out().tolist() == expected
        assert np.isfinite(model.predict(X[:3])).all()


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


def test_a_module_refuses_other_rows(table, y):
    module = quick().fit(table, y).to_module()
    with pytest.raises(ValueError, match=r"X of shape \(n_samples, 11\).*as_numbers"):
        module(torch.zeros(2, 6, dtype=torch.float64))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: pl.from_pandas(table).lazy(), r"X is a LazyFrame.*Give X.collect\(\)"),
        (lambda table: sparse.csr_array((3, 6)), "X is sparse, and training had a table with"),
    ],
)
def test_other_containers_are_named(change, message, table, y):
    with pytest.raises(TypeError, match=message):
        quick().fit(table, y).predict(change(table))


@pytest.mark.parametrize("change", [lambda table: table.iloc[0], lambda table: {"area": [1.0]}])
def test_what_is_no_table_is_named(change, table, y):
    with pytest.raises(ValueError, match="X is a .*no table of rows|does not contain any features"):
        quick().fit(table, y).predict(change(table))


def test_categories_of_sparse_rows_are_refused(y):
    with pytest.raises(ValueError, match="categorical_features is for dense tables"):
        quick(categorical_features=[0]).fit(sparse.csr_array(np.eye(N)), y)


def test_a_scaler_before_the_network_still_works(table, y):
    numbers = table[["area", "rooms"]].fillna(0)
    model = make_pipeline(StandardScaler(), quick()).fit(numbers, y)
    assert np.isfinite(model.predict(numbers)).all()


@pytest.mark.parametrize("module", [torch.nn.Linear(2, 1), "cnn"])
@pytest.mark.parametrize("params", [{"numeric_encoding": "robust"}, {"categorical_features": [0]}])
def test_encodings_are_for_tables(module, params, y):
    X = np.random.default_rng(0).normal(size=(N, 2) if module != "cnn" else (N, 4, 4))
    with pytest.raises(ValueError, match=f"{next(iter(params))}=.* is for the columns of tables"):
        quick(module=module, **params).fit(X, y)
    none, raw = (
        quick(module=module, **each)
        for each in ({"numeric_encoding": "none"}, {"scale_inputs": False})
    )
    assert np.array_equal(none.fit(X, y).predict(X), raw.fit(X, y).predict(X))
