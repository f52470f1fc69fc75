"""What NumPy would take for numbers and is none: times, masked values, complex numbers."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from sklloss import (
    MetricEmbedder,
    NeuralBoxRegressor,
    NeuralClassifier,
    NeuralMultiTask,
    NeuralRanker,
    NeuralRegressor,
    NeuralSegmenter,
    Recommender,
    SequenceTranscriber,
)

N = 40
X = np.random.default_rng(0).normal(size=(N, 3))
Y = X[:, 0]
DAYS = pd.Series(pd.to_timedelta(Y, unit="D"))
DATES = pd.Timestamp("2020") + DAYS
MASK = np.arange(N) < 3
IMAGES = np.random.default_rng(1).random((N, 8, 8))
BOXES = np.tile([1.0, 2, 6, 7], (N, 1))
UTTERANCES = [np.ones((9, 2)) for _ in range(4)]

NO_NUMBERS = {
    "durations": (DAYS, "holds durations"),
    "durations of NumPy": (DAYS.to_numpy(), "holds durations"),
    "durations in seconds": (DAYS.astype("timedelta64[s]"), "holds durations"),
    "durations of polars": (pl.Series(DAYS), "holds durations"),
    "durations of pyarrow": (pa.array(DAYS), "holds durations"),
    "durations in Arrow": (DAYS.astype("duration[us][pyarrow]"), "holds durations"),
    "durations of Python": ([datetime.timedelta(k) for k in range(N)], "holds durations"),
    "one missing duration": (DAYS.where(DAYS.index > 0), "holds durations"),
    "durations as objects": (DAYS.astype(object), "holds durations"),
    "dates": (DATES, "holds dates or times"),
    "dates with a zone": (DATES.dt.tz_localize("Europe/Berlin"), "holds dates or times"),
    "dates of Python": (list(DATES.dt.date), "holds dates or times"),
    "periods": (DATES.dt.to_period("D"), "holds dates or times"),
    "complex": (Y * 1j, "Complex data not supported"),
    "masked": (np.ma.masked_array(Y, MASK), "3 of 40 of its values are masked"),
    "records": (np.rec.fromarrays([Y, Y], names="a,b"), r"structured array.*\['a'\]"),
    "bfloat16": (torch.tensor(Y).bfloat16(), r"bfloat16.*\.float\(\)"),
    "with gradient": (torch.tensor(Y, requires_grad=True), r"requires grad.*\.detach\(\)"),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_targets_and_weights_are_numbers(kind):
    given, said = NO_NUMBERS[kind]
    model = NeuralRegressor(max_epochs=1)
    with pytest.raises(ValueError, match=f"y.*{said}|{said}.*y "):
        model.fit(X, given)
    with pytest.raises(ValueError, match=f"sample_weight.*{said}|{said}.*sample_weight"):
        model.fit(X, Y, sample_weight=given)
    with pytest.raises(ValueError, match=said):
        NeuralRanker(max_epochs=1).fit(X, given)


@pytest.mark.parametrize("kind", ["durations of NumPy", "complex", "masked", "with gradient"])
def test_features_of_an_own_module_are_numbers(kind):
    given, said = NO_NUMBERS[kind]
    rows = given.reshape(-1, 1)
    with pytest.raises(ValueError, match=f"X.*{said}|{said}.*X "):
        NeuralRegressor(module=torch.nn.Linear(1, 1), max_epochs=1).fit(rows, Y)


def test_masked_features_of_a_table_are_missing():
    masked = np.ma.masked_array(X, np.zeros_like(X, dtype=bool))
    masked[3, 1] = np.ma.masked
    absent = X.copy()
    absent[3, 1] = np.nan
    model = NeuralRegressor(max_epochs=2, random_state=0)
    of_absent = model.fit(absent, Y).predict(absent)
    np.testing.assert_array_equal(model.fit(masked, Y).predict(masked), of_absent)
    of_plain = model.fit(X, Y).predict(X)
    np.testing.assert_array_equal(model.fit(np.ma.masked_array(X), Y).predict(X), of_plain)


@pytest.mark.parametrize(
    ("model", "X", "y"),
    [
        (NeuralClassifier(), X, np.ma.masked_array(Y > 0, MASK)),
        (MetricEmbedder(), X, np.ma.masked_array(Y > 0, MASK)),
        (MetricEmbedder(pairs=True), np.stack([X, X], 1), np.ma.masked_array(Y > 0, MASK)),
        (NeuralBoxRegressor(), IMAGES, np.ma.masked_array(BOXES, BOXES == 6)),
        (NeuralBoxRegressor(), np.ma.masked_array(IMAGES, IMAGES < 0.1), BOXES),
        (NeuralSegmenter(), IMAGES, np.ma.masked_array(IMAGES > 0.5, IMAGES < 0.1)),
        (Recommender(), np.ma.masked_array(np.ones((N, 2), int), np.stack([MASK, MASK], 1)), None),
    ],
)
def test_masked_values_are_refused(model, X, y):
    with pytest.raises(ValueError, match=r"values are masked.*\.filled"):
        model.fit(X, y)


def test_masked_groups_are_refused():
    group = np.ma.masked_array(np.repeat(np.arange(4), 10), MASK)
    with pytest.raises(ValueError, match=r"group is a masked array; 3 of 40 .*\.filled"):
        NeuralRanker().fit(X, Y > 0, group=group)


@pytest.mark.parametrize(
    ("model", "X", "y", "said"),
    [
        (NeuralBoxRegressor(), IMAGES, BOXES.astype("timedelta64[s]"), "y holds durations"),
        (NeuralBoxRegressor(), (IMAGES * 9).astype("timedelta64[s]"), BOXES, "X holds durations"),
        (
            SequenceTranscriber(),
            [u * 1j for u in UTTERANCES],
            list("abab"),
            r"X\[0\] holds complex",
        ),
        (
            SequenceTranscriber(),
            [u.astype("datetime64[s]") for u in UTTERANCES],
            list("abab"),
            r"X\[0\] holds dates",
        ),
        (NeuralMultiTask(), X, pd.DataFrame({"a": Y, "b": DAYS}), "Task 'b'.*takes numbers"),
    ],
)
def test_times_and_complex_numbers_are_refused(model, X, y, said):
    with pytest.raises(ValueError, match=said):
        model.fit(X, y)


def test_a_missing_date_among_labels_is_named():
    labels = DATES.dt.normalize().where(DATES.index != 7)
    with pytest.raises(ValueError, match=r"no label, for example row 7"):
        NeuralClassifier().fit(X, labels)


def test_whole_numbers_beyond_floats_are_refused():
    with pytest.raises(ValueError, match="too large for a float64"):
        NeuralRegressor().fit(X, [10**400] * N)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (torch.tensor(X).bfloat16(), r"X is a tensor of bfloat16.*\.float\(\)"),
        ({1.0, 2.0}, "X cannot be made an array of numbers.*'set'"),
        (object, "X cannot be made an array of numbers.*'type'"),
        (np.full((N, 3), 10**400, dtype=object), "too large for a float64"),
        (np.array([["a", 1.0], [[1], 2.0]] * 20, dtype=object), "X holds values of type list"),
    ],
)
def test_what_is_no_table_of_numbers(given, said):
    with pytest.raises((TypeError, ValueError), match=said):
        NeuralRegressor(max_epochs=1).fit(given, Y)


@pytest.mark.parametrize("estimator", [NeuralRegressor, NeuralClassifier, MetricEmbedder])
def test_two_columns_of_y_that_share_a_name(estimator):
    y = pd.DataFrame(np.c_[Y > 0, Y > 0], columns=["y", "y"])
    with pytest.raises(ValueError, match="y has 2 columns named 'y'. Rename them."):
        estimator(max_epochs=1).fit(X, y)


@pytest.mark.parametrize("estimator", [NeuralClassifier, MetricEmbedder])
def test_labels_that_are_records(estimator):
    labels = np.rec.fromarrays([Y > 0, Y > 0], names="a,b")
    with pytest.raises(ValueError, match=r"y is a structured array.*y\['a'\]"):
        estimator(max_epochs=1).fit(X, labels)


def test_memory_views_mean_the_arrays_that_they_show():
    model = NeuralBoxRegressor(max_epochs=1, module_params={"channels": (2,)}, random_state=0)
    expected = model.fit(IMAGES, BOXES).predict(IMAGES)
    np.testing.assert_array_equal(model.predict(memoryview(IMAGES)), expected)
    pairs = np.arange(20).reshape(10, 2) % 3
    recommender = Recommender(max_epochs=1, random_state=0).fit(memoryview(pairs))
    np.testing.assert_array_equal(
        recommender.predict(memoryview(pairs)), recommender.predict(pairs)
    )
    with pytest.raises(TypeError, match="y needs a list of transcripts"):
        SequenceTranscriber(max_epochs=1).fit(UTTERANCES, memoryview(np.array(list("abab"))))


@pytest.mark.parametrize("estimator", [NeuralRegressor, NeuralClassifier, MetricEmbedder])
def test_the_largest_numbers_of_both_signs_are_refused_without_a_warning(estimator):
    with pytest.raises(ValueError, match="X has values too large"):
        estimator(max_epochs=1).fit(np.sign(X) * 1.7e308, Y > 0)


@pytest.mark.parametrize("estimator", [NeuralClassifier, MetricEmbedder])
def test_labels_beyond_all_whole_numbers_are_refused_without_a_warning(estimator):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        estimator(max_epochs=1).fit(X, np.where(Y > 0, 1e20, 1.0))


@pytest.mark.parametrize("estimator", [NeuralClassifier, MetricEmbedder])
def test_labels_of_text_and_numbers_are_refused(estimator):
    with pytest.raises(TypeError, match="y has text and other labels, for example 'a' and True"):
        estimator(max_epochs=1).fit(X, [*(Y[1:] > -10).tolist(), "a"])


@pytest.mark.parametrize("estimator", [NeuralRegressor, NeuralClassifier])
@pytest.mark.parametrize("weights", [["1.5"] * 39 + ["a"], [None] * N, np.full(N, -1.0)])
def test_weights_of_scores_are_numbers(estimator, weights):
    model = estimator(max_epochs=1).fit(X, Y > 0)
    with pytest.raises(ValueError, match="sample_weight"):
        model.score(X, Y > 0, sample_weight=weights)


def test_weights_of_scores_may_be_as_large_as_floats():
    model = NeuralRegressor(max_epochs=1, random_state=0).fit(X, Y)
    expected = model.score(X, Y, np.ones(N))
    assert model.score(X, Y, np.full(N, 1.7e308)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("y", "said"),
    [(NO_NUMBERS["records"][0], "structured array"), (DATES.to_numpy(), "dates|same type")],
)
@pytest.mark.parametrize("estimator", [NeuralRegressor, NeuralClassifier])
def test_scores_compare_what_training_has_seen(estimator, y, said):
    model = estimator(max_epochs=1).fit(X, Y > 0)
    with pytest.raises((TypeError, ValueError), match=said):
        model.score(X, y)
