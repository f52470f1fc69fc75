"""SequenceTranscriber: reads strings of noisy symbols, and obeys scikit-learn's rules."""

import pickle
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.utils import estimator_checks
from torch import nn

from sklloss import LossSearchCV, NeuralClassifier, SequenceTranscriber, token_error_rate
from sklloss.losses import CTC, EntropyCTC, FocalCTC, TranscriptionLoss, certain_blank_where

SMALL = {"widths": (16,), "kernel_size": 3}
LETTERS = "abc"


def strings(n, seed=0, lengths=(1, 5)):
    """Return n noisy sequences, one column per letter and one between letters, and what they say."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        said = rng.integers(3, size=rng.integers(*lengths))
        parts = []
        for letter in said:
            parts += [np.eye(4)[[3] * rng.integers(1, 4)], np.eye(4)[[letter] * rng.integers(2, 6)]]
        X.append(np.concatenate(parts) + 0.1 * rng.normal(size=(sum(map(len, parts)), 4)))
        y.append("".join(LETTERS[k] for k in said))
    return X, y


def small(loss="ctc", **params):
    settings = {
        "module_params": SMALL,
        "dropout": 0.0,
        "lr": 0.02,
        "max_epochs": 12,
        "random_state": 0,
    }
    return SequenceTranscriber(loss, **{**settings, **params})


def quick(**params):
    """Return one that is not trained to the end, and is not asked to be good."""
    return small(max_epochs=2, **params)


@pytest.fixture(scope="module")
def data():
    return strings(120)


@pytest.fixture(scope="module")
def unseen():
    return strings(60, seed=1)


@pytest.fixture(scope="module")
def fitted(data):
    return small().fit(*data)


# ---------------------------------------------------------------------- learning


@pytest.mark.parametrize(
    "loss",
    [
        "ctc",
        CTC,
        CTC(label_smoothing=0.05),
        "focal_ctc",
        FocalCTC(2.0),
        "entropy_ctc",
        EntropyCTC(),
    ],
)
def test_every_loss_learns_to_read_unseen_strings(loss, data, unseen):
    model = small(loss).fit(*data)
    assert model.score(*unseen) > 0.95
    assert model.history_[-1, "train_loss"] < model.history_[0, "train_loss"]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_recurrent_networks_learn_too(cell, data, unseen):
    model = small(module_params={**SMALL, "cell": cell, "n_units": 16}, max_epochs=15)
    assert model.fit(*data).score(*unseen) > 0.9


def test_what_comes_out_has_the_form_of_y(data, unseen):
    X, y = data
    X_new, y_new = unseen
    words = small(tokens="word").fit(X, [" ".join(text) for text in y])
    assert words.symbols_ == ["a", "b", "c"]
    assert words.predict(X_new[:1]) == [" ".join(y_new[0])]
    labels = small().fit(X, [[LETTERS.index(k) + 7 for k in text] for text in y])
    assert labels.symbols_ == [7, 8, 9]
    assert labels.predict(X_new[:2]) == [[LETTERS.index(k) + 7 for k in text] for text in y_new[:2]]
    arrays = small().fit(X, [np.array([LETTERS.index(k) + 7 for k in text]) for text in y])
    assert arrays.predict(X_new) == labels.predict(X_new)


def test_probabilities_are_laws_of_every_frame(fitted, unseen):
    X, _ = unseen
    probabilities = fitted.predict_proba(X)
    for utterance, p in zip(X, probabilities, strict=True):
        assert p.shape == (-(-len(utterance) // 2), 4)
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    logs = fitted.predict_log_proba(X)
    np.testing.assert_allclose(np.exp(logs[3]), probabilities[3], atol=1e-6)


def test_an_utterance_is_read_alone_as_among_others(fitted, unseen):
    X, _ = unseen
    together = fitted.predict_proba(X)
    for k in (0, 7, 23):
        np.testing.assert_allclose(fitted.predict_proba([X[k]])[0], together[k], atol=1e-6)
    backwards = fitted.predict_proba(X[::-1])[::-1]
    for p, q in zip(together, backwards, strict=True):
        np.testing.assert_array_equal(p, q)


def test_score_is_one_minus_the_token_error(fitted, unseen):
    X, y = unseen
    noisy = [x + 0.7 * np.random.default_rng(0).normal(size=x.shape) for x in X]
    heard = fitted.predict(noisy)
    assert heard != y
    assert fitted.score(noisy, y) == 1 - token_error_rate(y, heard)
    weights = np.arange(len(y))
    weighted = fitted.score(noisy, y, sample_weight=weights)
    assert weighted == 1 - token_error_rate(y, heard, weights)
    assert fitted.score(X[:1], [y[0] + "z"]) == 1 - 1 / (len(y[0]) + 1)  # never heard of: an error


def test_beam_search_reads_what_is_likeliest_over_all_paths(fitted, unseen):
    X, y = unseen
    noisy = [x + 0.7 * np.random.default_rng(0).normal(size=x.shape) for x in X]
    beam = clone(fitted).set_params(decoding="beam")
    beam.__dict__.update({k: v for k, v in vars(fitted).items() if k.endswith("_") or k[0] == "_"})
    read, searched = fitted.predict(noisy), beam.predict(noisy)
    assert read != searched
    lengths = torch.tensor([len(text) for text in searched])
    loss = nn.CTCLoss(reduction="none")

    def log_likelihood(k, text):
        log_p = torch.from_numpy(fitted.predict_log_proba([noisy[k]])[0])
        target = torch.tensor([[LETTERS.index(c) + 1 for c in text]], dtype=torch.long)
        return -loss(log_p[:, None], target, (len(log_p),), (len(text),)).item()

    for k, (a, b) in enumerate(zip(read, searched, strict=True)):
        if a != b:
            assert log_likelihood(k, b) > log_likelihood(k, a)
    assert lengths.max() > 1
    assert beam.score(X, y) >= fitted.score(X, y) - 0.02


def test_empty_transcripts_among_others_are_learnt(data):
    X, y = data
    silence = [np.eye(4)[[3] * n] + 0.1 for n in (2, 5, 9) * 10]
    model = small().fit(X + silence, y + [""] * 30)
    assert model.predict(silence[:3]) == ["", "", ""]
    assert model.score(X, y) > 0.95


def test_members_average_the_probabilities_of_frames(data, unseen):
    X, _ = unseen
    model = quick(n_members=2).fit(*data)
    alone = [quick(random_state=seed).fit(*data) for seed in (0, 1)]
    mean = [np.mean(pair, 0) for pair in zip(*(m.predict_proba(X) for m in alone), strict=True)]
    for p, q in zip(model.predict_proba(X), mean, strict=True):
        np.testing.assert_allclose(p, q, atol=1e-6)


def test_early_stopping_keeps_the_best_epoch(data):
    model = small(early_stopping=True, max_epochs=40, n_iter_no_change=3).fit(*data)
    losses = model.history_[:, "valid_loss"]
    assert model.n_iter_ < 40
    assert min(losses) < losses[-1] or len(losses) == 40


# ---------------------------------------------------------------------- weights and seeds


def test_weight_2_is_an_utterance_repeated_and_0_one_removed(data):
    X, y = data
    X, y = X[:30], y[:30]
    weights = np.arange(30) % 3
    whole = {"batch_size": 100, "dtype": "float64", "max_epochs": 5}
    weighted = small(**whole).fit(X, y, sample_weight=weights)
    rows = np.repeat(np.arange(30), weights)
    repeated = small(**whole).fit([X[i] for i in rows], [y[i] for i in rows])
    for p, q in zip(weighted.predict_proba(X), repeated.predict_proba(X), strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-6, atol=1e-9)
    even = small(**whole).fit(X, y)
    assert np.abs(even.predict_proba(X)[0] - weighted.predict_proba(X)[0]).max() > 1e-3


def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_generators_alone(data, unseen):
    X, _ = unseen
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    models = [quick(dropout=0.3, random_state=seed).fit(*data) for seed in (5, 5, 6)]
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)
    first, again, other = (np.concatenate(m.predict_proba(X)) for m in models)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_clones_and_pickles_are_equal(data, unseen, fitted):
    X, _ = unseen
    loaded = pickle.loads(pickle.dumps(fitted))
    assert loaded.predict(X) == fitted.predict(X)
    refitted = clone(fitted).fit(*data)
    for p, q in zip(refitted.predict_proba(X), fitted.predict_proba(X), strict=True):
        np.testing.assert_array_equal(p, q)


def test_features_on_any_scale_are_alike(data, unseen):
    X, y = data
    moved = [1e4 * x + 1e6 for x in X]
    assert small().fit(moved, y).score([1e4 * x + 1e6 for x in unseen[0]], unseen[1]) > 0.95


def test_columns_that_do_not_change_do_no_harm(data):
    X, y = data
    wider = [np.column_stack((x, np.full(len(x), 7.0))) for x in X]
    assert small().fit(wider, y).score(wider, y) > 0.95


# ---------------------------------------------------------------------- going on


def test_warm_start_goes_on(data):
    X, y = data
    model = quick(warm_start=True).fit(X, y)
    first = model.history_[-1, "train_loss"]
    model.fit(X[:50], y[:50])
    assert model.n_iter_ == 4
    assert model.history_[-1, "train_loss"] < first


def test_partial_fit_is_an_epoch_and_knows_its_symbols(data):
    X, y = data
    model = small()
    only_a = [k for k, text in enumerate(y) if set(text) <= {"a", "b"}]
    model.partial_fit([X[k] for k in only_a], [y[k] for k in only_a], symbols="abc")
    assert model.symbols_ == ["a", "b", "c"]
    for _ in range(11):
        model.partial_fit(X, y)
    assert model.n_iter_ == 12
    assert model.score(X, y) > 0.9
    for symbols, tokens in ((["ab"], "char"), (["a b"], "word"), ([1], "char"), ([""], "char")):
        with pytest.raises(ValueError, match="symbols has .* no token of transcripts that are str"):
            small(tokens=tokens).partial_fit(X, y, symbols=symbols)
    with pytest.raises(TypeError, match="symbols must be a sequence of tokens; got 3"):
        small().partial_fit(X, y, symbols=3)
    other = small().partial_fit([X[k] for k in only_a], [y[k] for k in only_a])
    row = next(k for k, text in enumerate(y) if "c" in text)
    with pytest.raises(ValueError, match=rf"row {row} has 'c'; known are \['a', 'b'\]"):
        other.partial_fit(X, y)
    with pytest.raises(TypeError, match="sequences of labels, and this estimator was trained with"):
        other.partial_fit(X[:1], [[1]])
    other.set_params(module__stride=1)
    with pytest.raises(ValueError, match="module_params was .* cannot become"):
        other.partial_fit(X[:1], ["a"])


# ---------------------------------------------------------------------- scikit-learn's tools


def test_grid_search_over_losses_with_its_own_score(data):
    grid = [
        {"loss": ["ctc"], "loss__label_smoothing": [0.0, 0.1]},
        {"loss": ["focal_ctc"], "loss__gamma": [1.0]},
        {"loss": ["entropy_ctc"], "lr": [0.01, 0.02]},
    ]
    search = GridSearchCV(small(max_epochs=5), grid, cv=KFold(2), error_score="raise").fit(*data)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 5
    assert np.isfinite(scores).all()
    assert scores.max() > 0.8
    assert search.score(*data) == search.best_estimator_.score(*data)


def test_loss_search_gives_the_scores_of_grid_search(data):
    grid = {"loss": ["ctc", "focal_ctc"]}
    both = [
        search(quick(), grid, cv=KFold(2)).fit(*data) for search in (GridSearchCV, LossSearchCV)
    ]
    first, second = (each.cv_results_["mean_test_score"] for each in both)
    np.testing.assert_array_equal(first, second)


def test_cross_validation_splits_lists(data):
    assert cross_val_score(small(), *data, cv=2).min() > 0.8


CHECKS = (
    "check_parameters_default_constructible",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_get_params_invariance",
    "check_set_params",
    "check_valid_tag_types",
    "check_estimator_tags_renamed",
    "check_mixin_order",
)


@pytest.mark.parametrize("check", CHECKS)
def test_checks_of_scikit_learn_that_apply(check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(estimator_checks, check)("SequenceTranscriber", SequenceTranscriber())


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_before_a_fit_it_says_so(method, data):
    with pytest.raises(NotFittedError, match="SequenceTranscriber instance is not fitted"):
        getattr(SequenceTranscriber(), method)(data[0])


def test_nested_parameters(data):
    model = small().set_params(loss__label_smoothing=0.2, module__stride=1)
    assert model.get_params()["loss__label_smoothing"] == 0.2
    assert model.get_params()["module__stride"] == 1
    model.fit(*data)
    assert model.loss_ == CTC(label_smoothing=0.2)
    assert len(model.predict_proba(data[0][:1])[0]) == len(data[0][0])


# ---------------------------------------------------------------------- own networks


class Plain(nn.Module):
    """A convolution; its certain blanks can be left out."""

    def __init__(self, n_features, n_outputs, masked=True, wide=0):
        super().__init__()
        self.layer = nn.Conv1d(n_features, n_outputs + wide, 3, padding=1)
        self.masked = masked

    def forward(self, X):
        raw = self.layer((X[..., :-1] * X[..., -1:]).mT).mT
        return certain_blank_where(X[..., -1] == 0, raw) if self.masked else raw


# ---------------------------------------------------------------------- augment


def test_augment_sees_frames_as_they_were_and_padding_stays_padding(data):
    X, y = [(np.round(utterance * 64) + 0.5) / 64 for utterance in data[0]], data[1]
    seen = []

    def loud_behind_the_end(frames):
        seen.append(frames.clone())
        return torch.where(frames == 0, 1e6, frames)

    model = quick(augment=loud_behind_the_end).fit(X, y)
    frames = {row.tobytes() for utterance in X for row in utterance.astype(np.float32)}
    frames.add(np.zeros(4, np.float32).tobytes())
    assert {f.numpy().tobytes() for batch in seen for row in batch for f in row} == frames
    for mine, theirs in zip(
        model.predict_proba(X), quick().fit(X, y).predict_proba(X), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-3)


def test_augment_is_seeded_and_changes_training_alone(data):
    X, y = data

    def masked(frames):
        return frames * (torch.rand(len(frames), frames.shape[1], 1) > 0.2)

    one, same, other = (quick(augment=masked, random_state=seed).fit(X, y) for seed in (0, 0, 1))
    for mine, twin in zip(one.predict_proba(X), same.predict_proba(X), strict=True):
        np.testing.assert_array_equal(mine, twin)
    assert not np.array_equal(one.predict_proba(X)[0], other.predict_proba(X)[0])
    assert not np.array_equal(one.predict_proba(X)[0], quick().fit(X, y).predict_proba(X)[0])
    with pytest.raises(ValueError, match="augment must return a tensor of the shape"):
        quick(augment=lambda frames: frames[:, 1:]).fit(X, y)
    with pytest.raises(ValueError, match="augment to be None or a function .*; got 'mask'"):
        quick(augment="mask").fit(X, y)


# ---------------------------------------------------------------------- the module of a fitted model


@pytest.mark.parametrize("params", [{}, {"n_members": 2}, {"scale_inputs": False}])
@pytest.mark.parametrize("output", ["predict_proba", "predict_log_proba"])
def test_module_of_the_fitted_model_is_the_model(output, params, data, unseen):
    X, _ = unseen
    model = quick(**params).fit(*data)
    module = model.to_module(output)
    lengths = torch.tensor([len(utterance) for utterance in X])
    padded = torch.full((len(X), int(lengths.max()), 4), 99.0, dtype=torch.float64)
    for row, utterance in enumerate(X):
        padded[row, : len(utterance)] = torch.from_numpy(utterance)
    said = module(padded, lengths).numpy()
    for row, expected in enumerate(getattr(model, output)(X)):
        n_frames = module.n_frames_out(len(X[row]))
        assert len(expected) == n_frames
        np.testing.assert_allclose(said[row, :n_frames], expected, rtol=1e-4, atol=1e-6)
        behind = said[row, n_frames:] if output == "predict_proba" else np.exp(said[row, n_frames:])
        np.testing.assert_array_equal(behind, np.tile([1.0, 0, 0, 0], (len(behind), 1)))
    alone = module(torch.from_numpy(X[0])[None])[0].numpy()
    np.testing.assert_allclose(alone, getattr(model, output)(X[:1])[0], rtol=1e-4, atol=1e-6)


def test_module_exports_with_dynamic_rows_and_frames(fitted):
    module = fitted.to_module("raw")
    X = torch.randn(3, 10, 4, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([10, 4, 7])
    rows, frames = torch.export.Dim("rows"), torch.export.Dim("frames", min=6)
    shapes = ({0: rows, 1: frames}, {0: rows})
    exported = torch.export.export(module, (X, lengths), dynamic_shapes=shapes).module()
    more = torch.randn(5, 17, 4, generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([17, 1, 9, 16, 3])
    torch.testing.assert_close(exported(more, lengths), module(more, lengths))
    assert module(more, lengths).shape == (5, 9, 4)


def test_what_a_module_does_not_take_is_named(fitted):
    with pytest.raises(ValueError, match=r"no output='predict' .* 'predict_proba', 'raw'"):
        fitted.to_module("predict")
    with pytest.raises(ValueError, match=r"\(n_samples, n_frames, n_features\); got \(10, 4\)"):
        fitted.to_module()(torch.zeros(10, 4))
    with pytest.raises(NotFittedError):
        small().to_module()


def test_a_network_of_ones_own(data, unseen):
    model = small(module=Plain, module_params=None, max_epochs=20).fit(*data)
    assert model.score(*unseen) > 0.9
    assert len(model.predict_proba(unseen[0][:1])[0]) == len(unseen[0][0])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"masked": False}, "says symbols behind the end of an utterance.*certain_blank_where"),
        ({"wide": 2}, "puts out .* numbers per row, and ctc for .* frames of 4 outputs each needs"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(params, message, data):
    with pytest.raises(ValueError, match=f"module Plain {message}"):
        small(module=Plain, module_params=params).fit(*data)


def test_the_network_for_sequences_belongs_to_the_transcriber():
    with pytest.raises(ValueError, match="belongs to SequenceTranscriber"):
        NeuralClassifier(module="sequence").fit(np.ones((4, 2)), [0, 1, 0, 1])


@dataclass(frozen=True)
class Rooted(TranscriptionLoss):
    """The square root of CTC's."""

    def of_row(self, raw, y, state):
        return (CTC().of_row(raw, y, {"label_smoothing": torch.zeros(1, 1)}) + 1e-3).sqrt()


@pytest.mark.parametrize("loss", [Rooted, Rooted()])
def test_a_loss_of_ones_own_is_a_subclass(loss, data, unseen):
    model = small(loss).fit(*data)
    assert model.loss_ == Rooted()
    assert model.score(*unseen) > 0.9
    assert pickle.loads(pickle.dumps(model)).predict(unseen[0]) == model.predict(unseen[0])


# ---------------------------------------------------------------------- bad input


def test_an_utterance_shorter_than_its_transcript_is_named(data):
    X, y = data
    X, y = [*X, np.ones((4, 4))], [*y, "ab"]
    with pytest.raises(
        ValueError,
        match="1 of 121 utterances are shorter than their transcripts, for example row 120: the network"
        " puts out 2 frames for it, and its transcript takes 3",
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
    with pytest.raises(TypeError, match="y has sequences of labels, and .* trained with strings"):
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
        ({"module": "text"}, "network for other data .* Choose 'sequence', or give a network"),
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
