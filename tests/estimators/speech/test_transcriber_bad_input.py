"""What SequenceTranscriber refuses, and what it says."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from .small_transcribers import quick, small, strings


def test_an_utterance_shorter_than_its_transcript_is_named(data):
    X, y = data
    X, y = [*X, np.ones((4, 4))], [*y, "ab"]
    with pytest.raises(
        ValueError,
        match="1 of 121 utterances are shorter than their transcripts, for example row 120: the "
        "network returns 2 frames for it, and its transcript takes 3",
    ):
        small().fit(X, [*y[:-1], "aa"])
    with pytest.raises(ValueError, match="for example row 120"):
        small().fit(X, [*y[:-1], "aa"], sample_weight=np.arange(121))  # the first row has no weight
    quick().fit(X, y)  # two other letters fit exactly


GOOD = strings(6, seed=3)


def changed(row, value):
    return [value if k == row else x for k, x in enumerate(GOOD[0])]


def with_nan():
    bad = GOOD[0][4].copy()
    bad[1, 2] = np.nan
    return changed(4, bad)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (with_nan(), ValueError, "NaN or infinite values: 1 of .* in row 4"),
        (changed(2, np.ones((0, 4))), ValueError, r"empty utterance: row 2 has the shape \(0, 4\)"),
        (changed(3, np.ones((9, 5))), ValueError, "row 3 has 5 features, row 0 has 4"),
        (changed(1, np.ones(9)), ValueError, "row 1 is one-dimensional.*features='log_mel'"),
        (changed(1, np.ones((9, 2, 2))), ValueError, r"row 1 has the shape \(9, 2, 2\)"),
        (changed(5, "hello"), TypeError, "row 5 is a str that is none"),
        (changed(5, None), ValueError, r"row 5 has the shape \(\)"),
        (GOOD[0][0], ValueError, r"row 0 is one-dimensional.*one utterance alone goes in \[ \]"),
        (np.ones((6, 9)), ValueError, "one-dimensional"),
        ("abc", TypeError, "list of utterances.*got str"),
        (None, TypeError, "list of utterances.*got NoneType"),
        ([], ValueError, "X has 0 utterances"),
    ],
)
def test_bad_utterances_are_named(X, error, message):
    with pytest.raises(error, match=message):
        small().fit(X, GOOD[1])


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (GOOD[1][:5], ValueError, "X has 6 utterances and y 5 transcripts"),
        ([""] * 6, ValueError, "All 6 transcripts of y are empty"),
        ([[]] * 6, ValueError, "All 6 transcripts of y are empty"),
        (["a", "b", ["c"], "a", "b", "c"], TypeError, "row 2 is .'c'.*not of that kind"),
        ([0, 1, 0, 1, 0, 1], TypeError, r"row 0 is 0. For one label per utterance give \[label\]"),
        (["a", "b", None, "a", "b", "c"], TypeError, "row 2 is None"),
        (["a", float("nan"), "b", "a", "b", "c"], TypeError, "row 1 is nan"),
        ("abcabc", TypeError, "list of transcripts, one per utterance"),
        (None, TypeError, "list of transcripts, one per utterance; got None"),
        ({"said": "abc"}, TypeError, "list of transcripts, one per utterance; got {"),
        ([[[1, 2]]] * 6, TypeError, r"row 0 is \[\[1, 2\]\]. Give one flat list"),
    ],
)
def test_bad_transcripts_are_named(y, error, message):
    with pytest.raises(error, match=message):
        small().fit(GOOD[0], y)


def test_score_takes_transcripts_of_the_kind_of_training(fitted):
    with pytest.raises(TypeError, match="y has sequences of labels, but .* trained with strings"):
        fitted.score(GOOD[0], [[1]] * 6)


def test_other_features_than_in_training_are_refused(fitted):
    with pytest.raises(ValueError, match="X has 3 features per frame, but .* is expecting 4"):
        fitted.predict([np.ones((5, 3))])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"tokens": "sentence"}, "tokens to be one of 'char', 'word'; got 'sentence'"),
        ({"decoding": "best"}, "decoding to be one of 'greedy', 'beam'; got 'best'"),
        ({"beam_width": 0}, "beam_width"),
        (
            {"module": "text"},
            "network for other data .* Choose 'sequence', or give your own network",
        ),
        ({"features": "mfcc"}, "features to be one of None, 'log_mel'; got 'mfcc'"),
        ({"sampling_rate": 0}, "sampling_rate > 0; got 0"),
        ({"loss": "mse"}, "no transcription loss|this needs one for transcription"),
        ({"loss": nn.MSELoss()}, "transcription"),
    ],
)
def test_bad_parameters_are_named_before_training(params, message):
    with pytest.raises(ValueError, match=message):
        small(**params).fit(*GOOD)


def test_decoding_that_changes_after_the_fit_is_checked(fitted):
    model = pickle.loads(pickle.dumps(fitted)).set_params(decoding="best")
    with pytest.raises(ValueError, match="decoding to be one of"):
        model.predict(GOOD[0])


def test_a_failed_fit_leaves_the_model_as_it_was(fitted, unseen):
    model = pickle.loads(pickle.dumps(fitted))
    before = model.predict(unseen[0])
    with pytest.raises(ValueError, match="NaN"):
        model.fit(with_nan(), GOOD[1])
    assert model.predict(unseen[0]) == before


def test_training_that_goes_nowhere_warns(data):
    with pytest.warns(ConvergenceWarning, match="worse than the best constant"):
        small(lr=30.0, max_epochs=1, activation="identity").fit(*data)


def test_training_starts_with_the_blank_as_frequent_as_it_is():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 2)) for n in (32, 32, 64, 500)]
    model = small(lr=1e-12, max_epochs=1).fit(X, ["ab", "ba", "aabb", "a"], [1, 1, 1, 0])
    for p in model.predict_proba(X):
        np.testing.assert_allclose(p, np.tile([7 / 8, 1 / 16, 1 / 16], (len(p), 1)), rtol=1e-4)
    doubled = [np.repeat(x, 2, axis=0) for x in X[:3]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = small(lr=1e-12, max_epochs=1).fit(doubled, ["ab", "ba", "aabb"])
    np.testing.assert_allclose(
        model.predict_proba(doubled)[0][0], [15 / 16, 1 / 32, 1 / 32], rtol=1e-4
    )
